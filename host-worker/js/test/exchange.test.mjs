// The client in Node: exchange, cache, failures and identities.
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { after, before, test } from 'node:test';
import { read, startIssuer } from './support/issuer.mjs';
import { load } from './support/package.mjs';
import { TROUBLES } from './support/troubles.mjs';

const {
  main: { createGate, ConfigError, TokenError },
} = await load();
const AUDIENCE = 'https://mcp.example.com';
const API = 'https://api.example.com';
const SECRET = 's3cret+/=';

let issuer;
before(async () => {
  issuer = await startIssuer();
});
after(() => issuer.close());

const gateOf = (own = issuer, client = {}) =>
  createGate({ issuer: own.url, audience: AUDIENCE, client: { id: 'app', secret: SECRET, ...client } });
const identity = async (gate, own = issuer, claims = {}) => (await gate.verify(await own.mint(claims))).auth;
const kind = (wanted) => (error) => {
  assert.ok(error instanceof TokenError, `${error}`);
  assert.equal(error.kind, wanted);
  return true;
};

test('a token is exchanged once and cached', async () => {
  const gate = gateOf(issuer, { id: 'an app:1' });
  const before = issuer.counts.token;
  const auth = await identity(gate);
  const token = await gate.exchange(auth, API, { scopes: ['read', 'write'], audience: 'billing' });
  assert.equal(read(token.accessToken).sub, 'ada');
  assert.equal(token.tokenType, 'Bearer');
  assert.deepEqual(token.scopes, ['read', 'write']);
  assert.ok(Math.abs(token.expiresAt - Date.now() - 300_000) < 5000);
  assert.equal(token.refreshToken, undefined);
  const { headers, form } = issuer.requests.at(-1);
  assert.equal(
    headers.authorization,
    `Basic ${btoa(`an+app%3A1:${encodeURIComponent(SECRET)}`)}`,
    'form-encoded, as RFC 6749 section 2.3.1 says',
  );
  assert.deepEqual(form, {
    grant_type: ['urn:ietf:params:oauth:grant-type:token-exchange'],
    subject_token: [auth.token],
    subject_token_type: ['urn:ietf:params:oauth:token-type:access_token'],
    resource: [API],
    audience: ['billing'],
    scope: ['read write'],
  });
  assert.equal(
    (await gate.exchange(auth, [API], { scopes: ['write', 'read'], audience: ['billing'] })).accessToken,
    token.accessToken,
  );
  assert.equal(issuer.counts.token, before + 1);
  assert.notEqual((await gate.exchange(auth, API)).accessToken, token.accessToken);
});

test('neither tokens nor errors nor gates print a secret', async () => {
  const gate = gateOf();
  const own = await startIssuer();
  try {
    own.answer('token', (_request, response) =>
      response.end(
        JSON.stringify({
          access_token: 'access-secret',
          refresh_token: 'refresh-secret',
          token_type: 'Bearer',
          expires_in: 60,
          issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        }),
      ),
    );
    const other = gateOf(own);
    const auth = await identity(other, own);
    const token = await other.exchange(auth, API);
    assert.equal(token.accessToken, 'access-secret');
    assert.equal(token.refreshToken, 'refresh-secret');
    assert.throws(() => {
      token.accessToken = 'x';
    }, TypeError);
    own.answer('token', (_request, response) =>
      response
        .writeHead(400)
        .end('{"error":"access_denied","error_description":"no\\u001b[31m","error_uri":"https://x.example/"}'),
    );
    const error = await other.exchange(auth, `${API}/2`).catch((caught) => caught);
    for (const value of [token, error, gate, other, { token }]) {
      for (const text of [
        inspect(value, { depth: 9, showHidden: true }),
        JSON.stringify(value),
        JSON.stringify({ ...value }),
        String(value),
      ]) {
        for (const secret of ['access-secret', 'refresh-secret', SECRET, auth.token.slice(0, 20), '\u001b[31m'])
          assert.ok(!text.includes(secret), text);
      }
    }
    assert.match(inspect(token), /^Token \{/);
    assert.equal(error.name, 'TokenError');
  } finally {
    await own.close();
  }
});

test('a refusal has the issuer’s text in its own members', async () => {
  const own = await startIssuer();
  try {
    own.answer('token', (_request, response) =>
      response
        .writeHead(400)
        .end('{"error":"invalid_grant","error_description":"hostile","error_uri":"https://x.example/"}'),
    );
    const gate = gateOf(own);
    const error = await gate.exchange(await identity(gate, own), API).catch((caught) => caught);
    assert.ok(error instanceof TokenError && error instanceof Error);
    const { kind: which, error: code, errorDescription, errorUri, status } = error;
    assert.deepEqual(
      { which, code, errorDescription, errorUri, status },
      {
        which: 'refused',
        code: 'invalid_grant',
        errorDescription: 'hostile',
        errorUri: 'https://x.example/',
        status: 400,
      },
    );
    assert.ok(!error.message.includes('hostile'));
    const response = error.toResponse();
    assert.equal(response.status, 401);
    assert.match(response.headers.get('www-authenticate'), /^Bearer/);
    assert.ok(!(await response.text()).includes('hostile'));
    assert.equal(error.toResponse().status, 401, 'as often as wanted');
  } finally {
    await own.close();
  }
});

test('only identities from this gate are accepted', async () => {
  const gate = gateOf();
  const auth = await identity(gate);
  const foreign = await identity(gateOf());
  for (const wrong of [
    foreign,
    { ...auth },
    Object.create(auth),
    { subject: 'ada', token: auth.token },
    undefined,
    'ada',
  ]) {
    await assert.rejects(
      gate.exchange(wrong, API),
      (error) => error instanceof TypeError && /does not come from this gate/.test(error.message),
    );
    await assert.rejects(gate.fetchAs(wrong, API, API), TypeError);
  }
  await assert.rejects(gate.exchange(null, API), /`auth` is null, as on public routes/);
});

test('wrong arguments are type errors that say which', async () => {
  const gate = gateOf();
  const auth = await identity(gate);
  await assert.rejects(gate.exchange(auth), /`resource` must be a string or a list of strings/);
  await assert.rejects(gate.exchange(auth, API, { scope: 'a' }), /There is no option `scope`/);
  await assert.rejects(gate.exchange(auth, API, { fetch }), TypeError);
  await assert.rejects(gate.exchange(auth, API, { scopes: 'a' }), TypeError);
  await assert.rejects(gate.ownToken(), TypeError);
  await assert.rejects(gate.tokenRequest({ type: 'password' }), /must be one of 'token-exchange'/);
  await assert.rejects(gate.tokenRequest({ type: 'refresh-token' }), /`grant.refreshToken` must be a string/);
  await assert.rejects(gate.tokenRequest({ type: 'client-credentials' }, {}, { clientAssertion: 1 }), TypeError);
  await assert.rejects(gate.clientAssertion(), TypeError);
  assert.throws(() => gate.invalidate({ subject: 1 }), /`filter.subject` must be a string/);
  assert.throws(() => gate.invalidate({ user: 'ada' }), /There is no option `filter.user`/);
  await assert.rejects(gate.exchange(auth, 'no url'), kind('invalid-request'));
  await gate.exchange(auth, API);
  assert.equal(gate.invalidate(), 1, 'none of this broke the component');
});

test('a token without a subject is refused', async () => {
  const gate = createGate({
    issuers: [{ issuer: issuer.url, audiences: [AUDIENCE], types: ['*'] }],
    client: { id: 'app', secret: SECRET },
  });
  for (const sub of [undefined, '']) {
    const { ok, auth } = await gate.verify(await issuer.mint({ sub }));
    if (ok) await assert.rejects(gate.exchange(auth, API), kind('no-subject'));
  }
});

test('100 concurrent calls make one exchange; 200 users make 200, never mixed, within the limits', async () => {
  const own = await startIssuer();
  try {
    const gate = gateOf(own, { cache: { maxEntries: 100 } });
    const auth = await identity(gate, own);
    const same = await Promise.all(Array.from({ length: 100 }, () => gate.exchange(auth, API)));
    assert.equal(new Set(same.map(({ accessToken }) => accessToken)).size, 1);
    assert.equal(own.counts.token, 1);
    const users = await Promise.all(Array.from({ length: 200 }, (_, i) => identity(gate, own, { sub: `user-${i}` })));
    const tokens = await Promise.all(users.map((user) => gate.exchange(user, API)));
    assert.deepEqual(
      tokens.map(({ accessToken }) => read(accessToken).sub),
      users.map(({ subject }) => subject),
    );
    assert.equal(own.counts.token, 201);
    assert.equal(gate.invalidate(), 100, 'the least recently used ones went');
  } finally {
    await own.close();
  }
});

for (const [name, { answer, expected }] of Object.entries(TROUBLES)) {
  test(`a token endpoint that answers with ${name} is a typed error, and over when it is over`, async () => {
    const own = await startIssuer();
    try {
      const gate = gateOf(own, { timeoutMs: 300 });
      const auth = await identity(gate, own);
      own.answer('token', answer);
      const begun = performance.now();
      const error = await gate.exchange(auth, API).catch((caught) => caught);
      assert.ok(performance.now() - begun < 2000);
      kind(expected)(error);
      assert.ok(error.message.length > 20 && !error.message.includes('html'));
      assert.ok([502, 503, 504].includes(error.toResponse().status));
      own.answer('token', undefined);
      assert.equal(read((await gate.exchange(auth, API)).accessToken).sub, 'ada');
    } finally {
      await own.close();
    }
  });
}

test('an endpoint that is down, and discovery that is', async () => {
  const own = await startIssuer();
  const gate = gateOf(own, { tokenEndpoint: 'http://127.0.0.1:9/token' });
  const auth = await identity(gate, own);
  await assert.rejects(gate.exchange(auth, API), kind('unreachable'));
  const later = createGate({
    issuers: [{ issuer: own.url, audiences: [AUDIENCE], keys: { inline: own.jwks } }],
    client: { id: 'app', secret: SECRET },
  });
  const other = await identity(later, own);
  await own.close();
  await assert.rejects(later.exchange(other, API), kind('issuer-unavailable'));
});

test('disconnecting clients do not affect others', async () => {
  const own = await startIssuer();
  try {
    const gate = gateOf(own);
    const token = await own.mint();
    await gate.verify(token);
    const release = own.hold();
    const results = Array.from({ length: 20 }, async (_, i) => {
      const leaving = new AbortController();
      const { auth } = await gate.authenticate(
        new Request('https://mcp.example.com/', {
          headers: { authorization: `Bearer ${token}` },
          signal: leaving.signal,
        }),
      );
      if (i % 2 === 0) setTimeout(() => leaving.abort(), 50);
      return gate.exchange(auth, API).then(
        ({ accessToken }) => read(accessToken).sub,
        (error) => error.name,
      );
    });
    setTimeout(release, 200);
    assert.deepEqual(
      await Promise.all(results),
      results.map((_, i) => (i % 2 === 0 ? 'AbortError' : 'ada')),
    );
  } finally {
    await own.close();
  }
});

test('with ctx, an exchange continues after its client has disconnected', async () => {
  const own = await startIssuer();
  try {
    const gate = gateOf(own);
    const token = await own.mint();
    const lasting = [];
    const leaving = new AbortController();
    const { auth } = await gate.authenticate(
      new Request('https://mcp.example.com/', {
        headers: { authorization: `Bearer ${token}` },
        signal: leaving.signal,
      }),
      undefined,
      { waitUntil: (promise) => lasting.push(promise) },
    );
    const release = own.hold();
    const exchange = gate.exchange(auth, API);
    await Promise.resolve();
    leaving.abort();
    release();
    await Promise.all(lasting);
    assert.equal(read((await exchange).accessToken).sub, 'ada');
    assert.equal(own.counts.token, 1);
  } finally {
    await own.close();
  }
});

test('tokens of the application, raw requests, and invalidation', async () => {
  const own = await startIssuer();
  try {
    const gate = gateOf(own, { authentication: 'client_secret_post' });
    const mine = await gate.ownToken({ resource: API, scopes: ['jobs'] });
    assert.deepEqual(own.requests.at(-1).form, {
      grant_type: ['client_credentials'],
      resource: [API],
      scope: ['jobs'],
      client_id: ['app'],
      client_secret: [SECRET],
    });
    assert.equal((await gate.ownToken({ resource: API, scopes: ['jobs'] })).accessToken, mine.accessToken);
    const grant = { type: 'token-exchange', subjectToken: await own.mint({ sub: 'eve' }), actorToken: 'actor' };
    const raw = await gate.tokenRequest(grant, { resource: API });
    assert.notEqual((await gate.tokenRequest(grant, { resource: API })).accessToken, raw.accessToken);
    assert.deepEqual(own.requests.at(-1).form.actor_token, ['actor']);
    await gate.tokenRequest({ type: 'refresh-token', refreshToken: 'r' }, undefined, {
      clientAssertion: 'signed-elsewhere',
    });
    const { form } = own.requests.at(-1);
    assert.deepEqual(
      [form.refresh_token, form.client_assertion, form.client_secret],
      [['r'], ['signed-elsewhere'], undefined],
    );
    const [ada, eve] = [await identity(gate, own), await identity(gate, own, { sub: 'eve' })];
    for (const auth of [ada, eve]) for (const resource of [API, `${API}/2`]) await gate.exchange(auth, resource);
    assert.equal(gate.invalidate({ subject: 'ada', resource: API }), 1);
    assert.equal(gate.invalidate({ subject: 'ada' }), 1);
    assert.equal(gate.invalidate({ resource: API }), 2, 'eve’s and the application’s own');
    assert.equal(gate.invalidate(), 1);
    assert.equal(gate.invalidate(), 0);
  } finally {
    await own.close();
  }
});

test('the identity has the actors', async () => {
  const gate = gateOf();
  const auth = await identity(gate, issuer, {
    act: { sub: 'agent', client_id: 'c', act: { sub: 'before', iss: 'https://i.example' } },
  });
  assert.deepEqual(auth.actors, [
    { subject: 'agent', issuer: undefined, clientId: 'c' },
    { subject: 'before', issuer: 'https://i.example', clientId: undefined },
  ]);
  assert.ok(Object.isFrozen(auth.actors) && Object.isFrozen(auth.actors[0]));
  assert.match(inspect(auth), /agent/);
});

test('without a client, only token requests fail', async (t) => {
  const logged = t.mock.method(console, 'error', () => {});
  const gate = createGate({ issuer: issuer.url, audience: AUDIENCE });
  gate.check();
  const auth = await identity(gate);
  await assert.rejects(
    gate.exchange(auth, API),
    (error) =>
      kind('configuration')(error) && /TOLLGATE_CLIENT_ID/.test(error.message) && error.toResponse().status === 500,
  );
  assert.throws(() => gate.invalidate(), kind('configuration'));
  assert.equal(logged.mock.callCount(), 0);
});

test('an invalid client is logged once at the start, and does not stop the gate', async (t) => {
  const logged = t.mock.method(console, 'error', () => {});
  const env = {
    TOLLGATE_ISSUER: issuer.url,
    TOLLGATE_AUDIENCE: AUDIENCE,
    TOLLGATE_CLIENT_ID: 'app',
    TOLLGATE_PRIVATE_KEY: 'MIISECRET',
  };
  const gate = createGate();
  const { auth } = await gate.verify(await issuer.mint(), env);
  assert.equal(auth.subject, 'ada');
  assert.equal(
    (await gate.metadata(new Request('https://mcp.example.com/.well-known/oauth-protected-resource'), env)).status,
    200,
  );
  for (let i = 0; i < 2; i++) {
    await assert.rejects(
      gate.exchange(auth, API),
      (error) =>
        kind('configuration')(error) &&
        /TOLLGATE_PRIVATE_KEY/.test(error.message) &&
        error.cause instanceof ConfigError,
    );
  }
  assert.throws(
    () => gate.check(env),
    (error) => error instanceof ConfigError && error.field === 'TOLLGATE_PRIVATE_KEY' && error.part === 'client',
  );
  assert.equal(logged.mock.callCount(), 1);
  const [sentence] = logged.mock.calls[0].arguments;
  assert.match(sentence, /^tollgate: .*TOLLGATE_PRIVATE_KEY/);
  assert.ok(!sentence.includes('MIISECRET'));
});
