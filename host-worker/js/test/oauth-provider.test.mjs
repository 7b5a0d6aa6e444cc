// The drop-in for Cloudflare's provider, in workerd: the original's example with its import changed, and
// a Worker that uses most of it.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { bundle, run } from './support/workerd.mjs';

const fixture = (name) => readFile(path.join(import.meta.dirname, 'oauth-provider', name), 'utf8');
const STORE = { className: 'TollgateStore', useSQLite: true };

let seed;
let seedFiles;
let own;
let dist;
const closing = [];
const context = { after: (close) => closing.push(close) };
before(async () => {
  const original = await fixture('seed-004.js');
  const changed = original.replace('@cloudflare/workers-oauth-provider', 'tollgate/oauth-provider');
  assert.notEqual(changed, original);
  const main = `export { TollgateStore } from 'tollgate/durable-object';\n${changed}`;
  seedFiles = await bundle(undefined, { 'src/index.js': main });
  // Its KV namespace may stay bound.
  seed = await run(context, seedFiles, {}, [], { durableObjects: { OAUTH_STORE: STORE }, kvNamespaces: ['OAUTH_KV'] });
  dist = await bundle(undefined, { 'src/index.js': await fixture('application.js') });
  own = await run(context, dist, {}, [], { durableObjects: { OAUTH_STORE: STORE } });
});
after(async () => {
  for (const close of closing) await close();
  for (const folder of [seedFiles, dist]) await rm(path.dirname(folder), { recursive: true, force: true });
});

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const verifier = () => randomBytes(32).toString('base64url');
const challengeOf = (text) => createHash('sha256').update(text).digest('base64url');

function client(worker, origin, tokenPath, clientId = () => 'app') {
  const send = (target, init) => worker().fetch(new URL(target, origin).href, { redirect: 'manual', ...init });
  const api = (target, token, headers) =>
    send(target, { headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers } });
  const post = (form, headers) =>
    send(tokenPath, { method: 'POST', headers: { ...FORM, ...headers }, body: new URLSearchParams(form).toString() });
  const token = async (form) => {
    const answer = await post({ client_id: clientId(), ...form });
    return { status: answer.status, ...(await answer.json()) };
  };
  const authorizeUrl = (more, verifier_) => {
    const url = new URL('/authorize', origin);
    const parameters = {
      response_type: 'code',
      client_id: clientId(),
      redirect_uri: 'https://app.example/cb',
      state: 's',
      code_challenge: challengeOf(verifier_ ?? verifier()),
      code_challenge_method: 'S256',
      ...more,
    };
    for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
    return url.href;
  };
  const code = async (more) => {
    const code_verifier = verifier();
    const answer = await send(authorizeUrl(more, code_verifier));
    assert.equal(answer.status, 302, await answer.clone().text());
    const location = new URL(answer.headers.get('location'));
    return {
      location,
      form: {
        grant_type: 'authorization_code',
        redirect_uri: 'https://app.example/cb',
        code: location.searchParams.get('code'),
        code_verifier,
      },
    };
  };
  const tokens = async (more) => {
    const answer = await token((await code(more)).form);
    assert.equal(answer.status, 200, JSON.stringify(answer));
    return answer;
  };
  const refresh = (refresh_token) => token({ grant_type: 'refresh_token', refresh_token });
  const command = async (name, body = {}) =>
    (await send(`/command/${name}`, { method: 'POST', body: JSON.stringify(body) })).json();
  return { send, api, post, token, authorizeUrl, code, tokens, refresh, command };
}

let registered;
const bySeed = client(
  () => seed,
  'https://example.com',
  '/oauth/token',
  () => registered,
);
const { send, api, post, authorizeUrl, tokens, refresh, command } = client(
  () => own,
  'https://notes.example',
  '/token',
);

test("the original's example runs with its import changed", async () => {
  const { registration_endpoint } = await (await bySeed.send('/.well-known/oauth-authorization-server')).json();
  const registration = await bySeed.send(registration_endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      redirect_uris: ['https://app.example/cb'],
      client_name: 'An app',
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    }),
  });
  assert.equal(registration.status, 201);
  registered = (await registration.json()).client_id;
  const { location, form } = await bySeed.code({ scope: 'document.read' });
  assert.equal(location.searchParams.get('iss'), 'https://example.com');
  const answer = await bySeed.token(form);
  assert.equal(answer.status, 200, JSON.stringify(answer));
  assert.equal(answer.scope, 'document.read document.write');
  assert.ok(answer.expires_in > 3500);
  const who = await bySeed.api('/api/whoami', answer.access_token);
  assert.equal(await who.text(), 'You are authenticated as: Bob');
  // The second route is another host. Path routes are on any host.
  const other = await bySeed.api('https://api.example.com/api/whoami', answer.access_token);
  assert.equal(await other.text(), 'You are authenticated as: Bob');
  assert.equal((await bySeed.api('https://example.com/nothing')).status, 404);
  assert.equal((await bySeed.api('/api/whoami')).status, 401);
  assert.equal((await bySeed.api('/api/whoami', 'wrong')).status, 401);
  const refreshed = await bySeed.refresh(answer.refresh_token);
  assert.equal(refreshed.status, 200);
  // A revocation goes to the token endpoint.
  const revoked = await bySeed.post({ token: refreshed.refresh_token, client_id: registered });
  assert.deepEqual([revoked.status, await revoked.text()], [200, '']);
  assert.equal((await bySeed.api('/api/whoami', refreshed.access_token)).status, 401);
});

test('one who comes again replaces the grant only with the new code', async () => {
  const first = await bySeed.tokens();
  const { form } = await bySeed.code();
  // An abandoned authorization ends nothing.
  assert.equal((await bySeed.api('/api/whoami', first.access_token)).status, 200);
  assert.equal((await bySeed.token(form)).status, 200);
  assert.equal((await bySeed.api('/api/whoami', first.access_token)).status, 401);
});

test('of 20 redemptions at once one succeeds, and 20 refreshes have one answer', async () => {
  const { form } = await bySeed.code();
  const redeemed = await Promise.all(Array.from({ length: 20 }, () => bySeed.token(form)));
  assert.equal(redeemed.filter(({ status }) => status === 200).length, 1);
  const { refresh_token } = await bySeed.tokens();
  const refreshed = await Promise.all(Array.from({ length: 20 }, () => bySeed.refresh(refresh_token)));
  assert.deepEqual(new Set(refreshed.map(({ status }) => status)), new Set([200]));
  assert.equal(new Set(refreshed.map((answer) => answer.refresh_token)).size, 1);
});

test('a handler gets props and auth, and a route covers what lies below it', async () => {
  const { access_token } = await tokens({ scope: 'read' });
  const answer = await (await api('/notes', access_token)).json();
  assert.deepEqual(
    { ...answer, auth: { ...answer.auth, expiresAt: typeof answer.auth.expiresAt } },
    {
      props: { name: 'Ada' },
      auth: { audience: 'https://notes.example', expiresAt: 'number', scope: ['read'], userId: 'ada', clientId: 'app' },
      hasHelpers: 'function',
    },
  );
  assert.deepEqual(await (await api('/notes/deep/er', access_token)).json(), { deep: { name: 'Ada' } });
  assert.equal(await (await send('/notes-other')).text(), 'application: /notes-other');
  assert.equal((await send('/files')).status, 401);
  const echoed = await send('/files/a', {
    method: 'POST',
    body: 'content',
    headers: { authorization: `bearer ${access_token}` },
  });
  assert.equal(await echoed.text(), 'content');
});

test('challenges lead to the metadata of the route', async () => {
  const none = await api('/notes/1');
  assert.equal(
    none.headers.get('www-authenticate'),
    'Bearer realm="OAuth", resource_metadata="https://notes.example/.well-known/oauth-protected-resource/notes", scope="read"',
  );
  assert.equal(await none.text(), '');
  const wrong = await api('/notes', 'x"y');
  assert.match(wrong.headers.get('www-authenticate'), /, error="invalid_token"$/);
  const document = await (await send('/.well-known/oauth-protected-resource/notes')).json();
  assert.deepEqual(document, {
    resource: 'https://notes.example/notes',
    authorization_servers: ['https://notes.example'],
    scopes_supported: ['read'],
    bearer_methods_supported: ['header'],
    resource_name: 'Notes',
  });
  assert.equal((await (await send('/.well-known/oauth-protected-resource')).json()).resource, 'https://notes.example');
  assert.equal((await send('/.well-known/oauth-protected-resource/other')).status, 404);
  const { access_token } = await tokens();
  const forbidden = await api('/notes/admin', access_token);
  assert.equal(forbidden.status, 403);
  assert.match(forbidden.headers.get('www-authenticate'), /scope="admin", error="insufficient_scope"/);
});

test('a token is for its resource only', async () => {
  const { access_token } = await tokens({ resource: 'https://notes.example/notes' });
  assert.equal((await api('/notes', access_token)).status, 200);
  assert.equal((await api('/notes/deep', access_token)).status, 200);
  assert.equal((await api('/files/a', access_token)).status, 401);
  const other = new URL((await send(authorizeUrl({ resource: 'https://other.example' }))).headers.get('location'));
  assert.equal(other.searchParams.get('error'), 'invalid_target');
});

test('the same Worker on another host has tokens of its own', async () => {
  const there = client(() => own, 'https://second.example', '/token');
  const { location, form } = await there.code();
  assert.equal(location.searchParams.get('iss'), 'https://second.example');
  const { access_token } = await there.token(form);
  assert.equal((await there.api('/notes', access_token)).status, 200);
  assert.equal((await api('/notes', access_token)).status, 401);
});

test('a refused authorization request is an error with what to do', async () => {
  const scope = await command('parse', { url: authorizeUrl({ scope: 'admin' }) });
  assert.deepEqual(
    [scope.isAuthorizationError, scope.code, scope.redirectUri, scope.state, scope.issuer],
    [true, 'invalid_scope', 'https://app.example/cb', 's', 'https://notes.example'],
  );
  assert.equal(new URL(scope.redirectTo).searchParams.get('error'), 'invalid_scope');
  const redirect = await command('parse', { url: authorizeUrl({ redirect_uri: 'https://evil.example' }) });
  assert.deepEqual(
    [redirect.isAuthorizationError, redirect.code, redirect.redirectTo],
    [true, 'invalid_request', undefined],
  );
  // The application does not catch it.
  const page = await send(authorizeUrl({ client_id: 'nobody' }));
  assert.match(page.headers.get('content-type'), /text\/html/);
  assert.equal(page.headers.get('location'), null);
});

test('helpers list and revoke grants', async () => {
  const { access_token } = await tokens({ user: 'joan', scope: 'read' });
  const { items } = await command('grants', { user: 'joan' });
  assert.equal(items.length, 1);
  const [grant] = items;
  assert.deepEqual(
    [grant.clientId, grant.userId, grant.scope, grant.metadata, grant.resource],
    ['app', 'joan', ['read'], { label: 'a grant' }, 'https://notes.example'],
  );
  assert.deepEqual((await command('grantsOutside', { user: 'joan' })).items, items);
  const token_ = await command('unwrap', { token: access_token });
  assert.deepEqual([token_.userId, token_.grantId, token_.grant.props], ['joan', grant.id, { name: 'Ada' }]);
  assert.equal(token_.id, createHash('sha256').update(access_token).digest('hex'));
  await command('revoke', { user: 'joan', grant: grant.id });
  assert.equal(await command('unwrap', { token: access_token }), null);
  assert.equal((await api('/notes', access_token)).status, 401);
  assert.equal((await command('lookup', { id: 'app' })).tokenEndpointAuthMethod, 'none');
  assert.equal(await command('lookup', { id: 'nobody' }), null);
  assert.deepEqual(await command('purge'), {
    grantsChecked: 0,
    grantsPurged: 0,
    tokensChecked: 0,
    tokensPurged: 0,
    done: true,
  });
});

test('helpers create, change, list and delete clients', async () => {
  const made = await command('create', {
    client: {
      redirectUris: ['https://other.example/cb'],
      clientName: 'Other',
      logoUri: 'https://other.example/logo.png',
      tokenEndpointAuthMethod: 'client_secret_basic',
      i18n: { 'client_name#de': 'Anderes' },
    },
  });
  assert.ok(made.clientSecret.length > 30);
  assert.deepEqual(
    [made.clientName, made.grantTypes, made.responseTypes, made.tokenEndpointAuthMethod, made.logoUri, made.i18n],
    [
      'Other',
      ['authorization_code', 'refresh_token'],
      ['code'],
      'client_secret_basic',
      'https://other.example/logo.png',
      { 'client_name#de': 'Anderes' },
    ],
  );
  const { clientSecret, ...info } = made;
  assert.deepEqual(await command('lookup', { id: made.clientId }), info);
  const updated = await command('update', { id: made.clientId, updates: { clientUri: 'https://other.example/' } });
  assert.deepEqual(updated, { ...info, clientUri: 'https://other.example/' });
  assert.equal(await command('update', { id: 'nobody', updates: {} }), null);
  const { items } = await command('list');
  assert.ok(items.some(({ clientId }) => clientId === made.clientId));
  const basic = `Basic ${Buffer.from(`${made.clientId}:${clientSecret}`).toString('base64')}`;
  const refused = await post({ grant_type: 'refresh_token', refresh_token: 'x' }, { authorization: basic });
  assert.equal((await refused.json()).error, 'invalid_grant');
  await command('delete', { id: made.clientId });
  await command('delete', { id: made.clientId });
  assert.equal(await command('lookup', { id: made.clientId }), null);
});

test('the application may refuse a registration', async () => {
  const register = async (metadata) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(metadata) };
    const answer = await send('/register', init);
    return { status: answer.status, ...(await answer.json()) };
  };
  const metadata = { redirect_uris: ['https://a.example/'], token_endpoint_auth_method: 'client_secret_basic' };
  assert.equal((await register({ ...metadata, client_name: 'Good' })).status, 201);
  const refused = await register({ ...metadata, client_name: 'Bad' });
  assert.deepEqual([refused.status, refused.error], [403, 'access_denied']);
  const open = await register({ ...metadata, token_endpoint_auth_method: 'none' });
  assert.deepEqual([open.status, open.error], [400, 'invalid_client_metadata']);
  assert.equal((await register([])).status, 400);
});

test('the callback decides about tokens', async () => {
  const first = await tokens({ scope: 'read write' });
  await command('exchanges');
  await command('exchange', { mode: 'props' });
  const answer = await refresh(first.refresh_token);
  assert.equal(answer.scope, 'read');
  assert.ok(answer.expires_in <= 120);
  assert.deepEqual((await (await api('/notes', answer.access_token)).json()).props, { own: 1 });
  const [asked] = await command('exchanges');
  assert.deepEqual(
    { ...asked, grantId: typeof asked.grantId },
    {
      grantType: 'refresh_token',
      clientId: 'app',
      userId: 'ada',
      grantId: 'string',
      scope: ['read', 'write'],
      requestedScope: ['read', 'write'],
      resource: 'https://notes.example',
      props: { name: 'Ada' },
      hasEnv: true,
      isRefresh: true,
    },
  );
  for (const [mode, status, error] of [
    ['refuse', 400, 'invalid_grant'],
    ['later', 503, 'temporarily_unavailable'],
    ['bug', 500, 'server_error'],
  ]) {
    await command('exchange', { mode });
    const failed = await refresh(answer.refresh_token);
    assert.deepEqual([mode, failed.status, failed.error], [mode, status, error]);
  }
  await command('exchange', { mode: 'nothing' });
  const next = await refresh(answer.refresh_token);
  assert.deepEqual((await (await api('/notes', next.access_token)).json()).props, { name: 'Lovelace' });
});

test('tokens of others are resolved by the application', async () => {
  assert.deepEqual((await (await api('/notes', 'external')).json()).props, { external: true });
  assert.equal((await api('/files/a', 'external')).status, 401);
  assert.equal((await api('/notes', 'elsewhere')).status, 401);
  const expired = await api('/notes', 'expired');
  assert.deepEqual([expired.status, expired.headers.get('x-why')], [401, 'expired']);
  assert.match(expired.headers.get('www-authenticate'), /error_description="it has {2}expired {3}"$/);
});

test('an error is seen by the application, which may be asynchronous and replace it', async () => {
  await command('errors');
  assert.equal((await refresh('nothing')).error, 'invalid_grant');
  const replaced = await post({ grant_type: 'unknown', client_id: 'app' });
  assert.deepEqual([replaced.status, await replaced.text()], [418, 'replaced']);
  assert.deepEqual(await command('errors'), [
    ['invalid_grant', 400, 'grant-unknown'],
    ['unsupported_grant_type', 400, 'unsupported-grant-type'],
  ]);
});

test('pages of other origins may call', async () => {
  const origin = 'https://page.example';
  for (const target of ['/token', '/notes', '/.well-known/oauth-protected-resource/notes']) {
    const preflight = await send(target, { method: 'OPTIONS', headers: { origin } });
    assert.deepEqual(
      [target, preflight.status, preflight.headers.get('access-control-allow-origin')],
      [target, 204, origin],
    );
    assert.match(preflight.headers.get('access-control-allow-headers'), /Authorization/);
  }
  assert.equal(
    (await send('/page', { method: 'OPTIONS', headers: { origin } })).headers.get('access-control-allow-origin'),
    null,
  );
  const answer = await api('/notes', 'wrong', { origin });
  assert.equal(answer.headers.get('access-control-allow-origin'), origin);
  assert.match(answer.headers.get('access-control-expose-headers'), /WWW-Authenticate/);
  const { access_token } = await tokens();
  const file = await api('/files/a', access_token, { origin });
  assert.match(file.headers.get('vary'), /Accept.*Origin/);
});

test('the secret is in the store, until the environment has one', async (t) => {
  const folder = `${dist}-kept`;
  t.after(() => rm(folder, { recursive: true, force: true }));
  const options = { durableObjects: { OAUTH_STORE: STORE }, resourcePersistencePath: folder };
  const start = async (bindings) => {
    let close;
    const worker = await run({ after: (own) => (close = own) }, dist, bindings, [], options);
    t.after(close);
    return { ...client(() => worker, 'https://notes.example', '/token'), close };
  };
  const first = await start({});
  const { refresh_token } = await first.tokens();
  await first.close();
  const second = await start({ OAUTH_SECRET: 'a secret of the environment, long' });
  const later = await second.refresh(refresh_token);
  assert.equal(later.status, 200, JSON.stringify(later));
  assert.equal((await second.api('/notes', later.access_token)).status, 200);
  await second.close();
});

test('a Worker with it ships the modules of the issuer', async () => {
  const modules = (await readdir(dist)).flatMap((name) => /(tollgate-.*)\.wasm$/.exec(name)?.[1] ?? []).sort();
  assert.deepEqual(
    modules,
    ['core', 'core2', 'core3'].map((part) => `tollgate-issuer.${part}`),
  );
});
