import type { Config, Outcome, RequestHead, Gate } from '#glue/resource-server';
import { responseOf, serverError } from './answer.js';
import { Component, type ComponentSettings, type Step } from './component.js';
import { ConfigError } from './config-error.js';
import type { Verified } from './identity.js';
import {
  Trap,
  drive,
  nothing,
  type Call,
  type CoreModules,
  type Instantiate,
  type Ready,
  type Source,
  type Task,
} from './instance.js';
import type { Settings } from './options.js';
import type { MaybePromise, WaitUntil } from './types.js';

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

type Begin<C, V> = (component: C, call: Call) => Step<V> | undefined;
type Finish<V, R> = (component: Component, value: V, call: Call) => R;

/**
 * How often a request is retried after its component trapped in another request. One retry covers a
 * single trap; more retries could cause the trap again.
 */
const RESTARTS = 2;

/** One configuration: options with one set of environment settings, and the component for them. */
export class State<C extends Component = Component> {
  readonly #source: Source;
  readonly #settings: Settings;
  readonly #config: Config;
  #component: C | undefined;
  #failure: ConfigError | undefined;
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
  component(): C {
    if (this.#component !== undefined && !this.#component.broken) return this.#component;
    if (this.#failure !== undefined) throw this.#failure;
    const make = () =>
      this.make(this.#source.modules(), this.#source.instantiate, { ...this.#settings, config: this.#config });
    try {
      this.#component = make();
      this.started(this.#component);
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

  protected make(modules: CoreModules, instantiate: Instantiate | undefined, settings: ComponentSettings): C {
    return new Component(modules, instantiate, settings) as C;
  }

  /** Called with each new component. */
  protected started(_component: C): void {}

  /** Logs new faults of the issuers. */
  #logFaults(component: Component): void {
    for (const { message } of component.enter((gate) => gate.newFaults(), nothing()))
      console.warn(`tollgate: ${message}`);
  }

  /** Throws the error of the configuration. */
  check(): void {
    this.component();
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
    return this.start((component, call) => component.enter(run, call), decidedBy, context);
  }

  /** Starts an operation and drives it to its end. */
  protected start<V, R>(
    begin: Begin<C, V>,
    finish: Finish<V, R>,
    context: RequestContext,
  ): MaybePromise<R> | undefined {
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
    begin: Begin<C, V>,
    finish: Finish<V, R>,
    component: C,
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

  /** See {@link drive}. Keeps the keys that the call has fetched. */
  async #poll<V>(
    component: Component,
    task: Task<V>,
    call: Call,
    context: RequestContext,
  ): Promise<Ready<V> | undefined> {
    try {
      // With `ctx`, the work continues after the client has disconnected.
      return await drive(component, task, call, () =>
        context.ctx === undefined ? context.request?.signal : undefined,
      );
    } finally {
      if (call.hasFetchedDocument) this.#keepKeys(component);
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
