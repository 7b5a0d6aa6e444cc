// The first request of an isolate, keys preset, by the entry that only verifies, as jose does here.
import { createGate } from 'tollgate/verifier';

const { issuer, audience, jwks } = SETTINGS;
const gate = createGate({ resource: audience, issuers: [{ issuer, audiences: [audience], keys: { inline: jwks } }] });

export default gate.protect((request, env, ctx, auth) => new Response(auth.subject));
