// The npm package behind the runner: gates by the options that a request names, and a handler
// that answers with the identity it was given.
import { createGate } from 'tollgate';

/** More than there are checks: a check whose gate is thrown out would begin again. */
const GATES = 200;

const gates = new Map();

export default {
  fetch(request, env, ctx) {
    const options = request.headers.get('x-conformance-gate') ?? '{}';
    let guarded = gates.get(options);
    if (guarded === undefined) {
      guarded = createGate(JSON.parse(options)).protect(echo);
      gates.set(options, guarded);
      if (gates.size > GATES) gates.delete(gates.keys().next().value);
    }
    return guarded.fetch(request, env, ctx);
  },
};

function echo(request, env, ctx, auth) {
  if (auth === null) return Response.json({ public: true });
  return Response.json({ ...auth, claims: auth.claims, token: auth.token });
}
