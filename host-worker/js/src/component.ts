import type { Config, Gate } from '#glue/resource-server';
import { instantiate } from '#glue';
import { Verified } from './identity.js';
import {
  Instance,
  Trap,
  nothing,
  type Call,
  type CoreModules,
  type Instantiate,
  type Lent,
  type Task,
} from './instance.js';

/**
 * How many identities are cached as JavaScript objects, and how much text of claims. Lifting one
 * costs more than the rest of a call. 1,024 covers some seconds of callers on a busy isolate; 4 Mi
 * characters are at most 8 MiB of the isolate's 128.
 */
const MEMO_BITS = 10;
const MEMO_ENTRIES = 2 ** MEMO_BITS;
const MEMO_CHARACTERS = 4 * 1024 * 1024;

interface Memo {
  id: bigint;
  verified: Verified;
}

/** The first step of an operation that may need I/O. */
export type Step<T> = { tag: 'done'; val: T } | { tag: 'waiting'; val: Task<T> };

/** The settings of a component. */
export interface ComponentSettings extends Lent {
  config: Config;
}

/** One instance of the component with one gate in it. */
export class Component extends Instance<Gate> {
  /** The exports of the component. */
  protected readonly exports: ReturnType<typeof instantiate>;
  /** By the last digits of their ids, which count up: the newest ones. */
  readonly #identities: (Memo | undefined)[] = new Array(MEMO_ENTRIES).fill(undefined);
  #characters = 0;

  constructor(modules: CoreModules, instantiateCore: Instantiate | undefined, settings: ComponentSettings) {
    super();
    this.exports = instantiate(
      (path) => modules[path.split('.')[1] as keyof CoreModules],
      this.imports(settings) as any,
      instantiateCore,
    );
    this.root = this.enter(() => this.exports.resourceServer.Gate.create(settings.config), nothing());
  }

  /** The identity behind an id that a call has just returned. */
  identity(id: bigint, call: Call): Verified {
    const slot = Number(BigInt.asUintN(MEMO_BITS, id));
    const memo = this.#identities[slot];
    if (memo?.id === id) return memo.verified;
    const record = this.enter((gate) => gate.identity(id), call);
    if (record === undefined) throw new Trap('the component has no identity for the id that it just returned');
    const verified = new Verified(record);
    this.#characters += verified.size - (memo?.verified.size ?? 0);
    this.#identities[slot] = { id, verified };
    // The next slots have the oldest.
    for (let next = slot + 1; this.#characters > MEMO_CHARACTERS && next < slot + MEMO_ENTRIES; next++) {
      this.#characters -= this.#identities[next % MEMO_ENTRIES]?.verified.size ?? 0;
      this.#identities[next % MEMO_ENTRIES] = undefined;
    }
    return verified;
  }
}
