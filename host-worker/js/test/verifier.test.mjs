// The entry for applications that verify tokens and request none.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { startIssuer } from './support/issuer.mjs';
import { load, packagePath } from './support/package.mjs';

const { main, verifier } = await load();
const AUDIENCE = 'https://mcp.example.com';

let issuer;
before(async () => {
  issuer = await startIssuer();
});
after(() => issuer.close());

const gateOf = (options) => verifier.createGate({ issuer: issuer.url, audience: AUDIENCE, ...options });

const request = (token, target = '/mcp') =>
  new Request(`${AUDIENCE}${target}`, { headers: token && { authorization: `Bearer ${token}` } });

test('it verifies tokens', async () => {
  const worker = gateOf({ scopes: ['mcp:tools'], routes: [{ path: '/health', public: true }] }).protect(
    (_request, _env, _ctx, auth) => new Response(auth?.subject ?? 'healthy'),
  );
  const token = await issuer.mint();
  assert.equal(await (await worker.fetch(request(token))).text(), 'ada');
  assert.equal(await (await worker.fetch(request(undefined, '/health'))).text(), 'healthy');
  const forged = `${token.slice(0, -8)}AAAAAAAA`;
  const expired = await issuer.mint({ exp: 1 });
  for (const refused of [undefined, forged, expired, await issuer.mint({ aud: 'other' })])
    assert.equal((await worker.fetch(request(refused))).status, 401);
  assert.equal((await worker.fetch(request(await issuer.mint({ scope: 'other' })))).status, 403);
});

test('it publishes metadata, and no keys of its own', async () => {
  const gate = gateOf();
  const document = await gate.metadata(request(undefined, '/.well-known/oauth-protected-resource'));
  assert.deepEqual((await document.json()).authorization_servers, [issuer.url]);
  assert.equal(await gate.metadata(request(undefined, '/.well-known/jwks.json')), null);
});

test('it has the members of a gate that request no token', () => {
  const members = (gate) => {
    const found = new Set();
    for (let at = gate; at !== Object.prototype; at = Object.getPrototypeOf(at))
      for (const name of Object.getOwnPropertyNames(at)) found.add(name);
    return found;
  };
  const client = ['clientAssertion', 'exchange', 'fetchAs', 'invalidate', 'ownToken', 'tokenRequest'];
  const small = members(gateOf());
  const whole = members(main.createGate());
  assert.deepEqual([...whole].filter((name) => !small.has(name)).sort(), client);
  assert.deepEqual(
    [...small].filter((name) => !whole.has(name)),
    [],
  );
});

const WAY_OUT = /only verifies tokens.*import from "tollgate" instead of "tollgate\/verifier"/;

/** The gate refuses: it throws where it can, and answers 500 where it cannot. */
async function refuses(t, gate, env, field) {
  const refusal = (error) => {
    assert.ok(error instanceof verifier.ConfigError);
    assert.deepEqual([error.field, error.part], [field, 'gate']);
    assert.match(error.message, WAY_OUT);
    assert.doesNotMatch(error.message, /s3cret/);
    return true;
  };
  assert.throws(() => gate.check(env), refusal);
  const token = await issuer.mint();
  await assert.rejects(async () => gate.authenticate(request(token), env), refusal);
  const logged = t.mock.method(console, 'error', () => {});
  const response = await gate.protect(() => assert.fail('not called')).fetch(request(token), env);
  assert.equal(response.status, 500);
  assert.match(logged.mock.calls[0].arguments[0], WAY_OUT);
  logged.mock.restore();
}

test('a client in the options is refused', async (t) => {
  for (const client of [{}, { id: 'app', secret: 's3cret' }, { keys: ['s3cret'] }, null])
    await refuses(t, gateOf({ client }), {}, 'client');
  gateOf({ client: undefined }).check();
});

test('a client in the environment is refused', async (t) => {
  for (const name of ['CLIENT_ID', 'CLIENT_SECRET', 'PRIVATE_KEY', 'PRIVATE_KEY_NEXT', 'TOKEN_ENDPOINT'].map(
    (end) => `TOLLGATE_${end}`,
  ))
    await refuses(t, gateOf(), { [name]: 's3cret' }, name);
  gateOf().check({ TOLLGATE_CLIENT_ID: '' });
});

test('its scripts and its component have nothing of the client', async () => {
  const read = (name) => readFile(path.join(packagePath, name), 'latin1');
  const shim = await read('verifier-shim.js');
  for (const word of ['SigningKey', 'TokenError', 'pkcs8', 'fetchAs', 'refreshToken']) {
    assert.ok((await read('shim.js')).includes(word), `${word} is a name of the client`);
    assert.ok(!shim.includes(word), word);
  }
  const module = await WebAssembly.compile(await readFile(path.join(packagePath, 'tollgate-verifier.core.wasm')));
  const names = [...WebAssembly.Module.imports(module), ...WebAssembly.Module.exports(module)];
  for (const { module: from, name } of names)
    assert.doesNotMatch(`${from} ${name}`, /token-exchange|signing-key|signature\b|public-key/);
  const code = await read('tollgate-verifier.core.wasm');
  for (const word of ['PRIVATE KEY', 'client_assertion', 'subject_token', 'grant_type']) {
    assert.ok((await read('tollgate-gate.core.wasm')).includes(word), `${word} is text of the client`);
    assert.ok(!code.includes(word), word);
  }
});
