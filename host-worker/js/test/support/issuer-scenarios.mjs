// What an issuer does, under Node with its store in memory and in workerd with Durable Objects.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';

export const RESOURCE = 'https://mcp.example.com/mcp';
const REDIRECT = 'https://app.example/callback';
const verifier = () => randomBytes(32).toString('base64url');
const challengeOf = (text) => createHash('sha256').update(text).digest('base64url');

/** A client of the application at an origin. `app()` has its `fetch`. */
export function client(app, origin = 'https://auth.example.com') {
  const send = (path, init) => app().fetch(new URL(path, origin).href, { redirect: 'manual', ...init });
  const post = (path, form, headers) =>
    send(path, { method: 'POST', body: new URLSearchParams(form).toString(), headers: { ...FORM, ...headers } });
  const command = async (name, body = null) =>
    (await send(`/command/${name}`, { method: 'POST', body: JSON.stringify(body) })).json();
  const query = (changes) => {
    const parameters = {
      response_type: 'code',
      client_id: 'app',
      redirect_uri: REDIRECT,
      state: 'a state',
      scope: 'read write',
      code_challenge_method: 'S256',
      ...changes,
    };
    return new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined)).toString();
  };
  /** A code, and what its token request needs. */
  const authorize = async (user) => {
    const code_verifier = verifier();
    const answer = await send(`/authorize?${query({ code_challenge: challengeOf(code_verifier) })}`, {
      headers: { user },
    });
    assert.equal(answer.status, 303, await answer.clone().text());
    const location = new URL(answer.headers.get('location'));
    return {
      location,
      form: {
        grant_type: 'authorization_code',
        client_id: 'app',
        redirect_uri: REDIRECT,
        code: location.searchParams.get('code'),
        code_verifier,
      },
    };
  };
  const token = async (form) => {
    const answer = await post('/token', form);
    return { status: answer.status, headers: answer.headers, ...(await answer.json()) };
  };
  const refresh = (refresh_token) => token({ grant_type: 'refresh_token', client_id: 'app', refresh_token });
  const tokens = async (user) => {
    const answer = await token((await authorize(user)).form);
    assert.equal(answer.status, 200, answer.error_description);
    return answer;
  };
  const check = (text, resource = RESOURCE) => command('check', { token: text, resource });
  return { send, post, command, query, authorize, token, refresh, tokens, check };
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/** Defines the tests. */
export function scenarios(app) {
  const { send, post, command, query, authorize, token, refresh, tokens, check } = client(app);
  const hooks = client(app, 'https://hooks.example.com');

  test('a code flow with PKCE on a page of the application', async () => {
    await command('events');
    const { location, form } = await authorize('ada');
    assert.equal(location.searchParams.get('state'), 'a state');
    assert.equal(location.searchParams.get('iss'), 'https://auth.example.com');
    const wrong = await token({ ...form, code_verifier: verifier() });
    assert.deepEqual([wrong.status, wrong.error], [400, 'invalid_grant']);
    const answer = await token(form);
    assert.equal(answer.status, 200);
    assert.deepEqual([answer.token_type, answer.scope], ['Bearer', 'read write']);
    assert.ok(answer.expires_in > 3500 && answer.expires_in <= 3600, `${answer.expires_in}`);
    const info = await check(answer.access_token);
    assert.deepEqual(
      { ...info, issuedAt: 0, expiresAt: info.expiresAt - info.issuedAt, grantId: typeof info.grantId },
      {
        subject: 'ada',
        clientId: 'app',
        scopes: ['read', 'write'],
        audience: [RESOURCE],
        issuedAt: 0,
        expiresAt: 3600,
        grantId: 'string',
        props: { name: 'ada' },
      },
    );
    assert.equal(await check(answer.access_token, 'https://other.example'), null);
    assert.equal(await check('not a token'), null);
    const events = await command('events');
    assert.deepEqual(
      events.map(({ kind, grantType, userId }) => [kind, grantType, userId]),
      [
        ['code-issued', undefined, 'ada'],
        ['tokens-issued', 'authorization_code', 'ada'],
      ],
    );
    assert.ok(Math.abs(events[0].at - Date.now() / 1000) < 60);
    assert.ok((await command('refusals')).includes('code-verifier'));
  });

  test('a user who refuses is told to the client', async () => {
    const answer = await send(`/authorize?${query({ code_challenge: challengeOf(verifier()) })}`);
    const { searchParams } = new URL(answer.headers.get('location'));
    assert.equal(searchParams.get('error'), 'access_denied');
    assert.equal(searchParams.get('iss'), 'https://auth.example.com');
  });

  test('a refused authorization request has a response, which goes to the client only if it is proven', async () => {
    const scope = await command('parse', {
      query: query({ scope: 'admin', code_challenge: challengeOf(verifier()) }),
    });
    assert.deepEqual([scope.name, scope.reason, scope.status], ['IssuerError', 'scope-unknown', 303]);
    assert.equal(new URL(scope.location).searchParams.get('error'), 'invalid_scope');
    const redirect = await command('parse', { query: query({ redirect_uri: 'https://evil.example/' }) });
    assert.deepEqual([redirect.reason, redirect.status], ['redirect-uri-unregistered', 400]);
    assert.equal(redirect.location, undefined);
    const page = await send(`/authorize?${query({ client_id: '<script>' })}`);
    assert.equal(page.status >= 400, true);
    assert.match(page.headers.get('content-type'), /text\/html/);
    assert.ok(!(await page.text()).includes('<script>'));
  });

  test('of 50 redemptions of one code at once, one succeeds', async () => {
    const { form } = await authorize('grace');
    const answers = await Promise.all(Array.from({ length: 50 }, () => token(form)));
    const succeeded = answers.filter(({ status }) => status === 200);
    assert.equal(succeeded.length, 1);
    for (const { status, error } of answers)
      if (status !== 200) assert.deepEqual([status, error], [400, 'invalid_grant']);
  });

  test('a code that is used again revokes what it gave', async () => {
    const { form } = await authorize('grace');
    const { access_token, refresh_token } = await token(form);
    assert.notEqual(await check(access_token), null);
    assert.equal((await token(form)).error, 'invalid_grant');
    assert.equal(await check(access_token), null);
    assert.equal((await refresh(refresh_token)).error, 'invalid_grant');
  });

  test('50 refreshes at once with one token get the same answer', async () => {
    const { refresh_token } = await tokens('joan');
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(refresh_token)));
    const texts = new Set(
      answers.map((answer) => JSON.stringify([answer.status, answer.access_token, answer.refresh_token])),
    );
    assert.equal(texts.size, 1, [...texts].join('\n'));
    assert.equal(answers[0].status, 200);
    assert.notEqual(answers[0].refresh_token, refresh_token);
    assert.notEqual(await check(answers[0].access_token), null);
    assert.equal((await refresh(answers[0].refresh_token)).status, 200);
  });

  test('a revocation counts at once', async () => {
    const { access_token, refresh_token } = await tokens('joan');
    assert.notEqual(await check(access_token), null);
    const answer = await post('/revoke', { token: refresh_token, client_id: 'app' });
    assert.deepEqual([answer.status, await answer.text()], [200, '']);
    assert.equal(await check(access_token), null);
    assert.equal((await refresh(refresh_token)).error, 'invalid_grant');
  });

  test('grants are listed and revoked', async () => {
    const first = await tokens('edith');
    const second = await tokens('edith');
    await authorize('edith'); // a code that nobody redeems
    const { grants, cursor } = await command('grants', { user: 'edith' });
    assert.equal(cursor, undefined);
    assert.equal(grants.length, 2);
    for (const grant of grants) {
      assert.deepEqual([grant.clientId, grant.userId, grant.metadata], ['app', 'edith', { label: 'a grant' }]);
      assert.ok(grant.expiresAt > grant.createdAt);
    }
    const { grantId } = await check(first.access_token);
    assert.equal(await command('revokeGrant', { user: 'edith', grant: grantId }), true);
    assert.equal(await command('revokeGrant', { user: 'edith', grant: grantId }), false);
    assert.equal(await check(first.access_token), null);
    assert.notEqual(await check(second.access_token), null);
    assert.ok((await command('revokeUser', { user: 'edith' })) >= 1);
    assert.equal(await check(second.access_token), null);
  });

  test('a resource server asks about a token', async () => {
    const { access_token } = await tokens('mary');
    const own = { client_id: 'api', client_secret: 'a secret of the api' };
    const answer = await (await post('/introspect', { token: access_token, ...own })).json();
    assert.deepEqual([answer.active, answer.sub, answer.client_id], [true, 'mary', 'app']);
    assert.deepEqual(await (await post('/introspect', { token: 'x', ...own })).json(), { active: false });
    assert.equal((await post('/introspect', { token: access_token, client_id: 'app' })).status, 401);
    const { keys } = await (await send('/jwks')).json();
    assert.ok(keys.length > 0 && keys.every((key) => key.d === undefined));
  });

  test('clients are created, changed, listed and deleted', async () => {
    const { client: made, secret } = await command('createClient', {
      name: 'Notes',
      redirectUris: [REDIRECT],
      grantTypes: ['authorization_code', 'refresh_token'],
      scopes: ['read'],
      metadata: { logo_uri: 'https://app.example/logo.png' },
    });
    assert.deepEqual(
      [made.origin, made.authentication, made.grantTypes, made.scopes, made.name],
      ['registered', 'client_secret', ['authorization_code', 'refresh_token'], ['read'], 'Notes'],
    );
    assert.equal(made.metadata.logo_uri, 'https://app.example/logo.png');
    assert.ok(secret.length > 30 && Math.abs(made.registeredAt - Date.now() / 1000) < 60);
    assert.deepEqual(await command('findClient', { id: made.id }), made);
    assert.equal((await command('findClient', { id: 'app' })).origin, 'configured');
    assert.equal(await command('findClient', { id: 'nobody' }), null);

    const own = { client_id: made.id, redirect_uri: REDIRECT };
    const code_verifier = verifier();
    const asked = query({ ...own, scope: 'read', code_challenge: challengeOf(code_verifier) });
    const { headers } = await send(`/authorize?${asked}`, { headers: { user: 'ada' } });
    const code = new URL(headers.get('location')).searchParams.get('code');
    const form = { grant_type: 'authorization_code', ...own, code, code_verifier };
    assert.equal((await token({ ...form, client_secret: 'wrong' })).error, 'invalid_client');
    const { access_token } = await token({ ...form, client_secret: secret });
    assert.notEqual(await check(access_token), null);

    const changed = await command('updateClient', {
      id: made.id,
      changes: { name: null, scopes: null, newSecret: 0, redirectUris: ['https://other.example/'] },
    });
    assert.ok(changed.secret && changed.secret !== secret);
    assert.deepEqual(
      [changed.client.name, changed.client.scopes, changed.client.redirectUris, changed.client.metadata.logo_uri],
      [undefined, undefined, ['https://other.example/'], 'https://app.example/logo.png'],
    );
    const kept = await command('updateClient', { id: made.id, changes: {} });
    assert.deepEqual([kept.secret, kept.client], [undefined, changed.client]);

    const listed = [];
    let cursor;
    do {
      const page = await command('listClients', { limit: 1, cursor });
      listed.push(...page.clients.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    assert.ok(listed.includes(made.id) && !listed.includes('app'));
    await command('deleteClient', { id: made.id });
    assert.equal(await command('findClient', { id: made.id }), null);
    assert.equal(await check(access_token), null);
    assert.equal((await command('deleteClient', { id: 'app' })).reason, 'client-not-stored');
  });

  test('discovery names what there is', async () => {
    const document = await (await send('/.well-known/oauth-authorization-server')).json();
    assert.deepEqual(
      [document.issuer, document.token_endpoint, document.scopes_supported],
      ['https://auth.example.com', 'https://auth.example.com/token', ['read', 'write']],
    );
    assert.deepEqual(document.code_challenge_methods_supported, ['S256']);
  });

  test('a URL of the application is not answered, and its body not read', async () => {
    const answer = await send('/other', { method: 'POST', body: 'untouched' });
    assert.equal(await answer.text(), 'the application has /other: untouched');
  });

  test('a body over the limit is refused', async () => {
    const answer = await token({ grant_type: 'refresh_token', refresh_token: 'x'.repeat(300_000), client_id: 'app' });
    assert.equal(answer.error, 'invalid_request');
  });

  test('wrong arguments are errors of the caller, and nothing else breaks', async () => {
    assert.deepEqual(await command('misuse'), [
      ['ConfigError', 'token'],
      ['ConfigError', 'userId'],
      ['ConfigError', 'request.clientId'],
      ['ConfigError', 'request'],
      ['ConfigError', 'request.maxAge'],
      ['ConfigError', 'approval.props'],
      ['ConfigError', 'approval.upstream.accessToken'],
      ['ConfigError', 'client.redirectUris'],
      ['ConfigError', 'client.authentication'],
      ['ConfigError', 'changes.newSecret'],
    ]);
    await tokens('ada');
  });

  test('the application decides about tokens', async () => {
    await hooks.command('hook', 'narrow');
    await hooks.command('events');
    const { form } = await hooks.authorize('ada');
    const answer = await hooks.token(form);
    assert.deepEqual([answer.scope, answer.expires_in], ['read', 60]);
    assert.deepEqual((await hooks.check(answer.access_token)).props, { own: true });
    const [question] = await hooks.command('events');
    assert.deepEqual(
      { ...question, grant: [typeof question.grant.id, typeof question.grant.revision] },
      {
        grantType: 'authorization_code',
        clientId: 'app',
        userId: 'ada',
        grant: ['string', 'string'],
        grantedScopes: ['read', 'write'],
        scopes: ['read', 'write'],
        resources: [RESOURCE],
        props: { name: 'ada' },
      },
    );
    await hooks.command('hook', 'change');
    const changed = await hooks.refresh(answer.refresh_token);
    assert.deepEqual((await hooks.check(changed.access_token)).props, { count: 1 });
    const again = await hooks.refresh(changed.refresh_token);
    assert.deepEqual((await hooks.check(again.access_token)).props, { count: 2 });
  });

  test('a hook that fails spends nothing', async () => {
    const { form } = await hooks.authorize('ada');
    const expected = [
      ['refuse', 400, 'invalid_grant'],
      ['unavailable', 503, 'temporarily_unavailable'],
      ['throw', 500, 'server_error'],
      ['nonsense', 500, 'server_error'],
    ];
    for (const [hook, status, error] of expected) {
      await hooks.command('hook', hook);
      const answer = await hooks.token(form);
      assert.deepEqual([hook, answer.status, answer.error], [hook, status, error]);
      if (status === 503) assert.ok(Number(answer.headers.get('retry-after')) > 0);
    }
    await hooks.command('hook', 'reenter');
    const { status, refresh_token } = await hooks.token(form);
    assert.equal(status, 200);
    await hooks.command('hook', 'throw');
    assert.equal((await hooks.refresh(refresh_token)).status, 500);
    await hooks.command('hook', 'allow');
    assert.equal((await hooks.refresh(refresh_token)).status, 200);
  });

  test('refreshes at once wait for one decision', async () => {
    await hooks.command('hook', 'allow');
    const { refresh_token } = await hooks.tokens('ada');
    await hooks.command('hook', 'slow');
    await hooks.command('events');
    const answers = await Promise.all(Array.from({ length: 10 }, () => hooks.refresh(refresh_token)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.equal(new Set(answers.map((answer) => answer.access_token)).size, 1);
    assert.equal((await hooks.command('events')).length, 1);
    await hooks.command('hook', 'allow');
  });

  for (const [kind, statuses] of [
    ['unavailable', [503]],
    ['failed', [500]],
    ['other', [503]],
  ]) {
    test(`a store that fails (${kind}) spends nothing`, async () => {
      for (const op of ['read', 'commit']) {
        const { form } = await authorize('ada');
        await command('fault', { op, kind, when: 'before' });
        const failed = await token(form);
        await command('fault');
        assert.ok(statuses.includes(failed.status), `${op}: ${failed.status}`);
        assert.ok(!['invalid_grant', 'invalid_client'].includes(failed.error), failed.error);
        if (failed.status === 503) assert.ok(Number(failed.headers.get('retry-after')) > 0);
        assert.equal((await token(form)).status, 200);
      }
      const { refresh_token } = await tokens('ada');
      await command('fault', { op: 'commit', kind, when: 'before' });
      assert.ok(statuses.includes((await refresh(refresh_token)).status));
      await command('fault');
      assert.equal((await refresh(refresh_token)).status, 200);
    });
  }

  test('a commit whose answer is lost gives the same tokens to the retry', async () => {
    const { refresh_token } = await tokens('ada');
    await command('fault', { op: 'commit', kind: 'unavailable', when: 'after' });
    const first = await refresh(refresh_token);
    await command('fault');
    const second = await refresh(refresh_token);
    assert.ok([200, 503].includes(first.status));
    assert.equal(second.status, 200);
    assert.notEqual(await check(second.access_token), null);
    if (first.status === 200) assert.equal(first.access_token, second.access_token);
  });

  test('users of development sign in and consent on pages of the issuer', async () => {
    const { send: visit, command: ask, token: redeem } = client(app, 'http://localhost:8787');
    let cookies = {};
    const step = async (path, form) => {
      const headers = {
        cookie: Object.entries(cookies)
          .map(([name, value]) => `${name}=${value}`)
          .join('; '),
      };
      const init = form && { method: 'POST', body: new URLSearchParams(form).toString() };
      const answer = await visit(path, { ...init, headers: { ...headers, ...(form && FORM) } });
      for (const cookie of answer.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
        cookies = { ...cookies, [name]: value };
      }
      if (answer.status === 303) return step(answer.headers.get('location'));
      assert.match(answer.headers.get('content-security-policy'), /frame-ancestors 'none'/);
      return { status: answer.status, text: await answer.text() };
    };
    const formOf = (text) => ({
      action: /<form method="post" action="([^"]+)"/.exec(text)[1],
      flow: /name="flow" value="([^"]+)"/.exec(text)[1],
    });
    const code_verifier = verifier();
    const choice = await step(`/authorize?${query({ code_challenge: challengeOf(code_verifier) })}`);
    assert.equal(choice.status, 200);
    const signIn = formOf(choice.text);
    let page = await step(signIn.action, { flow: signIn.flow, user: 'ada' });
    const consent = formOf(page.text);
    assert.match(page.text, /An app/);
    page = await step(consent.action, { flow: consent.flow, decision: 'allow' });
    const target = new URL(/href="(https:\/\/app\.example[^"]+)"/.exec(page.text)[1].replaceAll('&amp;', '&'));
    const answer = await redeem({
      grant_type: 'authorization_code',
      client_id: 'app',
      redirect_uri: REDIRECT,
      code: target.searchParams.get('code'),
      code_verifier,
    });
    assert.equal(answer.status, 200);
    assert.match(answer.access_token, /^tga_/);
    const info = await ask('check', { token: answer.access_token, resource: RESOURCE });
    assert.equal(info.subject, 'ada');
    // Another browser.
    cookies = {};
    page = await step(consent.action, { flow: consent.flow, decision: 'allow' });
    assert.equal(page.status, 400);
  });

  test('an invalid configuration answers 500 without details', async () => {
    const answer = await client(app, 'https://wrong.example.com').post('/token', {});
    assert.equal(answer.status, 500);
    assert.deepEqual(await answer.json(), { error: 'server_error' });
  });
}
