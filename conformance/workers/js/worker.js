// The npm package behind the runner: gates by the options that a request names, and a handler that
// answers with the caller's identity and, on `POST /do`, runs the operation in the body with the
// gate's client.
import { createGate } from 'tollgate';
import { keycardWorker } from './keycard.js';
import { perform } from './operation.js';

/** More than there are checks, so that no check's gate is evicted. */
const GATES = 400;

const gates = new Map();

export default {
  fetch(request, env, ctx) {
    const text = request.headers.get('x-conformance-gate') ?? '{}';
    let guarded = gates.get(text);
    if (guarded === undefined) {
      guarded = guard(JSON.parse(text));
      gates.set(text, guarded);
      if (gates.size > GATES) gates.delete(gates.keys().next().value);
    }
    return guarded.fetch(request, env, ctx);
  },
};

function guard(options) {
  if (options.keycard !== undefined) return keycardWorker(options.keycard);
  const gate = createGate(options);
  return gate.protect((request, env, ctx, auth) => {
    if (new URL(request.url).pathname === '/do') return perform(gate, auth, request, env, ctx);
    if (auth === null) return Response.json({ public: true });
    return Response.json({ ...auth, claims: auth.claims, token: auth.token });
  });
}
