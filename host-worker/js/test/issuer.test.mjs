// The issuer under Node, with its store in memory.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { run } from '../../../component/store-suite/runner.mjs';
import { application } from './fixtures/issuer-application.js';
import { client, scenarios } from './support/issuer-scenarios.mjs';
import { load } from './support/package.mjs';

const { issuer: tollgate } = await load();
const { ConfigError, createIssuer, memoryStore, StoreError } = tollgate;

const start = () => {
  const fetch = application(tollgate, memoryStore());
  return { fetch: async (url, init) => fetch(new Request(url, init), undefined) };
};
console.error = () => {}; // what the scenarios let fail
const app = start();
scenarios(() => app);

test('the store in memory keeps the contract of storage', async () => {
  const cases = path.join(import.meta.dirname, '../../../component/store-suite/cases.json');
  assert.deepEqual(await run(memoryStore(), JSON.parse(await readFile(cases, 'utf8'))), []);
});

test('the store in memory forgets what has expired', async () => {
  const store = memoryStore();
  const put = (key, expiresAt) => ({ puts: [{ key, version: 'v', value: new Uint8Array(), expiresAt }] });
  await store.commit('p', put('old', 10), 1);
  const at = 100_000;
  for (let i = 0; i < 1000; i++) await store.commit('p', put('k', at + 1), at);
  // By its own clock it is still there for those whose clock is behind.
  assert.deepEqual(await store.read('p', ['old'], 5), [undefined]);
  await assert.rejects(
    store.read('not a partition', [], 1),
    (error) => error instanceof StoreError && error.kind === 'failed',
  );
});

const CONFIG = { issuer: 'https://auth.example.com', secrets: ['a deployment secret of enough length'] };
const failing = (options) => {
  try {
    createIssuer({ ...CONFIG, store: memoryStore(), ...options }).check();
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error;
  }
  return assert.fail('it is an error');
};

test('errors name the option as it was written', () => {
  assert.equal(failing({ accessTokenLifetime: 0 }).field, 'accessTokenLifetime');
  assert.equal(failing({ isuer: 'x' }).field, 'isuer');
  assert.equal(failing({ secrets: ['short'] }).field, 'secrets[0]');
  assert.equal(
    failing({ clients: [{ id: 'a', redirectUris: 'https://app.example' }] }).field,
    'clients[0].redirectUris',
  );
  assert.equal(failing({ signIn: { developmentUsers: ['ada'] } }).field, 'signIn.developmentUsers');
});

test('what JSON would leave out is an error', () => {
  assert.equal(failing({ onTokn: () => {} }).field, 'onTokn');
  assert.equal(failing({ accessTokenLifetime: 60n }).field, 'accessTokenLifetime');
  assert.equal(failing({ pages: { theme: new Map() } }).field, 'pages.theme');
  assert.equal(failing({ clients: [{ id: 'a', secrets: [{ get() {} }] }] }).field, 'clients[0].secrets[0].get');
  assert.equal(failing({ store: undefined }).field, 'store');
  assert.equal(failing({ onToken: 'x' }).field, 'onToken');
  createIssuer({ ...CONFIG, store: memoryStore(), scopes: undefined }).check();
});

test('every option of the component has a type', async () => {
  const root = path.join(import.meta.dirname, '../../..');
  const rust = await readFile(path.join(root, 'component/core/src/authorization_server/config_json.rs'), 'utf8');
  const types = await readFile(path.join(root, 'host-worker/js/src/issuer/config.ts'), 'utf8');
  const read = /options\s*\.(?:text|texts|word|words|number|flag|secret|secrets|object|objects|table)\("([a-z-]+)"/g;
  const names = [...rust.matchAll(read)].map(([, name]) => name.replaceAll(/-(.)/g, (_, c) => c.toUpperCase()));
  assert.ok(names.length > 50, `${names.length}`);
  for (const name of names) assert.match(types, new RegExp(`^  ${name}\\??: `, 'm'), name);
});

test('a component that traps fails only what runs in it', async (t) => {
  const original = WebAssembly.Instance;
  let armed;
  let instances = 0;
  function Instance(module, imports) {
    const { exports } = new original(module, imports);
    if (!('memory' in exports)) return { exports };
    instances++;
    const wrap = ([name, value]) => [
      name,
      typeof value !== 'function'
        ? value
        : (...args) => {
            if (!name.includes(armed ?? '#none')) return value(...args);
            armed = undefined;
            return value(...args.map((arg) => (typeof arg === 'bigint' ? arg : 0x7fff_fff0)));
          },
    ];
    return { exports: Object.fromEntries(Object.entries(exports).map(wrap)) };
  }
  WebAssembly.Instance = Instance;
  t.after(() => {
    WebAssembly.Instance = original;
  });
  const own = start();
  const { tokens, refresh, authorize, token } = client(() => own);
  const { refresh_token } = await tokens('ada');
  const { form } = await authorize('ada');
  const before = instances;
  armed = 'issuer.start';
  assert.equal((await token(form)).status, 500);
  assert.equal(instances, before);
  assert.equal((await token(form)).status, 200);
  assert.equal(instances, before + 1);
  armed = 'task.poll';
  const answers = await Promise.all([refresh(refresh_token), refresh(refresh_token)]);
  assert.ok(answers.every(({ status }) => [200, 500].includes(status)));
  assert.equal((await refresh(refresh_token)).status, 200);
});

test('ctx keeps the request alive until an operation has ended, and what the application told of it', async () => {
  const fetch = application(tollgate, memoryStore());
  let waiting = [];
  const ctx = { waitUntil: (promise) => waiting.push(promise) };
  const own = { fetch: (url, init) => fetch(new Request(url, init), ctx) };
  const { command, tokens, refresh } = client(() => own, 'https://hooks.example.com');
  const { refresh_token } = await tokens('ada');
  await command('hook', 'slow');
  waiting = [];
  let status;
  const running = refresh(refresh_token).then((answer) => {
    status = answer.status;
  });
  while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(status, undefined);
  await Promise.all(waiting);
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(status, 200);
  await running;
  const audited = client(() => own);
  await audited.tokens('ada');
  await Promise.all(waiting);
  assert.equal((await audited.command('events')).filter(({ kind }) => kind === 'tokens-issued').length, 1);
});
