// Calls of another API with an exchanged token.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { read, startIssuer } from './support/issuer.mjs';
import { load } from './support/package.mjs';
import { startUpstream } from './support/upstream.mjs';

const {
  main: { createGate, TokenError },
} = await load();
const AUDIENCE = 'https://mcp.example.com';

let issuer;
let upstream;
before(async () => {
  [issuer, upstream] = await Promise.all([startIssuer(), startUpstream()]);
});
afterEach(() => {
  upstream.calls.length = 0;
  upstream.answer();
});
after(() => Promise.all([issuer.close(), upstream.close()]));

async function start(client = {}) {
  const gate = createGate({ issuer: issuer.url, audience: AUDIENCE, client: { id: 'app', secret: 's', ...client } });
  return { gate, auth: (await gate.verify(await issuer.mint())).auth };
}

const unauthorized = (_request, response) =>
  response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end('no');

test('the call has its own token, and everything else unchanged', async () => {
  const { gate, auth } = await start();
  const response = await gate.fetchAs(auth, upstream.url, `${upstream.url}/cars?color=red#part`, {
    method: 'POST',
    headers: { authorization: 'Bearer mine', 'x-trace': '7', 'content-type': 'text/plain' },
    body: 'hello',
  });
  const { as, method, body } = await response.json();
  assert.deepEqual([as.sub, as.resource, method, body], ['ada', [upstream.url], 'POST', 'hello']);
  const [{ url, headers }] = upstream.calls;
  assert.equal(url, '/cars?color=red');
  assert.equal(headers['x-trace'], '7');
  assert.equal(headers['content-type'], 'text/plain');
  assert.ok(!headers.authorization.includes('mine') && !headers.authorization.includes(auth.token));
  const request = new Request(`${upstream.url}/other`, { method: 'PUT', body: 'x', headers: { 'x-trace': '8' } });
  assert.equal(
    (await (await gate.fetchAs(auth, upstream.url, request, { headers: { 'x-trace': '9' } })).json()).body,
    'x',
  );
  assert.equal(upstream.calls[1].headers['x-trace'], '9', 'init wins, as with fetch');
  assert.equal((await gate.fetchAs(auth, upstream.url, new URL(upstream.url))).status, 200);
});

for (const [name, body] of [
  ['text', () => 'the body'],
  ['a stream', () => new Blob(['the ', 'body']).stream()],
]) {
  test(`after a 401 the call is made once more, with a fresh token and its body: ${name}`, async () => {
    const { gate, auth } = await start();
    const first = await gate.exchange(auth, upstream.url);
    upstream.answer((request, response, n) => (n === 1 ? unauthorized(request, response) : response.end('done')));
    const response = await gate.fetchAs(auth, upstream.url, upstream.url, {
      method: 'POST',
      body: body(),
      duplex: 'half',
    });
    assert.equal(await response.text(), 'done');
    assert.deepEqual(
      upstream.calls.map((call) => call.body),
      ['the body', 'the body'],
    );
    const [one, two] = upstream.calls.map((call) => call.headers.authorization);
    assert.equal(one, `Bearer ${first.accessToken}`);
    assert.notEqual(one, two);
    assert.equal(`Bearer ${(await gate.exchange(auth, upstream.url)).accessToken}`, two, 'the fresh one is kept');
  });
}

test('a second 401 is the caller’s', async () => {
  const { gate, auth } = await start();
  upstream.answer(unauthorized);
  const response = await gate.fetchAs(auth, upstream.url, upstream.url);
  assert.equal(response.status, 401);
  assert.equal(await response.text(), 'no');
  assert.equal(upstream.calls.length, 2);
});

test('other refusals are passed on at once', async () => {
  const { gate, auth } = await start();
  for (const status of [400, 403, 500]) {
    upstream.answer((_request, response) => response.writeHead(status).end());
    assert.equal((await gate.fetchAs(auth, upstream.url, upstream.url)).status, status);
  }
  assert.equal(upstream.calls.length, 3);
});

test('the body of the first response is cancelled', async () => {
  const { gate, auth } = await start();
  const cancelled = [];
  const answers = [401, 200].map(
    (status) => new Response(new ReadableStream({ cancel: () => cancelled.push(status) }), { status }),
  );
  const requests = [];
  const response = await gate.fetchAs(auth, upstream.url, upstream.url, undefined, {
    fetch: async (request) => {
      requests.push(request);
      return answers.shift();
    },
  });
  assert.equal(response.status, 200);
  assert.deepEqual(cancelled, [401]);
  assert.deepEqual(
    requests.map(({ redirect }) => redirect),
    ['manual', 'manual'],
  );
});

test('a redirect is returned, not followed', async () => {
  const { gate, auth } = await start();
  upstream.answer((_request, response) => response.writeHead(307, { location: '/elsewhere' }).end());
  for (const redirect of [undefined, 'follow']) {
    const response = await gate.fetchAs(auth, upstream.url, upstream.url, { redirect });
    assert.equal(response.status, 307);
    assert.equal(response.headers.get('location'), '/elsewhere');
  }
  assert.deepEqual(
    upstream.calls.map(({ url }) => url),
    ['/', '/'],
  );
});

test('a token is sent only to its resource and to configured destinations', async () => {
  const { gate, auth } = await start();
  const before = issuer.counts.token;
  for (const url of [
    'https://evil.example/',
    'http://api.example.com/',
    upstream.url.replace('127.0.0.1', 'localhost'),
    'https://api.example.com.evil.example/',
  ]) {
    await assert.rejects(
      gate.fetchAs(auth, ['https://api.example.com', upstream.url], url),
      (error) => error instanceof TokenError && error.kind === 'forbidden-destination',
    );
  }
  await assert.rejects(gate.fetchAs(auth, 'urn:cars', upstream.url), TokenError);
  assert.equal(issuer.counts.token, before, 'nothing was asked for');
  assert.equal(upstream.calls.length, 0);
  const allowing = await start({ destinations: [upstream.url] });
  assert.equal((await allowing.gate.fetchAs(allowing.auth, 'urn:cars', upstream.url)).status, 200);
});

test('the request’s own signal ends it', async () => {
  const { gate, auth } = await start();
  upstream.answer(() => {});
  const leaving = new AbortController();
  const call = gate.fetchAs(auth, upstream.url, upstream.url, { signal: leaving.signal });
  setTimeout(() => leaving.abort(), 100);
  await assert.rejects(call, { name: 'AbortError' });
});

test('exceptions of fetch are passed on, and the token stays cached', async () => {
  const { gate, auth } = await start();
  await assert.rejects(
    gate.fetchAs(auth, 'http://127.0.0.1:9', 'http://127.0.0.1:9/'),
    (error) => !(error instanceof TokenError),
  );
  assert.equal(read((await gate.exchange(auth, 'http://127.0.0.1:9')).accessToken).sub, 'ada');
  await assert.rejects(gate.fetchAs(auth, upstream.url, 'no url'), TypeError);
});
