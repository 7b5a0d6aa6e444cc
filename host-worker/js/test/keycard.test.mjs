// `tollgate/keycard` in real workerd: what a Worker answers. The numbers W1 to W34 are those of the
// list in docs/keycard.md.
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { startZone } from './keycard/zone.mjs';
import { bundle, run } from './support/workerd.mjs';

const HOST = 'https://mcp.example.com';
const METADATA = `resource_metadata="${HOST}/.well-known/oauth-protected-resource"`;

let zone;
let dist;
before(async () => {
  zone = await startZone();
  dist = await bundle(undefined, {
    'src/index.js': await readFile(path.join(import.meta.dirname, 'keycard/probe.js'), 'utf8'),
  });
});
after(async () => {
  await zone.close();
  await rm(path.dirname(dist), { recursive: true, force: true });
});

const start = (t, { options = {}, ...bindings } = {}) =>
  run(t, dist, { KEYCARD_ISSUER: zone.url, OPTIONS: JSON.stringify(options), ...bindings });
const bearer = (token, headers) => ({ headers: { authorization: `Bearer ${token}`, ...headers } });
const withOptions = (token, options) =>
  bearer(token, { 'x-options': JSON.stringify({ issuers: zone.url, ...options }) });
const ownZone = async (t, options) => {
  const own = await startZone(options);
  t.after(() => own.close());
  return own;
};
/** The response to a valid token after the zone has recovered: a cooldown may have to end first. */
async function untilRecovered(worker, own) {
  const until = Date.now() + 10_000;
  for (;;) {
    const answer = await worker.fetch('/mcp', bearer(await own.mint()));
    if (answer.status !== 503 || Date.now() > until) return answer;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
const challengeOf = (response) => response.headers.get('www-authenticate');
/** A token with the given parts and an invalid signature. */
const forged = (header, claims) =>
  [header, claims, 'AAAA']
    .map((part) => Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url'))
    .join('.');

test('a valid token reaches the handler with its caller', async (t) => {
  const worker = await start(t);
  const token = await zone.mint({ act: { sub: 'agent-7' }, name: 'José' });
  const answer = await worker.fetch('/whoami', bearer(token));
  assert.equal(answer.status, 200);
  const { expiresAt, ...caller } = await answer.json();
  assert.equal(typeof expiresAt, 'number');
  assert.deepEqual(caller, {
    token,
    clientId: 'agent',
    scopes: ['mcp:tools', 'other'],
    subject: 'ada',
    issuer: zone.url,
    actors: [{ subject: 'agent-7' }],
    resource: `${HOST}/`,
    isUrl: true,
  });
  const logs = worker.logs.join('');
  assert.match(logs, /ada/);
  assert.ok(!logs.includes(token.slice(0, 20)), 'logs have no token');
  assert.equal(
    (await worker.fetch('/whoami', bearer(await zone.mint({ sub: 'José' }))).then((r) => r.json())).subject,
    'José',
    'W21',
  );
});

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Rows of the table of answers: what is sent, status, what the challenge holds (null: none). */
const ROWS = {
  'no credentials': [() => undefined, 401, /^Bearer (?!.*error=)/],
  'empty credentials': [() => '', 401, /^Bearer (?!.*error=)/],
  'the scheme alone': [() => 'Bearer', 400, /error="invalid_request"/],
  'a tab for a space': [() => 'Bearer\tx', 401, /^Bearer /],
  'another scheme': [async () => `DPoP ${await zone.mint()}`, 401, /^Bearer /],
  'a scheme in capitals': [async () => `BEARER ${await zone.mint()}`, 200, null],
  'two spaces': [async () => `Bearer  ${await zone.mint()}`, 200, null],
  'something behind the token': [async () => `Bearer ${await zone.mint()} x`, 400, /error="invalid_request"/],
  'no JWT': [() => 'Bearer opaque', 401, /error="invalid_token"/],
  'broken JSON': [() => `Bearer ${forged('{', '{}')}`, 401, /error="invalid_token"/],
  'a header that is null': [() => `Bearer ${forged('null', 'null')}`, 401, /error="invalid_token"/],
  'no algorithm': [() => `Bearer ${forged({}, { iss: zone.url })}`, 401, /error="invalid_token"/],
  'alg none': [() => `Bearer ${forged({ alg: 'none' }, { iss: zone.url })}`, 401, /error="invalid_token"/],
  'alg HS256': [() => `Bearer ${forged({ alg: 'HS256', kid: 'k1' }, { iss: zone.url })}`, 401, /error="invalid_token"/],
  'no issuer': [() => zone.mint({ iss: undefined }), 401, /error="invalid_token"/],
  'an untrusted issuer': [() => zone.mint({ iss: 'https://other.example' }), 401, /error="invalid_token"/],
  'an issuer with a slash more': [() => zone.mint({ iss: `${zone.url}/` }), 401, /error="invalid_token"/],
  'no exp': [
    () => zone.signText(JSON.stringify({ iss: zone.url, aud: HOST, sub: 'a', client_id: 'c', iat: 1 })),
    401,
    /error="invalid_token"/,
  ],
  'exp as text': [
    () =>
      zone.signText(JSON.stringify({ iss: zone.url, aud: HOST, sub: 'a', client_id: 'c', iat: 1, exp: '9999999999' })),
    401,
    /error="invalid_token"/,
  ],
  'no client_id': [() => zone.mint({ client_id: undefined }), 401, /error="invalid_token"/],
  'client_id as a number (W17)': [() => zone.mint({ client_id: 5 }), 401, /error="invalid_token"/],
  'no sub (W17)': [() => zone.mint({ sub: undefined }), 401, /error="invalid_token"/],
  'an empty sub (W6)': [() => zone.mint({ sub: '' }), 401, /error="invalid_token"/],
  'no iat (W17)': [
    () => zone.signText(JSON.stringify({ iss: zone.url, aud: HOST, sub: 'a', client_id: 'c', exp: 9999999999 })),
    401,
    /error="invalid_token"/,
  ],
  'an expired token': [
    () => zone.mint({ iat: 1, exp: 2 }),
    401,
    /error="invalid_token", error_description="The token has expired"/,
  ],
  'a token that ends now (W18)': [
    () => zone.mint({ exp: Math.floor(Date.now() / 1000) }),
    401,
    /error="invalid_token", error_description="The token has expired"/,
  ],
  'nbf as text': [
    () =>
      zone.signText(
        JSON.stringify({ iss: zone.url, aud: HOST, sub: 'a', client_id: 'c', iat: 1, nbf: 'x', exp: 9999999999 }),
      ),
    401,
    /error="invalid_token"/,
  ],
  'nbf in the future': [() => zone.mint({ nbf: 9999999998, exp: 9999999999 }), 401, /error="invalid_token"/],
  'iat in the future': [() => zone.mint({ iat: 9999999998, exp: 9999999999 }), 401, /error="invalid_token"/],
  'no kid': [() => zone.mint({}, { kid: undefined }), 200, null],
  'a bad signature': [
    async () =>
      (await zone.mint()).replace(/[^.]*$/, (s) => s.slice(0, -8) + (s.at(-8) === 'A' ? 'B' : 'A') + s.slice(-7)),
    401,
    /error="invalid_token"/,
  ],
  'a key that is not published (W15)': [
    async () => zone.mint({}, {}, await zone.newKey('nobody')),
    401,
    /error="invalid_token"/,
  ],
  'an audience elsewhere': [() => zone.mint({ aud: 'https://other.example' }), 401, /error="invalid_token"/],
  'an opaque audience (W3)': [() => zone.mint({ aud: 'urn:foo:bar' }), 401, /error="invalid_token"/],
  'no audience (W3)': [() => zone.mint({ aud: undefined }), 401, /error="invalid_token"/],
  'an empty list of audiences (W3)': [() => zone.mint({ aud: [] }), 401, /error="invalid_token"/],
  'a list of audiences elsewhere (W4)': [
    () => zone.mint({ aud: ['https://other.example'] }),
    401,
    /error="invalid_token"/,
  ],
  'a list with this audience': [() => zone.mint({ aud: ['https://other.example', HOST] }), 200, null],
  'another resource of this host (W5)': [() => zone.mint({ aud: `${HOST}/other` }), 401, /error="invalid_token"/],
  'this resource of this host': [() => zone.mint({ aud: `${HOST}/mcp` }), 200, null],
  'an audience with a slash': [() => zone.mint({ aud: `${HOST}/` }), 200, null],
  'an audience in capitals with its port': [() => zone.mint({ aud: 'https://MCP.example.com:443' }), 200, null],
  'an audience with a query': [() => zone.mint({ aud: `${HOST}/?x` }), 401, /error="invalid_token"/],
  'too few scopes': [() => zone.mint({ scope: 'other' }), 403, /error="insufficient_scope".*scope="mcp:tools"/],
  'scopes that are no text': [() => zone.mint({ scope: 5 }), 401, /error="invalid_token"/],
  'expired and too few scopes': [() => zone.mint({ scope: 'other', iat: 1, exp: 2 }), 401, /expired/],
  'an audience elsewhere and too few scopes': [
    () => zone.mint({ scope: 'other', aud: 'https://other.example' }),
    401,
    /error="invalid_token"/,
  ],
  'an unknown typ (W16)': [() => zone.mint({}, { typ: 'logout+jwt' }), 401, /error="invalid_token"/],
  'typ at+jwt': [() => zone.mint({}, { typ: 'at+jwt' }), 200, null],
  'crit (W16)': [
    async () => `Bearer ${forged({ alg: 'RS256', kid: 'k1', crit: ['exp'] }, { iss: zone.url })}`,
    401,
    /error="invalid_token"/,
  ],
  'a token bound to a key (W16)': [() => zone.mint({ cnf: { jkt: 'x' } }), 401, /error="invalid_token"/],
  'a good token with a sign more (W20)': [async () => `${await zone.mint()}=`, 401, /error="invalid_token"/],
  // The last of 342 characters stands for four bits and two that must be zero.
  'another spelling of a good token (W20)': [
    async () => (await zone.mint()).replace(/.$/, (last) => ALPHABET[ALPHABET.indexOf(last) + 1]),
    401,
    /error="invalid_token"/,
  ],
};

test('answers, row by row, of the Worker and of verifyBearerToken', async (t) => {
  const worker = await start(t, { options: { requiredScopes: ['mcp:tools'] } });
  assert.equal((await worker.fetch('/mcp', bearer(await zone.mint()))).status, 200);
  for (const [name, [make, status, challenge]] of Object.entries(ROWS)) {
    let value = await make();
    if (value?.split('.').length === 3 && !/^\w+ /.test(value)) value = `Bearer ${value}`;
    const headers = value === undefined ? {} : { authorization: value };
    for (const [where, target, init] of [
      ['worker', '/mcp', { headers }],
      [
        'direct',
        '/direct/verify',
        { headers: { ...headers, 'x-options': JSON.stringify({ issuers: zone.url, requiredScopes: ['mcp:tools'] }) } },
      ],
    ]) {
      // A token for a path is valid only for that path.
      if (where === 'direct' && name === 'this resource of this host') continue;
      const answer = await worker.fetch(target, init);
      const text = await answer.text();
      assert.equal(answer.status, status, `${name} (${where}): ${text}`);
      const header = challengeOf(answer);
      if (challenge === null) {
        assert.equal(header, null, name);
        continue;
      }
      assert.match(header, challenge, `${name} (${where})`);
      assert.ok(header.endsWith(METADATA), `${name} (${where}): the root's document, whatever the path: ${header}`);
      assert.equal(answer.headers.get('content-type'), 'application/json');
      assert.equal(answer.headers.get('cache-control'), 'no-store');
      assert.equal(typeof JSON.parse(text).error, 'string');
    }
  }
});

test('nothing from a token reaches the challenge, and none crashes the Worker (W1, W2)', async (t) => {
  const worker = await start(t);
  for (const alg of ['x\r\ny', 'x\u0000y', '\u2603', 'x", error="ok', '\\', 'R'.repeat(4000)]) {
    for (const target of ['/mcp', '/direct/verify']) {
      const answer = await worker.fetch(target, withOptions(forged({ alg, kid: alg }, { iss: zone.url }), {}));
      assert.equal(answer.status, 401, alg);
      const header = challengeOf(answer);
      assert.equal(header.match(/error=/g).length, 1, header);
      assert.ok(header.length < 400 && !header.includes('="ok'), header);
    }
  }
});

test('audiences are an option of the Worker and of verifyBearerToken (W3)', async (t) => {
  const worker = await start(t, { options: { audiences: ['urn:mcp', 'mcp'] } });
  assert.equal((await worker.fetch('/mcp', bearer(await zone.mint({ aud: 'urn:mcp' })))).status, 200);
  assert.equal((await worker.fetch('/mcp', bearer(await zone.mint()))).status, 401);
  const direct = async (aud, audiences) =>
    (await worker.fetch('/direct/verify', withOptions(await zone.mint({ aud }), { audiences }))).status;
  assert.equal(await direct('a', 'a'), 200);
  assert.equal(await direct(['b', 'a'], ['a']), 200);
  assert.equal(await direct('b', ['a']), 401);
  assert.equal(await direct(HOST, ['a']), 401);
  assert.equal(await direct(HOST, []), 200);
});

test('verifyBearerToken takes several issuers, and says that it needs one', async (t) => {
  const other = await ownZone(t);
  const worker = await start(t);
  const direct = async (token, options) =>
    worker.fetch('/direct/verify', bearer(token, { 'x-options': JSON.stringify(options) }));
  const both = { issuers: [zone.url, other.url] };
  assert.equal((await (await direct(await other.mint(), both)).json()).issuer, other.url);
  assert.equal((await (await direct(await zone.mint(), both)).json()).issuer, zone.url);
  assert.equal((await direct(await other.mint(), { issuers: zone.url })).status, 401);
  for (const issuers of [undefined, '', []]) {
    const answer = await direct(await zone.mint(), { issuers });
    assert.equal(answer.status, 599);
    const { thrown, message } = await answer.json();
    assert.equal(thrown, 'TypeError');
    assert.match(message, /`issuers`.*KEYCARD_ISSUER/);
  }
});

test('OPTIONS is 204 on any path, whatever the environment', async (t) => {
  const worker = await start(t, { KEYCARD_ISSUER: '' });
  for (const target of ['/mcp', '/.well-known/oauth-protected-resource', '/.well-known/x', '/']) {
    const answer = await worker.fetch(target, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example', 'access-control-request-method': 'DELETE' },
    });
    assert.equal(answer.status, 204);
    assert.equal(await answer.text(), '');
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    assert.match(answer.headers.get('access-control-allow-methods'), /DELETE/, 'W26');
    for (const name of ['Authorization', 'Content-Type', 'Last-Event-ID', 'MCP-Protocol-Version', 'Mcp-Session-Id']) {
      assert.ok(answer.headers.get('access-control-allow-headers').includes(name), `W26: ${name}`);
    }
    assert.equal(answer.headers.get('access-control-max-age'), '86400');
  }
});

test('a browser can read why it was refused (W26)', async (t) => {
  const worker = await start(t, { options: { requiredScopes: ['admin'] } });
  for (const [headers, status] of [
    [{}, 401],
    [{ authorization: 'Bearer' }, 400],
    [bearer(await zone.mint()).headers, 403],
  ]) {
    const answer = await worker.fetch('/mcp', { headers: { origin: 'https://app.example', ...headers } });
    assert.equal(answer.status, status);
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    assert.match(answer.headers.get('access-control-expose-headers'), /www-authenticate/i);
  }
});

test('protected resource metadata', async (t) => {
  const worker = await start(t, {
    options: {
      scopesSupported: ['mcp:tools'],
      resourceName: 'My MCP Server',
      serviceDocumentationUrl: 'https://docs.example/x',
    },
  });
  const document = async (target, init) => {
    const answer = await worker.fetch(target, init);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'application/json');
    return answer.json();
  };
  const expected = {
    resource: HOST,
    authorization_servers: [zone.url],
    scopes_supported: ['mcp:tools'],
    bearer_methods_supported: ['header'],
    resource_name: 'My MCP Server',
    resource_documentation: 'https://docs.example/x',
  };
  assert.deepEqual(await document('/.well-known/oauth-protected-resource'), expected);
  assert.deepEqual(
    await document('/.well-known/oauth-protected-resource', { headers: { 'mcp-protocol-version': '2025-03-26' } }),
    expected,
  );
  assert.deepEqual(
    await document('/.well-known/oauth-protected-resource/mcp'),
    { ...expected, resource: `${HOST}/mcp` },
    'W24',
  );
  const head = await worker.fetch('/.well-known/oauth-protected-resource', { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.equal(await head.text(), '');
  assert.equal((await worker.fetch('/.well-known/oauth-protected-resource', { method: 'POST' })).status, 405);
  const cors = await worker.fetch('/.well-known/oauth-protected-resource', {
    headers: { origin: 'https://app.example' },
  });
  assert.equal(cors.headers.get('access-control-allow-origin'), '*');
  assert.equal((await worker.fetch('/.well-known/openid-configuration')).status, 401);
  assert.equal((await worker.fetch('/.well-known/jwks.json')).status, 401, 'no key, no document');
});

test('the zone’s metadata names this resource, and is fetched once (W22)', async (t) => {
  const own = await ownZone(t);
  const worker = await start(t, { KEYCARD_ISSUER: own.url });
  for (let i = 0; i < 5; i++) {
    const answer = await worker.fetch('/.well-known/oauth-authorization-server');
    assert.equal(answer.status, 200);
    const document = await answer.json();
    assert.equal(
      document.authorization_endpoint,
      `${own.url}/authorize?tenant=1&resource=https%3A%2F%2Fmcp.example.com`,
    );
    assert.equal(document.token_endpoint, `${own.url}/token`);
    assert.equal(document.issuer, own.url);
  }
  assert.equal((await worker.fetch('/.well-known/oauth-authorization-server', { method: 'HEAD' })).status, 200);
  assert.equal(own.counts.discovery, 1);
});

for (const [name, answer, status] of [
  ['an error', (_request, response) => response.writeHead(500).end(), 502],
  ['no JSON', (_request, response) => response.end('<html>'), 502],
  [
    'the metadata of somebody else',
    (_request, response) =>
      response.end(JSON.stringify({ issuer: 'https://evil.example', jwks_uri: 'https://evil.example/jwks' })),
    502,
  ],
  ['a hang-up', (request) => request.destroy(), 504],
]) {
  test(`a zone that answers with ${name} is ${status} there, and 503 for a token (W15, W22)`, async (t) => {
    const own = await ownZone(t);
    own.answer('discovery', answer);
    const worker = await start(t, { KEYCARD_ISSUER: own.url });
    const document = await worker.fetch('/.well-known/oauth-authorization-server');
    assert.equal(document.status, status);
    assert.ok(Number(document.headers.get('retry-after')) > 0);
    const refused = await worker.fetch('/mcp', bearer(await own.mint()));
    assert.equal(refused.status, 503);
    assert.equal(challengeOf(refused), null);
    assert.deepEqual((await worker.fetch('/mcp')).status, 401, 'what needs no key needs no zone');
    own.answer('discovery', undefined);
    assert.equal((await untilRecovered(worker, own)).status, 200, 'and failures are not remembered');
  });
}

test('a zone with a path is found as RFC 8414 says (W23)', async (t) => {
  const own = await ownZone(t, { path: '/tenant' });
  const worker = await start(t, { KEYCARD_ISSUER: own.url });
  assert.equal((await worker.fetch('/.well-known/oauth-authorization-server').then((r) => r.json())).issuer, own.url);
  assert.equal((await worker.fetch('/mcp', bearer(await own.mint()))).status, 200);
});

test('a broken private key affects only its own document (W7)', async (t) => {
  const pkcs1 = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' });
  for (const [pem, status] of [
    ['-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----', 500],
    ['rubbish', 500],
    [pkcs1, 200],
    [pkcs1.replaceAll('\n', '\\n'), 200],
  ]) {
    const worker = await start(t, { KEYCARD_PRIVATE_KEY: pem });
    for (let i = 0; i < 2; i++) assert.equal((await worker.fetch('/.well-known/jwks.json')).status, status);
    assert.equal((await worker.fetch('/.well-known/oauth-protected-resource')).status, 200);
    assert.equal((await worker.fetch('/mcp', bearer(await zone.mint()))).status, 200);
    if (status === 500) assert.match(worker.logs.join(''), /client\.keys\[0\]: the private key/);
    assert.ok(!worker.logs.join('').includes('AAAA'), 'logs have no key');
  }
});

test('published keys are public, and several during a rotation (W32)', async (t) => {
  const pem = () =>
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const first = pem();
  const one = await start(t, { KEYCARD_PRIVATE_KEY: first });
  const {
    keys: [key, ...none],
  } = await (await one.fetch('/.well-known/jwks.json')).json();
  assert.deepEqual(none, []);
  assert.deepEqual(
    [Object.keys(key).sort(), key.kty, key.alg, key.use, key.kid],
    [['alg', 'e', 'kid', 'kty', 'n', 'use'], 'RSA', 'RS256', 'sig', 'worker-key'],
  );
  const three = await start(t, {
    KEYCARD_PRIVATE_KEY: first,
    KEYCARD_PRIVATE_KEY_NEXT: pem(),
    KEYCARD_PRIVATE_KEY_RETIRED: pem(),
  });
  const { keys } = await (await three.fetch('/.well-known/jwks.json')).json();
  assert.equal(new Set(keys.map(({ kid }) => kid)).size, 3);
  assert.ok(keys.every((entry) => !('d' in entry)));
});

test('a missing issuer is logged, and nothing is served (W25)', async (t) => {
  const worker = await start(t, { KEYCARD_ISSUER: '' });
  for (const target of ['/.well-known/oauth-protected-resource', '/mcp']) {
    const answer = await worker.fetch(target);
    assert.equal(answer.status, 500);
    assert.deepEqual(await answer.json(), { error: 'server_error' });
  }
  assert.match(worker.logs.join(''), /tollgate\/keycard: KEYCARD_ISSUER is not set/);
});

test('forgeries cause one fetch, not one each (W12)', async (t) => {
  const own = await ownZone(t);
  const worker = await start(t, { KEYCARD_ISSUER: own.url });
  assert.equal((await worker.fetch('/mcp', bearer(await own.mint()))).status, 200);
  const now = Math.floor(Date.now() / 1000);
  for (let i = 0; i < 10; i++) {
    const token = forged(
      { alg: 'RS256', kid: `k${Math.random()}` },
      { iss: own.url, aud: HOST, sub: 'x', client_id: 'c', iat: now, exp: now + 60 },
    );
    assert.equal((await worker.fetch('/mcp', bearer(token))).status, 401);
  }
  assert.ok(own.counts.jwks <= 2, `${own.counts.jwks}`);
});

test('100 requests on a cold isolate fetch the keys once', async (t) => {
  const own = await ownZone(t);
  const worker = await start(t, { KEYCARD_ISSUER: own.url });
  const answers = await Promise.all(
    Array.from({ length: 100 }, async () => (await worker.fetch('/mcp', bearer(await own.mint()))).status),
  );
  assert.deepEqual(answers, Array(100).fill(200));
  assert.equal(own.counts.discovery, 1);
  assert.equal(own.counts.jwks, 1);
});

test('keys of other kinds affect no token, and the usual algorithms work (W13, W19)', async (t) => {
  const own = await ownZone(t);
  own.extraKeys = [
    { kty: 'oct', k: 'AAAA', kid: 'o' },
    { kty: 'OKP', crv: 'X25519', x: 'AAAA', kid: 'x' },
    { kty: 'XYZ' },
    null,
  ];
  for (const alg of ['RS256', 'ES256', 'PS256', 'EdDSA']) {
    await own.rotate(`k-${alg}`, alg);
    const worker = await start(t, { KEYCARD_ISSUER: own.url });
    assert.equal((await worker.fetch('/mcp', bearer(await own.mint()))).status, 200, alg);
  }
});

test('an RSA key of 1024 bits is refused (W19)', async (t) => {
  const own = await ownZone(t);
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  own.extraKeys = [{ ...weak.publicKey.export({ format: 'jwk' }), kid: 'weak', alg: 'RS256', use: 'sig' }];
  const worker = await start(t, { KEYCARD_ISSUER: own.url });
  const [header, payload] = (await own.mint({}, { kid: 'weak' })).split('.');
  const signature = createSign('sha256').update(`${header}.${payload}`).sign(weak.privateKey).toString('base64url');
  assert.equal((await worker.fetch('/mcp', bearer(`${header}.${payload}.${signature}`))).status, 401);
});

test('a key that is replaced under the same kid is found at once (W14)', async (t) => {
  const own = await ownZone(t);
  const worker = await start(t, { KEYCARD_ISSUER: own.url });
  const old = await own.mint();
  assert.equal((await worker.fetch('/mcp', bearer(old))).status, 200);
  await own.rotate('k1');
  assert.equal((await worker.fetch('/mcp', bearer(await own.mint()))).status, 200);
  assert.equal((await worker.fetch('/mcp', bearer(old))).status, 401);
});

test('a changed jwks_uri is used after the old one failed (W34)', async (t) => {
  const own = await ownZone(t);
  own.metadata = { jwks_uri: `${own.url}/gone` };
  const worker = await start(t, { KEYCARD_ISSUER: own.url });
  assert.equal((await worker.fetch('/mcp', bearer(await own.mint()))).status, 503);
  own.metadata = {};
  assert.equal((await untilRecovered(worker, own)).status, 200);
});

test('a zone must not use plain http except on loopback (W29)', async (t) => {
  const worker = await start(t, { KEYCARD_ISSUER: 'http://zone.example' });
  assert.equal((await worker.fetch('/mcp')).status, 500);
  assert.match(worker.logs.join(''), /issuer/);
});

test('onRefusal is called for refusals (W33)', async (t) => {
  const worker = await start(t);
  await worker.fetch('/mcp');
  await worker.fetch('/mcp', bearer('opaque'));
  const [first, second] = await (await worker.fetch('/refusals')).json();
  assert.equal(first, 'credentials-missing');
  assert.equal(second, 'jws-not-three-parts');
});

test('exceptions of the handler are reported by the runtime', async (t) => {
  const worker = await start(t);
  const answer = await worker.fetch('/throws', bearer(await zone.mint())).then(
    (response) => response.text(),
    (error) => error.message,
  );
  assert.match(answer, /the handler failed/);
});

test('handleMetadataRequest by itself', async (t) => {
  const worker = await start(t);
  const direct = (target, options, init) =>
    worker.fetch(target, {
      ...init,
      headers: { 'x-metadata': '1', 'x-options': JSON.stringify({ issuer: zone.url, ...options }) },
    });
  assert.deepEqual(await (await direct('/.well-known/oauth-protected-resource', { resourceName: 'R' })).json(), {
    resource: HOST,
    authorization_servers: [zone.url],
    bearer_methods_supported: ['header'],
    resource_name: 'R',
  });
  for (const target of ['/mcp', '/.well-known/openid-configuration', '/.well-known/jwks.json']) {
    assert.equal((await direct(target)).status, 299, `${target} is null`);
  }
  assert.equal((await direct('/.well-known/x', {}, { method: 'OPTIONS' })).status, 204);
  const publicJwks = { keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: 'a', d: 'secret' }] };
  const keys = await direct('/.well-known/jwks.json', { publicJwks });
  assert.equal(keys.headers.get('access-control-allow-origin'), '*');
  assert.deepEqual(await keys.json(), { keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: 'a' }] });
  assert.equal((await direct('/.well-known/jwks.json', { publicJwks }, { method: 'POST' })).status, 405);
  const { thrown, message } = await (await direct('/.well-known/oauth-protected-resource', { issuer: '' })).json();
  assert.equal(thrown, 'TypeError', 'W25');
  assert.match(message, /`issuer`/);
});
