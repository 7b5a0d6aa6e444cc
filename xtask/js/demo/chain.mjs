// The second part of the demo: an agent calls a Worker, and the Worker calls an API on behalf of
// the user.
import { admin, askForToken, bearer, call, expect, send, show, stats, step } from './script.mjs';
import { facts, remark, request } from './show.mjs';

/** The Worker's client at the issuer. */
export const CLIENT = 'profile-worker';
const TOOL = 'read_profile';
const SCOPE = 'profile:read';

/** @param {string} worker origin of the Worker, @param {string} upstream of the API that it calls */
export async function walkTheChain(worker, upstream, issuer) {
  const resource = `${worker}/mcp`;
  const me = `${upstream}/me`;

  step(
    'An API behind a Worker',
    "Another Worker has a tool that needs an API. Alice's agent has a token for the Worker; the API refuses that token, and should: it is not meant for it.",
  );
  const alice = await askForToken(issuer, { subject: 'alice', scope: 'mcp:tools', resource });
  const foreign = await show(`curl ${me}${bearer(alice)}`, 401, me, { headers: { authorization: `Bearer ${alice}` } });
  expect(foreign.text.includes('meant for another resource'), 'the API refuses it for another reason');

  step(
    'Who the Worker is',
    'So the Worker has to ask the issuer for a token of its own, and to prove who it is. It has a private key and shares no secret: here is the public half, and the issuer is told where to find it.',
  );
  const jwks = `${worker}/.well-known/jwks.json`;
  const published = await show(`curl ${jwks}`, 200, jwks);
  expect(
    JSON.parse(published.text).keys.every((key) => key.x && !('d' in key)),
    'that is not a public key',
  );
  await admin(issuer, 'clients', { client_id: CLIENT, jwks_uri: jwks });

  step(
    'The issuer decides',
    "The agent calls the tool. The Worker sends Alice's token to the issuer, to exchange it for one for the API (RFC 8693). Its policy says no: the tool says so, and the API hears nothing.",
  );
  await admin(issuer, 'policies', { client: CLIENT, resource: upstream, allow: false });
  const refused = await callTool(resource, alice);
  expect(refused.isError === true, 'the tool has an answer all the same');
  const refusal = await lastDecision(issuer);
  expect(refusal.event === 'credentials:refuse' && refusal.subject === 'alice', 'the issuer has not refused');
  expect((await stats(upstream)).accepted === 0, 'the API was called');

  step(
    'The chain',
    "Now the policy says yes, to one scope. The same call again: agent, Worker, exchange, API. The API learns for whom the call is and who acts, and Alice's own token has not left the Worker but to the issuer.",
  );
  await admin(issuer, 'policies', { client: CLIENT, resource: upstream, scopes: [SCOPE] });
  const { structuredContent: profile } = await callTool(resource, alice);
  expect(profile?.subject === 'alice', 'the API does not know for whom the call is');
  expect(profile.actors[0] === CLIENT, 'the API does not know who acts');
  expect(profile.audience.join() === upstream, 'the token is for others as well');

  step(
    "The issuer's books",
    'Every exchange is written down with the whole chain: the user, the application with its proof, and what it got.',
  );
  const issued = await lastDecision(issuer);
  expect(issued.event === 'credentials:issue', 'the issuer has not written it down');
  expect(issued.subject === 'alice' && issued.client_id === CLIENT, 'it has somebody else in its books');
  expect(issued.client_authentication === 'private_key_jwt', "the application's proof is another");

  step('Once more', "The exchanged token is kept for Alice's token, so the next call needs no exchange.");
  const before = await stats(issuer);
  await callTool(resource, alice);
  expect((await stats(issuer)).token_exchange === before.token_exchange, 'there was another exchange');

  step(
    'A token that is no longer good',
    'The API refuses the kept token, as if somebody had revoked it. The Worker drops it, gets another and calls again; the agent sees nothing of that.',
  );
  await admin(upstream, 'reject-next', { count: 1 });
  const again = await callTool(resource, alice);
  expect(again.structuredContent?.subject === 'alice', 'the call was not made again');
  expect((await stats(issuer)).token_exchange === before.token_exchange + 1, 'there was no other exchange');
  const { accepted, refused: invalid, rejected } = await stats(upstream);
  remark(
    `The API has answered ${accepted} calls, refused ${rejected} for the revoked token, and ${invalid} in the first step here.`,
  );
  expect(rejected === 1 && invalid === 1, 'the API has refused other calls');
}

async function callTool(resource, token) {
  const { text } = await call(resource, TOOL, {}, token, 200);
  return JSON.parse(text).result;
}

/** Shows the audit line of the issuer's last decision. */
async function lastDecision(issuer) {
  request(`curl ${issuer}/admin/audit`);
  const last = JSON.parse((await send(`${issuer}/admin/audit`)).text).at(-1);
  facts(last, [
    'event',
    'subject',
    'client_id',
    'client_authentication',
    'actors',
    'resources',
    'scopes',
    'error',
    'reason',
  ]);
  return last;
}
