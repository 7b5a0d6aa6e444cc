// The Workers of the package's own pages, in real workerd, and the tokens that they get for users.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { CLIENT, startApi, startZone } from './keycard/zone.mjs';
import { bundle, run } from './support/workerd.mjs';

const PEM = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const SECRET = { KEYCARD_CLIENT_ID: CLIENT.id, KEYCARD_CLIENT_SECRET: CLIENT.secret };
const KEY = { KEYCARD_PRIVATE_KEY: PEM };

let api;
let probe;
const source = (name) => readFile(path.join(import.meta.dirname, 'keycard', name), 'utf8');
before(async () => {
  api = await startApi();
  probe = await bundle(undefined, { 'src/index.js': await source('probe.js') });
});
after(async () => {
  await api.close();
  for (const dist of [probe, ...seeds.values()]) await rm(path.dirname(await dist), { recursive: true, force: true });
});

/** A seed's Worker, bundled once, with our API in the place of the one that it names. */
const seeds = new Map();
function seedBundle(name) {
  if (!seeds.has(name)) {
    const file = `src/index${path.extname(name)}`;
    seeds.set(
      name,
      source(name).then((code) => bundle(undefined, { [file]: code.replaceAll('https://api.github.com', api.url) })),
    );
  }
  return seeds.get(name);
}

const bearer = (token, headers) => ({ headers: { authorization: `Bearer ${token}`, ...headers } });

async function start(t, dist, bindings) {
  const zone = await startZone();
  t.after(() => zone.close());
  const worker = await run(t, dist, { KEYCARD_ISSUER: zone.url, ...bindings });
  zone.keysOfClient = async () => (await worker.fetch('/.well-known/jwks.json')).json();
  return {
    zone,
    worker,
    token: async (claims, headers) => worker.fetch('/token', bearer(await zone.mint(claims), headers)),
  };
}

test('the quick start of seed 000', async (t) => {
  const { zone, worker } = await start(t, await seedBundle('seed-000-quick-start.js'));
  const none = await worker.fetch('/');
  assert.equal(none.status, 401);
  assert.match(
    none.headers.get('www-authenticate'),
    /resource_metadata="https:\/\/mcp\.example\.com\/\.well-known\/oauth-protected-resource"/,
  );
  assert.equal((await worker.fetch('/', bearer(await zone.mint({ scope: 'other' })))).status, 403);
  assert.deepEqual(await (await worker.fetch('/', bearer(await zone.mint()))).json(), {
    message: 'Hello from Keycard!',
    user: 'ada',
  });
  assert.equal(
    (await (await worker.fetch('/.well-known/oauth-protected-resource')).json()).resource_name,
    'My MCP Server',
  );
});

for (const [mode, credentials] of [
  ['a secret', SECRET],
  ['a private key', KEY],
  ['a private key and a client id', { ...KEY, KEYCARD_CLIENT_ID: 'worker-7' }],
]) {
  for (const seed of ['seed-000-delegated.js', 'seed-001.ts']) {
    test(`${seed} calls an API for its users, with ${mode}`, async (t) => {
      const { zone, worker } = await start(t, await seedBundle(seed), {
        ...credentials,
        KEYCARD_RESOURCE_URL: api.url,
      });
      const ada = await zone.mint();
      for (let i = 0; i < 2; i++)
        assert.equal(await (await worker.fetch('/', bearer(ada))).text(), '/user Bearer up.ada.1');
      assert.equal(
        await (await worker.fetch('/', bearer(await zone.mint({ sub: 'bob' })))).text(),
        '/user Bearer up.bob.2',
      );
      assert.equal(zone.counts.token, 2);
      const [{ client, form }] = zone.exchanges;
      assert.equal(client, credentials.KEYCARD_CLIENT_ID ?? 'worker-key');
      assert.deepEqual(
        [form.resource, form.subject_token, form.subject_token_type, form.grant_type],
        [
          api.url,
          ada,
          'urn:ietf:params:oauth:token-type:access_token',
          'urn:ietf:params:oauth:grant-type:token-exchange',
        ],
      );
      if (mode === 'a secret') return;
      const { payload, protectedHeader } = zone.assertion;
      assert.deepEqual([payload.iss, payload.sub, payload.aud], [client, client, `${zone.url}/token`], 'W9');
      assert.deepEqual([protectedHeader.alg, protectedHeader.kid], ['RS256', 'worker-key']);
      assert.ok(payload.exp - payload.iat <= 300);
    });
  }
}

test('assertions are signed by the first of several keys (W32)', async (t) => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const { zone, token } = await start(t, probe, { KEYCARD_PRIVATE_KEY: other, KEYCARD_PRIVATE_KEY_RETIRED: PEM });
  assert.equal(await (await token()).text(), 'up.ada.1');
  const { keys } = await zone.keysOfClient();
  assert.deepEqual([zone.assertion.protectedHeader.alg, zone.assertion.protectedHeader.kid], ['ES256', keys[0].kid]);
});

test('100 concurrent requests for one user make one exchange, and users are never mixed (W6, W8)', async (t) => {
  const { zone, worker } = await start(t, probe, SECRET);
  const users = await Promise.all(Array.from({ length: 50 }, (_, i) => zone.mint({ sub: `user-${i}` })));
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, i) => worker.fetch('/token', bearer(users[i % 50])).then((r) => r.text())),
  );
  for (const [i, answer] of answers.entries()) assert.match(answer, new RegExp(`^up\\.user-${i % 50}\\.`));
  assert.equal(zone.counts.token, 50);
});

test('another token of the same user, and another resource, have their own tokens (W8)', async (t) => {
  const { zone, token } = await start(t, probe, SECRET);
  const got = [
    await token({ sub: 'u::https://a' }, { 'x-resource': 'https://b' }),
    await token({ sub: 'u' }, { 'x-resource': 'https://a::https://b' }),
    await token({ sub: 'u', client_id: 'other' }, { 'x-resource': 'https://b' }),
    await token({ sub: 'u', scope: 'less' }, { 'x-resource': 'https://b' }),
  ];
  const texts = await Promise.all(got.map((response) => response.text()));
  assert.equal(new Set(texts).size, 4, texts.join());
  assert.equal(zone.counts.token, 4);
});

test('a token is not returned within the skew', async (t) => {
  const { zone, worker } = await start(t, probe, SECRET);
  const ada = await zone.mint();
  for (const [expires_in, more] of [
    [30, 2],
    ['90', 1],
  ]) {
    zone.token = { expires_in };
    const before = zone.counts.token;
    for (let i = 0; i < 2; i++)
      await worker.fetch('/token', bearer(ada, { 'x-resource': `https://r${expires_in}.example` }));
    assert.equal(zone.counts.token - before, more, `expires_in ${expires_in}`);
  }
});

test('the zone’s errors keep their text without line breaks', async (t) => {
  const { token } = await start(t, probe, SECRET);
  assert.deepEqual(await (await token({ sub: 'denied' })).json(), {
    name: 'OAuthError',
    code: 'access_denied',
    message: 'no?consent',
  });
});

/** Responses of a broken token endpoint, and the resulting errors. */
const BROKEN = {
  HTML: [(_q, r) => r.end('<html>'), 'not-json'],
  'a redirect': [(_q, r) => r.writeHead(302, { location: 'https://evil.example/' }).end(), 'redirected'],
  'an error without words': [(_q, r) => r.writeHead(500).end('oops'), 'unexpected-status'],
  'no access_token': [(_q, r) => r.end('{"token_type":"Bearer"}'), 'bad-response'],
  'no token_type': [(_q, r) => r.end('{"access_token":"x"}'), 'bad-response'],
  'a token that would break a header': [
    (_q, r) => r.end('{"access_token":"a\\r\\nb","token_type":"Bearer"}'),
    'bad-response',
  ],
  'a hang-up': [(q) => q.destroy(), 'unreachable'],
};
for (const [name, [answer, kind]] of Object.entries(BROKEN)) {
  test(`a token endpoint that answers with ${name} is a typed error, and is asked again (W30)`, async (t) => {
    const { zone, token } = await start(t, probe, SECRET);
    zone.answer('token', answer);
    const failed = await token();
    assert.equal(failed.status, 502);
    const error = await failed.json();
    assert.deepEqual([error.name, error.kind], ['TokenExchangeError', kind]);
    assert.ok(!error.message.includes('oops') && !error.message.includes('evil'));
    zone.answer('token', undefined);
    assert.equal(await (await token()).text(), 'up.ada.1');
  });
}

test('a token endpoint that never answers times out after ten seconds (W30)', async (t) => {
  const { zone, token } = await start(t, probe, SECRET);
  zone.answer('token', () => {});
  const begun = performance.now();
  assert.equal((await (await token()).json()).kind, 'timed-out');
  assert.ok(performance.now() - begun < 15_000);
});

test('a broken private key is a typed error of the exchange (W7)', async (t) => {
  const { worker, token } = await start(t, probe, { KEYCARD_PRIVATE_KEY: 'rubbish' });
  const { name, kind, message } = await (await token()).json();
  assert.deepEqual([name, kind], ['TokenExchangeError', 'configuration']);
  assert.match(message, /private key/);
  assert.equal((await worker.fetch('/mcp')).status, 401);
});

test('a token endpoint on another origin gets no secret (W29)', async (t) => {
  const { zone, token } = await start(t, probe, SECRET);
  zone.metadata = { token_endpoint: `${api.url}/token` };
  assert.equal((await (await token()).json()).kind, 'foreign-token-endpoint');
});

test('a failed discovery is retried (W28)', async (t) => {
  const { zone, worker } = await start(t, probe, SECRET);
  const ada = await zone.mint();
  assert.equal((await worker.fetch('/mcp', bearer(ada))).status, 200);
  zone.answer('discovery', (_request, response) => response.writeHead(500).end());
  const failed = await (await worker.fetch('/token', bearer(ada))).json();
  assert.deepEqual([failed.name, failed.kind], ['TokenExchangeError', 'issuer-unavailable']);
  zone.answer('discovery', undefined);
  const until = Date.now() + 10_000;
  let answer;
  do {
    await new Promise((resolve) => setTimeout(resolve, 500));
    answer = await worker.fetch('/token', bearer(ada));
  } while (answer.status !== 200 && Date.now() < until);
  assert.equal(await answer.text(), 'up.ada.1');
});

test('without credentials, the message says which to set', async (t) => {
  const { token } = await start(t, probe, { KEYCARD_CLIENT_ID: 'only' });
  const answer = await token().then(
    (response) => response.text(),
    (error) => error.message,
  );
  assert.match(
    answer,
    /Missing Keycard credentials in env\. Set either KEYCARD_PRIVATE_KEY \(WebIdentity\) or KEYCARD_CLIENT_ID \+ KEYCARD_CLIENT_SECRET \(ClientSecret\)\./,
  );
});
