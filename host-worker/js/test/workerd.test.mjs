// The package in real workerd, bundled by wrangler as a user's Worker is.
import assert from 'node:assert/strict';
import { readFile, readdir, rm } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { startIssuer } from './support/issuer.mjs';
import { bundle, run } from './support/workerd.mjs';

const AUDIENCE = 'https://mcp.example.com';
const OPTIONS = { routes: [{ path: '/health', public: true }], scopeHierarchy: { 'mcp:admin': ['mcp:tools'] } };

let issuer;
let dist;
before(async () => {
  issuer = await startIssuer();
  dist = await bundle(undefined, {
    'src/index.js': await readFile(path.join(import.meta.dirname, 'fixtures/worker.js'), 'utf8'),
  });
});
after(async () => {
  await issuer.close();
  await rm(path.dirname(dist), { recursive: true, force: true });
});

const start = (t, { options = OPTIONS, bindings = {}, flags } = {}) =>
  run(
    t,
    dist,
    { TOLLGATE_ISSUER: issuer.url, TOLLGATE_AUDIENCE: AUDIENCE, OPTIONS: JSON.stringify(options), ...bindings },
    flags,
  );

const bearer = (token, headers) => ({ headers: { authorization: `Bearer ${token}`, ...headers } });

test('a request through the gate, settings from env', async (t) => {
  const worker = await start(t);
  const none = await worker.fetch('/whoami');
  assert.equal(none.status, 401);
  assert.match(
    none.headers.get('www-authenticate'),
    /resource_metadata="https:\/\/mcp\.example\.com\/\.well-known\/oauth-protected-resource\/whoami"/,
  );
  const token = await issuer.mint({ secret: 'not-for-logs' });
  const answer = await worker.fetch('/whoami', bearer(token, { origin: 'https://app.example' }));
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('access-control-allow-origin'), '*');
  const body = await answer.json();
  assert.equal(body.subject, 'ada');
  assert.equal(body.token, token);
  assert.equal(body.claims.secret, 'not-for-logs');
  assert.deepEqual(body.enumerable, [
    'subject',
    'clientId',
    'scopes',
    'issuer',
    'audience',
    'expiresAt',
    'issuedAt',
    'actors',
  ]);
  assert.equal(body.frozen, true);
  assert.equal((await worker.fetch('/admin', bearer(token))).status, 403);
  assert.equal(await (await worker.fetch('/admin', bearer(await issuer.mint({ scope: 'mcp:admin' })))).text(), 'admin');
  assert.deepEqual(await (await worker.fetch('/health')).json(), { auth: null });
  assert.equal(await (await worker.fetch('/sync', bearer(token))).text(), 'value');
  assert.deepEqual(await (await worker.fetch('/refusals')).json(), ['credentials-missing']);
  const metadata = await (await worker.fetch('/.well-known/oauth-protected-resource')).json();
  assert.deepEqual(metadata.authorization_servers, [issuer.url]);
  const logs = worker.logs.join('');
  assert.match(logs, /identity .*ada/s);
  assert.ok(!logs.includes(token.slice(0, 20)) && !logs.includes('not-for-logs'), logs);
});

test('responses are kept and get the headers', async (t) => {
  const worker = await start(t, { bindings: { ORIGIN: `${issuer.url}/jwks` } });
  const init = { ...bearer(await issuer.mint(), { origin: 'https://app.example' }), redirect: 'manual' };
  const redirect = await worker.fetch('/redirect', init);
  assert.equal(redirect.status, 302);
  assert.equal(redirect.headers.get('access-control-allow-origin'), '*');
  const proxied = await worker.fetch('/proxied', init);
  assert.equal(proxied.headers.get('access-control-allow-origin'), '*');
  assert.equal((await proxied.json()).keys.length, 1);
  const own = await worker.fetch('/own-headers', init);
  assert.equal(own.headers.get('access-control-allow-origin'), '*');
  assert.match(own.headers.get('access-control-expose-headers'), /mcp-session-id.*www-authenticate/i);
});

test('a WebSocket passes', async (t) => {
  const worker = await start(t);
  const token = await issuer.mint();
  assert.equal((await worker.fetch('/websocket', { headers: { upgrade: 'websocket' } })).status, 401);
  const { status, webSocket } = await worker.fetch(
    '/websocket',
    bearer(token, { upgrade: 'websocket', origin: 'https://app.example' }),
  );
  assert.equal(status, 101);
  webSocket.accept();
  const answer = new Promise((resolve) => webSocket.addEventListener('message', ({ data }) => resolve(data)));
  webSocket.send('hello');
  assert.equal(await answer, 'ada: hello');
  webSocket.close();
});

test('a wrong setting answers 500 without details, and logs the message', async (t) => {
  const worker = await start(t, { bindings: { TOLLGATE_ISUER: 'x' } });
  const answer = await worker.fetch('/mcp');
  assert.equal(answer.status, 500);
  assert.deepEqual(await answer.json(), { error: 'server_error' });
  assert.match(worker.logs.join(''), /tollgate: .*TOLLGATE_ISUER/);
});

test('an exception of the handler is passed on', async (t) => {
  const worker = await start(t);
  const answer = await worker.fetch('/throws', bearer(await issuer.mint())).then(
    (response) => response.text(),
    (error) => error.message,
  );
  assert.match(answer, /the handler failed/);
});

/** Sends a request that can be cancelled: Miniflare's dispatcher cannot close its connection. */
function leave(url, pathname, token) {
  let give;
  const status = new Promise((resolve) => {
    const request = http.get(
      new URL(pathname, url),
      { agent: false, headers: { authorization: `Bearer ${token}` } },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode));
      },
    );
    request.on('error', () => resolve('gone'));
    give = () => request.destroy();
  });
  return { status, give };
}

for (const [name, pathname, flags] of [
  ['with ctx', '/mcp', []],
  ['without ctx', '/without-ctx', []],
  ['without ctx, with request signals', '/without-ctx', ['enable_request_signal']],
]) {
  test(`100 cold requests at once, half of the clients gone in the middle, ${name}`, async (t) => {
    const own = await startIssuer();
    t.after(() => own.close());
    const release = own.hold();
    const worker = await start(t, { bindings: { TOLLGATE_ISSUER: own.url }, flags });
    const tokens = await Promise.all(Array.from({ length: 100 }, () => own.mint()));
    const clients = [];
    // The first client starts the fetch, and disconnects.
    for (const [i, token] of tokens.entries()) {
      clients.push(leave(worker.url, pathname, token));
      if (i === 0) while (own.counts.discovery === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (let i = 0; i < 100; i += 2) clients[i].give();
    await new Promise((resolve) => setTimeout(resolve, 100));
    release();
    const begun = performance.now();
    const statuses = await Promise.all(clients.map(({ status }) => status));
    assert.deepEqual(
      statuses,
      statuses.map((_, i) => (i % 2 === 0 ? 'gone' : 200)),
    );
    assert.ok(performance.now() - begun < 5000);
    // A second one may have taken over what the first had begun; nobody else asks.
    assert.ok(own.counts.discovery <= 2 && own.counts.jwks === 1, JSON.stringify(own.counts));
    if (name === 'with ctx') assert.deepEqual(own.counts, { discovery: 1, jwks: 1, token: 0 });
  });
}

test('100 concurrent cold requests make one discovery and one fetch of keys', async (t) => {
  const own = await startIssuer();
  t.after(() => own.close());
  const worker = await start(t, { bindings: { TOLLGATE_ISSUER: own.url } });
  const answers = await Promise.all(
    Array.from({ length: 100 }, async () => (await worker.fetch('/mcp', bearer(await own.mint()))).status),
  );
  assert.deepEqual(answers, Array(100).fill(200));
  assert.deepEqual(own.counts, { discovery: 1, jwks: 1, token: 0 });
});

test('an issuer that never answers is a 503 after the timeout', async (t) => {
  const own = await startIssuer();
  t.after(() => own.close());
  own.answer('jwks', () => {});
  const worker = await start(t, { bindings: { TOLLGATE_ISSUER: own.url }, options: { keys: { timeoutMs: 300 } } });
  const answer = await worker.fetch('/mcp', bearer(await own.mint()));
  assert.equal(answer.status, 503);
  assert.ok(Number(answer.headers.get('retry-after')) > 0);
});

test('stale keys are used while they are refreshed after the response', async (t) => {
  const own = await startIssuer();
  t.after(() => own.close());
  own.answer('jwks', (_request, response) =>
    response.writeHead(200, { 'cache-control': 'max-age=0' }).end(JSON.stringify(own.jwks)),
  );
  const worker = await start(t, {
    bindings: { TOLLGATE_ISSUER: own.url },
    options: { keys: { minFresh: 1, maxFresh: 1, cooldown: 1 } },
  });
  assert.equal((await worker.fetch('/mcp', bearer(await own.mint()))).status, 200);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  assert.equal((await worker.fetch('/mcp', bearer(await own.mint()))).status, 200);
  const until = performance.now() + 3000;
  while (own.counts.jwks < 2 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(own.counts.jwks, 2);
});

test('a Worker ships the modules of its entry, and no others', async (t) => {
  const modules = async (folder) =>
    (await readdir(folder)).flatMap((name) => /(tollgate-.*)\.wasm$/.exec(name)?.[1] ?? []).sort();
  const of = (component) => ['core', 'core2', 'core3'].map((part) => `tollgate-${component}.${part}`);
  assert.deepEqual(await modules(dist), of('gate'));
  const small = await bundle(t, {
    'src/index.js':
      "import { createGate } from 'tollgate/verifier'; export default createGate().protect((request, env, ctx, auth) => new Response(auth.subject));",
  });
  assert.deepEqual(await modules(small), of('verifier'));
  const worker = await run(t, small, { TOLLGATE_ISSUER: issuer.url, TOLLGATE_AUDIENCE: AUDIENCE });
  assert.equal(await (await worker.fetch('/mcp', bearer(await issuer.mint()))).text(), 'ada');
  assert.equal((await worker.fetch('/mcp')).status, 401);
});
