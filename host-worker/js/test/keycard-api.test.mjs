// The classes and functions of `tollgate/keycard` by themselves.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { inspect, promisify } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { CLIENT, startZone } from './keycard/zone.mjs';
import { consumer, load, tools } from './support/package.mjs';

const { keycard } = await load();
const { IsolateSafeTokenCache, TokenExchangeClient, WorkersClientSecret, WorkersWebIdentity, resolveCredential } =
  keycard;
const RESOURCE = 'https://api.example.com';
const key = (type = 'pkcs8') =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type, format: 'pem' });

let zone;
before(async () => {
  zone = await startZone();
});
after(() => zone.close());
const client = () => new TokenExchangeClient(zone.url, { clientId: CLIENT.id, clientSecret: CLIENT.secret });

test('the surface', () => {
  assert.deepEqual(Object.keys(keycard).sort(), [
    'BadRequestError',
    'HTTPError',
    'InsufficientScopeError',
    'InvalidTokenError',
    'IsolateSafeTokenCache',
    'OAuthError',
    'TokenExchangeClient',
    'TokenExchangeError',
    'UnauthorizedError',
    'WorkersClientSecret',
    'WorkersWebIdentity',
    'createKeycardWorker',
    'handleMetadataRequest',
    'isAuthError',
    'resolveCredential',
    'verifyBearerToken',
  ]);
});

test('errors have names, codes and their ancestors', () => {
  const { HTTPError, BadRequestError, UnauthorizedError, OAuthError, InvalidTokenError, InsufficientScopeError } =
    keycard;
  for (const [error, name, ancestor] of [
    [new BadRequestError('m'), 'BadRequestError', HTTPError],
    [new UnauthorizedError('m'), 'UnauthorizedError', HTTPError],
    [new HTTPError('m'), 'HTTPError', Error],
  ]) {
    assert.ok(error instanceof ancestor);
    assert.deepEqual([error.name, error.message], [name, 'm']);
  }
  const oauth = new OAuthError('access_denied', 'm', 'https://e');
  assert.deepEqual(
    [oauth.name, oauth.errorCode, oauth.message, oauth.errorUri],
    ['OAuthError', 'access_denied', 'm', 'https://e'],
  );
  assert.ok(new InvalidTokenError('m') instanceof OAuthError);
  assert.equal(new InvalidTokenError('m').errorCode, 'invalid_token');
  assert.equal(new InsufficientScopeError('m').errorCode, 'insufficient_scope');
});

test('isAuthError knows a response of another realm', () => {
  const context = createContext({});
  const foreign = runInContext('({ status: 401, headers: { get() {} } })', context);
  assert.ok(keycard.isAuthError(new Response()));
  assert.ok(keycard.isAuthError(foreign));
  assert.ok(!keycard.isAuthError({ token: 'x', clientId: 'c', scopes: [] }));
});

test('createKeycardWorker needs a handler', () => {
  assert.throws(() => keycard.createKeycardWorker({}), TypeError);
  assert.throws(() => keycard.createKeycardWorker(), TypeError);
});

test('resolveCredential', () => {
  assert.ok(resolveCredential({ KEYCARD_CLIENT_ID: 'i', KEYCARD_CLIENT_SECRET: 's' }) instanceof WorkersClientSecret);
  assert.ok(
    resolveCredential({ KEYCARD_CLIENT_ID: 'i', KEYCARD_CLIENT_SECRET: 's', KEYCARD_PRIVATE_KEY: key() }) instanceof
      WorkersWebIdentity,
  );
  for (const env of [{}, { KEYCARD_CLIENT_ID: 'i' }, { KEYCARD_CLIENT_SECRET: 's' }])
    assert.throws(() => resolveCredential(env), /^ConfigError: Missing Keycard credentials in env\. Set either/);
});

test('a secret as a credential', async () => {
  const credential = new WorkersClientSecret('i', 'geheim');
  assert.deepEqual(credential.getAuth(), { clientId: 'i', clientSecret: 'geheim' });
  assert.deepEqual(await credential.prepareTokenExchangeRequest('t', RESOURCE), {
    subjectToken: 't',
    resource: RESOURCE,
    subjectTokenType: 'urn:ietf:params:oauth:token-type:access_token',
  });
  for (const value of [credential, client(), new IsolateSafeTokenCache(client(), { credential })]) {
    const text = inspect(value, { depth: 9, showHidden: true }) + JSON.stringify(value);
    assert.ok(!text.includes('geheim'), text);
  }
});

test('a private key as a credential makes assertions for one token endpoint (W9)', async () => {
  for (const pem of [key('pkcs8'), key('pkcs1'), key().replaceAll('\n', '\\n')]) {
    const credential = new WorkersWebIdentity(pem, 'my-key', { clientId: 'app' });
    assert.equal(credential.getAuth(), null);
    const jwks = await credential.getPublicJwks();
    assert.deepEqual(
      jwks.keys.map((k) => Object.keys(k).sort()),
      [['alg', 'e', 'kid', 'kty', 'n', 'use']],
    );
    const request = await credential.prepareTokenExchangeRequest('t', RESOURCE, {
      tokenEndpoint: 'https://z.example/token',
    });
    assert.equal(request.clientAssertionType, 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    const { payload, protectedHeader } = await jwtVerify(request.clientAssertion, createLocalJWKSet(jwks), {
      audience: 'https://z.example/token',
    });
    assert.deepEqual([payload.iss, payload.sub, protectedHeader.kid], ['app', 'app', 'my-key']);
    const again = await credential.prepareTokenExchangeRequest('t', RESOURCE, {
      tokenEndpoint: 'https://z.example/token',
      authInfo: { resource_client_id: 'other' },
    });
    const second = await jwtVerify(again.clientAssertion, createLocalJWKSet(jwks));
    assert.equal(second.payload.sub, 'other');
    assert.notEqual(second.payload.jti, payload.jti);
    await assert.rejects(credential.prepareTokenExchangeRequest('t', RESOURCE), keycard.BadRequestError);
    assert.ok(!inspect(credential, { depth: 9, showHidden: true }).includes('PRIVATE'));
  }
  assert.equal((await new WorkersWebIdentity(key()).getPublicJwks()).keys[0].kid, 'worker-key');
  await assert.rejects(new WorkersWebIdentity('rubbish').getPublicJwks(), /private key/);
});

test('TokenExchangeClient makes one request per call (W30)', async () => {
  const before = zone.counts.token;
  const subjectToken = await zone.mint({ sub: 'raw' });
  const exchange = client();
  for (let i = 0; i < 2; i++) {
    const token = await exchange.exchangeToken({
      subjectToken,
      resource: RESOURCE,
      scope: 'a b',
      actorToken: 'actor',
      actorTokenType: 'urn:ietf:params:oauth:token-type:jwt',
    });
    assert.match(token.accessToken, /^up\.raw\./);
    assert.deepEqual(
      [token.tokenType, token.scope, token.issuedTokenType],
      ['Bearer', ['repo', 'user'], 'urn:ietf:params:oauth:token-type:access_token'],
    );
    assert.ok(token.expiresIn > 590 && token.expiresIn <= 600);
  }
  assert.equal(zone.counts.token - before, 2);
  const { client: by, form } = zone.exchanges.at(-1);
  assert.equal(by, CLIENT.id, 'an id with a colon, a secret with an ampersand');
  assert.deepEqual(
    [form.scope, form.actor_token, form.actor_token_type],
    ['a b', 'actor', 'urn:ietf:params:oauth:token-type:jwt'],
    'W31',
  );
});

test('TokenExchangeClient reports errors', async () => {
  const exchange = client();
  await assert.rejects(
    exchange.exchangeToken({ subjectToken: await zone.mint({ sub: 'denied' }), resource: RESOURCE }),
    (error) => {
      assert.ok(error instanceof keycard.OAuthError);
      assert.deepEqual(
        [error.errorCode, error.message, error.errorUri],
        ['access_denied', 'no?consent', 'https://zone.example/why'],
      );
      return true;
    },
  );
  await assert.rejects(
    exchange.exchangeToken({ subjectToken: 'bad', resource: RESOURCE }),
    (error) => error.errorCode === 'invalid_grant' && error.message === 'invalid_grant',
  );
  await assert.rejects(exchange.exchangeToken({ subjectToken: 'x', resource: 'no uri' }), keycard.BadRequestError);
  await assert.rejects(exchange.exchangeToken({ subjectToken: 'x', grantType: 'password' }), keycard.BadRequestError);
  const before = zone.counts.token;
  await assert.rejects(
    new TokenExchangeClient(zone.url).exchangeToken({ subjectToken: 'x', resource: RESOURCE }),
    (error) => error.errorCode === 'invalid_client',
  );
  assert.equal(zone.counts.token, before, 'nobody is asked');
  await assert.rejects(
    new TokenExchangeClient('http://127.0.0.1:9', { clientId: 'a', clientSecret: 'b' }).exchangeToken({
      subjectToken: 'x',
      resource: RESOURCE,
    }),
    (error) => error instanceof keycard.TokenExchangeError && error.kind === 'issuer-unavailable',
  );
  await assert.rejects(
    new TokenExchangeClient('http://zone.example', { clientId: 'a', clientSecret: 'b' }).exchangeToken({
      subjectToken: 'x',
      resource: RESOURCE,
    }),
    /https/,
    'W29',
  );
});

test('TokenExchangeClient sends an assertion of the caller', async () => {
  const credential = new WorkersWebIdentity(key());
  zone.keysOfClient = () => credential.getPublicJwks();
  const request = await credential.prepareTokenExchangeRequest(await zone.mint(), RESOURCE, {
    tokenEndpoint: `${zone.url}/token`,
  });
  assert.match((await new TokenExchangeClient(zone.url).exchangeToken(request)).accessToken, /^up\.ada\./);
  assert.equal(zone.exchanges.at(-1).client, 'worker-key');
});

test('each caller of the cache has its own copy, which hides its secrets', async () => {
  const cache = new IsolateSafeTokenCache(client());
  const token = await zone.mint({ sub: 'copy' });
  const one = await cache.getToken('copy', token, RESOURCE);
  const two = await cache.getToken('copy', token, RESOURCE);
  assert.equal(one.accessToken, two.accessToken);
  assert.notEqual(one, two);
  for (const change of [
    () => {
      one.accessToken = 'x';
    },
    () => {
      one.scope.push('x');
    },
  ])
    assert.throws(change, TypeError);
  for (const text of [inspect(one, { depth: 9 }), JSON.stringify(one)])
    assert.ok(text.includes('Bearer') && !text.includes('up.copy'), text);
  assert.equal({ ...one }.accessToken, one.accessToken, 'a copy is whole');
});

test('no subject, no token (W6)', async () => {
  const cache = new IsolateSafeTokenCache(client());
  const before = zone.counts.token;
  for (const subject of [undefined, null, ''])
    await assert.rejects(cache.getToken(subject, await zone.mint(), RESOURCE), keycard.BadRequestError);
  for (const token of [undefined, ''])
    await assert.rejects(cache.getToken('ada', token, RESOURCE), keycard.BadRequestError);
  assert.equal(zone.counts.token, before);
});

test('a token is not kept beyond the user’s own (W11)', async () => {
  const cache = new IsolateSafeTokenCache(client());
  const token = await zone.mint({ exp: Math.floor(Date.now() / 1000) + 2 });
  const { accessToken } = await cache.getToken('ada', token, RESOURCE);
  assert.equal((await cache.getToken('ada', token, RESOURCE)).accessToken, accessToken);
  await new Promise((resolve) => setTimeout(resolve, 2100));
  await assert.rejects(
    cache.getToken('ada', token, RESOURCE),
    (error) => error.errorCode === 'invalid_grant',
    'the zone is asked, and says no',
  );
});

test('tokens can be invalidated (W11)', async () => {
  const cache = new IsolateSafeTokenCache(client());
  const tokens = { ada: await zone.mint(), bob: await zone.mint({ sub: 'bob' }) };
  const other = 'https://other.example';
  const fill = () =>
    Promise.all(
      [
        ['ada', RESOURCE],
        ['ada', other],
        ['bob', RESOURCE],
      ].map(([sub, resource]) => cache.getToken(sub, tokens[sub], resource)),
    );
  for (const [args, gone] of [
    [['ada'], 2],
    [['ada', other], 1],
    [[undefined, RESOURCE], 2],
    [[], 3],
    [['eve'], 0],
  ]) {
    await fill();
    const before = zone.counts.token;
    assert.equal(cache.invalidate(...args), gone);
    await fill();
    assert.equal(zone.counts.token - before, gone, JSON.stringify(args));
  }
});

test('the cache is limited, evicts the least recently used token first, and 0 disables it (W10)', async () => {
  const token = await zone.mint();
  const asked = async (cache, resource) => {
    const before = zone.counts.token;
    await cache.getToken('ada', token, resource);
    return zone.counts.token - before;
  };
  const two = new IsolateSafeTokenCache(client(), { maxEntries: 2 });
  for (const [resource, count] of [
    ['https://a', 1],
    ['https://b', 1],
    ['https://a', 0],
    ['https://c', 1],
    ['https://a', 0],
    ['https://b', 1],
  ]) {
    assert.equal(await asked(two, resource), count, resource);
  }
  const none = new IsolateSafeTokenCache(client(), { maxEntries: 0 });
  for (let i = 0; i < 2; i++) assert.equal(await asked(none, RESOURCE), 1);
  const skewed = new IsolateSafeTokenCache(client(), { skewSeconds: 600 });
  for (let i = 0; i < 2; i++) assert.equal(await asked(skewed, RESOURCE), 1);
  assert.throws(() => new IsolateSafeTokenCache(client(), { maxEntries: -1 }), /maxEntries/);
});

test('a client and a credential of the application’s own work behind the same cache', async () => {
  const requests = [];
  const failure = new RangeError('mine');
  const own = {
    async exchangeToken(request) {
      requests.push(request);
      if (request.subjectToken === 'bad') throw failure;
      return { accessToken: `t-${requests.length}`, tokenType: 'bearer', expiresIn: 3600, scope: ['a'] };
    },
  };
  const cache = new IsolateSafeTokenCache(own);
  const [one, two] = await Promise.all([cache.getToken('ada', 't', RESOURCE), cache.getToken('ada', 't', RESOURCE)]);
  assert.deepEqual([one.accessToken, two.accessToken, one.scope], ['t-1', 't-1', ['a']]);
  assert.deepEqual(requests, [
    { subjectToken: 't', resource: RESOURCE, subjectTokenType: 'urn:ietf:params:oauth:token-type:access_token' },
  ]);
  await assert.rejects(cache.getToken('ada', 'bad', RESOURCE), (error) => error === failure);
  const credential = {
    getAuth: () => null,
    prepareTokenExchangeRequest: async (subjectToken, resource) => ({
      subjectToken,
      resource,
      clientAssertion: 'signed elsewhere',
    }),
  };
  await new IsolateSafeTokenCache(own, { credential }).getToken('ada', 't', RESOURCE);
  assert.equal(requests.at(-1).clientAssertion, 'signed elsewhere');
  assert.throws(() => new IsolateSafeTokenCache(), TypeError);

  const replaced = client();
  replaced.exchangeToken = own.exchangeToken;
  assert.match((await new IsolateSafeTokenCache(replaced).getToken('ada', 't', RESOURCE)).accessToken, /^t-/);
  class Tagged extends WorkersWebIdentity {
    async prepareTokenExchangeRequest(subjectToken, resource) {
      return { subjectToken, resource, clientAssertion: 'tagged' };
    }
  }
  await new IsolateSafeTokenCache(own, { credential: new Tagged(key()) }).getToken('ada', 't', RESOURCE);
  assert.equal(requests.at(-1).clientAssertion, 'tagged');
});

test('a secret that only the credential has is used', async () => {
  const credential = new WorkersClientSecret(CLIENT.id, CLIENT.secret);
  const { accessToken } = await new IsolateSafeTokenCache(new TokenExchangeClient(zone.url), { credential }).getToken(
    'ada',
    await zone.mint(),
    RESOURCE,
  );
  assert.match(accessToken, /^up\.ada\./);
});

test('verifyBearerToken keeps as many gates as an isolate can hold', async () => {
  const request = async (aud) =>
    new Request('https://mcp.example.com/', { headers: { authorization: `Bearer ${await zone.mint({ aud })}` } });
  const fetches = async (audience) => {
    const before = zone.counts.jwks;
    assert.equal(
      (await keycard.verifyBearerToken(await request(audience), { issuers: zone.url, audiences: audience })).subject,
      'ada',
    );
    return zone.counts.jwks - before;
  };
  for (let i = 0; i < 8; i++) assert.equal(await fetches(`a${i}`), 1);
  assert.equal(await fetches('a0'), 0, 'kept, and used last now');
  assert.equal(await fetches('a8'), 1, 'takes the place of a1');
  assert.equal(await fetches('a0'), 0);
  assert.equal(await fetches('a1'), 1);
});

for (const types of ['@cloudflare/workers-types', 'node']) {
  test(`the guide’s Worker compiles with the types of ${types}, and mistakes do not`, async (t) => {
    const root = await consumer(t, {
      'seed.ts': await readFile(path.join(import.meta.dirname, 'keycard/seed-001.ts'), 'utf8'),
      'main.ts': `
        import {
          createKeycardWorker, handleMetadataRequest, isAuthError, resolveCredential, verifyBearerToken, IsolateSafeTokenCache, TokenExchangeClient,
          type ApplicationCredential, type AuthInfo, type AuthenticatedFetchHandler, type BearerAuthOptions, type IsolateSafeTokenCacheOptions,
          type KeycardEnv, type KeycardWorkerOptions, type MetadataOptions,
        } from 'tollgate/keycard';

        const handler: AuthenticatedFetchHandler<KeycardEnv> = async (request, env, ctx, auth) => {
          const url: URL | undefined = auth.resource;
          const scopes: string[] = auth.scopes;
          return new Response(request.url + env.KEYCARD_ISSUER + url?.href + scopes.join());
        };
        const options: KeycardWorkerOptions<KeycardEnv> = { audiences: 'a', fetch: handler };
        createKeycardWorker(options);
        // @ts-expect-error there is no such option
        createKeycardWorker({ requiredScope: ['a'], fetch: handler });

        export async function direct(request: Request, env: KeycardEnv): Promise<Response> {
          const auth: AuthInfo | Response = await verifyBearerToken(request, { issuers: env.KEYCARD_ISSUER } satisfies BearerAuthOptions);
          if (isAuthError(auth)) return auth;
          const metadata: Response | null = await handleMetadataRequest(request, { issuer: env.KEYCARD_ISSUER } satisfies MetadataOptions);
          const credential: ApplicationCredential = resolveCredential(env);
          const cacheOptions: IsolateSafeTokenCacheOptions = { credential };
          const cache = new IsolateSafeTokenCache(new TokenExchangeClient(env.KEYCARD_ISSUER, credential.getAuth() ?? undefined), cacheOptions);
          const { accessToken } = await cache.getToken(auth.subject!, auth.token, 'https://api.example');
          // @ts-expect-error a token is needed
          cache.getToken(auth.subject!, 'https://api.example');
          return metadata ?? new Response(accessToken);
        }
      `,
      'tsconfig.json': JSON.stringify({
        compilerOptions: {
          strict: true,
          noEmit: true,
          target: 'es2022',
          module: 'nodenext',
          moduleResolution: 'nodenext',
          exactOptionalPropertyTypes: true,
          lib: ['es2022'],
          types: [types],
          typeRoots: [path.join(tools, '@types'), tools],
        },
        files: ['seed.ts', 'main.ts'],
      }),
    });
    await promisify(execFile)(process.execPath, [path.join(tools, 'typescript/bin/tsc'), '--project', root]).catch(
      (error) => assert.fail(error.stdout),
    );
  });
}
