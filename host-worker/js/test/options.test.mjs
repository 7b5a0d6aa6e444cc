import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './support/package.mjs';

const { main: { createGate, ConfigError } } = await load();

/** Options that cannot work whatever the environment is: name, options, field, part of the sentence. */
const REFUSED = [
  ['an unknown name', { isuer: 'x' }, 'isuer', 'There is no option `isuer`'],
  ['an unknown name further down', { issuers: [{ issuer: 'https://i.example', audience: 'a' }] }, 'issuers[0].audience', 'known here are issuer, audiences'],
  ['a string for a list', { scopes: 'mcp:tools' }, 'scopes', 'must be a list of strings, not a string'],
  ['a list for a string', { resource: ['https://a.example'] }, 'resource', 'must be a string, not a list'],
  ['a number in a list of strings', { scopes: ['a', 1] }, 'scopes[1]', 'must be a string, not a number'],
  ['null', { realm: null }, 'realm', 'must be a string, not null'],
  ['an object for a list', { routes: {} }, 'routes', 'must be a list, not an object'],
  ['a negative number', { tokenCache: { maxEntries: -1 } }, 'tokenCache.maxEntries', 'a whole number from 0'],
  ['a broken number', { keys: { cooldown: 1.5 } }, 'keys.cooldown', 'not 1.5'],
  ['a number as text', { cors: { maxAge: '60' } }, 'cors.maxAge', 'must be a whole number, not a string'],
  ['a truthy text for a flag', { metadata: { serveIssuerMetadata: 'no' } }, 'metadata.serveIssuerMetadata', 'must be true or false'],
  ['issuer and issuers', { issuer: 'https://a.example', issuers: [] }, 'issuer', 'not both'],
  ['an audience alone', { audience: 'a' }, 'audience', 'TOLLGATE_AUDIENCE'],
  ['a route without path', { routes: [{ public: true }] }, 'routes[0].path', 'must name its `path`'],
  ['an issuer without name', { issuers: [{}] }, 'issuers[0].issuer', 'must name its `issuer`'],
  ['a public route with scopes', { routes: [{ path: '/', public: true, scopes: [] }] }, 'routes[0]', 'is public'],
  ['two key locations', { issuers: [{ issuer: 'https://i.example', keys: { uri: 'https://i.example/k', inline: '{}' } }] }, 'issuers[0].keys', "'discovery', { uri } or { inline }"],
  ['a hierarchy of strings', { scopeHierarchy: { a: 'b' } }, 'scopeHierarchy["a"]', 'must be a list of strings'],
  ['an unknown member of the client', { client: { secrets: 'x' } }, 'client.secrets', 'There is no option `client.secrets`'],
  ['keys that are no list', { client: { keys: 'pem' } }, 'client.keys', 'must be a list of private keys, not a string'],
  ['a key without its key', { client: { keys: [{ kid: 'a' }] } }, 'client.keys[0].key', 'must hold its `key`'],
  ['a key that is a number', { client: { keys: [1] } }, 'client.keys[0]', 'must be an object, not a number'],
  ['another spelling of an authentication', { client: { authentication: 'client-secret-basic' } }, 'client.authentication', "must be one of 'client_secret_basic', 'client_secret_post'"],
  ['another audience of assertions', { client: { assertionAudience: 'https://issuer.example' } }, 'client.assertionAudience', "'issuer', 'token_endpoint'"],
  ['a broken bound of the exchange cache', { client: { cache: { skew: 0.5 } } }, 'client.cache.skew', 'not 0.5'],
  ['a text for resourceFromRequest', { resourceFromRequest: 'yes' }, 'resourceFromRequest', 'must be true or false'],
  ['a text for singleResource', { metadata: { singleResource: 'yes' } }, 'metadata.singleResource', 'must be true or false'],
  ['no function for fetch', { fetch: 'fetch' }, 'fetch', 'must be a function'],
  ['no object', 'https://issuer.example', 'options', 'must be an object, not a string'],
];

for (const [name, options, field, sentence] of REFUSED) {
  test(`createGate refuses ${name}`, () => {
    assert.throws(() => createGate(options), (error) => {
      assert.ok(error instanceof ConfigError && error instanceof TypeError, `${error}`);
      assert.equal(error.name, 'ConfigError');
      assert.equal(error.field, field);
      assert.ok(error.message.includes(sentence), error.message);
      return true;
    });
  });
}

test('the component refuses what only it can judge, when the gate is checked', () => {
  const gate = createGate({ issuer: 'http://issuer.example', audience: 'https://mcp.example.com' });
  assert.throws(() => gate.check(), (error) => error instanceof ConfigError && /issuer/.test(error.field) && error.message.length > 20);
  assert.throws(() => gate.authenticate(new Request('https://mcp.example.com/')), ConfigError);
  assert.throws(() => gate.verify('x'), ConfigError);
});

test('the component refuses a client that cannot work, when the gate is checked', () => {
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
    assert.throws(() => createGate({ ...common, client }).check(), (error) => error instanceof ConfigError && error.field === field && error.message.length > 20, field);
  }
  createGate({ ...common, client: { id: 'public' } }).check();
});

test('settings come from the environment, and unknown ones are refused', () => {
  const gate = createGate();
  assert.throws(() => gate.check({}), ConfigError);
  gate.check({ TOLLGATE_ISSUER: 'https://issuer.example', TOLLGATE_AUDIENCE: 'https://mcp.example.com', PATH: '/bin', TOLLGATE_BINDING: { get() {} } });
  assert.throws(() => gate.check({ TOLLGATE_ISUER: 'https://issuer.example' }), (error) => error instanceof ConfigError && error.field.includes('TOLLGATE_ISUER'));
});

test('a gate that cannot work answers 500 without saying why, and logs the sentence', async (t) => {
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
