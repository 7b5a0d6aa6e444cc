// What the crate needs of the npm package, in the shape that wasm-bindgen can call.
//
// worker-build bundles this file, and cannot bundle the package: its esbuild has no place for the
// component's `.wasm` files. wrangler can, so the Worker's entry file imports the package and
// leaves it here for the same isolate to find.

/** Where the Worker's entry file leaves the npm package. */
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
 * The decision about a request: `{ response }` to send as it stands, or `{ auth, finish }` where it
 * may go on, with `auth` null on public routes. `finish` takes the handler's response and gives it
 * back as the package would send it.
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
    // After a handler this comes too late to count.
    Promise.resolve(answered).then((response) => decided({ response }), failed);
  });
}

// A promise whatever the package gives, which is none where the answer is known.

export async function authenticate(gate, request, env, ctx, scopes) {
  return gate.authenticate(request, env, ctx, { scopes });
}

export async function verify(gate, token, env, ctx, scopes) {
  return gate.verify(token, env, ctx, { scopes });
}

export async function metadata(gate, request, env, ctx) {
  return gate.metadata(request, env, ctx);
}
