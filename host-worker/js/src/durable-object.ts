import { DurableObject } from 'cloudflare:workers';
import { KEPT, alarmAfterCommit, alarmAfterSweep } from './store-alarm.js';
import { type CommitMessage, type StoreMessage, type StoreReply, isWithinLimits } from './store-message.js';
import { NewerSchema, type ObjectStorage, Records } from './store-records.js';

export { durableObjectStore } from './durable-object-store.js';
export type { DurableObjectStoreOptions, StoreNamespace, StoreStub } from './durable-object-store.js';
export { StoreError } from './store.js';
export type { Store, StoreChanges, StoreCondition, StoreErrorKind, StorePage, StoredRecord } from './store.js';

/** Records that one step of a sweep looks at. */
const STEP = 1000;
/** How long one sweep goes on, and when it continues, in milliseconds. An alarm may take 15 minutes. */
const SWEEP = 10_000;
const CONTINUE = 60_000;

/**
 * One partition of the issuer's storage: a Durable Object with SQLite. Export it from the Worker, and bind
 * it with `new_sqlite_classes`.
 */
export class TollgateStore extends DurableObject {
  readonly #storage: ObjectStorage;
  readonly #records: Records;
  /** The alarm that is set, in milliseconds; undefined: not known yet. */
  #alarm: number | null | undefined;
  /** Records that expire, written since the last sweep that this instance knows of. */
  #written = 0;
  #isLogged = false;

  constructor(ctx: any, env: any) {
    super(ctx, env);
    this.#storage = ctx.storage;
    this.#records = new Records(ctx.storage);
  }

  /** Carries out an operation of {@link durableObjectStore}. */
  async request(message: StoreMessage): Promise<StoreReply> {
    if (message.v !== 1 || !['read', 'list', 'commit'].includes(message.op))
      return { v: 1, error: 'unavailable', message: 'the object does not know this operation yet' };
    if (!isWithinLimits(message)) return { v: 1, error: 'failed', message: 'the operation is over a limit' };
    let reply: StoreReply;
    try {
      reply = this.#carryOut(message);
    } catch (error) {
      return this.#failure(error);
    }
    if (message.op === 'commit' && 'committed' in reply && reply.committed === 'done') await this.#schedule(message);
    return reply;
  }

  #carryOut(message: StoreMessage): StoreReply {
    switch (message.op) {
      case 'read':
        return this.#records.read(message);
      case 'list':
        return this.#records.list(message);
      case 'commit':
        return this.#records.commit(message);
    }
  }

  /** The operator's log gets the error, once for each instance. */
  #failure(error: unknown): StoreReply {
    if (!this.#isLogged) console.error('tollgate: the storage of a partition does not work', error);
    this.#isLogged = true;
    const message = error instanceof NewerSchema ? error.message : 'the database does not work';
    return { v: 1, error: 'failed', message };
  }

  /** Sees to it that what the commit has written is deleted some time after its expiry. */
  async #schedule({ puts }: CommitMessage): Promise<void> {
    const expiries = puts.flatMap(({ expiresAt }) => expiresAt ?? []);
    if (expiries.length === 0) return;
    this.#written += expiries.length;
    try {
      if (this.#alarm === undefined) {
        const alarm = await this.#storage.getAlarm();
        // Another commit may have set it meanwhile.
        if (this.#alarm === undefined) this.#alarm = alarm;
      }
      const time = alarmAfterCommit(this.#alarm, Date.now(), Math.min(...expiries) * 1000, this.#written);
      if (time === undefined) return;
      // Before the wait, so that others do not set it as well.
      this.#alarm = time;
      await this.#storage.setAlarm(time);
    } catch (error) {
      // The commit is done. The next one tries again.
      this.#alarm = undefined;
      console.error('tollgate: could not set the alarm that deletes expired records', error);
    }
  }

  /** Deletes what has expired, in small steps, between which requests are carried out. */
  override async alarm(): Promise<void> {
    const started = Date.now();
    const before = Math.floor((started - KEPT) / 1000);
    this.#alarm = null;
    this.#written = 0;
    let after = '';
    let earliest = Number.POSITIVE_INFINITY;
    for (;;) {
      const { last, next } = this.#records.sweep(after, before, STEP);
      earliest = Math.min(earliest, next ?? earliest);
      if (last === undefined) break;
      after = last;
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (Date.now() - started > SWEEP) return this.#setAlarm(Date.now() + CONTINUE);
    }
    if (earliest !== Number.POSITIVE_INFINITY) await this.#setAlarm(alarmAfterSweep(Date.now(), earliest * 1000));
  }

  /** A commit may have set an earlier one meanwhile. */
  async #setAlarm(time: number): Promise<void> {
    if (this.#alarm != null && this.#alarm <= time) return;
    this.#alarm = time;
    await this.#storage.setAlarm(time);
  }
}
