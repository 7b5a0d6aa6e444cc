import {
  BYTES_AT_ONCE,
  type CommitMessage,
  type ListMessage,
  type ReadMessage,
  type RecordMessage,
  type StoreReply,
} from './store-message.js';

/** The part of a Durable Object's storage that is used here. */
export interface SqlStorage {
  exec(sql: string, ...bindings: unknown[]): SqlCursor;
}

export interface SqlCursor extends Iterable<Record<string, any>> {
  toArray(): Record<string, any>[];
}

export interface ObjectStorage {
  readonly sql: SqlStorage;
  transactionSync<T>(run: () => T): T;
  getAlarm(): Promise<number | null>;
  setAlarm(time: number): Promise<void>;
}

/** The schema that this code writes. */
const SCHEMA = 1;

/**
 * `value` is the last column, so that a condition or a sweep does not read what is long. There is no
 * index on `expires_at`: it would double the rows that a commit writes.
 *
 * What was released is never changed: a change of the schema is one more entry here.
 */
const STEPS = [
  [
    'CREATE TABLE schema_version (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL)',
    'CREATE TABLE records (key TEXT PRIMARY KEY, version TEXT NOT NULL, expires_at INTEGER, value BLOB NOT NULL) WITHOUT ROWID',
  ],
];

const COLUMNS = 'key, version, expires_at, value';
const EXISTS = '(expires_at IS NULL OR expires_at > ?)';

/** A newer version of this code wrote the database. */
export class NewerSchema extends Error {}

/** The records of one partition, in the database of its object. */
export class Records {
  readonly #storage: ObjectStorage;
  /** Whether the tables are there, in the version of this code. A partition is created by a write. */
  #isReady = false;

  constructor(storage: ObjectStorage) {
    this.#storage = storage;
  }

  read({ keys, now }: ReadMessage): StoreReply {
    if (!this.#exists()) return { v: 1, records: keys.map(() => null) };
    const records: (RecordMessage | null)[] = [];
    let bytes = 0;
    for (const key of keys) {
      const [row] = this.#exec(`SELECT ${COLUMNS} FROM records WHERE key = ? AND ${EXISTS}`, key, now);
      const record = row === undefined ? null : recordOf(row);
      bytes += record?.value.byteLength ?? 0;
      if (bytes > BYTES_AT_ONCE)
        return { v: 1, error: 'failed', message: 'the values are too long to be read together' };
      records.push(record);
    }
    return { v: 1, records };
  }

  list({ prefix, after, limit, now }: ListMessage): StoreReply {
    const page: { records: RecordMessage[]; more: boolean } = { records: [], more: false };
    if (!this.#exists()) return { v: 1, page };
    // Keys are printable ASCII: U+0001 is below, and U+007F above whatever may follow.
    const first = after !== null && after >= prefix ? `${after}\u0001` : prefix;
    const rows = this.#storage.sql.exec(
      `SELECT ${COLUMNS} FROM records WHERE key >= ? AND key < ? AND ${EXISTS} ORDER BY key LIMIT ?`,
      first,
      `${prefix}\u007f`,
      now,
      limit + 1,
    );
    let bytes = 0;
    for (const row of rows) {
      const record = recordOf(row);
      bytes += record.value.byteLength;
      if (page.records.length === limit || bytes > BYTES_AT_ONCE) {
        page.more = true;
        break;
      }
      page.records.push(record);
    }
    return { v: 1, page };
  }

  /** Nothing in here waits, so no other commit comes in between. */
  commit(message: CommitMessage): StoreReply {
    const committed = this.#storage.transactionSync(() => {
      const exists = this.#exists();
      for (const [key, wanted] of message.conditions) {
        const [row] = exists
          ? this.#exec(`SELECT version FROM records WHERE key = ? AND ${EXISTS}`, key, message.now)
          : [];
        if ((row?.version ?? null) !== wanted)
          return message.again === true && exists && this.#hasTakenPlace(message) ? 'done' : 'conflict';
      }
      if (!exists) {
        if (message.puts.length === 0) return 'done';
        this.#migrate();
      }
      for (const key of message.deletes) this.#exec('DELETE FROM records WHERE key = ?', key);
      for (const { key, version, value, expiresAt } of message.puts)
        this.#exec(
          `INSERT INTO records (${COLUMNS}) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
             version = excluded.version, expires_at = excluded.expires_at, value = excluded.value`,
          key,
          version,
          expiresAt,
          value,
        );
      return 'done';
    });
    // Only now: a transaction that is rolled back takes its tables with it.
    if (committed === 'done' && message.puts.length > 0) this.#isReady = true;
    return { v: 1, committed };
  }

  /**
   * Deletes what expired before `before` among the records behind `after`, at most `limit` of them.
   * `last` is where the next call goes on; `next` is the earliest expiry among those that stay.
   */
  sweep(after: string, before: number, limit: number): { last: string | undefined; next: number | undefined } {
    if (!this.#exists()) return { last: undefined, next: undefined };
    const [found] = this.#exec(
      `SELECT max(key) AS last, min(CASE WHEN expires_at >= ? THEN expires_at END) AS next,
         count(CASE WHEN expires_at < ? THEN 1 END) AS expired
       FROM (SELECT key, expires_at FROM records WHERE key > ? ORDER BY key LIMIT ?)`,
      before,
      before,
      after,
      limit,
    );
    const { last, next, expired } = found!;
    if (expired > 0)
      this.#exec('DELETE FROM records WHERE key > ? AND key <= ? AND expires_at < ?', after, last, before);
    return { last: last ?? undefined, next: next ?? undefined };
  }

  #exec(sql: string, ...bindings: unknown[]): Record<string, any>[] {
    return this.#storage.sql.exec(sql, ...bindings).toArray();
  }

  /** Of every record that the commit writes, its version is there: nobody else ever uses it. */
  #hasTakenPlace({ puts }: CommitMessage): boolean {
    const isThere = ({ key, version }: RecordMessage) =>
      this.#exec('SELECT 1 FROM records WHERE key = ? AND version = ?', key, version).length > 0;
    return puts.length > 0 && puts.every(isThere);
  }

  /** Whether the partition was ever written. */
  #exists(): boolean {
    if (this.#isReady) return true;
    const version = this.#version();
    if (version > SCHEMA)
      throw new NewerSchema(
        `The database has schema version ${version}, and this Worker supports versions up to ${SCHEMA}: deploy the newer version again.`,
      );
    if (version === 0) return false;
    if (version < SCHEMA) this.#storage.transactionSync(() => this.#migrate());
    this.#isReady = true;
    return true;
  }

  #version(): number {
    const tables = this.#exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'");
    if (tables.length === 0) return 0;
    return this.#exec('SELECT version FROM schema_version')[0]?.version ?? 0;
  }

  #migrate(): void {
    for (const step of STEPS.slice(this.#version())) for (const statement of step) this.#exec(statement);
    this.#exec('INSERT OR REPLACE INTO schema_version (id, version) VALUES (1, ?)', SCHEMA);
  }
}

function recordOf(row: Record<string, any>): RecordMessage {
  return {
    key: row.key,
    version: row.version,
    value: new Uint8Array(row.value),
    expiresAt: row.expires_at,
  };
}
