import type { Request as ClientRequest } from '#glue/http-client';
import { ConfigError } from './config-error.js';
import { Exchange } from './exchange.js';
import { Operation, dispose, type Pending, type Track } from './pending.js';
import type { WaitUntil } from './types.js';
import { VerifyingKey, supported } from './webcrypto.js';

/** The component's core modules, compiled, by the ends of their file names. */
export interface CoreModules {
  core: WebAssembly.Module;
  core2: WebAssembly.Module;
  core3: WebAssembly.Module;
}

/** Instantiates a core module. Tests replace it to make a component that traps. */
export type Instantiate = (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance;

/** The source of the modules, which is read when the first request needs them. */
export interface Source {
  modules: () => CoreModules;
  instantiate?: Instantiate;
}

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
  /** Whether it has fetched keys or metadata. */
  hasFetchedDocument?: boolean;
}

/** A call without a request. */
export function nothing(): Call {
  return { pending: [], env: undefined };
}

/** What a host gives as `ctx`, if work can outlive its request there. */
export function lasting(ctx: unknown): WaitUntil | undefined {
  return typeof (ctx as WaitUntil | undefined)?.waitUntil === 'function' ? (ctx as WaitUntil) : undefined;
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

/** What every component imports. */
export interface Lent {
  fetch: (url: string, init: RequestInit, env: any) => Promise<Response>;
  /** What the component imports to sign. */
  signing: (track: Track) => object;
  /** Signatures by something else than WebCrypto. */
  signatures: object | undefined;
}

/** One instance of a component, with one `Root` in it: the gate or the issuer. */
export abstract class Instance<Root, C extends Call = Call> {
  /** Set by a trap, and never reset. */
  broken = false;
  /** Set by the constructor of the subclass. */
  protected root!: Root;
  #call: C | undefined;

  /** The imports that all components have. */
  protected imports({ fetch, signatures, signing }: Lent): object {
    const send = (request: ClientRequest): Exchange => {
      const { env } = this.call;
      const exchange = new Exchange(request, (url, init) => fetch(url, init, env));
      this.call.hasFetchedDocument ||= exchange.isDocument;
      this.call.pending.push(exchange);
      return exchange;
    };
    const track: Track = (work, mayHang) => {
      const operation = new Operation(work, mayHang);
      this.call.pending.push(operation);
      return operation;
    };
    return {
      'tollgate:auth/clock': { now: () => Date.now() },
      'tollgate:auth/random': { getBytes: (len: number) => crypto.getRandomValues(new Uint8Array(len)) },
      'tollgate:auth/http-client': { PendingResponse: Exchange, send },
      'tollgate:auth/signatures': signatures ?? {
        VerifyingKey,
        PendingVerdict: Operation,
        supported,
        importVerifyingKey: (algorithm: string, jwk: string) => new VerifyingKey(algorithm, jwk, track),
        ...signing(track),
      },
    };
  }

  /** The call that is running: the component calls its imports only then. */
  protected get call(): C {
    return this.#call!;
  }

  /**
   * Calls into the component. The error of a `result` is one of the configuration, and becomes a
   * {@link ConfigError}; any other exception means that the instance cannot be trusted.
   */
  enter<T>(run: (root: Root) => T, call: C): T {
    this.#call = call;
    try {
      return run(this.root);
    } catch (error) {
      const { payload } = error as { payload?: { field: string; message: string; part?: ConfigError['part'] } };
      if (payload !== undefined)
        throw new ConfigError(payload.field, `${payload.field}: ${payload.message}`, payload.part ?? 'issuer');
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
      this.enter(() => (task as unknown as Disposable)[dispose](), nothing() as C);
    } catch (error) {
      console.error(error);
    }
  }
}

/**
 * Drives a task: polls it and, while it is pending, waits for the operations of this call or for the
 * given time. Returns nothing if the component trapped in another request in the meantime. Rejects
 * when `signal` aborts.
 */
export async function drive<V, C extends Call>(
  instance: Instance<any, C>,
  task: Task<V>,
  call: C,
  signal: () => AbortSignal | undefined,
): Promise<Ready<V> | undefined> {
  try {
    for (;;) {
      if (instance.broken) return undefined;
      const progress = instance.enter(() => task.poll(), call);
      if (progress.tag === 'ready') return progress;
      call.pending = call.pending.filter(({ ended }) => !ended);
      if (progress.val === undefined && call.pending.length === 0)
        throw new Trap('a task is pending, but waits for nothing');
      const [first] = call.pending;
      // WebCrypto always answers soon, so neither a timer nor the client's signal is needed.
      if (call.pending.length === 1 && !first!.mayHang) await first!.end;
      else await oneOf(call.pending, progress.val, signal());
    }
  } finally {
    instance.drop(task);
    for (const pending of call.pending) pending.abort();
  }
}

/** Resolves with the first of these, or after `ms`. Rejects when the signal aborts. */
async function oneOf(
  pending: readonly Pending[],
  ms: number | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  await new Promise<void>((resolve) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', settle);
      resolve();
    };
    if (ms !== undefined) timer = setTimeout(settle, ms);
    signal?.addEventListener('abort', settle);
    if (signal?.aborted) settle();
    for (const { end } of pending) void end.then(settle);
  });
  signal?.throwIfAborted();
}
