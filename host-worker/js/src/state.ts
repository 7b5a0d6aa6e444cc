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

/** Where the modules come from, asked when the first request needs them. */
export interface Source {
  modules: () => CoreModules;
  instantiate?: Instantiate;
}

/** What one request brings to a call. */
export interface Visit {
  env: unknown;
  ctx: WaitUntil | undefined;
  /** Its `signal` is only looked at where there is something to wait for: it costs. */
  request: Request | undefined;
}

/** A decision, with the identity that it names: lifted at once, while its component is sound. */
export interface Decided {
  outcome: Outcome;
  verified: Verified | undefined;
}

type Begin<V> = (component: Component, call: Call) => Step<V> | undefined;
type Finish<V, R> = (component: Component, value: V, call: Call) => R;

/**
 * How often a request whose component broke under another request is tried again: once is what
 * one accident costs; more of them at once say that trying is the accident.
 */
const RESTARTS = 2;

/** One configuration: options with one set of environment settings, and the component for them. */
export class State {
  readonly #source: Source;
  readonly #settings: Settings;
  readonly #config: Config;
  #component: Component | undefined;
  #failure: ConfigError | undefined;
  /** Whether the log has what is wrong about the client. */
  #told = false;
  /** What the last good component knew of keys, for the one after a trap. */
  #keys: string | undefined;

  constructor(source: Source, settings: Settings, env: Config['env']) {
    this.#source = source;
    this.#settings = settings;
    this.#config = { ...settings.config, env };
  }

  /** The component, made when it is first needed: at module level Workers lend no randomness. */
  component(): Component {
    if (this.#component !== undefined && !this.#component.broken) return this.#component;
    if (this.#failure !== undefined) throw this.#failure;
    const make = () =>
      new Component(this.#source.modules(), this.#source.instantiate, { ...this.#settings, config: this.#config });
    try {
      this.#component = make();
      if (this.#component.hasClient) this.#tell(this.#component.clientError);
      this.#tellFaults(this.#component);
      if (this.#keys !== undefined) {
        try {
          const keys = this.#keys;
          this.#component.enter((gate) => gate.importKeys(keys), nothing());
        } catch {
          // Whatever is wrong with them, they can be fetched again.
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

  /** Says at the start, and once, that a client cannot work: the gate does all the same. */
  #tell(error: ConfigError | undefined): void {
    if (error === undefined || this.#told) return;
    this.#told = true;
    console.error(`tollgate: No token can be requested: ${error.message}`);
  }

  /** Says what is new to mend about the issuers. */
  #tellFaults(component: Component): void {
    for (const { message } of component.enter((gate) => gate.newFaults(), nothing()))
      console.warn(`tollgate: ${message}`);
  }

  /** Throws what is wrong about the configuration, the client's included. */
  check(): void {
    this.#told = true; // whoever asks is told below
    const component = this.component();
    const error = component.hasClient ? component.clientError : undefined;
    if (error !== undefined) throw error;
  }

  /** One call that needs no I/O. */
  call<T>(run: (gate: Gate) => T): T {
    return this.component().enter(run, nothing());
  }

  /** Starts a decision and drives it to its end; no promise is made where none is needed. */
  decide(run: (gate: Gate) => Step<Outcome>, visit: Visit): MaybePromise<Decided>;
  decide(run: (gate: Gate) => Step<Outcome> | undefined, visit: Visit): MaybePromise<Decided | undefined>;
  decide(run: (gate: Gate) => Step<Outcome> | undefined, visit: Visit): MaybePromise<Decided | undefined> {
    return this.#start((component, call) => component.enter(run, call), decidedBy, visit);
  }

  /**
   * Asks the gate's client for a token, likewise. Throws or rejects with a `TokenError` where there
   * is none, with a {@link ConfigError} where the gate cannot work, with a {@link Trap} where the
   * component broke.
   */
  token(run: (client: TokenClient) => Step<TokenOutcome>, visit: Visit): MaybePromise<Token> {
    return this.#ask(run, tokenOf, visit);
  }

  /** Asks the gate's client for an assertion; throws and rejects as {@link token} does. */
  assertion(run: (client: TokenClient) => Step<AssertionOutcome>, visit: Visit): MaybePromise<string> {
    return this.#ask(run, assertionOf, visit);
  }

  #ask<V, R>(run: (client: TokenClient) => Step<V>, finish: (outcome: V) => R, visit: Visit): MaybePromise<R> {
    return this.#start(
      (component, call) => {
        const client = component.client();
        return component.enter(() => run(client), call);
      },
      (_, outcome) => finish(outcome),
      visit,
    )!;
  }

  /** One call of the gate's client that needs no I/O. */
  client<T>(run: (client: TokenClient) => T): T {
    const component = this.component();
    const client = component.client();
    return component.enter(() => run(client), nothing());
  }

  #start<V, R>(begin: Begin<V>, finish: Finish<V, R>, visit: Visit): MaybePromise<R> | undefined {
    const component = this.component();
    const call: Call = { pending: [], env: visit.env };
    const step = begin(component, call);
    if (step === undefined) return undefined;
    if (step.tag === 'done') return finish(component, step.val, call);
    const driven = this.#drive(begin, finish, component, step.val, call, visit);
    // What is fetched serves all callers, so it is waited for even when this one has left.
    if (visit.ctx !== undefined && mayHang(call)) visit.ctx.waitUntil(driven.then(noop, noop));
    return driven;
  }

  async #drive<V, R>(
    begin: Begin<V>,
    finish: Finish<V, R>,
    component: Component,
    task: Task<V>,
    call: Call,
    visit: Visit,
  ): Promise<R> {
    for (let restarts = 0; ; restarts++) {
      const done = await this.#poll(component, task, call, visit);
      if (done !== undefined) return finish(component, done.val, call);
      if (restarts === RESTARTS) throw new Trap('the component failed repeatedly');
      component = this.component();
      call = { pending: [], env: visit.env };
      const step = begin(component, call);
      if (step === undefined) throw new Trap('the component returned no decision for a path that it decided before');
      if (step.tag === 'done') return finish(component, step.val, call);
      task = step.val;
    }
  }

  /**
   * Fetches stale keys after a response. That it happens once is the component's care: a flag
   * here would stay up when workerd ends a request in the middle of it.
   */
  refresh(visit: Visit): void {
    const refresh = async () => {
      await undefined; // the response goes first
      const component = this.component();
      const call: Call = { pending: [], env: visit.env };
      const task = component.enter((gate) => gate.refresh(), call) as Task<unknown>;
      await this.#poll(component, task, call, { ...visit, request: undefined });
    };
    const refreshed = refresh().catch((error) => console.error(error));
    visit.ctx?.waitUntil(refreshed);
  }

  /**
   * The one loop: poll, and while the answer is "pending" wait for what this call has started or
   * for the time it names. Nothing where the component broke under another request meanwhile.
   */
  async #poll<V>(component: Component, task: Task<V>, call: Call, visit: Visit): Promise<Ready<V> | undefined> {
    let documents = false;
    try {
      for (;;) {
        if (component.broken) return undefined;
        const progress = component.enter(() => task.poll(), call);
        documents ||= call.pending.some(({ isDocument }) => isDocument);
        if (progress.tag === 'ready') return progress;
        call.pending = call.pending.filter(({ ended }) => !ended);
        if (progress.val === undefined && call.pending.length === 0) throw new Trap('a task is pending, but waits for nothing');
        const [first] = call.pending;
        // WebCrypto always answers, and soon: neither the time nor the client is watched.
        if (call.pending.length === 1 && !first!.mayHang) await first!.end;
        else await oneOf(call.pending, progress.val, visit);
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
      this.#tellFaults(component);
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

/** Whether a call waits for anything but WebCrypto. */
function mayHang(call: Call): boolean {
  return call.pending.length !== 1 || call.pending[0]!.mayHang;
}

/** Settles with the first of these, after `ms`, or when the client has left; then it rejects. */
async function oneOf(pending: readonly Pending[], ms: number | undefined, visit: Visit): Promise<void> {
  // Where the runtime has been asked to go on, it tells of clients that leave by ending the call.
  const signal = visit.ctx === undefined ? visit.request?.signal : undefined;
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
