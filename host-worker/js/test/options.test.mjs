import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './support/package.mjs';

const {
  main: { createGate, ConfigError },
} = await load();

/** Options that are invalid in any environment: name, options, field, part of the message. */
const REFUSED = [
  ['an unknown name', { colour: 'x' }, 'colour', 'There is no option `colour`: use one of issuer, audience,'],
  ['a misspelled name', { isuer: 'x' }, 'isuer', 'There is no option `isuer`: did you mean `issuer`?'],
  ['a misspelled name in another case', { Routes: [] }, 'Routes', 'did you mean `routes`?'],
  [
    'a misspelled name further down',
    { issuers: [{ issuer: 'https://i.example', algorithm: ['ES256'] }] },
    'issuers[0].algorithm',
    'did you mean `issuers[0].algorithms`?',
  ],
  [
    'a text for methods',
    { routes: [{ path: '/', methods: 'GET' }] },
    'routes[0].methods',
    'must be a list of strings, not a string',
  ],
  [
    'a text for the scopes of a route',
    { routes: [{ path: '/', scopes: 'a' }] },
    'routes[0].scopes',
    'must be a list of strings, not a string',
  ],
  [
    'a number for an audience',
    { issuer: 'https://i.example', audience: 5 },
    'audience',
    'must be a string or a list of strings, not a number',
  ],
  [
    'an empty place in a list',
    { scopes: Object.assign(['a'], { 2: 'b' }) },
    'scopes[1]',
    'must be a string, not undefined',
  ],
  [
    'options with inherited members',
    Object.create({ scopes: ['a'] }),
    'options',
    'must be a plain object, not an object of a class',
  ],
  [
    'a map for an object',
    { scopeHierarchy: new Map([['a', ['b']]]) },
    'scopeHierarchy',
    'must be a plain object of lists, not an object of a class',
  ],
  [
    'a promise for an object',
    { cors: Promise.resolve({ origins: [] }) },
    'cors',
    'must be a plain object, not an object of a class',
  ],
  ['an unknown spelling of names', { naming: 'kebab' }, 'naming', "must be one of 'camelCase', 'snake_case'"],
  [
    'an unknown name further down',
    { issuers: [{ issuer: 'https://i.example', audience: 'a' }] },
    'issuers[0].audience',
    'did you mean `issuers[0].audiences`?',
  ],
  ['a string for a list', { scopes: 'mcp:tools' }, 'scopes', 'must be a list of strings, not a string'],
  ['a list for a string', { resource: ['https://a.example'] }, 'resource', 'must be a string, not a list'],
  ['a number in a list of strings', { scopes: ['a', 1] }, 'scopes[1]', 'must be a string, not a number'],
  ['null', { realm: null }, 'realm', 'must be a string, not null'],
  ['an object for a list', { routes: {} }, 'routes', 'must be a list, not an object'],
  ['a negative number', { tokenCache: { maxEntries: -1 } }, 'tokenCache.maxEntries', 'a whole number from 0'],
  ['a broken number', { keys: { cooldown: 1.5 } }, 'keys.cooldown', 'not 1.5'],
  ['a number as text', { cors: { maxAge: '60' } }, 'cors.maxAge', 'must be a whole number, not a string'],
  [
    'a truthy text for a flag',
    { metadata: { serveIssuerMetadata: 'no' } },
    'metadata.serveIssuerMetadata',
    'must be true or false',
  ],
  ['a route without path', { routes: [{ public: true }] }, 'routes[0].path', 'must have a `path`'],
  ['an issuer without name', { issuers: [{}] }, 'issuers[0].issuer', 'must have an `issuer`'],
  ['a public route with scopes', { routes: [{ path: '/', public: true, scopes: [] }] }, 'routes[0]', 'is public'],
  [
    'two key locations',
    { issuers: [{ issuer: 'https://i.example', keys: { uri: 'https://i.example/k', inline: '{}' } }] },
    'issuers[0].keys',
    "'discovery', { uri } or { inline }",
  ],
  ['a hierarchy of strings', { scopeHierarchy: { a: 'b' } }, 'scopeHierarchy["a"]', 'must be a list of strings'],
  ['an unknown member of the client', { client: { secrets: 'x' } }, 'client.secrets', 'did you mean `client.secret`?'],
  ['keys that are no list', { client: { keys: 'pem' } }, 'client.keys', 'must be a list of private keys, not a string'],
  ['a key without its key', { client: { keys: [{ kid: 'a' }] } }, 'client.keys[0].key', 'must have a `key`'],
  ['a key that is a number', { client: { keys: [1] } }, 'client.keys[0]', 'must be a plain object, not a number'],
  [
    'another spelling of an authentication',
    { client: { authentication: 'client-secret-basic' } },
    'client.authentication',
    "must be one of 'client_secret_basic', 'client_secret_post'",
  ],
  [
    'another audience of assertions',
    { client: { assertionAudience: 'https://issuer.example' } },
    'client.assertionAudience',
    "'issuer', 'token_endpoint'",
  ],
  ['a broken bound of the exchange cache', { client: { cache: { skew: 0.5 } } }, 'client.cache.skew', 'not 0.5'],
  ['a text for resourceFromRequest', { resourceFromRequest: 'yes' }, 'resourceFromRequest', 'must be true or false'],
  [
    'a text for singleResource',
    { metadata: { singleResource: 'yes' } },
    'metadata.singleResource',
    'must be true or false',
  ],
  ['no function for fetch', { fetch: 'fetch' }, 'fetch', 'must be a function'],
  ['no object', 'https://issuer.example', 'options', 'must be a plain object, not a string'],
];

for (const [name, options, field, sentence] of REFUSED) {
  test(`createGate refuses ${name}`, () => {
    assert.throws(
      () => createGate(options),
      (error) => {
        assert.ok(error instanceof ConfigError && error instanceof TypeError, `${error}`);
        assert.equal(error.name, 'ConfigError');
        assert.equal(error.field, field);
        assert.ok(error.message.includes(sentence), error.message);
        return true;
      },
    );
  });
}

test('errors of the component name options as JavaScript spells them', () => {
  const issuer = 'https://issuer.example';
  for (const [options, field, sentence] of [
    [{ issuer, issuers: [] }, 'issuer', '`issuers` are both set'],
    [{ audience: 'a', issuers: [{ issuer }] }, 'audience', '`audiences`'],
    [{ issuer: 'http://issuer.example', audience: 'a' }, 'issuer', 'https'],
    [{ issuer }, 'audience', 'TOLLGATE_AUDIENCE'],
    [{ issuers: [{ issuer, audiences: ['a'], clockTolerance: 301 }] }, 'issuers[0].clockTolerance', '300 seconds'],
    [
      { issuers: [{ issuer, audiences: ['a'], keys: { uri: 'https://x.example/' } }] },
      'issuers[0].keys',
      '`crossOriginKeys`',
    ],
    [{ issuer, audience: 'a', scopeHierarchy: { 'a b': [] } }, 'scopeHierarchy[0]', 'not a valid scope'],
    [{ issuer, audience: 'a', routes: [{ path: '/', scopes: ['a b'] }] }, 'routes[0].scopes', 'not a valid scope'],
    [{ issuer, audience: 'a', keys: { minFresh: 9999 } }, 'keys.minFresh', '`maxFresh`'],
  ]) {
    assert.throws(
      () => createGate(options).check(),
      (error) => {
        assert.ok(error instanceof ConfigError, `${error}`);
        assert.deepEqual([error.field, error.part], [field, 'gate'], error.message);
        assert.ok(error.message.includes(sentence), error.message);
        return true;
      },
    );
  }
  assert.throws(() => createGate({ issuer, audience: 'a', keys: { minFresh: 9999 }, naming: 'snake_case' }).check(), {
    field: 'keys.min_fresh',
  });
});

test('the issuer of an audience may come from the environment', () => {
  createGate({ audience: 'a' }).check({ TOLLGATE_ISSUER: 'https://issuer.example' });
});

test('check() reports values that only the component can check', () => {
  const gate = createGate({ issuer: 'http://issuer.example', audience: 'https://mcp.example.com' });
  assert.throws(
    () => gate.check(),
    (error) => error instanceof ConfigError && /issuer/.test(error.field) && error.message.length > 20,
  );
  assert.throws(() => gate.authenticate(new Request('https://mcp.example.com/')), ConfigError);
  assert.throws(() => gate.verify('x'), ConfigError);
});

test('check() reports an invalid client', () => {
  const common = { issuer: 'https://issuer.example', audience: 'a' };
  for (const [client, field] of [
    [{}, 'client.id'],
    [{ id: 'app', authentication: 'client_secret_post' }, 'client.secret'],
    [{ id: 'app', authentication: 'private_key_jwt' }, 'client.keys'],
    [{ id: 'app', secret: 's', issuer: 'https://other.example' }, 'client.issuer'],
    [{ id: 'app', secret: 's', tokenEndpoint: 'http://issuer.example/token' }, 'client.tokenEndpoint'],
    [{ id: 'app', secret: 's', destinations: ['ftp://x.example'] }, 'client.destinations[0]'],
    [{ id: 'app', secret: 's', timeoutMs: 0 }, 'client.timeoutMs'],
  ]) {
    assert.throws(
      () => createGate({ ...common, client }).check(),
      (error) => error instanceof ConfigError && error.field === field && error.message.length > 20,
      field,
    );
  }
  assert.throws(
    () => createGate({ ...common, client: { id: 'public' } }).check(),
    (error) =>
      error.field === 'client.id' && error.part === 'client' && error.message.includes('`client.authentication`'),
  );
  createGate({ ...common, client: { id: 'public', authentication: 'none' } }).check();
});

test('settings come from the environment, and unknown ones are refused', () => {
  const gate = createGate();
  assert.throws(() => gate.check({}), ConfigError);
  gate.check({
    TOLLGATE_ISSUER: 'https://issuer.example',
    TOLLGATE_AUDIENCE: 'https://mcp.example.com',
    PATH: '/bin',
    BINDING: { get() {} },
  });
  assert.throws(
    () => gate.check({ TOLLGATE_ISUER: 'https://issuer.example' }),
    (error) =>
      error instanceof ConfigError &&
      error.field === 'TOLLGATE_ISUER' &&
      error.message.includes('did you mean TOLLGATE_ISSUER?'),
  );
});

test('an invalid gate answers 500 without details, and logs the message', async (t) => {
  const logged = t.mock.method(console, 'error', () => {});
  const worker = createGate({ issuer: 'http://issuer.example' }).protect(() => new Response('never'));
  const response = await worker.fetch(new Request('https://mcp.example.com/'), {}, undefined);
  assert.equal(response.status, 500);
  assert.deepEqual(await response.json(), { error: 'server_error' });
  assert.match(String(logged.mock.calls[0].arguments[0]), /^tollgate: .*issuer/i);
});

test('wrong arguments of methods are type errors', () => {
  const gate = createGate({ issuer: 'https://issuer.example', audience: 'a' });
  assert.throws(() => gate.protect(), TypeError);
  assert.throws(() => gate.verify(undefined), TypeError);
  assert.throws(() => gate.importKeys({}), TypeError);
});

/** Values that are not text, with their names in the message. */
const UNUSABLE = [
  [{ a: 1 }, 'an object'],
  [5, 'a number'],
  [5n, 'a number'],
  [true, 'a boolean'],
  [null, 'null'],
  [['a', 1], 'a list with entries that are not text'],
  [() => 'a', 'a function'],
  [Symbol('a'), 'not text'],
  [Promise.resolve('a'), 'an object'],
  [{ get: async () => 'a' }, 'a binding'],
];

test('a value that cannot be used is an error for every setting', () => {
  const gate = createGate({ issuer: 'https://issuer.example', audience: 'a' });
  for (const name of [
    'ISSUER',
    'AUDIENCE',
    'RESOURCE',
    'SCOPES',
    'JWKS_URI',
    'JWKS',
    'CLIENT_ID',
    'CLIENT_SECRET',
    'PRIVATE_KEY',
    'PRIVATE_KEY_NEXT',
    'PRIVATE_KEY_RETIRED',
    'TOKEN_ENDPOINT',
  ]) {
    const field = `TOLLGATE_${name}`;
    for (const [value, kind] of UNUSABLE) {
      assert.throws(
        () => gate.check({ [field]: value }),
        (error) =>
          error instanceof ConfigError &&
          error.field === field &&
          error.message.startsWith(`${field}: the value is ${kind}`),
        `${field} ${kind}`,
      );
    }
    gate.check({ [field]: undefined });
  }
  assert.throws(() => gate.check({ TOLLGATE_OTHER: {} }), { name: 'ConfigError', field: 'TOLLGATE_OTHER' });
  assert.throws(
    () => gate.check(Object.create({ TOLLGATE_SCOPES: 5 })),
    { name: 'ConfigError', field: 'TOLLGATE_SCOPES' },
    'an inherited setting',
  );
  assert.throws(() => gate.check('TOLLGATE_SCOPES=a'), { name: 'ConfigError', field: 'env' });
});

test('a gate with an invalid setting refuses every request', async (t) => {
  t.mock.method(console, 'error', () => {});
  const worker = createGate({
    issuer: 'https://issuer.example',
    audience: 'a',
    routes: [{ path: '/health', public: true }],
  }).protect(() => new Response('never'));
  const response = await worker.fetch(
    new Request('https://mcp.example.com/health'),
    { TOLLGATE_SCOPES: { 0: 'a' } },
    undefined,
  );
  assert.equal(response.status, 500);
});

test('lists are accepted for list settings', async () => {
  const gate = createGate({ issuer: 'https://issuer.example' });
  const env = { TOLLGATE_AUDIENCE: ['https://mcp.example.com', 'b'], TOLLGATE_SCOPES: ['mcp:admin', 'mcp:tools'] };
  gate.check(env);
  const { scopes_supported } = await (
    await gate.metadata(new Request('https://mcp.example.com/.well-known/oauth-protected-resource'), env)
  ).json();
  assert.deepEqual(scopes_supported, ['mcp:admin', 'mcp:tools']);
  assert.throws(
    () => gate.check({ ...env, TOLLGATE_ISSUER: ['https://issuer.example'] }),
    (error) => error.field === 'TOLLGATE_ISSUER' && error.message.includes('a list'),
  );
});

test('demands with a wrong name or type are errors', async () => {
  const gate = createGate({ issuer: 'https://issuer.example', audience: 'a' });
  for (const demands of [{ scope: ['a'] }, { scopes: 'a' }, { scopes: [1] }, null]) {
    assert.throws(() => gate.verify('x', undefined, undefined, demands), ConfigError, JSON.stringify(demands));
    assert.throws(
      () => gate.authenticate(new Request('https://mcp.example.com/'), undefined, undefined, demands),
      ConfigError,
    );
  }
});

test('options that another object holds are refused, not missed', () => {
  const inherited = Object.assign(Object.create(null), { scopes: ['admin'] });
  const options = Object.assign(Object.create(inherited), { issuer: 'https://issuer.example' });
  assert.throws(() => createGate(options), { name: 'ConfigError' });
});
