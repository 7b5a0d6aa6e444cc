// The drop-in's authorization server and resource server, each by itself: under Node, with a store in memory.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { load } from './support/package.mjs';

const { oauthProvider, issuer: tollgate } = await load();
const { OAuthAuthorizationServer, OAuthError, OAuthResourceServer } = oauthProvider;

const ISSUER = 'https://auth.example/tenant';
const NOTES = 'https://notes.example/mcp';
const FILES = 'https://files.example';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

function serve(changes) {
  const store = tollgate.memoryStore();
  return new OAuthAuthorizationServer({
    issuer: ISSUER,
    resources: [FILES, NOTES],
    defaultResource: NOTES,
    clients: [{ id: 'app', redirectUris: ['https://app.example/'] }],
    store: () => store,
    ...changes,
  });
}

/** An access token for a resource. */
async function tokenOf(server, env, resource) {
  const code_verifier = 'v'.repeat(43);
  const asked = {
    response_type: 'code',
    client_id: 'app',
    code_challenge: createHash('sha256').update(code_verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(resource && { resource }),
  };
  const api = server.getOAuthApi(env);
  const request = await api.parseAuthRequest(new Request(`${ISSUER}/authorize?${new URLSearchParams(asked)}`));
  const { redirectTo } = await api.completeAuthorization({ request, userId: 'ada', scope: ['read'], props: { a: 1 } });
  const { searchParams } = new URL(redirectTo);
  assert.equal(searchParams.get('iss'), ISSUER);
  const form = { grant_type: 'authorization_code', client_id: 'app', code: searchParams.get('code'), code_verifier };
  const init = { method: 'POST', headers: FORM, body: new URLSearchParams(form).toString() };
  const answer = await server.fetch(new Request(`${ISSUER}/oauth/token`, init), env, {});
  assert.equal(answer.status, 200, await answer.clone().text());
  return (await answer.json()).access_token;
}

test('an authorization server with a path has its endpoints and metadata, and nothing else', async () => {
  const [server, env] = [serve(), {}];
  const get = (url) => server.fetch(new Request(url), env, {});
  const metadata = await (await get('https://auth.example/.well-known/oauth-authorization-server/tenant')).json();
  assert.deepEqual([metadata.issuer, metadata.token_endpoint], [ISSUER, `${ISSUER}/oauth/token`]);
  assert.equal((await get('https://auth.example/tenant/.well-known/openid-configuration')).status, 200);
  for (const url of ['https://auth.example/.well-known/oauth-authorization-server', 'https://auth.example/oauth/token'])
    assert.equal((await get(url)).status, 404, url);
  assert.equal((await get('https://other.example/tenant/oauth/token')).status, 404);
});

test('tokens are validated for the resource that they are for', async () => {
  const [server, env] = [serve(), {}];
  const token = await tokenOf(server, env);
  const found = await server.validateToken(NOTES, token, env);
  assert.deepEqual(
    { ...found, expiresAt: typeof found.expiresAt },
    { props: { a: 1 }, audience: NOTES, expiresAt: 'number', scope: ['read'], userId: 'ada', clientId: 'app' },
  );
  assert.equal(await server.validateToken(FILES, token, env), null);
  assert.equal((await server.validateToken(FILES, await tokenOf(server, env, FILES), env)).audience, FILES);
  await assert.rejects(server.validateToken('https://other.example', token, env), /none of the `resources`/);
});

test('options of an authorization server that cannot work are errors', () => {
  assert.throws(() => serve({ issuer: `${ISSUER}/` }), /slash/);
  assert.throws(() => serve({ resources: [] }), /resources/);
  assert.throws(() => serve({ defaultResource: 'https://other.example' }), /defaultResource/);
  assert.throws(() => serve({ tokenEndpoint: 'https://auth.example/token' }), /below/);
  assert.throws(() => serve({ tokenEndpoint: 'https://other.example/tenant/token' }), /origin/);
  assert.throws(() => serve({ apiRoute: '/x' }), /apiRoute/);
});

const METADATA = { resource: NOTES, authorization_servers: [ISSUER] };
const valid = { props: { name: 'Ada' }, audience: NOTES, scope: ['read'], userId: 'ada', clientId: 'app' };

function protect(validate, changes) {
  const handler = { fetch: (_request, _env, ctx) => Response.json({ props: ctx.props, auth: ctx.auth }) };
  const server = new OAuthResourceServer({
    resourceMetadata: METADATA,
    requiredScopes: ['read'],
    handler,
    validateToken: () => validate,
    ...changes,
  });
  return (url, headers = { authorization: 'Bearer t' }) => server.fetch(new Request(url, { headers }), {}, {});
}

test('a resource server lets in what its validator confirms', async () => {
  const asked = [];
  const get = protect(async (...args) => {
    asked.push(args);
    return { ...valid, expiresAt: Date.now() / 1000 + 60 };
  });
  const answer = await (await get(`${NOTES}/1`)).json();
  assert.deepEqual(answer.props, { name: 'Ada' });
  assert.deepEqual([answer.auth.token, answer.auth.scope], ['t', ['read']]);
  assert.deepEqual(asked, [[NOTES, 't']]);
  assert.equal((await get('https://notes.example/mcp-other')).status, 404);
  assert.equal((await get('https://other.example/mcp')).status, 404);
  const none = await get(NOTES, {});
  assert.match(
    none.headers.get('www-authenticate'),
    /resource_metadata="https:\/\/notes\.example\/\.well-known\/oauth-protected-resource\/mcp", scope="read"$/,
  );
  const metadata = await get('https://notes.example/.well-known/oauth-protected-resource/mcp', {
    origin: 'https://p.example',
  });
  assert.deepEqual(await metadata.json(), {
    ...METADATA,
    scopes_supported: ['read'],
    bearer_methods_supported: ['header'],
  });
  assert.equal(metadata.headers.get('access-control-allow-origin'), 'https://p.example');
});

test('a resource server lets in nothing else', async (t) => {
  t.mock.method(console, 'error', () => {});
  const status = async (result) => {
    const answer = await protect(async () => {
      if (result instanceof Error) throw result;
      return result;
    })(NOTES);
    return answer.status;
  };
  assert.equal(await status(null), 401);
  assert.equal(await status({ ...valid, audience: FILES }), 401);
  assert.equal(await status({ ...valid, expiresAt: Date.now() / 1000 - 1 }), 401);
  for (const wrong of [
    undefined,
    true,
    {},
    { ...valid, audience: [NOTES] },
    { ...valid, scope: 'read' },
    { ...valid, expiresAt: 'x' },
  ])
    assert.equal(await status(wrong), 503, JSON.stringify(wrong));
  assert.equal(await status(new Error('down')), 503);
  assert.equal(await status(new OAuthError('invalid_token', { description: 'x' })), 401);
  assert.equal(await status(new OAuthError('insufficient_scope', { description: 'x', requiredScopes: ['a'] })), 403);
  assert.equal(await status(new OAuthError('temporarily_unavailable', { description: 'x', statusCode: 429 })), 429);
});

test('both together', async () => {
  const [server, env] = [serve(), {}];
  const get = protect((resource, token) => server.validateToken(resource, token, env));
  const token = await tokenOf(server, env);
  assert.equal((await get(NOTES, { authorization: `Bearer ${token}` })).status, 200);
  assert.equal((await get(NOTES)).status, 401);
});
