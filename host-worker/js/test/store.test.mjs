// Parts of the storage that need no Durable Object: when alarms are set, and how the component polls.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let folder;
let alarms;
let imports;
let errors;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tollgate-store-'));
  const source = (name) => path.join(import.meta.dirname, `../src/${name}.ts`);
  const entryPoints = ['store-alarm', 'store-imports', 'store'].map(source);
  await build({
    entryPoints,
    bundle: true,
    splitting: true,
    format: 'esm',
    outdir: folder,
    outExtension: { '.js': '.mjs' },
  });
  const load = (name) => import(pathToFileURL(path.join(folder, `${name}.mjs`)));
  alarms = await load('store-alarm');
  imports = await load('store-imports');
  errors = await load('store');
});
after(() => rm(folder, { recursive: true, force: true }));

test('an alarm comes an hour after the expiry, and at most hourly', () => {
  assert.equal(alarms.alarmAfterSweep(0, 30 * DAY), 30 * DAY + HOUR);
  assert.equal(alarms.alarmAfterSweep(5, 1), 5 + HOUR);
  assert.equal(alarms.alarmAfterSweep(5 * HOUR, 1), 6 * HOUR);
});

test('an alarm that is set stays, unless it is much too late', () => {
  const { alarmAfterCommit } = alarms;
  assert.equal(alarmAfterCommit(null, 0, 60_000, 1), HOUR + 60_000);
  assert.equal(alarmAfterCommit(HOUR, 0, 60_000, 1), undefined);
  assert.equal(alarmAfterCommit(DAY, 0, 60_000, 999), undefined);
  assert.equal(alarmAfterCommit(30 * DAY, 0, 60_000, 1), DAY);
  assert.equal(alarmAfterCommit(30 * DAY, 0, 30 * DAY, 1), undefined);
  assert.equal(alarmAfterCommit(30 * DAY, 0, 3 * DAY, 1), 3 * DAY + HOUR);
});

test('a partition with many records that expire is swept hourly', () => {
  assert.equal(alarms.alarmAfterCommit(DAY, 0, 60_000, 1000), HOUR);
  assert.equal(alarms.alarmAfterCommit(HOUR, 0, 60_000, 5000), undefined);
});

const record = { key: 'k', version: 'v', value: new Uint8Array([1]) };

/** The imports on a store that notes what it is asked. */
function lend(answers) {
  const asked = [];
  const store = Object.fromEntries(
    ['read', 'list', 'commit'].map((name) => [
      name,
      (...args) => {
        asked.push([name, ...args]);
        return answers[name]();
      },
    ]),
  );
  const tracked = [];
  return { lent: imports.storeImports(store, (operation) => tracked.push(operation)), asked, tracked };
}

test('the component polls, and gets each result once', async () => {
  const { lent, asked, tracked } = lend({
    read: async () => [undefined, { ...record, expiresAt: 5 }],
    list: async () => ({ records: [record], more: true }),
    commit: async () => 'conflict',
  });
  const read = lent.read('p', ['a', 'k'], 7n);
  const list = lent.list('p', 'k', undefined, 10, 7n);
  const changes = {
    conditions: [
      ['a', { tag: 'absent' }],
      ['k', { tag: 'version', val: 'v' }],
    ],
    puts: [
      { ...record, expiresAt: 9n },
      { ...record, key: 'l', expiresAt: undefined },
    ],
    deletes: ['m'],
  };
  const commit = lent.commit('p', changes, 7n);
  assert.deepEqual(tracked, [read, list, commit]);
  assert.equal(read.poll(), undefined);
  await Promise.all(tracked.map(({ end }) => end));
  assert.ok(tracked.every(({ ended }) => ended));
  assert.deepEqual(read.poll(), { tag: 'ok', val: [undefined, { ...record, expiresAt: 5n }] });
  assert.equal(read.poll(), undefined);
  assert.deepEqual(list.poll(), { tag: 'ok', val: { records: [record], more: true } });
  assert.deepEqual(commit.poll(), { tag: 'ok', val: 'conflict' });
  assert.deepEqual(asked, [
    ['read', 'p', ['a', 'k'], 7],
    ['list', 'p', 'k', undefined, 10, 7],
    [
      'commit',
      'p',
      {
        conditions: [
          { key: 'a', version: null },
          { key: 'k', version: 'v' },
        ],
        puts: [
          { ...record, expiresAt: 9 },
          { ...record, key: 'l' },
        ],
        deletes: ['m'],
      },
      7,
    ],
  ]);
});

test('an error of the store is its kind, and any other is unavailable', async () => {
  const { lent } = lend({
    read: () => Promise.reject(new errors.StoreError('failed', 'full')),
    list: () => Promise.reject(new Error('network')),
    commit: () => {
      throw new TypeError('not a store');
    },
  });
  const operations = [lent.read('p', [], 1n), lent.list('p', '', undefined, 1, 1n)];
  operations.push(lent.commit('p', { conditions: [], puts: [], deletes: [] }, 1n));
  await Promise.all(operations.map(({ end }) => end));
  assert.deepEqual(
    operations.map((operation) => operation.poll()),
    ['failed', 'unavailable', 'unavailable'].map((val) => ({ tag: 'err', val })),
  );
});
