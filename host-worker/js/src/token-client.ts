// The client of a gate: a component that has one, and its state.
import type { TokenClient } from '#glue/token-exchange';
import { Component, type ComponentSettings, type Step } from './component.js';
import { ConfigError } from './config-error.js';
import { nothing, type CoreModules, type Instantiate } from './instance.js';
import { State, type RequestContext } from './state.js';
import {
  assertionOf,
  clientMisconfigured,
  tokenOf,
  type AssertionOutcome,
  type Outcome as TokenOutcome,
} from './token.js';
import type { MaybePromise, Token } from './types.js';

/** A component with the gate's client. */
export class ComponentWithClient extends Component {
  /**
   * Created when it is first used: most gates never use it, and it would delay the first request.
   */
  #client: TokenClient | ConfigError | undefined;

  /** Whether a client is configured, valid or not. */
  get hasClient(): boolean {
    return this.enter((gate) => gate.hasClient(), nothing());
  }

  /** The error of the client's configuration, if any. A missing client is an error too. */
  get clientError(): ConfigError | undefined {
    try {
      this.#client ??= this.enter((gate) => this.exports.tokenExchange.TokenClient.create(gate), nothing());
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#client = error;
    }
    return this.#client instanceof ConfigError ? this.#client : undefined;
  }

  /** The gate's client. Throws a `TokenError` if its configuration is invalid. */
  client(): TokenClient {
    const error = this.clientError;
    if (error !== undefined) throw clientMisconfigured(error);
    return this.#client as TokenClient;
  }
}

/** The state of a gate with a client. */
export class StateWithClient extends State<ComponentWithClient> {
  /** Whether the client's error was logged. */
  #clientErrorLogged = false;

  protected override make(modules: CoreModules, instantiate: Instantiate | undefined, settings: ComponentSettings) {
    return new ComponentWithClient(modules, instantiate, settings);
  }

  /** Logs an invalid client once, at the start. The gate works nevertheless. */
  protected override started(component: ComponentWithClient): void {
    const error = component.hasClient ? component.clientError : undefined;
    if (error === undefined || this.#clientErrorLogged) return;
    this.#clientErrorLogged = true;
    console.error(`tollgate: No token can be requested: ${error.message}`);
  }

  /** Throws the error of the configuration, including the client's. */
  override check(): void {
    this.#clientErrorLogged = true; // thrown below instead
    const component = this.component();
    const error = component.hasClient ? component.clientError : undefined;
    if (error !== undefined) throw error;
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
    return this.start(
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
}
