// The API examples: the same requests to the one in JavaScript and the one in Rust.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startIssuer } from '../../js/test/support/issuer.mjs';
import { challengeOf } from './support/challenge.mjs';
import { tampered } from './support/tampered.mjs';
import { build, start } from './support/worker.mjs';

const RESOURCE = 'https://api.example.com';
const only = process.env.TOLLGATE_EXAMPLES?.split(',');

for (const [language, example] of [
  ['JavaScript', 'api-js'],
  ['Rust', 'api-rust'],
]) {
  describe(`the API in ${language}`, { skip: only && !only.includes(example) }, () => {
    let built;
    let issuer;
    let worker;
    const vars = () => ({ TOLLGATE_ISSUER: issuer.url, TOLLGATE_RESOURCE: RESOURCE });
    const token = (claims, header) => issuer.mint({ aud: RESOURCE, scope: 'reports:read', ...claims }, header);
    const get = (path, bearer, headers = {}) =>
      worker.fetch(RESOURCE + path, {
        headers: { ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }), ...headers },
      });

    before(async () => {
      built = await build(example);
      issuer = await startIssuer();
      worker = await start(built, vars());
    });
    after(async () => {
      await worker?.stop();
      await issuer?.close();
      await built?.remove();
    });

    it('answers anyone on its public route, whatever they send along', async () => {
      for (const bearer of [undefined, 'no-token-at-all']) {
        const response = await get('/health', bearer);
        assert.equal(response.status, 200);
        assert.deepEqual(await response.json(), { status: 'ok' });
      }
    });

    it('answers 401 without a token, and says where to look but not what was wrong', async () => {
      const response = await get('/me');
      assert.equal(response.status, 401);
      const { scheme, parameters } = challengeOf(response);
      assert.equal(scheme, 'Bearer');
      assert.equal(parameters.resource_metadata, `${RESOURCE}/.well-known/oauth-protected-resource/me`);
      assert.equal(parameters.error, undefined);
    });

    it('publishes the metadata that its challenge names', async () => {
      const { parameters } = challengeOf(await get('/reports'));
      assert.equal(parameters.scope, 'reports:read');
      const response = await worker.fetch(parameters.resource_metadata);
      assert.equal(response.status, 200);
      const metadata = await response.json();
      assert.equal(metadata.resource, `${RESOURCE}/reports`);
      assert.deepEqual(metadata.authorization_servers, [issuer.url]);
      assert.deepEqual(metadata.scopes_supported, ['reports:read']);
    });

    it('tells the handler who calls', async () => {
      const exp = Math.floor(Date.now() / 1000) + 500;
      const who = { sub: 'grace', client_id: 'editor', scope: 'a b', exp };
      const known = { subject: 'grace', clientId: 'editor', scopes: ['a', 'b'], expiresAt: exp };
      for (const name of ['Grace Höpper 🜚', null]) {
        const response = await get('/me', await token(name === null ? who : { ...who, name }));
        assert.equal(response.status, 200);
        assert.deepEqual(await response.json(), { ...known, name });
      }
    });

    it('answers 403 with all scopes that are needed where one is missing', async () => {
      const refused = await get('/reports', await token({ scope: 'other' }));
      assert.equal(refused.status, 403);
      const { parameters } = challengeOf(refused);
      assert.equal(parameters.error, 'insufficient_scope');
      assert.equal(parameters.scope, 'reports:read');
      const allowed = await get('/reports', await token({ sub: 'grace' }));
      assert.equal(allowed.status, 200);
      assert.deepEqual(await allowed.json(), { reports: [], requestedBy: 'grace' });
    });

    it('lets the handler ask for more, once it has read the body', async () => {
      const post = async (report, scope) =>
        worker.fetch(`${RESOURCE}/reports`, {
          method: 'POST',
          headers: { authorization: `Bearer ${await token({ sub: 'grace', scope })}` },
          body: JSON.stringify(report),
        });
      const draft = await post({ title: 'Draft' }, 'reports:read');
      assert.equal(draft.status, 201);
      assert.deepEqual(await draft.json(), { title: 'Draft', author: 'grace' });
      const refused = await post({ title: 'News', published: true }, 'reports:read');
      assert.equal(refused.status, 403);
      const { parameters } = challengeOf(refused);
      assert.equal(parameters.error, 'insufficient_scope');
      assert.equal(parameters.scope, 'reports:read reports:publish');
      assert.equal(parameters.resource_metadata, `${RESOURCE}/.well-known/oauth-protected-resource/reports`);
      assert.equal((await post({ title: 'News', published: true }, 'reports:read reports:publish')).status, 201);
      assert.equal((await post({}, 'reports:read')).status, 400);
    });

    it('answers 401 to tokens with a wrong audience, form, date or issuer', async () => {
      const now = Math.floor(Date.now() / 1000);
      const cases = {
        'another audience': await token({ aud: 'https://other.example.com' }),
        'a changed signature': tampered(await token(), 2),
        'a changed payload': tampered(await token(), 1),
        expired: await token({ iat: now - 700, exp: now - 100 }),
        'another issuer': await token({ iss: 'https://evil.example.com' }),
        'an ID token': await token({}, { typ: 'JWT' }),
        'no token at all': 'x',
      };
      for (const [name, bearer] of Object.entries(cases)) {
        const response = await get('/me', bearer);
        assert.equal(response.status, 401, name);
        assert.equal(challengeOf(response).parameters.error, 'invalid_token', name);
      }
    });

    it('answers 400 to two credentials', async () => {
      const bearer = await token();
      const response = await get('/me', undefined, { authorization: `Bearer ${bearer}, Bearer ${bearer}` });
      assert.equal(response.status, 400);
      assert.equal(challengeOf(response).parameters.error, 'invalid_request');
    });

    it('protects paths without a route', async () => {
      assert.equal((await get('/anything')).status, 401);
      assert.equal((await get('/anything', await token())).status, 404);
      for (const path of ['/healthy', '/health/../me', '/./me']) {
        assert.equal((await get(path)).status, 401, path);
      }
      assert.equal((await get('/health%2F..%2Fme')).status, 400, 'servers differ in how they read it');
    });

    it('lets browsers read responses and refusals', async () => {
      const origin = 'https://app.example.com';
      const allowed = await get('/me', await token(), { origin });
      assert.ok(['*', origin].includes(allowed.headers.get('access-control-allow-origin')));
      const refused = await get('/me', undefined, { origin });
      assert.match(refused.headers.get('access-control-expose-headers'), /www-authenticate/i);
      const preflight = await worker.fetch(`${RESOURCE}/me`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
      });
      assert.ok(preflight.ok, `the preflight's status is ${preflight.status}`);
      assert.match(preflight.headers.get('access-control-allow-headers'), /authorization/i);
    });

    it('logs what to change when a setting is wrong, and answers without details', async () => {
      const misconfigured = await start(built, { ...vars(), TOLLGATE_ISSUER: 'http://issuer.example.com' });
      try {
        const response = await misconfigured.fetch(`${RESOURCE}/health`);
        assert.equal(response.status, 500);
        assert.doesNotMatch(await response.text(), /issuer\.example/);
        assert.match(misconfigured.logs.join('\n'), /use https/);
      } finally {
        await misconfigured.stop();
      }
    });

    if (example === 'api-rust') {
      it('reports an entry file that does not import the package', async () => {
        // What worker-build made, without worker.js around it.
        const bare = await start({ ...built, dist: path.join(import.meta.dirname, '../api-rust/build') }, vars());
        try {
          assert.equal((await bare.fetch(`${RESOURCE}/me`)).status, 500);
          assert.match(bare.logs.join('\n'), /the npm package `tollgate` is missing.*entry file/);
        } finally {
          await bare.stop();
        }
      });
    }

    describe('on a cold start', () => {
      let cold;
      before(async () => {
        cold = await start(built, vars());
      });
      after(() => cold?.stop());

      it('fetches keys once for concurrent requests, and answers all that stay connected', async () => {
        issuer.counts.discovery = issuer.counts.jwks = 0;
        const release = issuer.hold();
        const headers = { authorization: `Bearer ${await token()}` };
        const leaving = new AbortController();
        const left = fetch(new URL('/me', cold.url), { headers, signal: leaving.signal }).then(
          () => 'answered',
          (error) => error.name,
        );
        // The first request has the issuer's answer to wait for before the others come.
        while (issuer.counts.discovery === 0) await new Promise((done) => setTimeout(done, 5));
        const others = [0, 1, 2].map(() => fetch(new URL('/me', cold.url), { headers }));
        leaving.abort();
        assert.equal(await left, 'AbortError');
        release();
        for (const other of others) assert.equal((await other).status, 200);
        assert.ok(issuer.counts.jwks <= 2, `${issuer.counts.jwks} fetches of the keys`);
      });
    });
  });
}
