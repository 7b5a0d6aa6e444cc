// A client with `private_key_jwt`, with keys in the formats that deployments use.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { calculateJwkThumbprint, createLocalJWKSet, exportJWK, jwtVerify } from 'jose';
import { startIssuer } from './support/issuer.mjs';
import { load } from './support/package.mjs';

const {
  main: { createGate, ConfigError, TokenError },
} = await load();
const AUDIENCE = 'https://mcp.example.com';
const API = 'https://api.example.com';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const ed = generateKeyPairSync('ed25519');
const pem = ({ privateKey }, type = 'pkcs8') => privateKey.export({ type, format: 'pem' });
const escaped = (text) => text.replaceAll('\n', '\\n');

let issuer;
before(async () => {
  issuer = await startIssuer();
});
after(() => issuer.close());

const published = async (gate, env) =>
  (await gate.metadata(new Request('https://mcp.example.com/.well-known/jwks.json'), env)).json();

for (const [name, algorithm, key] of [
  ['PKCS#8', 'RS256', pem(rsa)],
  ['PKCS#1, newlines escaped', 'RS256', escaped(pem(rsa, 'pkcs1'))],
  ['PKCS#8', 'ES256', pem(ec)],
  ['SEC1, newlines escaped', 'ES256', escaped(pem(ec, 'sec1'))],
  ['PKCS#8, newlines escaped', 'ES384', escaped(pem(p384))],
  ['PKCS#8', 'EdDSA', pem(ed)],
  ['a JWK', 'ES256', JSON.stringify(ec.privateKey.export({ format: 'jwk' }))],
]) {
  test(`private_key_jwt with ${algorithm} from the environment: ${name}`, async () => {
    const env = {
      TOLLGATE_ISSUER: issuer.url,
      TOLLGATE_AUDIENCE: AUDIENCE,
      TOLLGATE_CLIENT_ID: 'app',
      TOLLGATE_PRIVATE_KEY: key,
    };
    const gate = createGate();
    gate.check(env);
    const { auth } = await gate.verify(await issuer.mint(), env);
    await gate.exchange(auth, API);
    const { headers, form } = issuer.requests.at(-1);
    assert.equal(headers.authorization, undefined);
    assert.deepEqual(form.client_assertion_type, ['urn:ietf:params:oauth:client-assertion-type:jwt-bearer']);
    const keys = await published(gate, env);
    const { payload, protectedHeader } = await jwtVerify(form.client_assertion[0], createLocalJWKSet(keys), {
      issuer: 'app',
      subject: 'app',
      audience: issuer.url,
      algorithms: [algorithm],
    });
    assert.ok(payload.jti.length >= 20 && payload.exp - payload.iat <= 300);
    assert.equal(protectedHeader.kid, await calculateJwkThumbprint(keys.keys[0]));
    const assertion = await gate.clientAssertion('https://other.example/token', env);
    assert.equal((await jwtVerify(assertion, createLocalJWKSet(keys))).payload.aud, 'https://other.example/token');
    assert.notEqual(await gate.clientAssertion('https://other.example/token', env), assertion);
  });
}

test('every key is published, by its public half, and the first signs', async () => {
  const gate = createGate({
    issuer: issuer.url,
    audience: AUDIENCE,
    client: {
      id: 'app',
      keys: [
        { key: pem(ec), kid: 'active' },
        { key: rsa.privateKey.export({ format: 'jwk' }), kid: 'next', algorithm: 'PS256' },
        pem(ed),
      ],
      assertionAudience: 'token_endpoint',
    },
  });
  const { keys } = await published(gate);
  assert.deepEqual(
    keys.map(({ kid, alg }) => [kid, alg]),
    [
      ['active', 'ES256'],
      ['next', 'PS256'],
      [await calculateJwkThumbprint(await exportJWK(ed.publicKey)), 'EdDSA'],
    ],
  );
  for (const key of keys) for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi']) assert.ok(!(secret in key));
  const { auth } = await gate.verify(await issuer.mint());
  await gate.exchange(auth, API);
  const { payload, protectedHeader } = await jwtVerify(
    issuer.requests.at(-1).form.client_assertion[0],
    createLocalJWKSet({ keys }),
  );
  assert.equal(protectedHeader.kid, 'active');
  assert.equal(payload.aud, `${issuer.url}/token`);
  const env = {
    TOLLGATE_ISSUER: issuer.url,
    TOLLGATE_AUDIENCE: AUDIENCE,
    TOLLGATE_CLIENT_ID: 'app',
    TOLLGATE_PRIVATE_KEY: pem(ec),
    TOLLGATE_PRIVATE_KEY_NEXT: pem(rsa),
    TOLLGATE_PRIVATE_KEY_RETIRED: pem(ed),
  };
  assert.equal((await published(createGate(), env)).keys.length, 3);
});

test('a broken key does not stop metadata and verification', async (t) => {
  const logged = t.mock.method(console, 'error', () => {});
  for (const [broken, sentence] of [
    [pem(ec).slice(0, 60), /private key/],
    [ec.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }), /passphrase/],
    [ec.publicKey.export({ type: 'spki', format: 'pem' }), /private key/],
    [pem(generateKeyPairSync('rsa', { modulusLength: 1024 })), /2048/],
  ]) {
    logged.mock.resetCalls();
    const gate = createGate({
      issuer: issuer.url,
      audience: AUDIENCE,
      client: { id: 'app', keys: [pem(rsa), broken] },
    });
    const { auth } = await gate.verify(await issuer.mint());
    assert.equal(auth.subject, 'ada');
    assert.equal(
      (await gate.metadata(new Request('https://mcp.example.com/.well-known/oauth-protected-resource'))).status,
      200,
    );
    const document = await gate.metadata(new Request('https://mcp.example.com/.well-known/jwks.json'));
    assert.ok(document.status >= 400, 'no half of a key set');
    await assert.rejects(
      gate.exchange(auth, API),
      (error) =>
        error instanceof TokenError &&
        error.kind === 'configuration' &&
        sentence.test(error.message) &&
        error.message.startsWith('client.keys[1]'),
    );
    await assert.rejects(gate.clientAssertion('x'), TokenError);
    assert.throws(() => gate.check(), ConfigError);
    assert.equal(logged.mock.callCount(), 1);
    assert.ok(!logged.mock.calls[0].arguments.join().includes(broken.slice(40, 60)));
  }
});

test('a client without a key signs nothing', async () => {
  const gate = createGate({ issuer: issuer.url, audience: AUDIENCE, client: { id: 'app', secret: 's' } });
  await assert.rejects(
    gate.clientAssertion('x'),
    (error) => error instanceof TokenError && /private key/.test(error.message),
  );
});
