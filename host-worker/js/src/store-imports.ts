import { type Pending, Polled } from './pending.js';
import { type Store, StoreError, type StoreErrorKind, type StoredRecord } from './store.js';

/** A record as the glue has it: `u64` is a `bigint`. */
interface GlueRecord {
  key: string;
  version: string;
  value: Uint8Array;
  expiresAt?: bigint | undefined;
}

interface GlueChanges {
  conditions: [string, { tag: 'absent' } | { tag: 'version'; val: string }][];
  puts: GlueRecord[];
  deletes: string[];
}

/** A running operation: the component's `pending-read`, `-page` and `-commit`. */
export class StoreOperation<T> extends Polled<T, StoreErrorKind> {
  constructor(work: () => Promise<T>) {
    super(work, true, (error) => (error instanceof StoreError ? error.kind : 'unavailable'));
  }
}

/**
 * The component's import `store`.
 *
 * @param track registers an operation with the call that started it
 */
export function storeImports(store: Store, track: (operation: Pending) => void): object {
  const start = <T>(work: () => Promise<T>): StoreOperation<T> => {
    const operation = new StoreOperation(work);
    track(operation);
    return operation;
  };
  return {
    PendingRead: StoreOperation,
    PendingPage: StoreOperation,
    PendingCommit: StoreOperation,
    read: (partition: string, keys: string[], now: bigint) =>
      start(async () => {
        const records = await store.read(partition, keys, Number(now));
        return records.map((record) => (record === undefined ? undefined : lifted(record)));
      }),
    list: (partition: string, prefix: string, after: string | undefined, limit: number, now: bigint) =>
      start(async () => {
        const { records, more } = await store.list(partition, prefix, after, limit, Number(now));
        return { records: records.map(lifted), more };
      }),
    commit: (partition: string, { conditions, puts, deletes }: GlueChanges, now: bigint) =>
      start(() =>
        store.commit(
          partition,
          {
            conditions: conditions.map(([key, wanted]) => ({
              key,
              version: wanted.tag === 'version' ? wanted.val : null,
            })),
            puts: puts.map(({ expiresAt, ...record }) =>
              expiresAt === undefined ? record : { ...record, expiresAt: Number(expiresAt) },
            ),
            deletes,
          },
          Number(now),
        ),
      ),
  };
}

function lifted({ expiresAt, ...record }: StoredRecord): GlueRecord {
  return expiresAt === undefined ? record : { ...record, expiresAt: BigInt(expiresAt) };
}
