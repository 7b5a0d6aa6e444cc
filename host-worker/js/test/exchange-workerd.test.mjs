// The client in real workerd.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { read, startIssuer } from './support/issuer.mjs';
import { TROUBLES } from './support/troubles.mjs';
import { startUpstream } from './support/upstream.mjs';
import { bundle, run } from './support/workerd.mjs';

const AUDIENCE = 'https://mcp.example.com';

let dist;
before(async () => {
  dist = await bundle(undefined, {
    'src/index.js': await readFile(path.join(import.meta.dirname, 'fixtures/client.js'), 'utf8'),
  });
});
after(() => rm(path.dirname(dist), { recursive: true, force: true }));

/** An issuer, an API and a Worker between them, all of this test alone. */
async function start(t, { client = {}, bindings = {}, flags } = {}) {
  const [issuer, upstream] = await Promise.all([startIssuer(), startUpstream()]);
  t.after(() => Promise.all([issuer.close(), upstream.close()]));
  const worker = await run(
    t,
    dist,
    {
      TOLLGATE_ISSUER: issuer.url,
      TOLLGATE_AUDIENCE: AUDIENCE,
      TOLLGATE_CLIENT_ID: 'app',
      TOLLGATE_CLIENT_SECRET: 's3cret',
      API: upstream.url,
      OPTIONS: JSON.stringify({ client }),
      ...bindings,
    },
    flags,
  );
  const as = async (pathname = '/', { sub = 'ada', ...init } = {}) =>
    worker.fetch(pathname, {
      ...init,
      headers: { authorization: `Bearer ${await issuer.mint({ sub })}`, ...init.headers },
    });
  return { issuer, upstream, worker, as };
}

/** Sends a request that can be cancelled: Miniflare's dispatcher cannot close its connection. */
function leave(url, pathname, token) {
  let give;
  const body = new Promise((resolve) => {
    const request = http.get(
      new URL(pathname, url),
      { agent: false, headers: { authorization: `Bearer ${token}` } },
      async (response) => {
        resolve(Buffer.concat(await response.toArray()).toString());
      },
    );
    request.on('error', () => resolve('gone'));
    give = () => request.destroy();
  });
  return { body, give };
}

test('repeated calls on behalf of a user make one exchange', async (t) => {
  const { issuer, upstream, worker } = await start(t);
  const authorization = `Bearer ${await issuer.mint()}`;
  for (let i = 0; i < 3; i++) {
    const answer = await worker.fetch('/call', {
      method: 'POST',
      body: `body ${i}`,
      headers: { authorization, 'x-trace': '7' },
    });
    const { as, method, body } = await answer.json();
    assert.deepEqual([as.sub, as.resource, method, body], ['ada', [upstream.url], 'POST', `body ${i}`]);
  }
  assert.equal(issuer.counts.token, 1);
  assert.deepEqual(
    upstream.calls.map(({ headers }) => [headers['x-trace'], headers.authorization === authorization]),
    Array(3).fill(['7', false]),
  );
  assert.ok(!worker.logs.join('').match(/clone|tee/i), worker.logs.join(''));
});

test('a 401 causes one more exchange and call; a second one is passed on', async (t) => {
  const { issuer, upstream, as } = await start(t);
  upstream.answer((_request, response, n) => response.writeHead(n === 1 ? 401 : 200).end('answer'));
  const answer = await as('/call', { method: 'POST', body: 'the body' });
  assert.equal(await answer.text(), 'answer');
  assert.deepEqual(
    upstream.calls.map(({ body }) => body),
    ['the body', 'the body'],
  );
  assert.notEqual(upstream.calls[0].headers.authorization, upstream.calls[1].headers.authorization);
  assert.equal(issuer.counts.token, 2);
  upstream.answer((_request, response) => response.writeHead(401).end());
  assert.equal((await as('/call')).status, 401);
  assert.equal(upstream.calls.length, 4);
});

test('redirects come back, and other origins get nothing', async (t) => {
  const { issuer, upstream, as } = await start(t);
  upstream.answer((_request, response) => response.writeHead(302, { location: '/elsewhere' }).end());
  assert.equal((await as('/call', { redirect: 'manual' })).status, 302);
  assert.deepEqual(
    upstream.calls.map(({ url }) => url),
    ['/called'],
  );
  assert.equal((await as('/call-elsewhere?url=https://evil.example/')).status, 500);
  assert.equal(issuer.counts.token, 1);
});

test('100 concurrent calls for one user make one exchange', async (t) => {
  const { issuer, worker } = await start(t);
  const headers = { authorization: `Bearer ${await issuer.mint()}` };
  const tokens = await Promise.all(
    Array.from({ length: 100 }, async () => (await worker.fetch('/', { headers })).text()),
  );
  assert.equal(new Set(tokens).size, 1);
  assert.equal(read(tokens[0]).sub, 'ada');
  assert.deepEqual(issuer.counts, { discovery: 1, jwks: 1, token: 1 });
});

test('1,000 concurrent users make 1,000 exchanges, never mixed, within the limits of the cache', async (t) => {
  const { issuer, as } = await start(t, { client: { cache: { maxEntries: 500 } } });
  await as('/own');
  const users = Array.from({ length: 1000 }, (_, i) => `user-${i}`);
  const subjects = await Promise.all(users.map(async (sub) => read(await (await as('/', { sub })).text()).sub));
  assert.deepEqual(subjects, users);
  assert.equal(issuer.counts.token, 1001);
  assert.equal(await (await as('/size')).json(), 500);
});

for (const [name, pathname, flags] of [
  ['with ctx', '/', []],
  ['without ctx', '/without-ctx', []],
  ['without ctx, with request signals', '/without-ctx', ['enable_request_signal']],
]) {
  test(`half of the clients leave in the middle of an exchange, ${name}`, async (t) => {
    const { issuer, worker, as } = await start(t, { flags });
    await as('/own'); // keys and metadata are there
    const token = await issuer.mint();
    const release = issuer.hold();
    const before = issuer.counts.token;
    const clients = [];
    for (let i = 0; i < 40; i++) {
      clients.push(leave(worker.url, pathname, token));
      // The first client starts the request, and disconnects.
      if (i === 0) while (issuer.counts.token === before) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (let i = 0; i < 40; i += 2) clients[i].give();
    await new Promise((resolve) => setTimeout(resolve, 100));
    release();
    const begun = performance.now();
    const bodies = await Promise.all(clients.map(({ body }) => body));
    assert.ok(performance.now() - begun < 5000);
    assert.deepEqual(
      bodies.map((body) => (body === 'gone' ? body : read(body).sub)),
      bodies.map((_, i) => (i % 2 === 0 ? 'gone' : 'ada')),
    );
    assert.ok(issuer.counts.token <= before + (name === 'with ctx' ? 1 : 2), JSON.stringify(issuer.counts));
  });
}

test('every failure of the token endpoint is a typed error, and temporary', async (t) => {
  const { issuer, as } = await start(t, { client: { timeoutMs: 500 } });
  for (const [name, { answer, expected }] of Object.entries(TROUBLES)) {
    issuer.answer('token', answer);
    const begun = performance.now();
    const refused = await as();
    assert.equal(refused.headers.get('x-kind'), expected, name);
    assert.ok([502, 503, 504].includes(refused.status) && performance.now() - begun < 3000, name);
    issuer.answer('token', undefined);
    assert.equal(read(await (await as()).text()).sub, 'ada', name);
  }
});

test('an endpoint that is down', async (t) => {
  const { as } = await start(t, { client: { tokenEndpoint: 'http://127.0.0.1:9/token' } });
  assert.equal((await as()).headers.get('x-kind'), 'unreachable');
});

test('nothing secret is printed', async (t) => {
  const { worker, as } = await start(t);
  const { enumerable, frozen, accessToken } = await (await as('/logs')).json();
  assert.deepEqual([enumerable, frozen], [['tokenType', 'issuedTokenType', 'expiresAt', 'scopes'], true]);
  const logs = worker.logs.join('');
  assert.match(logs, /Token.*Bearer/s);
  assert.match(logs, /TokenError/);
  for (const secret of [accessToken.slice(0, 20), 's3cret']) assert.ok(!logs.includes(secret), logs);
});

for (const [algorithm, type, parameters] of [
  ['RS256', 'rsa', { modulusLength: 2048 }],
  ['ES256', 'ec', { namedCurve: 'P-256' }],
]) {
  test(`private_key_jwt with ${algorithm}, checked against the keys that the Worker publishes`, async (t) => {
    const key = generateKeyPairSync(type, parameters)
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .replaceAll('\n', '\\n');
    const { issuer, worker, as } = await start(t, {
      bindings: { TOLLGATE_CLIENT_SECRET: '', TOLLGATE_PRIVATE_KEY: key },
    });
    assert.equal(read(await (await as()).text()).sub, 'ada');
    const {
      client_assertion: [assertion],
    } = issuer.requests[0].form;
    const keys = await (await worker.fetch('/.well-known/jwks.json')).json();
    const { payload } = await jwtVerify(assertion, createLocalJWKSet(keys), {
      issuer: 'app',
      subject: 'app',
      audience: issuer.url,
      algorithms: [algorithm],
    });
    assert.ok(payload.jti);
  });
}

test('a broken key is in the log once, and the gate works', async (t) => {
  const { worker, as } = await start(t, {
    bindings: { TOLLGATE_PRIVATE_KEY: '-----BEGIN PRIVATE KEY-----\\nMIIBROKEN' },
  });
  for (let i = 0; i < 2; i++) assert.equal((await as()).headers.get('x-kind'), 'configuration');
  assert.equal((await worker.fetch('/.well-known/oauth-protected-resource')).status, 200);
  const logs = worker.logs.join('');
  assert.equal(logs.match(/TOLLGATE_PRIVATE_KEY/g).length, 1, logs);
  assert.ok(!logs.includes('MIIBROKEN'));
});
