import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { after, before, test } from 'node:test';
import { startIssuer } from './support/issuer.mjs';
import { load } from './support/package.mjs';

const {
  main: { createGate },
} = await load();
const AUDIENCE = 'https://mcp.example.com';

let issuer;
before(async () => {
  issuer = await startIssuer();
});
after(() => issuer.close());

const request = (token, path = '/mcp', init = {}) =>
  new Request(`https://mcp.example.com${path}`, {
    ...init,
    headers: { ...(token && { authorization: `Bearer ${token}` }), origin: 'https://app.example', ...init.headers },
  });

const gateOf = (options) => createGate({ issuer: issuer.url, audience: AUDIENCE, ...options });

test('a valid token reaches the handler with its identity', async () => {
  const worker = gateOf().protect((_request, env, ctx, auth) => {
    assert.equal(env.name, 'env');
    assert.deepEqual(
      { ...auth },
      {
        subject: 'ada',
        clientId: 'app',
        scopes: ['mcp:tools'],
        issuer: issuer.url,
        audience: [AUDIENCE],
        expiresAt: auth.claims.exp,
        issuedAt: auth.claims.iat,
        actors: [],
      },
    );
    assert.equal(auth.claims.nested.deep[0], 'ü');
    assert.throws(() => {
      auth.claims.nested.deep.push(1);
    }, TypeError);
    assert.throws(() => {
      auth.subject = 'eve';
    }, TypeError);
    return new Response(auth.token);
  });
  const token = await issuer.mint({ nested: { deep: ['ü'] } });
  const response = await worker.fetch(request(token), { name: 'env' }, undefined);
  assert.equal(response.status, 200);
  assert.equal(await response.text(), token);
});

test('a known token is answered without a promise', async () => {
  const gate = gateOf();
  const token = await issuer.mint();
  assert.equal((await gate.authenticate(request(token))).ok, true);
  assert.equal(gate.authenticate(request(token)).ok, true);
  assert.equal(gate.verify(token).ok, true);
  assert.equal(gate.verify(token).auth.claims, gate.verify(token).auth.claims, 'lifted once');
  const response = gate.protect(() => new Response('now')).fetch(request(token), undefined, undefined);
  assert.ok(response instanceof Response);
});

test('logs and JSON of an identity carry neither token nor claims', async () => {
  const gate = gateOf();
  const token = await issuer.mint({ email: 'ada@example.com' });
  const { auth } = await gate.verify(token);
  for (const text of [
    inspect(auth, { depth: 9, showHidden: true }),
    JSON.stringify(auth),
    JSON.stringify({ ...auth }),
  ]) {
    assert.ok(text.includes('ada'), text);
    assert.ok(!text.includes(token.slice(0, 20)) && !text.includes('ada@example.com'), text);
  }
});

test('refusals are complete responses with a stable reason', async () => {
  const refusals = [];
  const gate = gateOf({ onRefusal: ({ reason, status, request: on }) => refusals.push([reason, status, on?.url]) });
  const worker = gate.protect(() => assert.fail('the handler must not run'));
  const none = await worker.fetch(request());
  assert.equal(none.status, 401);
  assert.match(
    none.headers.get('www-authenticate'),
    /^Bearer .*resource_metadata="https:\/\/mcp\.example\.com\/\.well-known\/oauth-protected-resource/,
  );
  assert.equal(none.headers.get('access-control-allow-origin'), '*');
  const expired = await worker.fetch(request(await issuer.mint({ iat: 1, exp: 2 })));
  assert.equal(expired.status, 401);
  assert.match(expired.headers.get('www-authenticate'), /error="invalid_token"/);
  const token = await issuer.mint();
  const tampered = await worker.fetch(
    request(token.slice(0, -10) + (token.at(-10) === 'A' ? 'B' : 'A') + token.slice(-9)),
  );
  assert.equal(tampered.status, 401);
  assert.equal(refusals.length, 3);
  assert.deepEqual(refusals[0], ['credentials-missing', 401, 'https://mcp.example.com/mcp']);
  const bare = await gate.verify('not a token');
  assert.equal(bare.ok, false);
  assert.equal(bare.response.status >= 400 && bare.response.status < 500, true);
  assert.equal(bare.response.headers.get('www-authenticate')?.includes('resource_metadata') ?? false, false);
  assert.equal(refusals.at(-1)[0], bare.reason);
  assert.equal(refusals.at(-1)[2], undefined);
});

test('exceptions of onRefusal are ignored', async (t) => {
  t.mock.method(console, 'error', () => {});
  const worker = gateOf({
    onRefusal() {
      throw new Error('metrics are down');
    },
  }).protect(() => new Response());
  assert.equal((await worker.fetch(request())).status, 401);
});

test('routes, scopes and their hierarchy', async () => {
  const gate = gateOf({
    routes: [
      { path: '/health', public: true },
      { path: '/admin', scopes: ['mcp:admin'] },
      { path: '/read', methods: ['GET'], scopes: ['mcp:read'] },
    ],
    scopeHierarchy: { 'mcp:admin': ['mcp:read'] },
  });
  const worker = gate.protect((_request, _env, _ctx, auth) => new Response(auth === null ? 'public' : auth.subject));
  assert.equal(await (await worker.fetch(request(undefined, '/health'))).text(), 'public');
  assert.equal(await (await worker.fetch(request('rubbish', '/health'))).text(), 'public');
  const tools = await issuer.mint();
  const admin = await issuer.mint({ scope: 'mcp:admin' });
  const refused = await worker.fetch(request(tools, '/admin'));
  assert.equal(refused.status, 403);
  assert.match(refused.headers.get('www-authenticate'), /insufficient_scope/);
  assert.equal((await worker.fetch(request(admin, '/admin'))).status, 200);
  assert.equal((await worker.fetch(request(admin, '/read'))).status, 200);
  assert.equal((await worker.fetch(request(tools, '/read'))).status, 403);
  assert.equal(
    (await gate.authenticate(request(undefined, '/health'))).ok,
    false,
    'authenticate knows no public routes',
  );
  assert.equal(
    (await gate.authenticate(request(tools), undefined, undefined, { scopes: ['mcp:admin'] })).response.status,
    403,
  );
  assert.equal((await gate.verify(admin, undefined, undefined, { scopes: ['mcp:read'] })).ok, true);

  const { auth } = await gate.authenticate(request(tools));
  assert.equal(auth.require('mcp:tools'), null);
  const challenge = auth.require('mcp:admin', 'mcp:tools');
  assert.equal(challenge.status, 403);
  assert.match(challenge.headers.get('www-authenticate'), /scope="[^"]*mcp:admin/);
  const bare = (await gate.verify(tools)).auth;
  assert.throws(() => bare.require('mcp:admin'), TypeError);
});

test('metadata and preflight', async () => {
  const gate = gateOf();
  const path = '/.well-known/oauth-protected-resource/mcp';
  const document = await gate.metadata(request(undefined, path));
  assert.equal(document.status, 200);
  const body = await document.json();
  assert.equal(body.resource, 'https://mcp.example.com/mcp');
  assert.deepEqual(body.authorization_servers, [issuer.url]);
  assert.equal(await gate.metadata(request(undefined, '/mcp')), null);
  const worker = gate.protect(() => assert.fail('the handler must not run'));
  assert.equal((await worker.fetch(request(undefined, path))).status, 200);
  const preflight = await worker.fetch(
    request(undefined, '/mcp', {
      method: 'OPTIONS',
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, mcp-protocol-version',
      },
    }),
  );
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get('access-control-allow-headers'), /mcp-protocol-version/);
});

test('the gate adds its headers to any response', async () => {
  const token = await issuer.mint();
  const seen = async (handler) => (await gateOf().protect(handler).fetch(request(token))).headers;
  assert.equal((await seen(() => new Response())).get('access-control-allow-origin'), '*');
  const immutable = await seen(() => Response.redirect('https://elsewhere.example/'));
  assert.equal(immutable.get('access-control-allow-origin'), '*');
  assert.equal(immutable.get('location'), 'https://elsewhere.example/');
  const own = await seen(
    async () =>
      new Response('', {
        headers: {
          vary: 'accept',
          'access-control-expose-headers': 'mcp-session-id',
          'access-control-allow-origin': 'https://wrong.example',
        },
      }),
  );
  assert.equal(own.get('access-control-allow-origin'), '*');
  assert.match(own.get('access-control-expose-headers'), /mcp-session-id/);
  assert.match(own.get('access-control-expose-headers'), /www-authenticate/i);
  assert.match(own.get('vary'), /accept/);
  assert.equal(
    await gateOf()
      .protect(() => undefined)
      .fetch(request(token)),
    undefined,
    'for the runtime to complain about',
  );
  const shared = new Response('shared');
  await seen(() => shared);
  assert.equal((await seen(() => shared)).get('access-control-expose-headers').match(/www-authenticate/gi).length, 1);
});

test('exceptions of the handler are passed on', async () => {
  const token = await issuer.mint();
  const gate = gateOf();
  await gate.verify(token);
  assert.throws(
    () =>
      gate
        .protect(() => {
          throw new RangeError('mine');
        })
        .fetch(request(token)),
    RangeError,
  );
  await assert.rejects(
    async () =>
      gate
        .protect(async () => {
          throw new RangeError('mine');
        })
        .fetch(request(token)),
    RangeError,
  );
});

test('100 cold requests make one discovery and one fetch of keys', async () => {
  const own = await startIssuer();
  try {
    const gate = createGate({ issuer: own.url, audience: AUDIENCE });
    const tokens = await Promise.all(Array.from({ length: 100 }, () => own.mint()));
    const results = await Promise.all(tokens.map((token) => gate.authenticate(request(token))));
    assert.equal(results.filter(({ ok }) => ok).length, 100);
    assert.deepEqual(own.counts, { discovery: 1, jwks: 1, token: 0 });
  } finally {
    await own.close();
  }
});

test('when half of the clients disconnect, the others are answered', async () => {
  const own = await startIssuer();
  try {
    const release = own.hold();
    const gate = createGate({ issuer: own.url, audience: AUDIENCE });
    const tokens = await Promise.all(Array.from({ length: 20 }, () => own.mint()));
    const clients = tokens.map(() => new AbortController());
    const results = tokens.map((token, i) => {
      const result = gate.authenticate(request(token, '/mcp', { signal: clients[i].signal }));
      return Promise.resolve(result).then(
        ({ ok }) => ok,
        (error) => error.name,
      );
    });
    // All at the same moment: one that leaves later might have begun a fetch of its own meanwhile.
    setTimeout(() => clients.filter((_, i) => i % 2 === 0).forEach((leaving) => void leaving.abort()), 50);
    setTimeout(release, 100);
    assert.deepEqual(
      await Promise.all(results),
      tokens.map((_, i) => (i % 2 === 0 ? 'AbortError' : true)),
    );
    assert.ok(own.counts.discovery <= 2 && own.counts.jwks === 1, JSON.stringify(own.counts));
  } finally {
    await own.close();
  }
});

test('with ctx, a fetch continues after its client has disconnected', async () => {
  const own = await startIssuer();
  try {
    const release = own.hold();
    const gate = createGate({ issuer: own.url, audience: AUDIENCE });
    const leaving = new AbortController();
    const lasting = [];
    const ctx = { waitUntil: (promise) => lasting.push(promise) };
    const first = gate.authenticate(request(await own.mint(), '/mcp', { signal: leaving.signal }), undefined, ctx);
    leaving.abort();
    release();
    await Promise.all(lasting);
    assert.equal((await first).ok, true);
    assert.deepEqual(own.counts, { discovery: 1, jwks: 1, token: 0 });
    assert.equal((await gate.verify(await own.mint())).ok, true);
    assert.deepEqual(own.counts, { discovery: 1, jwks: 1, token: 0 }, 'keys are there');
  } finally {
    await own.close();
  }
});

test('an issuer that cannot be reached is 503, never 401', async () => {
  const gate = createGate({ issuer: 'http://127.0.0.1:9', audience: AUDIENCE });
  const { response, ok } = await gate.authenticate(request(await issuer.mint({ iss: 'http://127.0.0.1:9' })));
  assert.equal(ok, false);
  assert.equal(response.status, 503);
  assert.ok(Number(response.headers.get('retry-after')) > 0);
});

/** Responses of a hostile or broken issuer to a request for its keys. All of them cause a 503. */
const HOSTILE = {
  'a redirect': (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
  'a body without end': (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(65536)));
    };
    response.on('drain', more);
    more();
  },
  'half of an answer': (_request, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('{"keys":');
    setTimeout(() => response.destroy(), 20);
  },
  silence: () => {},
  'no JSON': (_request, response) => response.end('<html>'),
};

for (const [name, answer] of Object.entries(HOSTILE)) {
  test(`an issuer that answers with ${name} is 503`, async () => {
    const own = await startIssuer();
    try {
      own.answer('jwks', answer);
      const gate = createGate({ issuer: own.url, audience: AUDIENCE, keys: { timeoutMs: 300 } });
      const { response } = await gate.authenticate(request(await own.mint()));
      assert.equal(response.status, 503);
    } finally {
      await own.close();
    }
  });
}

test('an own fetch gets the environment of the request', async () => {
  const seen = [];
  const gate = gateOf({
    fetch: (url, init, env) => {
      seen.push([url, init.redirect, env.binding]);
      return fetch(url, init);
    },
  });
  assert.equal((await gate.verify(await issuer.mint(), { binding: 7 })).ok, true);
  assert.deepEqual(seen, [
    [`${issuer.url}/.well-known/oauth-authorization-server`, 'manual', 7],
    [`${issuer.url}/jwks`, 'manual', 7],
  ]);
});

test('an own fetch that throws at once is an issuer that cannot be reached', async () => {
  const gate = gateOf({
    fetch() {
      throw new Error('no network');
    },
  });
  assert.equal((await gate.verify(await issuer.mint())).response.status, 503);
});

test('exported keys work in another gate', async () => {
  const first = gateOf();
  await first.verify(await issuer.mint());
  const state = first.exportKeys();
  assert.ok(!state.includes('"d"'));
  const second = createGate({ issuer: issuer.url, audience: AUDIENCE, fetch: () => assert.fail('nothing is fetched') });
  assert.equal(second.importKeys(state), 1);
  assert.equal((await second.verify(await issuer.mint())).ok, true);
  assert.throws(() => second.importKeys('rubbish'), { name: 'ConfigError' });
});

test('keys given inline need no fetch', async () => {
  const gate = createGate({
    issuers: [{ issuer: issuer.url, audiences: [AUDIENCE], keys: { inline: issuer.jwks } }],
    fetch: () => assert.fail('nothing is fetched'),
  });
  assert.equal((await gate.verify(await issuer.mint())).ok, true);
});

test('one gate serves several environments', async () => {
  const other = await startIssuer();
  try {
    const gate = createGate({ resource: AUDIENCE });
    const [one, two] = [{ TOLLGATE_ISSUER: issuer.url }, { TOLLGATE_ISSUER: other.url }];
    assert.equal((await gate.verify(await issuer.mint(), one)).ok, true);
    assert.equal((await gate.verify(await issuer.mint(), two)).ok, false);
    assert.equal((await gate.verify(await other.mint(), two)).ok, true);
    const token = await issuer.mint();
    assert.equal((await gate.verify(token, one)).ok, true);
    assert.equal(gate.verify(token, { ...one }).ok, true, 'equal settings share one cache, which needs no promise');
  } finally {
    await other.close();
  }
});

test('huge and odd input is refused, not an exception', async () => {
  const gate = gateOf();
  const huge = 'x'.repeat(1024 * 1024);
  for (const token of [
    huge,
    '',
    'a.b',
    'a.b.c.d.e',
    '\u0000',
    'ü'.repeat(500),
    '\ud800',
    `${'A'.repeat(300_000)}.${'A'.repeat(300_000)}.A`,
  ]) {
    const result = await gate.verify(token);
    assert.equal(result.ok, false);
    assert.ok(result.response.status >= 400 && result.response.status < 500, `${result.response.status}`);
  }
  const twice = new Request('https://mcp.example.com/', {
    headers: [
      ['authorization', 'Bearer a.b.c'],
      ['authorization', 'Bearer d.e.f'],
    ],
  });
  assert.equal((await gate.authenticate(twice)).response.status, 400);
  const path = await gate.authenticate(request('a.b.c', `/${'p'.repeat(100_000)}?${'q'.repeat(100_000)}`));
  assert.equal(path.ok, false);
  assert.equal((await gate.verify(await issuer.mint())).ok, true, 'and the gate still works');
});

test('1,000 random kids cost at most two fetches of keys', async () => {
  const own = await startIssuer();
  try {
    const gate = createGate({ issuer: own.url, audience: AUDIENCE });
    const tokens = await Promise.all(Array.from({ length: 1000 }, (_, i) => own.mint({}, { kid: `k-${i}` })));
    const results = await Promise.all(tokens.map((token) => gate.verify(token)));
    assert.equal(results.filter(({ ok }) => ok).length, 0);
    assert.ok(own.counts.jwks <= 2, JSON.stringify(own.counts));
  } finally {
    await own.close();
  }
});

test('a fault of the issuer is logged once, with what to do', async (t) => {
  const logged = t.mock.method(console, 'warn', () => {});
  const gate = createGate({ issuer: 'http://127.0.0.1:1', audience: AUDIENCE });
  const token = await issuer.mint({ iss: 'http://127.0.0.1:1' });
  for (let i = 0; i < 3; i++) assert.equal((await gate.authenticate(request(token))).response.status, 503);
  const lines = logged.mock.calls.map(({ arguments: [line] }) => line);
  assert.equal(lines.length, 1, lines.join('\n'));
  assert.match(
    lines[0],
    /^tollgate: The keys of http:\/\/127\.0\.0\.1:1 could not be fetched: the connection failed\. Check/,
  );
});

test('a bad key that is configured is logged at the start', async (t) => {
  const logged = t.mock.method(console, 'warn', () => {});
  const { keys } = issuer.jwks;
  const inline = { keys: [...keys, { kty: 'RSA', n: 'AQAB', e: 'AQAB' }] };
  const gate = createGate({ issuers: [{ issuer: issuer.url, audiences: [AUDIENCE], keys: { inline } }] });
  await gate.authenticate(request(undefined));
  const lines = logged.mock.calls.map(({ arguments: [line] }) => line);
  assert.equal(lines.length, 1, lines.join('\n'));
  assert.match(lines[0], /^tollgate: The key at index 1 in the key set of .* is not used/);
});

test('the gate adds to a list in a header by its members', async () => {
  const app = 'https://app.example';
  const vary = async (had) => {
    const worker = gateOf({ cors: { origins: [app] }, routes: [{ path: '/*', public: true }] }).protect(
      () => new Response('', { headers: { vary: had } }),
    );
    return (await worker.fetch(request(undefined), {}, undefined)).headers.get('vary');
  };
  assert.match(await vary('X-Original-Host, X-Origin'), /, Origin$/);
  assert.equal(await vary('accept, ORIGIN'), 'accept, ORIGIN');
});
