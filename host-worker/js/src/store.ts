// Storage for the issuer: the contract of `wit/store.wit`, as promises.

/** A record as it is stored. */
export interface StoredRecord {
  key: string;
  /** The version that the record was written with. */
  version: string;
  value: Uint8Array;
  /** From this second on (since 1970), the record does not exist. Absent: it does not expire. */
  expiresAt?: number;
}

/** Records in the order of their keys. */
export interface StorePage {
  records: StoredRecord[];
  /** Whether there are more behind the last one. */
  more: boolean;
}

/** What a commit demands of a key. */
export interface StoreCondition {
  key: string;
  /** The version that the record must have; `null`: there must be no record. */
  version: string | null;
}

/** A change of one partition: all or nothing. */
export interface StoreChanges {
  conditions?: StoreCondition[];
  /** Records to write, in place of what the keys had. */
  puts?: StoredRecord[];
  /** Keys to delete. */
  deletes?: string[];
}

/**
 * Storage. A commit is all or nothing, and durable when its promise resolves; a read sees every commit
 * that was answered before it was started; no two commits to a partition overlap. `wit/store.wit` says
 * what happens where a store does not keep that.
 *
 * Every operation may reject with a {@link StoreError}. `now` is in seconds since 1970: a record whose
 * `expiresAt` is not later counts as absent.
 */
export interface Store {
  /** Some records of one moment, in the order of `keys`. */
  read(partition: string, keys: string[], now: number): Promise<(StoredRecord | undefined)[]>;
  /** The records whose key begins with `prefix` and comes after `after`, at most `limit`. */
  list(partition: string, prefix: string, after: string | undefined, limit: number, now: number): Promise<StorePage>;
  /** `conflict`: a condition does not hold, and nothing was changed. */
  commit(partition: string, changes: StoreChanges, now: number): Promise<'done' | 'conflict'>;
}

/**
 * - `unavailable`: the store cannot be reached, is overloaded or did not answer in time; the same
 *   operation may succeed later.
 * - `failed`: the operation will fail again: the database is damaged, full or of a newer schema, or the
 *   operation is over a limit.
 */
export type StoreErrorKind = 'unavailable' | 'failed';

/** An operation has no result. After a commit it is unknown whether the change took place. */
export class StoreError extends Error {
  constructor(
    readonly kind: StoreErrorKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'StoreError';
  }
}
