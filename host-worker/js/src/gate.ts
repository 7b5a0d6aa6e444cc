import type { Answer, Config, RequestHead } from '#glue/resource-server';
import { responseOf, serverError, withHeaders } from './answer.js';
import { ConfigError } from './config-error.js';
import { settingsFrom } from './environment.js';
import { RequestIdentity, type Origin } from './identity.js';
import { lasting, type CoreModules, type Source } from './instance.js';
import { settingsOf, texts, record, type Reader, type Settings } from './options.js';
import { State, type Decided, type RequestContext } from './state.js';
import type {
  Authenticated,
  Demands,
  Handler,
  MaybePromise,
  ProtectedWorker,
  Refused,
  VerifyingGate,
  VerifyingGateOptions,
  WaitUntil,
} from './types.js';

/**
 * How many different sets of settings are kept. A Worker has one; tests, and servers with several
 * deployments, have a few. Each costs an instance of the component: a few MiB with its cache.
 */
const STATES = 8;

/**
 * Creates a gate without a client. Throws a {@link ConfigError} if the options are invalid in any
 * environment.
 */
export function makeVerifyingGate(source: Source, options?: VerifyingGateOptions): VerifyingGate {
  return new GateOfOptions(
    source,
    settingsOf(options, anyClient, () => ({})),
  );
}

/** That there is a client, and nothing of it: the component refuses any. */
const anyClient: Reader<object> = () => ({});

/** The state of a gate in one environment. */
export let stateOf: <S extends State>(gate: GateOfOptions<S>, env: unknown) => S;

/** Where an identity comes from. Throws a `TypeError` if it does not come from this gate. */
export function originOf(gate: VerifyingGate, auth: unknown): Origin {
  const origin = RequestIdentity.originOf(auth);
  if (origin?.gate === gate) return origin;
  throw new TypeError(
    auth === null
      ? '`auth` is null, as on public routes: a token can be exchanged only for a verified identity.'
      : 'This identity does not come from this gate: pass the `auth` that this gate returned.',
  );
}

/** A gate. Only {@link makeVerifyingGate} and its subclass make one. */
export class GateOfOptions<S extends State = State> implements VerifyingGate {
  readonly #source: Source;
  readonly #settings: Settings;
  readonly #byEnv = new WeakMap<object, S>();
  readonly #byText = new Map<string, S>();

  constructor(source: Source, settings: Settings) {
    this.#source = source;
    this.#settings = settings;
  }

  /** A new state: a subclass has its own. */
  protected makeState(source: Source, settings: Settings, env: Config['env']): S {
    return new State(source, settings, env) as S;
  }

  static {
    stateOf = (gate, env) => gate.#state(env);
  }

  #state(env: unknown): S {
    const isObject = typeof env === 'object' && env !== null;
    const known = isObject ? this.#byEnv.get(env) : undefined;
    if (known !== undefined) return known;
    const settings = settingsFrom(env);
    const text = JSON.stringify(settings);
    let state = this.#byText.get(text);
    if (state === undefined) {
      state = this.makeState(this.#source, this.#settings, settings);
      this.#byText.set(text, state);
      for (const oldest of this.#byText.keys()) {
        if (this.#byText.size <= STATES) break;
        this.#byText.delete(oldest);
      }
    }
    if (isObject) this.#byEnv.set(env, state);
    return state;
  }

  protect<Env, Ctx, Req extends Request>(handler: Handler<Env, Ctx, Req>): ProtectedWorker<Env, Ctx, Req> {
    if (typeof handler !== 'function') throw new TypeError('protect() takes a function that handles requests.');
    return { fetch: (request, env, ctx) => this.#fetch(handler, request, env, ctx) };
  }

  #fetch<Env, Ctx, Req extends Request>(
    handler: Handler<Env, Ctx, Req>,
    request: Req,
    env: Env,
    ctx: Ctx,
  ): MaybePromise<Response> {
    let state: State;
    let head: RequestHead;
    let decided: MaybePromise<Decided>;
    const context = contextOf(request, env, ctx);
    try {
      state = this.#state(env);
      head = headOf(request);
      decided = state.decide((gate) => gate.decide(head), context);
    } catch (error) {
      return failure(error, request);
    }
    const finish = ({ outcome, verified }: Decided): MaybePromise<Response> => {
      if (outcome.refreshDue) state.refresh(context);
      const { decision } = outcome;
      if (decision.tag === 'respond') return this.#answer(decision.val, request);
      const { tokenStart, headers } = decision.val;
      const auth =
        verified === undefined
          ? null
          : new RequestIdentity(
              verified,
              head.authorization[0]!.slice(tokenStart),
              (granted, required) => state.require(head, granted, required),
              { gate: this, state, context },
            );
      // Exceptions from here on come from the handler, and the runtime reports them.
      const response = handler(request, env, ctx, auth);
      return isPromise(response) ? response.then((late) => withHeaders(late, headers)) : withHeaders(response, headers);
    };
    return isPromise(decided) ? decided.then(finish, (error) => failure(error, request)) : finish(decided);
  }

  authenticate(
    request: Request,
    env?: unknown,
    ctx?: WaitUntil,
    demands?: Demands,
  ): MaybePromise<Authenticated | Refused> {
    const head = headOf(request);
    return this.#verified(
      (state, context, scopes) => state.decide((gate) => gate.authenticate(head, scopes), context),
      (state, granted, required) => state.require(head, granted, required),
      (start) => head.authorization[0]!.slice(start),
      request,
      env,
      ctx,
      demands,
    );
  }

  verify(token: string, env?: unknown, ctx?: WaitUntil, demands?: Demands): MaybePromise<Authenticated | Refused> {
    if (typeof token !== 'string') throw new TypeError('verify() takes the token as a string.');
    return this.#verified(
      (state, context, scopes) => state.decide((gate) => gate.verify(token, scopes), context),
      () => {
        throw new TypeError(
          'This identity came from verify(), so there is no request to build a challenge for: pass the scopes to verify().',
        );
      },
      (start) => (start === 0 ? token : token.slice(start)),
      undefined,
      env,
      ctx,
      demands,
    );
  }

  #verified(
    decide: (state: State, context: RequestContext, scopes: string[]) => MaybePromise<Decided>,
    require: (state: State, granted: readonly string[], required: string[]) => Response | null,
    token: (start: number) => string,
    request: Request | undefined,
    env: unknown,
    ctx: WaitUntil | undefined,
    demands: Demands | undefined,
  ): MaybePromise<Authenticated | Refused> {
    const context = contextOf(request, env, ctx);
    const state = this.#state(env);
    const scopes =
      demands === undefined ? NO_SCOPES : ((demandsOf(demands, 'demands').scopes as string[] | undefined) ?? NO_SCOPES);
    const failed = (error: unknown): Refused => {
      if (error instanceof ConfigError) throw error;
      return { ok: false, response: failure(error, request), reason: 'server-error' };
    };
    const finish = ({ outcome, verified }: Decided): Authenticated | Refused => {
      if (outcome.refreshDue) state.refresh(context);
      const { decision } = outcome;
      if (decision.tag === 'respond') {
        return { ok: false, response: this.#answer(decision.val, request), reason: decision.val.reason ?? 'refused' };
      }
      const { tokenStart, headers } = decision.val;
      // `authenticate` and `verify` are never public, so there is an identity.
      return {
        ok: true,
        auth: new RequestIdentity(
          verified!,
          token(tokenStart),
          (granted, required) => require(state, granted, required),
          { gate: this, state, context },
        ),
        headers,
      };
    };
    try {
      const decided = decide(state, context, scopes);
      return isPromise(decided) ? decided.then(finish).catch(failed) : finish(decided);
    } catch (error) {
      return failed(error);
    }
  }

  metadata(request: Request, env?: unknown, ctx?: WaitUntil): MaybePromise<Response | null> {
    const context = contextOf(request, env, ctx);
    const state = this.#state(env);
    const head = headOf(request);
    const finish = (decided: Decided | undefined): Response | null => {
      if (decided === undefined) return null;
      const { decision, refreshDue } = decided.outcome;
      if (refreshDue) state.refresh(context);
      return decision.tag === 'respond' ? this.#answer(decision.val, request) : null;
    };
    const failed = (error: unknown): Response => {
      if (error instanceof ConfigError) throw error;
      return failure(error, request);
    };
    try {
      const decided = state.decide((gate) => gate.metadata(head), context);
      return isPromise(decided) ? decided.then(finish).catch(failed) : finish(decided);
    } catch (error) {
      return failed(error);
    }
  }

  check(env?: unknown): void {
    this.#state(env).check();
  }

  exportKeys(env?: unknown): string {
    return this.#state(env).call((gate) => gate.exportKeys());
  }

  importKeys(state: string, env?: unknown): number {
    if (typeof state !== 'string') throw new TypeError('importKeys() takes the string that exportKeys() returned.');
    return this.#state(env).call((gate) => gate.importKeys(state));
  }

  #answer(answer: Answer, request: Request | undefined): Response {
    if (answer.reason !== undefined && this.#settings.onRefusal !== undefined) {
      try {
        this.#settings.onRefusal({ reason: answer.reason, status: answer.status, request });
      } catch (error) {
        console.error(error);
      }
    }
    return responseOf(answer);
  }
}

const NO_SCOPES: string[] = [];

/** A misspelled member would be ignored otherwise. */
const demandsOf = record({ scopes: texts });

/**
 * The parts of a request that the decision depends on. `Headers` joins values of one name with ",
 * ", as HTTP defines.
 */
function headOf(request: Request): RequestHead {
  const { method, url, headers } = request;
  const authorization = headers.get('authorization');
  const preflight = method === 'OPTIONS';
  return {
    method,
    url,
    authorization: authorization === null ? [] : [authorization],
    origin: headers.get('origin') ?? undefined,
    requestedMethod: preflight ? (headers.get('access-control-request-method') ?? undefined) : undefined,
    requestedHeaders: preflight ? (headers.get('access-control-request-headers') ?? undefined) : undefined,
  };
}

export function contextOf(request: Request | undefined, env: unknown, ctx: unknown): RequestContext {
  return { env, ctx: lasting(ctx), request };
}

/** Not `instanceof`: a handler's promise may come from another realm or a library. */
function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof (value as Promise<T> | undefined)?.then === 'function';
}

/**
 * Logs the message, and answers without details. A client that has disconnected gets no response.
 */
function failure(error: unknown, request: Request | undefined): Response {
  if (request?.signal?.aborted && error === request.signal.reason) throw error;
  console.error(error instanceof ConfigError ? `tollgate: ${error.message}` : error);
  return serverError();
}

export type { CoreModules };
