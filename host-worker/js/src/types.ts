import type {
  Actor,
  ClientOptions,
  ExchangeOptions,
  FetchAsOptions,
  Token,
  TokenFilter,
  TokenGrant,
  TokenRequestOptions,
  TokenTarget,
} from './token-types.js';

export type * from './token-types.js';

/** A value, or a promise of it if it is not known yet. */
export type MaybePromise<T> = T | Promise<T>;

/**
 * The configuration of a gate. Every member is optional: one that is left out comes from the
 * environment (see {@link Gate}), or has the default that its comment names. An unknown name or a
 * value of the wrong type is a {@link ConfigError}.
 */
export interface GateOptions extends VerifyingGateOptions {
  /** This application as an OAuth client, if it requests tokens itself. */
  client?: ClientOptions;
}

/** The configuration of a gate without a client: see {@link GateOptions}. */
export interface VerifyingGateOptions {
  /** Short for `issuers: [{ issuer }]`. Not together with `issuers`. */
  issuer?: string;
  /** Short for the `audiences` of the only issuer, which comes from `issuer` or the environment. */
  audience?: string | readonly string[];
  /** Issuers whose tokens are accepted, at most 32. Default: one, from the environment. */
  issuers?: readonly IssuerOptions[];
  /**
   * The public base URL of the protected resource, such as `https://mcp.example.com`. The URLs in
   * metadata and challenges begin with it. It is also the audience of issuers that have no
   * `audiences`. Default: the origin of each request, which is not used as audience.
   */
  resource?: string;
  /**
   * Without `resource`: the origin of each request is the audience of issuers that have no
   * `audiences`. Use it only if the platform decides which hosts reach the application, as Workers
   * do. Default: no.
   */
  resourceFromRequest?: boolean;
  /**
   * Which paths are public, and which scopes the others need. The longest matching path wins. Paths
   * that no route covers are protected.
   */
  routes?: readonly RouteOptions[];
  /**
   * Whether the server behind the gate ignores case in paths, as Express does by default. If so, a
   * protected route covers its path in any case, and a public route only as it is written. Default:
   * false.
   */
  caseInsensitivePaths?: boolean;
  /** Scopes that every protected route needs, besides its own. Default: none. */
  scopes?: readonly string[];
  /** Scopes that imply others: `{ 'mcp:admin': ['mcp:tools'] }`. Implication is transitive. */
  scopeHierarchy?: Readonly<Record<string, readonly string[]>>;
  /** `realm` of challenges. Default: none. */
  realm?: string;
  /** Members of the protected resource metadata (RFC 9728). */
  metadata?: MetadataOptions;
  /**
   * Which browser origins may call. Default: all, because browsers do not send bearer tokens by
   * themselves.
   */
  cors?: CorsOptions;
  /** Limits of the cache of verified tokens. */
  tokenCache?: TokenCacheOptions;
  /** How keys are fetched and cached. */
  keys?: KeyOptions;
  /**
   * Makes the requests to issuers; default: the global `fetch`. With a service binding:
   * `(url, init, env) => env.ISSUER.fetch(url, init)`. It must not follow redirects and must
   * obey `init.signal`.
   */
  fetch?: (url: string, init: RequestInit, env: any) => Promise<Response>;
  /**
   * The implementation of signatures. Default: WebCrypto. If the runtime lacks an algorithm, use
   * `import { signatures } from 'tollgate/signatures'`, which has all of them in WebAssembly.
   */
  signatures?: object;
  /** How messages spell option names, for hosts in other languages. Default: `camelCase`. */
  naming?: 'camelCase' | 'snake_case';
  /**
   * Called for every refused request, for logs and metrics. An exception that it throws is only
   * logged.
   */
  onRefusal?: (refusal: Refusal) => void;
}

/** One accepted issuer. */
export interface IssuerOptions {
  /** The exact `iss`. `https:`, or `http:` on a loopback address. */
  issuer: string;
  /** Accepted `aud` values, at most 64; one match suffices. Default: `resource`. */
  audiences?: readonly string[];
  /** Accepted `alg` values. Default: every asymmetric algorithm that Tollgate supports. */
  algorithms?: readonly string[];
  /**
   * Accepted `typ` values. Default: `at+jwt` (RFC 9068), with its required claims. `['*']` accepts
   * any type, and tokens without one: use it only for issuers that send `JWT`. `''` in the list
   * accepts a token without `typ`.
   */
  types?: readonly string[];
  /**
   * Claims that must be present. Default: `sub`, `client_id` and `iat` if `types` is left out too,
   * otherwise none. `iss`, `exp` and `aud` are always required.
   */
  requiredClaims?: readonly string[];
  /**
   * The tolerated difference of clocks, in seconds, at most 300. Default: 0 for `exp`, 5 for `nbf`,
   * `iat`.
   */
  clockTolerance?: number;
  /** The maximum age of a token since `iat`, in seconds. Default: no limit. */
  maxAge?: number;
  /** Where the issuer's keys come from. Default: discovery (RFC 8414, then OpenID). */
  keys?: 'discovery' | { readonly uri: string } | { readonly inline: string | object };
  /** Whether `jwks_uri` may be on another origin than the issuer. Default: no. */
  crossOriginKeys?: boolean;
}

/** What requests to a path need. */
export interface RouteOptions {
  /**
   * A path such as `/mcp`. It covers itself and everything below it (`/mcp/x`), but not
   * `/mcp-other`. `/` covers only the root; `/*` covers everything. There are no other patterns:
   * `/users/:id`, `/users/{id}` and `/files/*` are errors that say what to write instead.
   */
  path: string;
  /** HTTP methods that it covers. `GET` covers `HEAD` too. Default: all. */
  methods?: readonly string[];
  /** Anyone may call. Credentials are ignored. */
  public?: boolean;
  /** Scopes that the token must have, besides the gate's. Not together with `public: true`. */
  scopes?: readonly string[];
}

/** Members of the protected resource metadata (RFC 9728) that Tollgate does not fill in itself. */
export interface MetadataOptions {
  /** `scopes_supported`. Default: every scope in the configuration except `offline_access`. */
  scopesSupported?: readonly string[];
  /** `resource_name`: a name for people. */
  resourceName?: string;
  /** `resource_documentation`: an absolute URL. */
  resourceDocumentation?: string;
  /** `resource_policy_uri`: an absolute URL. */
  resourcePolicyUri?: string;
  /** `resource_tos_uri`: an absolute URL. */
  resourceTosUri?: string;
  /**
   * Whether this host serves the first issuer's metadata (RFC 8414) too, for clients that look for
   * it here (MCP 2025-03-26). Default: yes.
   */
  serveIssuerMetadata?: boolean;
  /**
   * Whether the whole host is one resource, so that every challenge names the metadata of the root.
   * Default: no, each path is a resource of its own.
   */
  singleResource?: boolean;
}

/** Which browser origins may call. */
export interface CorsOptions {
  /**
   * Exact origins; `['*']` means any. With a list, a request with another `Origin` is answered with
   * 403. Default: any.
   */
  origins?: readonly string[];
  /** How long browsers may cache a preflight response, in seconds. Default: 86400. */
  maxAge?: number;
}

/** Limits of the cache of verified tokens. */
export interface TokenCacheOptions {
  /** The maximum number of tokens. Default: 4096; 0 disables the cache. */
  maxEntries?: number;
  /** The maximum size in bytes, including the overhead of entries. Default: 8 MiB. */
  maxBytes?: number;
  /** How long a verification may be reused, in seconds. Default: 300. */
  maxAge?: number;
}

/** How keys are fetched and cached. All durations are in seconds, except `timeoutMs`. */
export interface KeyOptions {
  /** The minimum time that fetched keys count as fresh. Default: 60. */
  minFresh?: number;
  /** The maximum time that fetched keys count as fresh. Default: 3600. */
  maxFresh?: number;
  /** How long stale keys may still be used while the issuer cannot be reached. Default: 86400. */
  maxStale?: number;
  /** The minimum time between two fetches of a key set. It grows with failures. Default: 30. */
  cooldown?: number;
  /** The timeout of one exchange with the issuer, in milliseconds. Default: 5000. */
  timeoutMs?: number;
}

/**
 * The identity in a verified token. Frozen, and safe to log: the token and the claims are not
 * enumerable.
 */
export interface Identity {
  /** `sub`. Absent only if the issuer's `requiredClaims` do not include it. */
  readonly subject: string | undefined;
  /** `client_id`. */
  readonly clientId: string | undefined;
  /**
   * The granted scopes, without those that `scopeHierarchy` implies: use {@link Identity.require}
   * to check scopes.
   */
  readonly scopes: readonly string[];
  /** `iss`. */
  readonly issuer: string;
  /** `aud`, always a list. */
  readonly audience: readonly string[];
  /** `exp`, in seconds since 1970. */
  readonly expiresAt: number;
  /** `iat`, in seconds since 1970. */
  readonly issuedAt: number | undefined;
  /**
   * The delegation chain of `act`: the current actor, then prior actors. Only the first may count
   * in a decision; the others are informational (RFC 8693 section 4.1).
   */
  readonly actors: readonly Actor[];
  /**
   * All claims, parsed when first read, and deeply frozen. Not enumerable: `console.log` and
   * `JSON.stringify` of the identity leave it out.
   */
  readonly claims: Claims;
  /** The raw token, for calls on the caller's behalf. Not enumerable, like `claims`. */
  readonly token: string;
  /**
   * Checks whether the token has all of these scopes, by the hierarchy. Returns `null` if it does,
   * otherwise the 403 with its challenge to send. For decisions that depend on the body, such as an
   * MCP tool call. Throws if the identity came from {@link Gate.verify}, which has no request to
   * build a challenge for.
   */
  require(...scopes: string[]): Response | null;
}

/** A JSON object as it was signed. */
export type Claims = { readonly [name: string]: Json | undefined };

/** A frozen JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** A refused request. */
export interface Refusal {
  /** A stable code, such as `token-expired`. It contains no input from the caller. */
  readonly reason: string;
  /** The status of the response. */
  readonly status: number;
  /** None for {@link Gate.verify}. */
  readonly request: Request | undefined;
}

/** The part of a Worker's context that is used: it lets work continue after the response. */
export interface WaitUntil {
  /** Keeps the runtime alive until the promise settles. */
  waitUntil(promise: Promise<unknown>): void;
}

/** A handler behind a gate. `auth` is `null` only on public routes. */
export type Handler<Env = any, Ctx = any, Req = Request> = (
  request: Req,
  env: Env,
  ctx: Ctx,
  auth: Identity | null,
) => MaybePromise<Response>;

/** The default export of a Worker module. */
export interface ProtectedWorker<Env = any, Ctx = any, Req = Request> {
  /** Answers a request: calls the handler, or refuses. */
  fetch(request: Req, env: Env, ctx: Ctx): MaybePromise<Response>;
}

/** The request is allowed. */
export interface Authenticated {
  /** The request is allowed. */
  readonly ok: true;
  /** The caller. */
  readonly auth: Identity;
  /** Headers to add to your response (CORS). {@link Gate.protect} adds them itself. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** The request is refused: send `response` unchanged. */
export interface Refused {
  /** The request is refused. */
  readonly ok: false;
  /** The response to send. */
  readonly response: Response;
  /** As in {@link Refusal}. `server-error` if the fault is on this side. */
  readonly reason: string;
}

/** Additional requirements of one call. */
export interface Demands {
  /** Scopes that are needed besides the gate's and the route's. */
  scopes?: readonly string[];
}

/**
 * The part of a gate that verifies tokens, which the entry `tollgate/verifier` has: see {@link
 * Gate}. A configuration with a client is a {@link ConfigError} there.
 */
export interface VerifyingGate {
  /** Protects a handler, for `export default`. */
  protect<Env = any, Ctx = any, Req extends Request = Request>(
    handler: Handler<Env, Ctx, Req>,
  ): ProtectedWorker<Env, Ctx, Req>;
  /** Verifies the credentials of a request, even on a public route. */
  authenticate(
    request: Request,
    env?: unknown,
    ctx?: WaitUntil,
    demands?: Demands,
  ): MaybePromise<Authenticated | Refused>;
  /**
   * Verifies a token that did not come with an HTTP request, such as one in a WebSocket's first
   * frame.
   */
  verify(token: string, env?: unknown, ctx?: WaitUntil, demands?: Demands): MaybePromise<Authenticated | Refused>;
  /** Answers a metadata request or its preflight. `null` for any other path. */
  metadata(request: Request, env?: unknown, ctx?: WaitUntil): MaybePromise<Response | null>;
  /**
   * Checks the whole configuration, including the client's, without I/O. Throws a {@link
   * ConfigError}.
   */
  check(env?: unknown): void;
  /** The fetched keys, for `importKeys` of a later gate. Only public keys, as JSON. */
  exportKeys(env?: unknown): string;
  /**
   * Imports keys from `exportKeys`, and returns for how many issuers. The text must come from a
   * place that only your application can write to: whoever writes it can sign tokens.
   */
  importKeys(state: string, env?: unknown): number;
}

/**
 * Protects an HTTP API with bearer tokens.
 *
 * Settings that the options leave out come from `env`: `TOLLGATE_ISSUER`, `TOLLGATE_AUDIENCE`,
 * `TOLLGATE_RESOURCE`, `TOLLGATE_SCOPES`, `TOLLGATE_JWKS_URI`, `TOLLGATE_JWKS`; for the client
 * `TOLLGATE_CLIENT_ID`, `TOLLGATE_CLIENT_SECRET`, `TOLLGATE_PRIVATE_KEY` (with `…_NEXT` and
 * `…_RETIRED`), `TOLLGATE_TOKEN_ENDPOINT`. Pass a Worker's `env`, or `process.env`. Each `env`
 * object is read once. Keys and caches are shared between equal settings. An invalid configuration
 * throws a {@link ConfigError}, except from {@link Gate.protect}, which logs it and answers 500.
 *
 * Pass `ctx` if there is one, so that fetches of keys can outlive the request that started them.
 */
export interface Gate extends VerifyingGate {
  // The client: tokens for other APIs. The methods below reject with a `TokenError`, except for
  // wrong arguments (`TypeError`), an invalid gate (`ConfigError`), a caller that disconnected
  // before there was a token (the reason of its signal; not with `ctx`), and internal faults.

  /**
   * Gets a token for `resource` (RFC 8707: absolute URIs) on behalf of a caller, from the cache or
   * by token exchange (RFC 8693). Concurrent calls for the same token share one exchange. The token
   * is not cached beyond the expiry of the caller's token. `auth` must be an identity from this
   * gate.
   */
  exchange(auth: Identity, resource: string | readonly string[], options?: ExchangeOptions): Promise<Token>;
  /**
   * Calls `fetch` with a token from {@link Gate.exchange}. The URL must be on the origin of one of
   * the resources or on one of `client.destinations`. After a 401, the request is sent once more
   * with a new token. Redirects are returned, not followed. An `Authorization` header of the
   * request is replaced. A body is kept in memory until there is a response. Exceptions of `fetch`
   * are passed on.
   */
  fetchAs(
    auth: Identity,
    resource: string | readonly string[],
    input: Request | URL | string,
    init?: RequestInit,
    options?: FetchAsOptions,
  ): Promise<Response>;
  /**
   * Gets a token for the application itself by client credentials (RFC 6749 section 4.4). It is
   * cached as well.
   */
  ownToken(target: TokenTarget, env?: unknown, ctx?: WaitUntil): Promise<Token>;
  /** Sends one token request. The token is neither cached nor shared. */
  tokenRequest(
    grant: TokenGrant,
    target?: TokenTarget,
    options?: TokenRequestOptions,
    env?: unknown,
    ctx?: WaitUntil,
  ): Promise<Token>;
  /**
   * Removes tokens from the cache, and does not cache the results of running exchanges. Returns how
   * many tokens were removed.
   */
  invalidate(filter?: TokenFilter, env?: unknown): number;
  /** Signs a client assertion (RFC 7523) for one request to `audience`. */
  clientAssertion(audience: string, env?: unknown): Promise<string>;
}
