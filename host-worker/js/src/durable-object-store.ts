import {
  type CommitMessage,
  type RecordMessage,
  type StoreMessage,
  type StoreReply,
  isPartition,
  isWithinLimits,
} from './store-message.js';
import { type Store, type StoreChanges, StoreError, type StorePage, type StoredRecord } from './store.js';

/** A stub of a `TollgateStore`. */
export interface StoreStub {
  request(message: StoreMessage): Promise<StoreReply>;
}

/** The binding of the class `TollgateStore`: what is used of a `DurableObjectNamespace`. */
export interface StoreNamespace {
  idFromName(name: string): any;
  get(id: any, options?: any): any;
}

/** Options of {@link durableObjectStore}. */
export interface DurableObjectStoreOptions {
  /**
   * Where a partition's object is created, such as `weur`: it never moves. Default: near the first request
   * to it.
   */
  locationHint?: string;
  /** How long an operation may take, in milliseconds. Default: 10000. */
  timeoutMs?: number;
}

const TIMEOUT = 10_000;

/** Storage in Durable Objects: one object of the class `TollgateStore` for each partition. */
export function durableObjectStore(namespace: StoreNamespace, options: DurableObjectStoreOptions = {}): Store {
  const { locationHint, timeoutMs = TIMEOUT } = options;
  // A stub that has failed stays broken, so each call gets one of its own. It costs nothing.
  const stub = (partition: string): StoreStub =>
    namespace.get(namespace.idFromName(partition), locationHint === undefined ? undefined : { locationHint });

  async function ask(partition: string, message: StoreMessage): Promise<StoreReply> {
    if (!isPartition(partition) || !isWithinLimits(message))
      throw new StoreError('failed', 'The operation is over a limit of storage.');
    const reply = await withTimeout(attempt(partition, message), timeoutMs);
    if (reply.v !== 1) throw new StoreError('unavailable', 'The Durable Object is of another version.');
    if ('error' in reply) throw new StoreError(reply.error, `The Durable Object refused: ${reply.message}.`);
    return reply;
  }

  async function attempt(partition: string, message: StoreMessage): Promise<StoreReply> {
    try {
      return await stub(partition).request(message);
    } catch (error) {
      if (!mayRepeat(error, message)) throw unreachable(error);
    }
    let reply: StoreReply;
    try {
      reply = await stub(partition).request(message.op === 'commit' ? { ...message, again: true } : message);
    } catch (error) {
      throw unreachable(error);
    }
    // The first attempt may have taken place, and its records may have changed since.
    if ('committed' in reply && reply.committed === 'conflict')
      throw new StoreError('unavailable', 'The answer of the Durable Object was lost.');
    return reply;
  }

  return {
    async read(partition, keys, now) {
      const reply = await ask(partition, { v: 1, op: 'read', now, keys });
      if (!('records' in reply)) throw unexpected();
      return reply.records.map((record) => (record === null ? undefined : stored(record)));
    },
    async list(partition, prefix, after, limit, now): Promise<StorePage> {
      const reply = await ask(partition, { v: 1, op: 'list', now, prefix, after: after ?? null, limit });
      if (!('page' in reply)) throw unexpected();
      return { records: reply.page.records.map(stored), more: reply.page.more };
    },
    async commit(partition, changes, now) {
      const reply = await ask(partition, commitMessage(changes, now));
      if (!('committed' in reply)) throw unexpected();
      return reply.committed;
    },
  };
}

function commitMessage({ conditions = [], puts = [], deletes = [] }: StoreChanges, now: number): CommitMessage {
  return {
    v: 1,
    op: 'commit',
    now,
    conditions: conditions.map(({ key, version }) => [key, version]),
    puts: puts.map(({ key, version, value, expiresAt }) => ({ key, version, value, expiresAt: expiresAt ?? null })),
    deletes,
  };
}

function stored({ key, version, value, expiresAt }: RecordMessage): StoredRecord {
  return { key, version, value, ...(expiresAt === null ? {} : { expiresAt }) };
}

/**
 * Whether a failed operation may be sent once more. The first attempt may have taken place. A commit whose
 * condition is a version that it replaces cannot take place twice: that version never comes back. Any other
 * commit could bring back what somebody has deleted meanwhile.
 */
function mayRepeat(error: unknown, message: StoreMessage): boolean {
  const { retryable, overloaded } = (error ?? {}) as { retryable?: boolean; overloaded?: boolean };
  if (retryable !== true || overloaded === true) return false;
  if (message.op !== 'commit') return true;
  const changed = new Set([...message.puts.map(({ key }) => key), ...message.deletes]);
  return message.conditions.some(([key, version]) => version !== null && changed.has(key));
}

const unreachable = (cause: unknown): StoreError =>
  new StoreError('unavailable', 'The Durable Object could not be reached.', { cause });

const unexpected = (): StoreError => new StoreError('unavailable', 'The Durable Object gave an unexpected answer.');

async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new StoreError('unavailable', `The Durable Object did not answer within ${ms} ms.`)),
      ms,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
