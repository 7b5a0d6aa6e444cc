// The gate by JavaScript and by Rust: one component, so one answer.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startIssuer } from '../../js/test/support/issuer.mjs';
import { build, start } from './support/worker.mjs';

const RESOURCE = 'https://api.example.com';

describe('a gate in Rust and a gate in JavaScript', () => {
  let issuer;
  const builds = {};
  const workers = {};
  const options = () => ({
    issuers: [{ issuer: issuer.url, audiences: ['https://api.example.com', 'other'], clockTolerance: 10, keys: { uri: `${issuer.url}/jwks` } }],
    resource: RESOURCE,
    routes: [{ path: '/open', public: true }, { path: '/both', methods: ['POST'], scopes: ['write'] }],
    scopes: ['read'],
    scopeHierarchy: { admin: ['read', 'write'] },
    realm: 'echo',
    metadata: { resourceName: 'Echo', serveIssuerMetadata: false },
    cors: { origins: ['https://app.example.com'], maxAge: 60 },
    tokenCache: { maxEntries: 10 },
    keys: { cooldown: 5 },
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
    const answers = await Promise.all(Object.values(workers).map(async ({ fetch }) => {
      const response = await fetch(RESOURCE + path, init);
      const headers = [...response.headers].filter(([name]) => !['content-length', 'transfer-encoding'].includes(name));
      const text = await response.text();
      // Parsed: the order of claims is that of each language's maps.
      const body = response.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text;
      return { status: response.status, headers: headers.toSorted(), body };
    }));
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
      'public': 200,
      'no token': 401,
      'a token': 200,
      'by the hierarchy': 200,
      'a scope is missing': 403,
      'a scope of the route is missing': 403,
      'another method of the route': 200,
      'the handler asks for more': 403,
      'the handler gets it': 200,
      'another audience': 401,
      'metadata': 200,
      'an origin that may': 200,
      'an origin that may not': 403,
      'a preflight': 204,
    });
  });

  it('pass on the whole identity', async () => {
    const exp = Math.floor(Date.now() / 1000) + 300;
    const claims = { sub: 'Grace "Höpper"\u2028', client_id: 'editor', aud: [RESOURCE, 'other'], scope: 'read extra', exp, iat: exp - 400, jti: 'one', nested: { list: [1, 2.5, null, true, 'x'] } };
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
      claims: { iss: issuer.url, ...claims },
      token,
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
