// As first.js, by the entry that has the token client too.
import { createGate } from 'tollgate';

const { issuer, audience, jwks } = SETTINGS;
const gate = createGate({ resource: audience, issuers: [{ issuer, audiences: [audience], keys: { inline: jwks } }] });

export default gate.protect((request, env, ctx, auth) => new Response(auth.subject));
