// The gate in JavaScript and in Rust: one component, so the same answers.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { read, startIssuer } from '../../js/test/support/issuer.mjs';
import { startUpstream } from '../../js/test/support/upstream.mjs';
import { build, start } from './support/worker.mjs';

const RESOURCE = 'https://api.example.com';

describe('a gate in Rust and a gate in JavaScript', () => {
  let issuer;
  const builds = {};
  const workers = {};
  const options = () => ({
    issuers: [
      {
        issuer: issuer.url,
        audiences: ['https://api.example.com', 'other'],
        clockTolerance: 10,
        keys: { uri: `${issuer.url}/jwks` },
      },
    ],
    resource: RESOURCE,
    routes: [
      { path: '/open', public: true },
      { path: '/both', methods: ['POST'], scopes: ['write'] },
    ],
    scopes: ['read'],
    scopeHierarchy: { admin: ['read', 'write'] },
    realm: 'echo',
    metadata: { resourceName: 'Echo', serveIssuerMetadata: false },
    cors: { origins: ['https://app.example.com'], maxAge: 60 },
    tokenCache: { maxEntries: 10 },
    keys: { cooldown: 5 },
    client: {
      id: 'echo',
      secret: 's3cr3t',
      authentication: 'client_secret_post',
      timeoutMs: 2000,
      cache: { maxEntries: 10 },
    },
  });

  before(async () => {
    issuer = await startIssuer();
    for (const language of ['js', 'rust']) {
      builds[language] = await build(`test/echo-${language}`);
      workers[language] = await start(builds[language], { OPTIONS: JSON.stringify(options()) });
    }
  });
  after(async () => {
    await Promise.all(Object.values(workers).map(({ stop }) => stop()));
    await Promise.all(Object.values(builds).map(({ remove }) => remove()));
    await issuer?.close();
  });

  /** Status, headers but those of the runtime, and body of both answers, which must be the same. */
  async function ask(path, init) {
    const answers = await Promise.all(
      Object.values(workers).map(async ({ fetch }) => {
        const response = await fetch(RESOURCE + path, init);
        const headers = [...response.headers].filter(
          ([name]) => !['content-length', 'transfer-encoding'].includes(name),
        );
        const text = await response.text();
        // Parsed: the order of claims is that of each language's maps.
        const body = response.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text;
        return { status: response.status, headers: headers.toSorted(), body };
      }),
    );
    assert.deepEqual(answers[1], answers[0], path);
    return answers[0];
  }

  it('say the same of every request', async () => {
    const token = (scope, claims) => issuer.mint({ aud: RESOURCE, scope, ...claims });
    const bearer = async (scope, claims) => ({ headers: { authorization: `Bearer ${await token(scope, claims)}` } });
    const app = { origin: 'https://app.example.com' };
    const statuses = {};
    for (const [name, path, init] of [
      ['public', '/open/x', {}],
      ['no token', '/any', {}],
      ['a token', '/any', await bearer('read')],
      ['by the hierarchy', '/any', await bearer('admin')],
      ['a scope is missing', '/any', await bearer('write')],
      ['a scope of the route is missing', '/both', { method: 'POST', ...(await bearer('read')) }],
      ['another method of the route', '/both', await bearer('read')],
      ['the handler asks for more', '/any?require=read%20write', await bearer('read')],
      ['the handler gets it', '/any?require=read%20write', await bearer('admin')],
      ['another audience', '/any', await bearer('read', { aud: 'https://evil.example.com' })],
      ['metadata', '/.well-known/oauth-protected-resource/any', {}],
      ['an origin that may', '/any', { headers: { ...app, ...(await bearer('read')).headers } }],
      ['an origin that may not', '/any', { headers: { origin: 'https://evil.example.com' } }],
      ['a preflight', '/any', { method: 'OPTIONS', headers: { ...app, 'access-control-request-method': 'POST' } }],
    ]) {
      statuses[name] = (await ask(path, init)).status;
    }
    assert.deepEqual(statuses, {
      public: 200,
      'no token': 401,
      'a token': 200,
      'by the hierarchy': 200,
      'a scope is missing': 403,
      'a scope of the route is missing': 403,
      'another method of the route': 200,
      'the handler asks for more': 403,
      'the handler gets it': 200,
      'another audience': 401,
      metadata: 200,
      'an origin that may': 200,
      'an origin that may not': 403,
      'a preflight': 204,
    });
  });

  it('pass on the whole identity', async () => {
    const exp = Math.floor(Date.now() / 1000) + 300;
    const claims = {
      sub: 'Grace "Höpper"\u2028',
      client_id: 'editor',
      aud: [RESOURCE, 'other'],
      scope: 'read extra',
      exp,
      iat: exp - 400,
      jti: 'one',
      act: { sub: 'agent', client_id: 'bot', act: { sub: 'before' } },
      nested: { list: [1, 2.5, null, true, 'x'] },
    };
    const token = await issuer.mint(claims);
    const { identity } = (await ask('/any', { headers: { authorization: `Bearer ${token}` } })).body;
    assert.deepEqual(identity, {
      subject: claims.sub,
      clientId: 'editor',
      scopes: ['read', 'extra'],
      issuer: issuer.url,
      audience: [RESOURCE, 'other'],
      expiresAt: exp,
      issuedAt: exp - 400,
      actors: [
        { subject: 'agent', issuer: null, clientId: 'bot' },
        { subject: 'before', issuer: null, clientId: null },
      ],
      claims: { iss: issuer.url, ...claims },
      token,
    });
  });

  it('verify what is not a request to a protected route', async () => {
    const token = await issuer.mint({ aud: RESOURCE, scope: 'read', sub: 'ada' });
    const bearer = { authorization: `Bearer ${token}` };
    const app = { origin: 'https://app.example.com' };
    const reason = ({ headers }) => Object.fromEntries(headers)['x-reason'];

    const known = await ask('/open/authenticate', { headers: { ...bearer, ...app } });
    assert.equal(known.body.identity.subject, 'ada');
    assert.equal(known.body.identity.token, token);
    const headers = Object.fromEntries(known.body.headers);
    assert.equal(headers['access-control-allow-origin'], app.origin);
    const unknown = await ask('/open/authenticate');
    assert.deepEqual([unknown.status, reason(unknown)], [401, 'credentials-missing']);
    const narrow = await ask('/open/authenticate?scopes=write', { headers: bearer });
    assert.deepEqual([narrow.status, reason(narrow)], [403, 'insufficient-scope']);

    const bare = await ask(`/open/verify?token=${token}`);
    assert.deepEqual([bare.body.identity.subject, bare.body.identity.scopes], ['ada', ['read']]);
    assert.equal((await ask(`/open/verify?token=${token}&scopes=write`)).status, 403);
    const broken = await ask('/open/verify?token=x');
    assert.deepEqual([broken.status, reason(broken)], [401, 'jws-not-three-parts']);
  });

  it('give metadata where they are asked for, and keys', async () => {
    const metadata = (path) => ask(`/open/metadata?url=${encodeURIComponent(RESOURCE + path)}`);
    const { body } = await metadata('/.well-known/oauth-protected-resource');
    assert.deepEqual([body.resource, body.resource_name], [RESOURCE, 'Echo']);
    assert.equal((await metadata('/any')).body, null);

    const token = await issuer.mint({ aud: RESOURCE, scope: 'read' });
    for (const [language, { fetch }] of Object.entries(workers)) {
      await fetch(`${RESOURCE}/any`, { headers: { authorization: `Bearer ${token}` } });
      const { state } = await (await fetch(`${RESOURCE}/open/keys`)).json();
      assert.ok(state.includes(issuer.url));
      const later = await start(builds[language], { OPTIONS: JSON.stringify(options()) });
      try {
        const answer = await later.fetch(`${RESOURCE}/open/keys?state=${encodeURIComponent(state)}`);
        assert.equal((await answer.json()).taken, 1, language);
      } finally {
        await later.stop();
      }
    }
  });

  describe('with a client', () => {
    const API = 'https://cars.example.com';
    const as = async (sub) => ({
      headers: { authorization: `Bearer ${await issuer.mint({ aud: RESOURCE, scope: 'read', sub })}` },
    });
    /** Both answers, which may differ in which token of the issuer it is, and when it ends. */
    const tokens = (path, init) =>
      Promise.all(
        Object.values(workers).map(async ({ fetch }) => {
          const response = await fetch(RESOURCE + path, init);
          assert.equal(response.status, 200, `${path}: ${response.headers.get('x-error')}`);
          const { accessToken, expiresAt, ...rest } = await response.json();
          const { n, ...says } = read(accessToken);
          return { n, says, expiresIn: Math.round((expiresAt - Date.now()) / 10_000) * 10, ...rest };
        }),
      );
    const same = ([js, rust]) => {
      assert.deepEqual({ ...rust, n: 0 }, { ...js, n: 0 });
      return js;
    };

    it('exchange a token once and keep it', async () => {
      const ada = await as('ada');
      const path = `/exchange?resource=${API}&scopes=a%20b`;
      const first = await tokens(path, ada);
      assert.deepEqual(same(first), {
        n: first[0].n,
        says: { sub: 'ada', resource: [API] },
        expiresIn: 300,
        tokenType: 'Bearer',
        scopes: ['a', 'b'],
        issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
        refreshToken: null,
      });
      const { form } = issuer.requests.at(-1);
      assert.deepEqual([form.client_id, form.client_secret, form.scope], [['echo'], ['s3cr3t'], ['a b']]);
      assert.deepEqual(await tokens(path, ada), first);
      assert.deepEqual((await ask(`/invalidate?subject=ada&resource=${API}`, ada)).body, { forgotten: 1 });
      assert.ok((await tokens(path, ada)).every(({ n }, index) => n > first[index].n));
    });

    it('ask for tokens of their own', async () => {
      const ada = await as('ada');
      const own = await tokens(`/own-token?resource=${API}`, ada);
      assert.equal(same(own).says.sub, 'app');
      assert.deepEqual(await tokens(`/own-token?resource=${API}`, ada), own);
      const raw = await tokens(`/token-request?resource=${API}`, ada);
      assert.equal(same(raw).says.sub, 'app');
      assert.ok((await tokens(`/token-request?resource=${API}`, ada)).every(({ n }, index) => n > raw[index].n));
    });

    it('call an API as the user, and once more with a new token', async () => {
      const upstream = await startUpstream();
      try {
        const path = (url) => `/fetch-as?resource=${upstream.url}&url=${encodeURIComponent(url)}`;
        const grace = await as('grace');
        const post = { method: 'POST', body: 'a body', headers: { ...grace.headers, 'x-mine': 'kept' } };
        for (const { fetch } of Object.values(workers)) {
          upstream.calls.length = 0;
          upstream.answer((_request, response, calls) =>
            response.writeHead(calls === 1 ? 401 : 418, { 'x-api': 'yes' }).end('teapot'),
          );
          const response = await fetch(RESOURCE + path(`${upstream.url}/cars?a=b`), post);
          assert.deepEqual(
            [response.status, response.headers.get('x-api'), await response.text()],
            [418, 'yes', 'teapot'],
          );
          const [first, second] = upstream.calls.map(({ headers: { authorization, 'x-mine': mine }, ...rest }) => ({
            ...rest,
            mine,
            ...read(authorization.split(' ')[1]),
          }));
          assert.deepEqual(first, {
            method: 'POST',
            url: '/cars?a=b',
            body: 'a body',
            mine: 'kept',
            sub: 'grace',
            resource: [upstream.url],
            n: first.n,
          });
          assert.deepEqual({ ...second, n: first.n }, first);
          assert.notEqual(second.n, first.n);
          // A redirect is the API's answer.
          upstream.answer((_request, response) => response.writeHead(302, { location: 'https://evil.example/' }).end());
          assert.equal((await fetch(RESOURCE + path(upstream.url), grace)).status, 302);
        }
        upstream.calls.length = 0;
        const { status, headers } = await ask(path('https://evil.example/'), grace);
        assert.equal(status, 500);
        assert.match(Object.fromEntries(headers)['x-error'], /"forbidden-destination"/);
        assert.equal(upstream.calls.length, 0);
      } finally {
        await upstream.close();
      }
    });

    it('say the same of a token endpoint in trouble', async () => {
      const ada = await as('ada');
      const json = (status, body) => (_request, response) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      try {
        const seen = {};
        for (const [name, answer] of Object.entries({
          refused: json(400, { error: 'invalid_target', error_description: 'no\r\nx: y' }),
          'unexpected-status': (_request, response) => response.writeHead(500).end(),
          'not-json': (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
          redirected: (_request, response) => response.writeHead(302, { location: `${issuer.url}/jwks` }).end(),
          'bad-response': json(200, { token_type: 'Bearer' }),
          'too-large': (_request, response) => response.writeHead(200).end('x'.repeat(2_000_000)),
          unreachable: (request) => request.socket.destroy(),
        })) {
          issuer.answer('token', answer);
          const { status, headers } = await ask(`/exchange?resource=https://${name}.example.com`, ada);
          const error = JSON.parse(Object.fromEntries(headers)['x-error']);
          assert.equal(error.kind, name, JSON.stringify(error));
          seen[name] = [status, error.oauth, error.status];
        }
        assert.deepEqual(seen, {
          refused: [403, 'invalid_target', 400],
          'unexpected-status': [502, null, 500],
          'not-json': [502, null, null],
          redirected: [502, null, null],
          'bad-response': [502, null, null],
          'too-large': [502, null, null],
          unreachable: [503, null, null],
        });
      } finally {
        issuer.answer('token');
      }
    });

    it('that cannot work take nothing else down', async () => {
      const client = { id: 'echo', keys: [{ key: 'no key' }] };
      for (const { fetch, stop } of await Promise.all(
        Object.values(builds).map((built) => start(built, { OPTIONS: JSON.stringify({ ...options(), client }) })),
      )) {
        try {
          const ada = await as('ada');
          assert.equal((await fetch(`${RESOURCE}/any`, ada)).status, 200);
          const response = await fetch(`${RESOURCE}/exchange?resource=${API}`, ada);
          assert.equal(response.status, 500);
          assert.equal(JSON.parse(response.headers.get('x-error')).kind, 'configuration');
        } finally {
          await stop();
        }
      }
    });
  });

  it('fail closed and in the log when the options are wrong', async () => {
    for (const [options, expected] of [
      ['{"issuers":[{"issuer":"https://a.example","audiences":["a"]}],"routes":[{"path":"any"}]}', /path/],
      ['{}', /TOLLGATE_ISSUER/],
      ['{"unknown":1}', /unknown/],
      ['not json', /JSON/i],
    ]) {
      for (const language of ['js', 'rust']) {
        // JavaScript that throws at module level does not start, which the runtime reports.
        const broken = await start(builds[language], { OPTIONS: options }).catch((error) => error);
        if (broken instanceof Error) continue;
        try {
          const response = await broken.fetch(`${RESOURCE}/any`).catch(() => ({ status: 500 }));
          assert.equal(response.status, 500, `${language}: ${options}`);
          if (language === 'rust') assert.match(broken.logs.join('\n'), expected);
        } finally {
          await broken.stop();
        }
      }
    }
  });
});
