// The parts of the npm package that the crate uses, in a shape that wasm-bindgen can call.
//
// worker-build bundles this file, but cannot bundle the package, because its esbuild does not
// handle the component's `.wasm` files. wrangler can, so the Worker's entry file imports the
// package and stores it here for this isolate.

/** The property in which the Worker's entry file stores the npm package. */
const PACKAGE = Symbol.for('tollgate');

export function createGate(options) {
  const { createGate } = globalThis[PACKAGE] ?? {};
  if (typeof createGate !== 'function') {
    const error = new Error(
      'the Worker\'s entry file must register it: import * as tollgate from "tollgate"; globalThis[Symbol.for("tollgate")] = tollgate;',
    );
    error.name = 'PackageError';
    throw error;
  }
  return createGate(options);
}

/**
 * The decision about a request: `{ response }` to send unchanged, or `{ auth, finish }` if it is
 * allowed, with `auth` null on public routes. `finish` adds the package's headers to the handler's
 * response.
 */
export function handle(gate, request, env, ctx) {
  return new Promise((decided, failed) => {
    const guarded = gate.protect(
      (_request, _env, _ctx, auth) =>
        new Promise((send) => {
          decided({
            auth,
            finish(response) {
              send(response);
              return answered;
            },
          });
        }),
    );
    const answered = guarded.fetch(request, env, ctx);
    // After the handler, this has no effect.
    Promise.resolve(answered).then((response) => decided({ response }), failed);
  });
}

// Always a promise: the package returns none if the result is already known.

export async function authenticate(gate, request, env, ctx, scopes) {
  return gate.authenticate(request, env, ctx, { scopes });
}

export async function verify(gate, token, env, ctx, scopes) {
  return gate.verify(token, env, ctx, { scopes });
}

export async function metadata(gate, request, env, ctx) {
  return gate.metadata(request, env, ctx);
}
