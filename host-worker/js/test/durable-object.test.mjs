// Storage in Durable Objects, in real workerd: the contract of storage, what the platform's failures do,
// and what is billed.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { bundle, run } from './support/workerd.mjs';

const SUITE = path.join(import.meta.dirname, '../../../component/store-suite');
const STORE = { STORE: { className: 'CountedStore', useSQLite: true } };

let dist;
let worker;
const closing = [];
before(async () => {
  dist = await bundle(undefined, {
    'src/index.js': await readFile(path.join(import.meta.dirname, 'fixtures/store.js'), 'utf8'),
    'src/runner.mjs': await readFile(path.join(SUITE, 'runner.mjs'), 'utf8'),
    'src/cases.json': await readFile(path.join(SUITE, 'cases.json'), 'utf8'),
  });
  worker = await run({ after: (close) => closing.push(close) }, dist, {}, [], { durableObjects: STORE });
});
after(async () => {
  for (const close of closing) await close();
  await rm(path.dirname(dist), { recursive: true, force: true });
});

const ask = async (target, body, { fetch } = worker) => {
  const response = await fetch(target, { method: 'POST', body: JSON.stringify(body) });
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
};

const put = (key, version, expiresAt) => ({ key, version, ...(expiresAt && { expiresAt }) });
const commit = (partition, changes, more) => ask('/commit', { partition, changes, now: 1000, ...more });
const version = async (partition, key) => {
  const { value } = await ask('/read', { partition, keys: [key], now: 1000 });
  return value[0]?.version;
};
const now = () => Math.floor(Date.now() / 1000);

test('Durable Objects keep the contract of storage', async () => {
  assert.deepEqual(await ask('/suite', {}), []);
});

test('of 50 commits at once on one version, one is done', async () => {
  await commit('race', { puts: [put('code', 'v')] });
  const results = await ask('/race', {
    partition: 'race',
    changes: { conditions: [{ key: 'code', version: 'v' }], puts: [put('code', 'used')] },
    now: 1000,
  });
  assert.equal(results.filter(({ value }) => value === 'done').length, 1);
  assert.equal(results.filter(({ value }) => value === 'conflict').length, 49);
});

test('a partition that is only read has no tables', async () => {
  assert.equal(await version('unwritten', 'k'), undefined);
  assert.deepEqual(await commit('unwritten', { deletes: ['k'], conditions: [{ key: 'k', version: null }] }), {
    value: 'done',
  });
  assert.deepEqual(await commit('unwritten', { puts: [put('k', 'v')], conditions: [{ key: 'l', version: 'v' }] }), {
    value: 'conflict',
  });
  assert.deepEqual((await ask('/inspect', { partition: 'unwritten' })).tables, []);
});

test('a refresh writes one row', async () => {
  const partition = 'billed';
  const month = now() + 30 * 86_400;
  await commit(partition, { puts: [put('grant', 'v1', month)] }, { now: now() });
  const first = await ask('/billed', { partition });
  assert.equal(first.alarms, 1);
  await ask('/read', { partition, keys: ['grant'], now: now() });
  const refresh = {
    conditions: [{ key: 'grant', version: 'v1' }],
    puts: [put('grant', 'v2', month + 60)],
  };
  assert.deepEqual(await commit(partition, refresh, { now: now() }), { value: 'done' });
  assert.deepEqual(await ask('/billed', { partition }), { read: 2, written: 1, alarms: 0 });
  assert.deepEqual(await commit(partition, refresh, { now: now() }), { value: 'conflict' });
  assert.equal((await ask('/billed', { partition })).written, 0);
});

test('a commit that is cut off is whole or not there', async () => {
  for (const [fault, wanted] of [
    ['before', 'v1'],
    ['after', undefined],
    ['lost', 'v2'],
  ]) {
    const partition = `cut-${fault}`;
    await commit(partition, { puts: [put('a', 'v1'), put('b', 'v1')] });
    await ask('/fail', { partition, fault });
    const changes = { conditions: [{ key: 'a', version: 'v1' }], puts: [put('a', 'v2'), put('b', 'v2')] };
    const result = await commit(partition, changes);
    const found = [await version(partition, 'a'), await version(partition, 'b')];
    // Without a retry by the platform the result is unknown; with it, it is what took place.
    if (result.error === undefined) assert.deepEqual([result.value, ...found], ['done', 'v2', 'v2'], fault);
    else assert.equal(result.error, 'unavailable', fault);
    assert.equal(found[0], found[1], fault);
    if (wanted !== undefined && result.error !== undefined) assert.equal(found[0], wanted, fault);
  }
});

test('an object that does not answer in time is unavailable', async () => {
  await commit('slow', { puts: [put('k', 'v1')] });
  await ask('/fail', { partition: 'slow', fault: 'hang' });
  const options = { timeoutMs: 100 };
  assert.deepEqual(await commit('slow', { puts: [put('k', 'v2')] }, { options }), { error: 'unavailable' });
  assert.equal(await version('slow', 'k'), 'v1');
});

const RETRYABLE = { retryable: true };
const platform = (partition, changes, more) => ask('/platform', { partition, changes, now: 1000, ...more });

test('a retryable failure is tried again once, where that changes nothing twice', async () => {
  await commit('retry', { puts: [put('k', 'v1')] });
  const changes = { conditions: [{ key: 'k', version: 'v1' }], puts: [put('k', 'v2')] };
  assert.deepEqual(await platform('retry', changes, { error: RETRYABLE, isCarriedOut: false }), {
    value: 'done',
    calls: 2,
  });
  // The first attempt took place: the second one recognizes it.
  const next = { conditions: [{ key: 'k', version: 'v2' }], puts: [put('k', 'v3')] };
  assert.deepEqual(await platform('retry', next, { error: RETRYABLE, isCarriedOut: true }), {
    value: 'done',
    calls: 2,
  });
  assert.equal(await version('retry', 'k'), 'v3');
  // It is not there, and may have been: nobody knows.
  const late = { conditions: [{ key: 'k', version: 'v2' }], puts: [put('k', 'v4')] };
  assert.deepEqual(await platform('retry', late, { error: RETRYABLE, isCarriedOut: false }), {
    error: 'unavailable',
    calls: 2,
  });
  assert.equal(await version('retry', 'k'), 'v3');
});

test('a read is tried again once', async () => {
  const result = await platform('read-again', undefined, { error: RETRYABLE, isCarriedOut: false });
  assert.deepEqual(result, { value: [null], calls: 2 });
});

test('a commit that could take place twice is not tried again', async () => {
  for (const changes of [
    { puts: [put('k', 'v1')] },
    { conditions: [{ key: 'k', version: null }], puts: [put('k', 'v1')] },
    { conditions: [{ key: 'other', version: 'v1' }], puts: [put('k', 'v1')] },
  ]) {
    const result = await platform('once', changes, { error: RETRYABLE, isCarriedOut: false });
    assert.deepEqual(result, { error: 'unavailable', calls: 1 });
  }
  assert.equal(await version('once', 'k'), undefined);
});

test('an overloaded object is not asked again', async () => {
  await commit('busy', { puts: [put('k', 'v1')] });
  const changes = { conditions: [{ key: 'k', version: 'v1' }], puts: [put('k', 'v2')] };
  for (const error of [{ overloaded: true, retryable: true }, { overloaded: true }, {}])
    assert.deepEqual(await platform('busy', changes, { error, isCarriedOut: false }), {
      error: 'unavailable',
      calls: 1,
    });
});

test('another version of the object is unavailable, and a newer schema has failed', async () => {
  const partition = 'versions';
  await commit(partition, { puts: [put('k', 'v1')] });
  await ask('/fail', { partition, fault: 'newer' });
  assert.deepEqual(await ask('/read', { partition, keys: ['k'], now: 1000 }), { error: 'unavailable' });
  for (const message of [
    { v: 2, op: 'read' },
    { v: 1, op: 'compact' },
  ])
    assert.equal((await ask('/raw', { partition, message })).error, 'unavailable');
  const over = { v: 1, op: 'list', prefix: '', after: null, limit: 1001, now: 1000 };
  assert.equal((await ask('/raw', { partition, message: over })).error, 'failed');
  await ask('/execute', { partition, sql: 'UPDATE schema_version SET version = 2' });
  // An instance checks the version when it starts.
  await ask('/fail', { partition, fault: 'before' });
  await ask('/read', { partition, keys: ['k'], now: 1000 });
  assert.deepEqual(await ask('/read', { partition, keys: ['k'], now: 1000 }), { error: 'failed' });
  assert.deepEqual(await commit(partition, { puts: [put('k', 'v2')] }), { error: 'failed' });
  assert.ok(worker.logs.join('').includes('schema version 2'), worker.logs.join(''));
  await ask('/execute', { partition, sql: 'UPDATE schema_version SET version = 1' });
  assert.equal(await version(partition, 'k'), 'v1');
});

test('the alarm deletes what expired an hour ago, and nothing else', async () => {
  const partition = 'swept';
  const long = now() - 3700;
  const puts = Array.from({ length: 30 }, (_, i) => put(`old${i}`, 'v', long));
  await commit(partition, { puts: [...puts, put('forever', 'v')] });
  await commit(partition, { puts: [put('late', 'v', now() - 3000), put('later', 'v', now() + 86_400)] });
  const { alarm, records } = await ask('/inspect', { partition });
  assert.equal(records, 33);
  assert.ok(alarm > Date.now() + 3_500_000 && alarm <= Date.now() + 3_600_000, String(alarm - Date.now()));
  // As the platform calls it, but now.
  await ask('/alarm', { partition });
  let found;
  do found = await ask('/inspect', { partition });
  while (found.records === 33);
  assert.equal(found.records, 3);
  while (found.alarm === null) found = await ask('/inspect', { partition });
  assert.ok(found.alarm > Date.now() + 3_500_000 && found.alarm <= Date.now() + 3_600_000);
  const { value } = await ask('/list', { partition, prefix: '', now: 1000 });
  assert.deepEqual(
    value.records.map(({ key }) => key),
    ['forever', 'late', 'later'],
  );
});

test('without anything that expires there is no alarm', async () => {
  await commit('lasting', { puts: [put('k', 'v')] });
  assert.equal((await ask('/inspect', { partition: 'lasting' })).alarm, null);
});

test('a workerd that is killed loses no commit that was answered', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'tollgate-objects-'));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const answered = new Map();
  for (let round = 0; round < 3; round++) {
    const started = await run(t, dist, {}, [], { durableObjects: STORE, resourcePersistencePath: folder });
    for (const [partition, wanted] of answered) {
      const { value } = await ask('/read', { partition, keys: ['head', 'copy'], now: 1000 }, started);
      // At most one commit more than was answered: the one that was being written.
      const [head, copy] = value.map((record) => record?.version);
      assert.equal(head, copy);
      const [of, number] = wanted.split('-').map(Number);
      assert.ok(head === wanted || head === `${of}-${number + 1}`, `${partition}: ${head}, answered ${wanted}`);
    }
    let isOver = false;
    const write = async (partition) => {
      for (let number = 0; !isOver; number++) {
        const named = `${round}-${number}`;
        const puts = [put('head', named), put('copy', named)];
        const changes = { puts, deletes: [] };
        const result = await ask('/commit', { partition, changes, now: 1000 }, started).catch(() => undefined);
        if (result?.value !== 'done') return;
        answered.set(partition, named);
      }
    };
    const writers = ['p0', 'p1', 'p2', 'p3'].map(write);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await started.kill();
    isOver = true;
    await Promise.all(writers);
    assert.equal(answered.size, 4);
  }
});
