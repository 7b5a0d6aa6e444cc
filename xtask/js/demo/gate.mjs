// The first part of the demo: an MCP server behind the gate, from the 401 with the metadata URL to
// the recovery from an outage of the issuer.
import { setTimeout as sleep } from 'node:timers/promises';
import { admin, askForToken, call, expect, send, show, stats, step, toolCall } from './script.mjs';
import { answer, remark } from './show.mjs';

const challenge = (got) => got.headers.get('www-authenticate') ?? '';

/** The token with another `scope` in it, and the old signature. */
function withScope(token, scope) {
  const [header, payload, signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const forged = Buffer.from(JSON.stringify({ ...claims, scope })).toString('base64url');
  return [header, forged, signature].join('.');
}

/** @param {string} server origin of the MCP server */
export async function walkTheGate(server, issuer) {
  const resource = `${server}/mcp`;
  const token = (scope) => askForToken(issuer, { scope, resource });

  step('No token', 'The server refuses, and the challenge tells a client where to learn how to do better.');
  const refused = await call(resource, 'whoami', {}, undefined, 401);
  const found = /resource_metadata="([^"]+)"/.exec(challenge(refused));
  expect(found !== null, 'the challenge names no resource_metadata');
  expect(!challenge(refused).includes('error='), 'there is an error although no credentials came');

  step(
    "The resource's metadata",
    'A client follows the challenge (RFC 9728) and finds who issues tokens for this server.',
  );
  const metadata = await show(`curl ${found[1]}`, 200, found[1]);
  const document = JSON.parse(metadata.text);
  expect(document.resource === resource, `the resource is ${document.resource}`);
  expect(document.authorization_servers?.[0] === issuer, 'it names another issuer');

  step("The issuer's metadata", 'The issuer (RFC 8414) says where its token endpoint and its keys are.');
  const wellKnown = `${issuer}/.well-known/oauth-authorization-server`;
  const about = await show(`curl ${wellKnown}`, 200, wellKnown);
  expect(JSON.parse(about.text).issuer === issuer, 'it calls itself by another name');

  step('A token', 'The client asks for a token that is good for this resource only (RFC 8707), with one scope.');
  const reading = await token('mcp:read');

  step('A tool call', "The component fetches the issuer's keys once, checks the token, and the tool knows who calls.");
  const called = await call(resource, 'whoami', {}, reading, 200);
  expect(called.text.includes('"subject":"demo"'), 'the tool does not know who calls');
  const first = await fetches(issuer);
  expect(first.jwks === 1, `the keys were fetched ${first.jwks} times and not once`);

  step(
    'A scope is missing',
    '403 and not 401: the token is good, but not for this. The challenge names all scopes that this tool needs.',
  );
  const missing = await call(resource, 'add_note', { text: 'hello' }, reading, 403);
  expect(challenge(missing).includes('error="insufficient_scope"'), 'the challenge gives another error');
  expect(challenge(missing).includes('scope="mcp:read mcp:write"'), 'the challenge does not name the scopes');

  step('With the scope', 'The client asks for what the challenge named, and repeats the call.');
  const writing = await token('mcp:read mcp:write');
  const added = await call(resource, 'add_note', { text: 'hello' }, writing, 200);
  expect(added.text.includes('"text":"hello"'), 'the note was not added');

  step(
    'Key rotation',
    'The issuer signs with a new key. The server meets a key that it does not know, and fetches the keys once more; nothing is restarted.',
  );
  await admin(issuer, 'rotate', {});
  const rotated = await token('mcp:read');
  await call(resource, 'whoami', {}, rotated, 200);
  const second = await fetches(issuer);
  expect(second.jwks === first.jwks + 1, `the keys were fetched ${second.jwks} times and not twice`);

  step(
    'A tampered token',
    'I write myself the scope mcp:admin into the token that I have. The signature no longer holds.',
  );
  const tampered = await call(resource, 'whoami', {}, withScope(reading, 'mcp:read mcp:admin'), 401);
  expect(challenge(tampered).includes('error="invalid_token"'), 'the challenge gives another error');

  step(
    'The issuer is down',
    'Its keys and metadata cannot be fetched, and those that the server has become stale. It goes on with them. (To keep this short, keys are fresh for 3 seconds here, and not for a minute or more.)',
  );
  await admin(issuer, 'outage', { mode: 'down', endpoints: ['discovery', 'jwks'] });
  const calls = await callUntilRefreshFails(resource, issuer, rotated);
  remark(`${calls} calls since, all answered with 200; meanwhile the server asked for new keys, in vain.`);
  await call(resource, 'whoami', {}, rotated, 200);

  step(
    'A key that nobody can check',
    'The issuer has rotated again, and the new key cannot be fetched. “I cannot check” is not “your token is bad”: 503, and when to come back.',
  );
  await admin(issuer, 'rotate', {});
  const unchecked = await token('mcp:read');
  const later = await call(resource, 'whoami', {}, unchecked, 503);
  const seconds = Number(later.headers.get('retry-after'));
  expect(seconds > 0 && seconds < 120, 'Retry-After does not say when to come back');

  step('The issuer is back', 'The client comes back when it was told to. The same token is good now.');
  await admin(issuer, 'outage', { mode: 'off' });
  remark(`waiting ${seconds} s, as Retry-After says`);
  await sleep(seconds * 1000 + 200);
  await call(resource, 'whoami', {}, unchecked, 200);
}

/** Calls until the server has tried to fetch keys that it cannot get. */
async function callUntilRefreshFails(resource, issuer, token) {
  const before = await fetches(issuer);
  for (let calls = 1; calls <= 60; calls += 1) {
    const got = await send(resource, toolCall('whoami', {}, token));
    if (got.status !== 200) answer(got);
    expect(got.status === 200, `a call while the issuer is down is answered with ${got.status}`);
    const now = await fetches(issuer);
    if (now.jwks + now.discovery > before.jwks + before.discovery) return calls;
    await sleep(250);
  }
  expect(false, 'the keys never became stale');
}

async function fetches(issuer) {
  const { discovery, jwks } = await stats(issuer);
  return { discovery, jwks };
}
