// A component that traps fails only the request that it trapped in.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { read, startIssuer } from './support/issuer.mjs';
import { load, packagePath } from './support/package.mjs';

const {
  bare: { createGate, setInstantiate, setModules },
} = await load();
const AUDIENCE = 'https://mcp.example.com';
const EXPORT = 'tollgate:auth/resource-server@0.1.0#[method]';
const CLIENT = 'tollgate:auth/token-exchange@0.1.0#[method]';

const compile = (name) => new WebAssembly.Module(readFileSync(path.join(packagePath, `tollgate-gate.${name}.wasm`)));
setModules({ core: compile('core'), core2: compile('core2'), core3: compile('core3') });

/** Exports that trap at their next call. */
const armed = new Set();
let instances = 0;
let memory;

setInstantiate((module, imports) => {
  const { exports } = new WebAssembly.Instance(module, imports);
  if (!('memory' in exports)) return { exports };
  instances++;
  memory = exports.memory;
  return {
    exports: Object.fromEntries(
      Object.entries(exports).map(([name, value]) => [
        name,
        typeof value !== 'function'
          ? value
          : (...args) => {
              // A real trap, out of the middle of the component: its memory is left as it was then.
              if (armed.delete(name)) return value(...args.map((arg) => (typeof arg === 'bigint' ? arg : 0x7fff_fff0)));
              return value(...args);
            },
      ]),
    ),
  };
});

let issuer;
before(async () => {
  issuer = await startIssuer();
});
after(() => issuer.close());

const gateOf = (options) => createGate({ issuer: issuer.url, audience: AUDIENCE, ...options });
const request = (token) =>
  new Request('https://mcp.example.com/mcp', { headers: { authorization: `Bearer ${token}` } });

test('a trap in gate.decide fails one request and keeps the keys', async (t) => {
  const logged = t.mock.method(console, 'error', () => {});
  const worker = gateOf().protect(() => new Response('ok'));
  const token = await issuer.mint();
  assert.equal((await worker.fetch(request(token))).status, 200);
  const before = { ...issuer.counts };
  armed.add(`${EXPORT}gate.decide`);
  const broken = worker.fetch(request(token));
  assert.equal(broken.status, 500);
  assert.deepEqual(await broken.json(), { error: 'server_error' });
  assert.equal(armed.size, 0);
  assert.ok(
    logged.mock.calls[0].arguments[0].cause instanceof WebAssembly.RuntimeError,
    `${logged.mock.calls[0].arguments[0].cause}`,
  );
  assert.equal((await worker.fetch(request(token))).status, 200);
  assert.deepEqual(issuer.counts, before, 'the keys came along, so nothing is fetched');
});

for (const name of ['gate.authenticate', 'gate.identity', 'gate.verify', 'gate.metadata', 'gate.require-scopes']) {
  test(`a trap in ${name} is a 500 and no exception`, async (t) => {
    t.mock.method(console, 'error', () => {});
    const gate = gateOf();
    const token = await issuer.mint();
    const { auth } = await gate.authenticate(request(await issuer.mint()));
    armed.add(EXPORT + name);
    const call = {
      'gate.authenticate': () => gate.authenticate(request(token)),
      'gate.identity': () => gate.authenticate(request(token)),
      'gate.verify': () => gate.verify(token),
      'gate.metadata': () => gate.metadata(request(token)),
      'gate.require-scopes': () => auth.require('x'),
    }[name];
    const result = await call();
    assert.equal((result.response ?? result).status, 500);
    if ('ok' in result && 'reason' in result) assert.equal(result.reason, 'server-error');
    assert.equal(armed.size, 0);
    assert.equal((await gate.authenticate(request(token))).ok, true);
  });
}

test('a trap in the poll of one request does not affect others', async (t) => {
  t.mock.method(console, 'error', () => {});
  const own = await startIssuer();
  try {
    const release = own.hold();
    const gate = createGate({ issuer: own.url, audience: AUDIENCE });
    const tokens = await Promise.all(Array.from({ length: 10 }, () => own.mint()));
    const results = tokens.map((token) => gate.authenticate(request(token)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    armed.add(`${EXPORT}task.poll`);
    release();
    const settled = await Promise.all(results);
    assert.deepEqual(settled.map(({ ok, response }) => (ok ? 200 : response.status)).sort(), [
      ...Array(9).fill(200),
      500,
    ]);
  } finally {
    await own.close();
  }
});

for (const [name, call] of Object.entries({
  'token-client.get-token': (gate, auth) => gate.exchange(auth, 'https://api.example.com'),
  'token-client.get-own-token': (gate) => gate.ownToken({ resource: 'https://api.example.com' }),
  'token-client.request': (gate) => gate.tokenRequest({ type: 'client-credentials' }),
})) {
  test(`a trap in ${name} costs that call`, async (t) => {
    t.mock.method(console, 'error', () => {});
    const gate = gateOf({ client: { id: 'app', secret: 's' } });
    const { auth } = await gate.verify(await issuer.mint());
    const before = instances;
    armed.add(CLIENT + name);
    await assert.rejects(call(gate, auth), { name: 'Trap' });
    assert.equal(armed.size, 0);
    assert.equal((await call(gate, auth)).tokenType, 'Bearer', 'the identity is good for the new component too');
    assert.equal(instances, before + 1);
  });
}

test('a trap in the poll of one exchange does not affect others', async (t) => {
  t.mock.method(console, 'error', () => {});
  const own = await startIssuer();
  try {
    const gate = createGate({ issuer: own.url, audience: AUDIENCE, client: { id: 'app', secret: 's' } });
    const users = await Promise.all(
      Array.from({ length: 10 }, async (_, i) => (await gate.verify(await own.mint({ sub: `user-${i}` }))).auth),
    );
    const release = own.hold();
    const results = users.map((user) =>
      gate.exchange(user, 'https://api.example.com').then(
        ({ accessToken }) => read(accessToken).sub,
        ({ name }) => name,
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    armed.add(`${CLIENT}task.poll`);
    release();
    const settled = await Promise.all(results);
    assert.equal(settled.filter((result) => result === 'Trap').length, 1);
    for (const [i, result] of settled.entries()) assert.ok(result === 'Trap' || result === `user-${i}`, result);
  } finally {
    await own.close();
  }
});

test('an invalid client is logged once, even after traps', async (t) => {
  const logged = t.mock.method(console, 'error', () => {});
  const gate = gateOf({ client: { id: '' } });
  const token = await issuer.mint();
  await gate.verify(token);
  armed.add(`${EXPORT}gate.verify`);
  assert.equal(gate.verify(token).ok, false);
  assert.equal((await gate.verify(token)).ok, true);
  assert.equal(logged.mock.calls.filter(({ arguments: [text] }) => String(text).includes('client.id')).length, 1);
});

test('a trap while a task is dropped affects no request', async (t) => {
  t.mock.method(console, 'error', () => {});
  const own = await startIssuer();
  try {
    const gate = createGate({ issuer: own.url, audience: AUDIENCE });
    armed.add('tollgate:auth/resource-server@0.1.0#[dtor]task');
    assert.equal((await gate.verify(await own.mint())).ok, true);
    armed.clear();
    assert.equal((await gate.verify(await own.mint())).ok, true);
  } finally {
    await own.close();
  }
});

test('a component that cannot start is a 500 for each request, and is started again', async (t) => {
  t.mock.method(console, 'error', () => {});
  const worker = gateOf().protect(() => new Response('ok'));
  armed.add('tollgate:auth/resource-server@0.1.0#[static]gate.create');
  const before = instances;
  const token = await issuer.mint();
  assert.equal((await worker.fetch(request(token))).status, 500);
  assert.equal((await worker.fetch(request(token))).status, 200);
  assert.equal(instances, before + 2);
});

test('calls do not leak memory of the component', async () => {
  const gate = gateOf({ client: { id: 'app', secret: 's' } });
  const token = await issuer.mint({ sub: 'ü'.repeat(100) });
  const round = async (n) => {
    for (let i = 0; i < n; i++) {
      gate.verify(token);
      gate.verify(`${'€'.repeat(300)}${i}`);
      await gate.exchange(auth, 'https://api.example.com');
      await gate.exchange(auth, 'no url').catch(() => {});
      await gate.authenticate(
        new Request(`https://mcp.example.com/${i % 100}`, {
          headers: { authorization: `Bearer ${token}`, origin: 'https://app.example' },
        }),
      );
    }
  };
  const { auth } = await gate.verify(token);
  await round(2000);
  const before = memory.buffer.byteLength;
  await round(8000);
  assert.equal(memory.buffer.byteLength, before);
});
