import { isPartition, isWithinLimits } from './store-message.js';
import { type Store, StoreError, type StoredRecord } from './store.js';

/** How many commits come between two searches for what has expired. */
const SWEEP = 1000;
/** How long a record is kept after its expiry, in seconds. */
const KEPT = 3600;
/** The values of one page: see `wit/store.wit`. */
const PAGE_BYTES = 8 * 1024 * 1024;

/**
 * Storage in memory, for development and tests. Everything is lost when the process ends, and no other
 * isolate sees it: in production, clients and users would lose their sessions without notice.
 */
export function memoryStore(): Store {
  const partitions = new Map<string, Map<string, StoredRecord>>();
  let commits = 0;

  const partitionOf = (name: string, withinLimits: boolean): Map<string, StoredRecord> => {
    if (!isPartition(name) || !withinLimits)
      throw new StoreError('failed', 'The operation is over a limit of storage.');
    return partitions.get(name) ?? new Map();
  };

  const live = (record: StoredRecord | undefined, now: number): StoredRecord | undefined =>
    record === undefined || (record.expiresAt !== undefined && record.expiresAt <= now) ? undefined : record;

  return {
    async read(name, keys, now) {
      const partition = partitionOf(name, isWithinLimits({ v: 1, op: 'read', now, keys }));
      const records = keys.map((key) => copied(live(partition.get(key), now)));
      if (bytes(records) > PAGE_BYTES) throw new StoreError('failed', 'The values are too long to be read together.');
      return records;
    },

    async list(name, prefix, after, limit, now) {
      const message = { v: 1, op: 'list', now, prefix, after: after ?? null, limit } as const;
      const partition = partitionOf(name, isWithinLimits(message));
      const keys = [...partition.keys()].filter(
        (key) => key.startsWith(prefix) && (after === undefined || key > after),
      );
      const records: StoredRecord[] = [];
      let size = 0;
      // Keys are ASCII, so the order of UTF-16 units is that of bytes.
      for (const key of keys.sort()) {
        const record = copied(live(partition.get(key), now));
        if (record === undefined) continue;
        size += record.value.byteLength;
        if (records.length === limit || size > PAGE_BYTES) return { records, more: true };
        records.push(record);
      }
      return { records, more: false };
    },

    async commit(name, { conditions = [], puts = [], deletes = [] }, now) {
      const withinLimits = isWithinLimits({
        v: 1,
        op: 'commit',
        now,
        conditions: conditions.map(({ key, version }) => [key, version]),
        puts: puts.map(({ expiresAt, ...put }) => ({ ...put, expiresAt: expiresAt ?? null })),
        deletes,
      });
      const partition = partitionOf(name, withinLimits);
      // Nothing below waits, so no other commit comes in between.
      for (const { key, version } of conditions)
        if ((live(partition.get(key), now)?.version ?? null) !== version) return 'conflict';
      for (const key of deletes) partition.delete(key);
      for (const put of puts) partition.set(put.key, copied(put)!);
      if (partition.size > 0) partitions.set(name, partition);
      else partitions.delete(name);
      commits++;
      if (commits % SWEEP === 0) sweep(partitions, now - KEPT);
      return 'done';
    },
  };
}

function sweep(partitions: Map<string, Map<string, StoredRecord>>, before: number): void {
  for (const [name, partition] of partitions) {
    for (const [key, { expiresAt }] of partition)
      if (expiresAt !== undefined && expiresAt < before) partition.delete(key);
    if (partition.size === 0) partitions.delete(name);
  }
}

/** What a caller changes in its record is not changed here. */
function copied(record: StoredRecord | undefined): StoredRecord | undefined {
  return record === undefined ? undefined : { ...record, value: record.value.slice() };
}

function bytes(records: readonly (StoredRecord | undefined)[]): number {
  return records.reduce((sum, record) => sum + (record?.value.byteLength ?? 0), 0);
}
