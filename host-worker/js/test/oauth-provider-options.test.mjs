// Options of the drop-in, and what it does where its store fails: under Node, with a store in memory.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { load } from './support/package.mjs';

const { oauthProvider, issuer: tollgate } = await load();
const { OAuthProvider } = oauthProvider;
const { StoreError, memoryStore } = tollgate;

const handler = { fetch: () => new Response('ok') };
const OPTIONS = {
  apiRoute: '/api',
  apiHandler: handler,
  defaultHandler: handler,
  authorizeEndpoint: '/authorize',
  tokenEndpoint: '/token',
};

test('options that cannot work are errors', () => {
  const failing = (changes, message) => assert.throws(() => new OAuthProvider({ ...OPTIONS, ...changes }), message);
  failing({ tokenEndpont: '/t' }, /`tokenEndpont`: did you mean `tokenEndpoint`/);
  failing({ allowImplicitFlow: true }, /implicit/);
  failing({ resourceMatchOriginOnly: true }, /resourceMatchOriginOnly/);
  failing({ apiHandlers: { '/x': handler } }, /either/);
  failing({ apiHandler: undefined }, /apiHandlers/);
  failing({ defaultHandler: {} }, /defaultHandler/);
  failing({ tokenEndpoint: 'token' }, /path/);
  failing({ apiRoute: '/a?b' }, /query/);
  failing({ authorizeEndpoint: 'https://other.example/authorize' }, /origin/);
  failing({ resourceMetadata: { resource: 'https://a.example/mcp' } }, /not within/);
  failing({ resourceMetadata: { resource: '/api' } }, /absolute/);
  failing({ requiredScopes: ['a"b'] }, /requiredScopes/);
  failing({ enterpriseManagedAuthorization: {} }, /not available yet/);
  new OAuthProvider({ ...OPTIONS, resourceMetadata: { resource: 'https://a.example/api' } });
  new OAuthProvider({ ...OPTIONS, allowImplicitFlow: false, allowPlainPKCE: true, cookiePrefix: '__Host-a' });
});

test('a missing binding says what to bind', async () => {
  const request = new Request('https://a.example/api');
  await assert.rejects(new OAuthProvider(OPTIONS).fetch(request, {}, {}), /`OAUTH_STORE`/);
  await assert.rejects(new OAuthProvider(OPTIONS).fetch(request, { OAUTH_KV: {} }, {}), /`OAUTH_KV` cannot/);
});

test('a store that fails is a 503 or a 500, and the application goes on', async (t) => {
  t.mock.method(console, 'error', () => {});
  const store = memoryStore();
  let kind = 'unavailable';
  const failing = {
    ...store,
    read: async (...args) => {
      if (kind !== undefined) throw new StoreError(kind, 'no storage');
      return store.read(...args);
    },
  };
  const clients = [{ id: 'app', redirectUris: ['https://app.example/'] }];
  const provider = new OAuthProvider({ ...OPTIONS, clients, store: () => failing });
  const env = {};
  const get = (path, headers) => provider.fetch(new Request(`https://a.example${path}`, { headers }), env, {});
  const token = (form = { a: 'b' }) =>
    provider.fetch(
      new Request('https://a.example/token', { method: 'POST', body: new URLSearchParams(form) }),
      env,
      {},
    );
  for (const [given, status] of [
    ['unavailable', 503],
    ['failed', 500],
  ]) {
    kind = given;
    for (const answer of [await get('/api', { authorization: 'Bearer x' }), await token()]) {
      assert.equal(answer.status, status);
      assert.equal(answer.headers.get('retry-after') !== null, status === 503);
    }
  }
  assert.equal(await (await get('/page')).text(), 'ok');
  kind = undefined;
  assert.equal((await get('/api', { authorization: 'Bearer x' })).status, 401);
  const code_verifier = 'v'.repeat(43);
  const code_challenge = createHash('sha256').update(code_verifier).digest('base64url');
  const asked = { response_type: 'code', client_id: 'app', code_challenge, code_challenge_method: 'S256' };
  const url = `https://a.example/authorize?${new URLSearchParams(asked)}`;
  const request = await env.OAUTH_PROVIDER.parseAuthRequest(new Request(url));
  const approval = { request, userId: 'ada', scope: [], props: {} };
  const { redirectTo } = await env.OAUTH_PROVIDER.completeAuthorization(approval);
  const code = new URL(redirectTo).searchParams.get('code');
  const answer = await token({ grant_type: 'authorization_code', client_id: 'app', code, code_verifier });
  const { access_token } = await answer.json();
  assert.equal((await get('/api', { authorization: `Bearer ${access_token}` })).status, 200);
  kind = 'unavailable';
  assert.equal((await get('/api', { authorization: `Bearer ${access_token}` })).status, 503);
  assert.equal(await (await get('/page')).text(), 'ok');
});

test('helpers are in the environment, also if it is frozen or missing', async () => {
  let seen;
  const defaultHandler = {
    fetch: (_request, env) => {
      seen = env.OAUTH_PROVIDER;
      return new Response('ok');
    },
  };
  const store = memoryStore();
  const provider = new OAuthProvider({ ...OPTIONS, defaultHandler, store: () => store });
  for (const env of [{}, Object.freeze({}), undefined]) {
    seen = undefined;
    await provider.fetch(new Request('https://a.example/'), env, {});
    assert.equal(typeof seen.parseAuthRequest, 'function');
  }
});

test('an authorization page on a host that is not known is refused', async () => {
  const store = memoryStore();
  const api = oauthProvider.getOAuthApi({ ...OPTIONS, store: () => store }, {});
  assert.deepEqual(await api.listUserGrants('ada'), { items: [] });
  const request = {
    responseType: 'code',
    clientId: 'a',
    redirectUri: 'https://a.example',
    scope: [],
    state: '',
    issuer: 'https://forged.example',
  };
  await assert.rejects(api.completeAuthorization({ request, userId: 'u', scope: [], props: {} }), /absolute URL/);
});
