import type { Config, ConfigError as ConfigFault, Gate } from '#glue/resource-server';
import type { Request as ClientRequest } from '#glue/http-client';
import { instantiate } from '#glue';
import { ConfigError } from './config-error.js';
import { Exchange } from './exchange.js';
import { Operation, dispose, type Pending, type Track } from './pending.js';
import { VerifyingKey, supported } from './webcrypto.js';
import { Verified } from './identity.js';

/** The component's core modules, compiled, by the ends of their file names. */
export interface CoreModules {
  core: WebAssembly.Module;
  core2: WebAssembly.Module;
  core3: WebAssembly.Module;
}

/** Instantiates a core module. Tests replace it to make a component that traps. */
export type Instantiate = (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance;

/** The component trapped. Its instance is not used again. */
export class Trap extends Error {
  constructor(cause: unknown) {
    super('tollgate: the component failed; so did what was asked of it, and the next call gets a new instance', {
      cause,
    });
    this.name = 'Trap';
  }
}

/** The context of a running call: requests share a component, but never each other's promises. */
export interface Call {
  /** The operations that this call has started. */
  pending: Pending[];
  /** The environment of the request, for a `fetch` that goes through a binding. */
  env: unknown;
}

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

/** The progress of a task. */
export interface Ready<T> {
  tag: 'ready';
  /** Absent if a task has no result. */
  val: T;
}

/** A task, which is polled until it is ready. */
export interface Task<T> {
  poll(): Ready<T> | { tag: 'pending'; val?: number };
}

/** The first step of an operation that may need I/O. */
export type Step<T> = { tag: 'done'; val: T } | { tag: 'waiting'; val: Task<T> };

/** The settings of a component. */
export interface ComponentSettings {
  config: Config;
  fetch: (url: string, init: RequestInit, env: any) => Promise<Response>;
  /** What the component imports to sign. */
  signing: (track: Track) => object;
  /** Signatures by something else than WebCrypto. */
  signatures: object | undefined;
}

/** A call without a request. */
export function nothing(): Call {
  return { pending: [], env: undefined };
}

/** One instance of the component with one gate in it. */
export class Component {
  /** Set by a trap, and never reset. */
  broken = false;
  readonly #gate: Gate;
  /** The exports of the component. */
  protected readonly exports: ReturnType<typeof instantiate>;
  /** By the last digits of their ids, which count up: the newest ones. */
  readonly #identities: (Memo | undefined)[] = new Array(MEMO_ENTRIES).fill(undefined);
  #characters = 0;
  #call: Call | undefined;

  constructor(modules: CoreModules, instantiateCore: Instantiate | undefined, settings: ComponentSettings) {
    const send = (request: ClientRequest): Exchange => {
      const { pending, env } = this.#call!;
      const exchange = new Exchange(request, (url, init) => settings.fetch(url, init, env));
      pending.push(exchange);
      return exchange;
    };
    const track: Track = (work, mayHang) => {
      const operation = new Operation(work, mayHang);
      this.#call!.pending.push(operation);
      return operation;
    };
    this.exports = instantiate(
      (path) => modules[path.split('.')[1] as keyof CoreModules],
      {
        'tollgate:auth/clock': { now: () => Date.now() },
        'tollgate:auth/random': { getBytes: (len: number) => crypto.getRandomValues(new Uint8Array(len)) },
        'tollgate:auth/http-client': { PendingResponse: Exchange, send },
        'tollgate:auth/signatures': settings.signatures ?? {
          VerifyingKey,
          PendingVerdict: Operation,
          supported,
          importVerifyingKey: (algorithm: string, jwk: string) => new VerifyingKey(algorithm, jwk, track),
          ...settings.signing(track),
        },
      } as any,
      instantiateCore,
    );
    this.#gate = this.enter(() => this.exports.resourceServer.Gate.create(settings.config), nothing());
  }

  /**
   * Calls into the component. The error of a `result` is one of the configuration, and becomes a
   * {@link ConfigError}; any other exception means that the instance cannot be trusted.
   */
  enter<T>(run: (gate: Gate) => T, call: Call): T {
    this.#call = call;
    try {
      return run(this.#gate);
    } catch (error) {
      const { payload } = error as { payload?: ConfigFault };
      if (payload !== undefined)
        throw new ConfigError(payload.field, `${payload.field}: ${payload.message}`, payload.part);
      this.broken = true;
      throw new Trap(error);
    } finally {
      this.#call = undefined;
    }
  }

  /** Drops a task, which cancels it. */
  drop(task: Task<unknown>): void {
    if (this.broken) return;
    try {
      this.enter(() => (task as unknown as Disposable)[dispose](), nothing());
    } catch (error) {
      console.error(error);
    }
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
