// Implementations of signatures: WebCrypto, the signatures component, or the application itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SignJWT, createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { startIssuer } from './support/issuer.mjs';
import { load } from './support/package.mjs';

const {
  main: { createGate, ConfigError, TokenError },
  signatures: { signatures },
} = await load();
const ISSUER = 'https://issuer.example';
const AUDIENCE = 'https://mcp.example.com';
const API = 'https://api.example.com';

let issuer;
before(async () => {
  issuer = await startIssuer();
});
after(() => issuer.close());

const WAYS = [
  ['WebCrypto', {}],
  ['the signatures component', { signatures }],
];

async function keyOf(algorithm) {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid: algorithm } };
}

function tokenOf(key, algorithm, header = {}) {
  return new SignJWT({ client_id: 'app', scope: 'a' })
    .setProtectedHeader({ alg: algorithm, typ: 'at+jwt', kid: algorithm, ...header })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject('ada')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(key);
}

const gateWith = (keys, options) =>
  createGate({ issuers: [{ issuer: ISSUER, audiences: [AUDIENCE], keys: { inline: { keys } } }], ...options });

for (const [name, options] of WAYS) {
  for (const algorithm of ['RS256', 'RS512', 'PS256', 'PS384', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']) {
    test(`${name} tells good and forged signatures of ${algorithm} apart`, async () => {
      const [own, other] = [await keyOf(algorithm), await keyOf(algorithm)];
      const gate = gateWith([own.jwk], options);
      assert.equal((await gate.verify(await tokenOf(own.privateKey, algorithm))).auth.subject, 'ada');
      const forged = await gate.verify(await tokenOf(other.privateKey, algorithm));
      assert.equal(forged.response.status, 401);
      assert.equal(forged.reason, 'token-bad-signature');
    });
  }

  test(`a key that ${name} refuses costs only its own tokens`, async () => {
    const good = await keyOf('ES256');
    const off = { ...good.jwk, kid: 'off', y: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE' };
    const gate = gateWith([off, good.jwk], options);
    for (let i = 0; i < 2; i++) {
      const { response, reason } = await gate.verify(await tokenOf(good.privateKey, 'ES256', { kid: 'off' }));
      assert.equal(response.status, 401);
      assert.equal(reason, 'token-unknown-key');
      assert.equal((await gate.verify(await tokenOf(good.privateKey, 'ES256'))).ok, true);
    }
  });
}

test('an unsupported algorithm is an error at the start', () => {
  const poor = { ...signatures, supported: () => ({ verify: ['RS256'], sign: [] }) };
  const gate = createGate({
    issuers: [{ issuer: ISSUER, audiences: [AUDIENCE], algorithms: ['ES256'] }],
    signatures: poor,
  });
  assert.throws(
    () => gate.check(),
    (error) => error instanceof ConfigError && /ES256.*standalone/.test(error.message),
  );
  assert.throws(() => createGate({ signatures: 1 }), ConfigError);
});

test('an exception in a check is a 503 for that request only', async () => {
  const key = await keyOf('ES256');
  const gate = gateWith([key.jwk]);
  const { verify } = crypto.subtle;
  for (const broken of [
    () => {
      throw new Error('broken');
    },
    () => Promise.reject(new Error('broken')),
  ]) {
    crypto.subtle.verify = broken;
    try {
      const { response, reason } = await gate.verify(await tokenOf(key.privateKey, 'ES256'));
      assert.equal(response.status, 503);
      assert.equal(reason, 'signatures-failed');
    } finally {
      crypto.subtle.verify = verify;
    }
    assert.equal((await gate.verify(await tokenOf(key.privateKey, 'ES256'))).ok, true);
  }
});

const clientGate = (key) => createGate({ issuer: issuer.url, audience: AUDIENCE, client: { id: 'app', keys: [key] } });
const published = async (gate) => (await gate.metadata(new Request(`${AUDIENCE}/.well-known/jwks.json`))).json();

test('a key pair signs although it cannot be exported', async () => {
  for (const [algorithm, parameters] of [
    ['ES256', { name: 'ECDSA', namedCurve: 'P-256' }],
    [
      'RS256',
      { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
    ],
    ['EdDSA', { name: 'Ed25519' }],
  ]) {
    const pair = await crypto.subtle.generateKey(parameters, false, ['sign', 'verify']);
    const gate = clientGate(pair);
    const { payload, protectedHeader } = await jwtVerify(
      await gate.clientAssertion(API),
      createLocalJWKSet(await published(gate)),
    );
    assert.equal(payload.aud, API);
    assert.equal(protectedHeader.alg, algorithm);
  }
});

test('a signer signs elsewhere', async () => {
  const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ]);
  const asked = [];
  const gate = clientGate({
    kid: 'kms',
    key: {
      publicJwk: await crypto.subtle.exportKey('jwk', publicKey),
      async sign(message, algorithm) {
        asked.push(algorithm);
        return crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, message);
      },
    },
  });
  const { auth } = await gate.verify(await issuer.mint());
  await gate.exchange(auth, API);
  const keys = await published(gate);
  assert.deepEqual(Object.keys(keys.keys[0]).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  const { protectedHeader } = await jwtVerify(issuer.requests.at(-1).form.client_assertion[0], createLocalJWKSet(keys));
  assert.equal(protectedHeader.kid, 'kms');
  assert.deepEqual(asked, ['ES256']);
});

test('a failing signer is a typed error, and affects nothing else', async () => {
  const { jwk } = await keyOf('ES256');
  for (const sign of [
    () => {
      throw new Error('down');
    },
    async () => 'no bytes',
    async () => new Uint8Array(3),
  ]) {
    const gate = clientGate({ key: { publicJwk: jwk, sign } });
    const { auth } = await gate.verify(await issuer.mint());
    for (let i = 0; i < 2; i++) {
      await assert.rejects(
        gate.clientAssertion(API),
        (error) => error instanceof TokenError && error.kind === 'signing-failed' && error.toResponse().status === 503,
      );
    }
    assert.equal(auth.subject, 'ada');
    assert.equal((await gate.verify(await issuer.mint())).ok, true);
  }
});

test('a signer that never answers times out', async () => {
  const { jwk } = await keyOf('ES256');
  const gate = clientGate({ key: { publicJwk: jwk, sign: () => new Promise(() => {}) } });
  await assert.rejects(
    gate.clientAssertion(API),
    (error) => error instanceof TokenError && error.kind === 'signing-failed',
  );
});
