// A gate that can be an OAuth client too.
import type { Config } from '#glue/resource-server';
import { settingsWithClient } from './client-options.js';
import { assertionOf, delegationOf, fetchAs, filterOf, grantOf, targetOf, type Subject } from './delegated-access.js';
import { GateOfOptions, contextOf, originOf, stateOf } from './gate.js';
import type { Source } from './instance.js';
import { text, type Settings } from './options.js';
import type { RequestContext } from './state.js';
import { StateWithClient } from './token-client.js';
import type {
  ExchangeOptions,
  FetchAsOptions,
  Gate,
  GateOptions,
  Identity,
  Token,
  TokenFilter,
  TokenGrant,
  TokenRequestOptions,
  TokenTarget,
  WaitUntil,
} from './types.js';

/** Creates a gate. Throws a `ConfigError` if the options are invalid in any environment. */
export function makeGate(source: Source, options?: GateOptions): Gate {
  return new GateWithClient(source, settingsWithClient(options));
}

/**
 * As `gate.exchange`, for a user's token that was verified elsewhere. Not for applications, because
 * nothing here proves that it was. With `ctx`, the exchange outlives the request.
 */
export async function exchangeFor(
  gate: Gate,
  subject: Subject,
  resource: string | readonly string[],
  options?: ExchangeOptions,
  env?: unknown,
  ctx?: WaitUntil,
): Promise<Token> {
  const delegation = delegationOf(subject, resource, options);
  return stateOf(gate as GateWithClient, env).token(
    (client) => client.getToken(delegation),
    contextOf(undefined, env, ctx),
  );
}

class GateWithClient extends GateOfOptions<StateWithClient> implements Gate {
  protected override makeState(source: Source, settings: Settings, env: Config['env']): StateWithClient {
    return new StateWithClient(source, settings, env);
  }

  async exchange(auth: Identity, resource: string | readonly string[], options?: ExchangeOptions): Promise<Token> {
    const { state, context } = this.#origin(auth);
    const delegation = delegationOf(auth, resource, options);
    return state.token((client) => client.getToken(delegation), context);
  }

  async fetchAs(
    auth: Identity,
    resource: string | readonly string[],
    input: Request | URL | string,
    init?: RequestInit,
    options?: FetchAsOptions,
  ): Promise<Response> {
    const { state, context } = this.#origin(auth);
    return fetchAs(state, context, auth, resource, input, init, options);
  }

  async ownToken(target: TokenTarget, env?: unknown, ctx?: WaitUntil): Promise<Token> {
    const wanted = targetOf(target);
    return stateOf(this, env).token((client) => client.getOwnToken(wanted), contextOf(undefined, env, ctx));
  }

  async tokenRequest(
    grant: TokenGrant,
    target?: TokenTarget,
    options?: TokenRequestOptions,
    env?: unknown,
    ctx?: WaitUntil,
  ): Promise<Token> {
    const [asked, wanted] = [grantOf(grant), targetOf(target ?? {})];
    const assertion = assertionOf(options);
    return stateOf(this, env).token(
      (client) => client.request(asked, wanted, assertion),
      contextOf(undefined, env, ctx),
    );
  }

  invalidate(filter: TokenFilter = {}, env?: unknown): number {
    const { subject, resource } = filterOf(filter);
    return stateOf(this, env).client((client) => client.invalidate(subject, resource));
  }

  async clientAssertion(audience: string, env?: unknown): Promise<string> {
    text(audience, 'audience');
    return stateOf(this, env).assertion(
      (client) => client.clientAssertion(audience),
      contextOf(undefined, env, undefined),
    );
  }

  #origin(auth: unknown): { state: StateWithClient; context: RequestContext } {
    const { state, context } = originOf(this, auth);
    // This gate has made it.
    return { state: state as StateWithClient, context };
  }
}
