import type { Config, Outcome, RequestHead, Gate } from '#glue/resource-server';
import type { TokenClient } from '#glue/token-exchange';
import { responseOf, serverError } from './answer.js';
import {
  Component,
  Trap,
  nothing,
  type Call,
  type CoreModules,
  type Instantiate,
  type Ready,
  type Step,
  type Task,
} from './component.js';
import { ConfigError } from './config-error.js';
import type { Pending } from './pending.js';
import type { Verified } from './identity.js';
import type { Settings } from './options.js';
import { assertionOf, tokenOf, type AssertionOutcome, type Outcome as TokenOutcome } from './token.js';
import type { MaybePromise, Token, WaitUntil } from './types.js';

/** The source of the modules, which is read when the first request needs them. */
export interface Source {
  modules: () => CoreModules;
  instantiate?: Instantiate;
}

/** The request that a call belongs to. */
export interface RequestContext {
  env: unknown;
  ctx: WaitUntil | undefined;
  /**
   * Its `signal` is read only if there is something to wait for, because reading it is expensive.
   */
  request: Request | undefined;
}

/** A decision with its identity, which is lifted in the same call. */
export interface Decided {
  outcome: Outcome;
  verified: Verified | undefined;
}

type Begin<V> = (component: Component, call: Call) => Step<V> | undefined;
type Finish<V, R> = (component: Component, value: V, call: Call) => R;

/**
 * How often a request is retried after its component trapped in another request. One retry covers a
 * single trap; more retries could cause the trap again.
 */
const RESTARTS = 2;

/** One configuration: options with one set of environment settings, and the component for them. */
export class State {
  readonly #source: Source;
  readonly #settings: Settings;
  readonly #config: Config;
  #component: Component | undefined;
  #failure: ConfigError | undefined;
  /** Whether the client's error was logged. */
  #clientErrorLogged = false;
  /** The keys of the last working component, for its successor after a trap. */
  #keys: string | undefined;

  constructor(source: Source, settings: Settings, env: Config['env']) {
    this.#source = source;
    this.#settings = settings;
    this.#config = { ...settings.config, env };
  }

  /**
   * The component, created when it is first needed, because Workers have no randomness at module
   * level.
   */
  component(): Component {
    if (this.#component !== undefined && !this.#component.broken) return this.#component;
    if (this.#failure !== undefined) throw this.#failure;
    const make = () =>
      new Component(this.#source.modules(), this.#source.instantiate, { ...this.#settings, config: this.#config });
    try {
      this.#component = make();
      if (this.#component.hasClient) this.#logClientError(this.#component.clientError);
      this.#logFaults(this.#component);
      if (this.#keys !== undefined) {
        try {
          const keys = this.#keys;
          this.#component.enter((gate) => gate.importKeys(keys), nothing());
        } catch {
          // If they cannot be imported, they are fetched again.
          this.#keys = undefined;
          if (this.#component.broken) this.#component = make();
        }
      }
      return this.#component;
    } catch (error) {
      this.#component = undefined;
      if (error instanceof ConfigError) this.#failure = error;
      throw error instanceof ConfigError || error instanceof Trap ? error : new Trap(error);
    }
  }

  /** Logs an invalid client once, at the start. The gate works nevertheless. */
  #logClientError(error: ConfigError | undefined): void {
    if (error === undefined || this.#clientErrorLogged) return;
    this.#clientErrorLogged = true;
    console.error(`tollgate: No token can be requested: ${error.message}`);
  }

  /** Logs new faults of the issuers. */
  #logFaults(component: Component): void {
    for (const { message } of component.enter((gate) => gate.newFaults(), nothing()))
      console.warn(`tollgate: ${message}`);
  }

  /** Throws the error of the configuration, including the client's. */
  check(): void {
    this.#clientErrorLogged = true; // thrown below instead
    const component = this.component();
    const error = component.hasClient ? component.clientError : undefined;
    if (error !== undefined) throw error;
  }

  /** One call that needs no I/O. */
  call<T>(run: (gate: Gate) => T): T {
    return this.component().enter(run, nothing());
  }

  /**
   * Starts a decision and drives it to its end. Creates no promise if there is nothing to wait for.
   */
  decide(run: (gate: Gate) => Step<Outcome>, context: RequestContext): MaybePromise<Decided>;
  decide(run: (gate: Gate) => Step<Outcome> | undefined, context: RequestContext): MaybePromise<Decided | undefined>;
  decide(run: (gate: Gate) => Step<Outcome> | undefined, context: RequestContext): MaybePromise<Decided | undefined> {
    return this.#start((component, call) => component.enter(run, call), decidedBy, context);
  }

  /**
   * Requests a token from the gate's client in the same way. Throws or rejects with a `TokenError`
   * if the request fails, with a {@link ConfigError} if the gate is invalid, and with a {@link
   * Trap} if the component trapped.
   */
  token(run: (client: TokenClient) => Step<TokenOutcome>, context: RequestContext): MaybePromise<Token> {
    return this.#request(run, tokenOf, context);
  }

  /** Requests an assertion from the gate's client. Throws and rejects as {@link token} does. */
  assertion(run: (client: TokenClient) => Step<AssertionOutcome>, context: RequestContext): MaybePromise<string> {
    return this.#request(run, assertionOf, context);
  }

  #request<V, R>(
    run: (client: TokenClient) => Step<V>,
    finish: (outcome: V) => R,
    context: RequestContext,
  ): MaybePromise<R> {
    return this.#start(
      (component, call) => {
        const client = component.client();
        return component.enter(() => run(client), call);
      },
      (_, outcome) => finish(outcome),
      context,
    )!;
  }

  /** One call of the gate's client that needs no I/O. */
  client<T>(run: (client: TokenClient) => T): T {
    const component = this.component();
    const client = component.client();
    return component.enter(() => run(client), nothing());
  }

  #start<V, R>(begin: Begin<V>, finish: Finish<V, R>, context: RequestContext): MaybePromise<R> | undefined {
    const component = this.component();
    const call: Call = { pending: [], env: context.env };
    const step = begin(component, call);
    if (step === undefined) return undefined;
    if (step.tag === 'done') return finish(component, step.val, call);
    const driven = this.#drive(begin, finish, component, step.val, call, context);
    // All callers share the result of a fetch, so it is awaited even if this caller has
    // disconnected.
    if (context.ctx !== undefined && mayHang(call)) context.ctx.waitUntil(driven.then(noop, noop));
    return driven;
  }

  async #drive<V, R>(
    begin: Begin<V>,
    finish: Finish<V, R>,
    component: Component,
    task: Task<V>,
    call: Call,
    context: RequestContext,
  ): Promise<R> {
    for (let restarts = 0; ; restarts++) {
      const done = await this.#poll(component, task, call, context);
      if (done !== undefined) return finish(component, done.val, call);
      if (restarts === RESTARTS) throw new Trap('the component failed repeatedly');
      component = this.component();
      call = { pending: [], env: context.env };
      const step = begin(component, call);
      if (step === undefined) throw new Trap('the component returned no decision for a path that it decided before');
      if (step.tag === 'done') return finish(component, step.val, call);
      task = step.val;
    }
  }

  /**
   * Fetches stale keys after a response. The component ensures that it happens only once. A flag
   * here would remain set if workerd ended a request in between.
   */
  refresh(context: RequestContext): void {
    const refresh = async () => {
      await undefined; // sends the response first
      const component = this.component();
      const call: Call = { pending: [], env: context.env };
      const task = component.enter((gate) => gate.refresh(), call) as Task<unknown>;
      await this.#poll(component, task, call, { ...context, request: undefined });
    };
    const refreshed = refresh().catch((error) => console.error(error));
    context.ctx?.waitUntil(refreshed);
  }

  /**
   * Drives a task: polls it and, while it is pending, waits for the operations of this call or for
   * the given time. Returns nothing if the component trapped in another request in the meantime.
   */
  async #poll<V>(
    component: Component,
    task: Task<V>,
    call: Call,
    context: RequestContext,
  ): Promise<Ready<V> | undefined> {
    let documents = false;
    try {
      for (;;) {
        if (component.broken) return undefined;
        const progress = component.enter(() => task.poll(), call);
        documents ||= call.pending.some(({ isDocument }) => isDocument);
        if (progress.tag === 'ready') return progress;
        call.pending = call.pending.filter(({ ended }) => !ended);
        if (progress.val === undefined && call.pending.length === 0)
          throw new Trap('a task is pending, but waits for nothing');
        const [first] = call.pending;
        // WebCrypto always answers soon, so neither a timer nor the client's signal is needed.
        if (call.pending.length === 1 && !first!.mayHang) await first!.end;
        else await oneOf(call.pending, progress.val, context);
      }
    } finally {
      component.drop(task);
      for (const pending of call.pending) pending.abort();
      if (documents) this.#keepKeys(component);
    }
  }

  #keepKeys(component: Component): void {
    if (component.broken) return;
    try {
      this.#logFaults(component);
      this.#keys = component.enter((gate) => gate.exportKeys(), nothing());
    } catch (error) {
      console.error(error);
    }
  }

  /** See `Identity.require`. */
  require(head: RequestHead, granted: readonly string[], required: string[]): Response | null {
    try {
      const answer = this.call((gate) => gate.requireScopes(head, granted as string[], required));
      return answer === undefined ? null : responseOf(answer);
    } catch (error) {
      console.error(error);
      return serverError();
    }
  }
}

function decidedBy(component: Component, outcome: Outcome, call: Call): Decided {
  const { decision } = outcome;
  const id = decision.tag === 'allow' ? decision.val.identity : undefined;
  return { outcome, verified: id === undefined ? undefined : component.identity(id, call) };
}

function noop(): void {}

/** Whether a call waits for anything except WebCrypto. */
function mayHang(call: Call): boolean {
  return call.pending.length !== 1 || call.pending[0]!.mayHang;
}

/** Resolves with the first of these, or after `ms`. Rejects when the client disconnects. */
async function oneOf(pending: readonly Pending[], ms: number | undefined, context: RequestContext): Promise<void> {
  // With `ctx`, the work continues after the client has disconnected.
  const signal = context.ctx === undefined ? context.request?.signal : undefined;
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
