// What a Worker sends to the Durable Object of a partition, and what it answers.
//
// While a new version is deployed, Worker and object may be of different versions. So messages have a
// version, and changes within a version only add: whoever does not know a field ignores it.

/** A record: `expiresAt` is `null` if it does not expire. */
export interface RecordMessage {
  key: string;
  version: string;
  value: Uint8Array;
  expiresAt: number | null;
}

export interface ReadMessage {
  v: 1;
  op: 'read';
  now: number;
  keys: string[];
}

export interface ListMessage {
  v: 1;
  op: 'list';
  now: number;
  prefix: string;
  after: string | null;
  limit: number;
}

export interface CommitMessage {
  v: 1;
  op: 'commit';
  now: number;
  /** A key and its version; `null`: absent. */
  conditions: [string, string | null][];
  puts: RecordMessage[];
  deletes: string[];
  /** The answer to the same commit was lost, so it may have taken place already. */
  again?: boolean;
}

export type StoreMessage = ReadMessage | ListMessage | CommitMessage;

export type StoreReply =
  | { v: 1; records: (RecordMessage | null)[] }
  | { v: 1; page: { records: RecordMessage[]; more: boolean } }
  | { v: 1; committed: 'done' | 'conflict' }
  | { v: 1; error: 'unavailable' | 'failed'; message: string };

const KEY = /^[ -~]{1,256}$/;
const VERSION = /^[\w-]{1,32}$/;
const PARTITION = /^[\w-]{1,64}$/;
const KEYS_AT_ONCE = 32;
const PAGE_RECORDS = 1000;
const VALUE_BYTES = 1024 * 1024;
/** The values of one read, page or commit: a quarter of what one message may have (32 MiB). */
export const BYTES_AT_ONCE = 8 * 1024 * 1024;
/** The end of the year 9999. */
const LATEST = 253_402_300_799;

/** Whether a partition may have this name. */
export const isPartition = (name: string): boolean => PARTITION.test(name);

/** Whether an operation is within the limits of `wit/store.wit`. */
export function isWithinLimits(message: StoreMessage): boolean {
  if (!isTime(message.now)) return false;
  switch (message.op) {
    case 'read':
      return message.keys.length <= KEYS_AT_ONCE && message.keys.every(isKey);
    case 'list':
      return (
        (message.prefix === '' || isKey(message.prefix)) &&
        (message.after === null || isKey(message.after)) &&
        Number.isInteger(message.limit) &&
        message.limit >= 1 &&
        message.limit <= PAGE_RECORDS
      );
    case 'commit': {
      const { conditions, puts, deletes } = message;
      return (
        conditions.length <= KEYS_AT_ONCE &&
        puts.length + deletes.length <= KEYS_AT_ONCE &&
        conditions.every(([key, version]) => isKey(key) && (version === null || VERSION.test(version))) &&
        puts.every(isRecord) &&
        deletes.every(isKey) &&
        puts.reduce((bytes, { value }) => bytes + value.byteLength, 0) <= BYTES_AT_ONCE &&
        allDiffer(conditions.map(([key]) => key)) &&
        allDiffer([...puts.map(({ key }) => key), ...deletes])
      );
    }
  }
}

const isKey = (key: string): boolean => KEY.test(key);
const isTime = (time: number): boolean => Number.isInteger(time) && time >= 0 && time <= LATEST;
const allDiffer = (keys: string[]): boolean => new Set(keys).size === keys.length;

function isRecord({ key, version, value, expiresAt }: RecordMessage): boolean {
  return (
    isKey(key) && VERSION.test(version) && value.byteLength <= VALUE_BYTES && (expiresAt === null || isTime(expiresAt))
  );
}
