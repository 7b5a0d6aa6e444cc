import {
  TokenRefused,
  TokenUnavailable,
  createIssuer,
  type Issuer,
  type Store,
  type TokenQuestion,
} from 'tollgate/issuer';
import { durableObjectStore } from '../durable-object-store.js';
import { OAuthError } from './errors.js';
import { helpersOf } from './helpers.js';
import type { Settings } from './settings.js';
import { storedSecret } from './stored-secret.js';
import type { GrantType, OAuthHelpers, TokenExchangeCallbackResult } from './types.js';

/**
 * For how many origins there are issuers at the same time. A Worker has one or two; each is an instance
 * of the component with a few MiB.
 */
const ORIGINS = 8;

/** The issuers of one store: one for each origin that requests come to. */
export class Deployment {
  /** `env.OAUTH_PROVIDER` */
  readonly helpers: OAuthHelpers;
  readonly #settings: Settings;
  readonly #env: any;
  readonly #store: Store;
  readonly #issuers = new Map<string, Issuer>();
  /** Origins that requests came to, the latest last. */
  readonly #origins = new Set<string>();
  readonly #reasons = new WeakMap<Request, string>();
  #secrets: string[] | undefined;

  constructor(settings: Settings, env: any, store: Store) {
    this.#settings = settings;
    this.#env = env;
    this.#store = store;
    this.helpers = helpersOf(this, settings);
  }

  /** A request came to this URL. Returns the issuer identifier there. */
  note(url: URL): string {
    const origin = this.#settings.issuer ?? issuerOrigin(url);
    this.#origins.delete(origin);
    this.#origins.add(origin);
    for (const oldest of this.#origins) {
      if (this.#origins.size <= ORIGINS) break;
      this.#origins.delete(oldest);
    }
    return origin;
  }

  /**
   * The issuer identifier for a call without a request. `asked` may come from a form, so it counts only
   * if requests came to it.
   */
  origin(asked?: string): string | undefined {
    if (this.#settings.issuer !== undefined) return this.#settings.issuer;
    if (asked !== undefined && this.#origins.has(asked)) return asked;
    return [...this.#origins].at(-1);
  }

  /** The resources that tokens are issued for: the first is that of requests that name none. */
  resources(origin: string): string[] {
    const { resources, routes } = this.#settings;
    return resources ?? [...new Set([origin, ...routes.map((route) => `${route.origin ?? origin}${route.path}`)])];
  }

  /**
   * The resources of a request that names none: the origin, and every other host with a route, because a
   * token of the original opens all of them.
   */
  defaultResources(origin: string): string[] {
    const [first, ...others] = this.resources(origin);
    if (this.#settings.resources !== undefined) return [first!];
    return [first!, ...others.filter((resource) => new URL(resource).origin !== origin)];
  }

  /** The issuer of an origin. Rejects with a `StoreError` if the store cannot be asked. */
  async issuer(origin: string): Promise<Issuer> {
    this.#secrets ??= await this.#readSecrets();
    let issuer = this.#issuers.get(origin);
    if (issuer === undefined) {
      const { tokenExchangeCallback } = this.#settings.options;
      issuer = createIssuer({
        ...this.#settings.config,
        issuer: origin,
        secrets: this.#secrets,
        resources: this.resources(origin),
        store: this.#store,
        onRefusal: ({ reason, request }) => request && this.#reasons.set(request, reason),
        onToken: tokenExchangeCallback && ((question) => this.#decide(question)),
      });
      for (const oldest of this.#issuers.keys()) {
        if (this.#issuers.size < ORIGINS) break;
        this.#issuers.delete(oldest);
      }
      this.#issuers.set(origin, issuer);
    }
    return issuer;
  }

  /** Why a request was refused. */
  reasonOf(request: Request): string | undefined {
    return this.#reasons.get(request);
  }

  async #readSecrets(): Promise<string[]> {
    const { secrets } = this.#settings.options;
    if (secrets !== undefined) return secrets(this.#env);
    const own: unknown = this.#env?.OAUTH_SECRET;
    if (own !== undefined && typeof own !== 'string') throw new TypeError('`OAUTH_SECRET` must be a text.');
    const stored = await storedSecret(this.#store, own === undefined);
    // What was written before there was an `OAUTH_SECRET` stays readable.
    return [own, stored].filter((secret) => secret !== undefined);
  }

  async #decide(question: TokenQuestion) {
    // A client that acts for itself has neither user nor props: the original has no such tokens.
    if (question.userId === undefined) return undefined;
    let result: TokenExchangeCallbackResult | undefined;
    try {
      const answer = await this.#settings.options.tokenExchangeCallback!({
        grantType: question.grantType as string as GrantType,
        clientId: question.clientId,
        userId: question.userId,
        grantId: question.grant?.id ?? '',
        scope: question.grantedScopes,
        requestedScope: question.scopes,
        resource: oneOrAll(question.resources),
        props: question.props,
        env: this.#env,
      });
      result = answer ?? undefined;
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      const isTemporary = error.code === 'temporarily_unavailable' || error.statusCode === 429;
      throw isTemporary
        ? new TokenUnavailable(error.message, { cause: error })
        : new TokenRefused(error.message, { cause: error });
    }
    if (result === undefined) return undefined;
    const { accessTokenProps, newProps, accessTokenTTL, accessTokenScope } = result;
    return {
      scopes: accessTokenScope,
      accessTokenLifetime: accessTokenTTL,
      accessTokenProps,
      grantProps: newProps,
    };
  }
}

/** The deployments of one configuration: one for each store. */
export class Deployments {
  readonly #settings: Settings;
  readonly #known = new WeakMap<object, Deployment>();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** That of an environment. Throws if it has no store. */
  of(env: any): Deployment {
    // A framework may copy `env`, but not what is bound.
    const bound: unknown = this.#settings.options.store === undefined ? env?.OAUTH_STORE : undefined;
    const key = (bound ?? env ?? this) as object;
    let deployment = this.#known.get(key);
    if (deployment === undefined) {
      deployment = new Deployment(this.#settings, env, storeOf(this.#settings, env));
      this.#known.set(key, deployment);
    }
    return deployment;
  }
}

/** The store of an environment. */
function storeOf({ options }: Settings, env: any): Store {
  if (options.store !== undefined) return options.store(env);
  if (typeof env?.OAUTH_STORE?.idFromName === 'function') return durableObjectStore(env.OAUTH_STORE);
  const kv = env?.OAUTH_KV === undefined ? '' : ' `OAUTH_KV` cannot take its place: it is not consistent.';
  throw new TypeError(
    `There is no binding \`OAUTH_STORE\`: bind the Durable Object class \`TollgateStore\` to it, and export the class from your Worker.${kv}`,
  );
}

/** One as it is, several as a list. */
export function oneOrAll(values: string[]): string | string[] {
  return values.length === 1 ? values[0]! : values;
}

/** An issuer is `https:`, except on a loopback address. */
function issuerOrigin(url: URL): string {
  const isLoopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  return url.protocol === 'http:' && !isLoopback ? `https://${url.host}` : url.origin;
}
