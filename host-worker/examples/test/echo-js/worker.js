// A Worker for tests: a gate with the options in the variable `OPTIONS`, and an answer that says
// what the gate said. `../echo-rust` is the same in Rust.

import { env } from "cloudflare:workers";
import { createGate } from "tollgate";

const gate = createGate(JSON.parse(env.OPTIONS));

// With `?require=a%20b`, asks for these scopes as a handler would that has read a body.
export default gate.protect((request, _env, _ctx, auth) => {
  const required = new URL(request.url).searchParams.get("require");
  const refusal = auth !== null && required !== null && auth.require(...required.split(" "));
  return refusal || Response.json({ identity: auth === null ? null : echo(auth) });
});

function echo({ subject = null, clientId = null, scopes, issuer, audience, expiresAt, issuedAt = null, claims, token }) {
  return { subject, clientId, scopes, issuer, audience, expiresAt, issuedAt, claims, token };
}
