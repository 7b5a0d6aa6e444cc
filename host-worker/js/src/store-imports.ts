import { dispose, type Pending } from './pending.js';
import { type Store, StoreError, type StoreErrorKind, type StoredRecord } from './store.js';

type Outcome<T> = { tag: 'ok'; val: T } | { tag: 'err'; val: StoreErrorKind };

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
export class StoreOperation<T> implements Pending {
  ended = false;
  readonly end: Promise<void>;
  readonly mayHang = true;
  readonly isDocument = false;
  #outcome: Outcome<T> | undefined;

  constructor(work: () => Promise<T>) {
    // An exception of the store is a failure of the operation, not of the component that makes the call.
    this.end = new Promise<T>((resolve) => resolve(work())).then(
      (val) => this.#settle({ tag: 'ok', val }),
      (error) => this.#settle({ tag: 'err', val: error instanceof StoreError ? error.kind : 'unavailable' }),
    );
  }

  #settle(outcome: Outcome<T>): void {
    this.#outcome = outcome;
    this.ended = true;
  }

  /** The component's `poll`, which returns the outcome once. */
  poll(): Outcome<T> | undefined {
    const outcome = this.#outcome;
    this.#outcome = undefined;
    return outcome;
  }

  abort(): void {}

  [dispose](): void {}
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
