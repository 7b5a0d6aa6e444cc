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

/** A value, or a promise of it: what is already known comes without a promise. */
export type MaybePromise<T> = T | Promise<T>;

/**
 * What a gate accepts and publishes. Every member is optional: what is left out comes from the
 * environment (see {@link Gate}) or has the default that its comment names. An unknown name or a
 * value of the wrong type is a {@link ConfigError}.
 */
export interface GateOptions {
  /** Short for `issuers: [{ issuer }]`. Not together with `issuers`. */
  issuer?: string;
  /** Short for the `audiences` of the one issuer, which `issuer` or the environment names. */
  audience?: string | readonly string[];
  /** Issuers whose tokens are accepted, at most 32. Left out: one, from the environment. */
  issuers?: readonly IssuerOptions[];
  /**
   * The public base URL of what is protected, such as `https://mcp.example.com`. It builds the
   * URLs of metadata and challenges and is the audience of issuers that name none. Left out: the
   * origin of each request.
   */
  resource?: string;
  /**
   * Without `resource`: the origin of each request is the audience of issuers that name none. Only
   * where the platform decides which hosts reach the application, as Workers do. Default: no.
   */
  resourceFromRequest?: boolean;
  /** Who may call what. The longest matching path wins; paths that no route covers are protected. */
  routes?: readonly RouteOptions[];
  /**
   * The server behind ignores the case of letters in paths, as Express does by default: a route
   * that is protected covers its path in any case; a public one only as it is written. Default:
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
  /** Which browser origins may call. Default: all, for bearer tokens are no ambient authority. */
  cors?: CorsOptions;
  /** Bounds of the cache of verified tokens. */
  tokenCache?: TokenCacheOptions;
  /** How keys are fetched and kept. */
  keys?: KeyOptions;
  /** Who this application is to an issuer, where it asks for tokens itself. */
  client?: ClientOptions;
  /**
   * Makes the requests to issuers; default: the global `fetch`. With a service binding:
   * `(url, init, env) => env.ISSUER.fetch(url, init)`. It must not follow redirects and must
   * obey `init.signal`.
   */
  fetch?: (url: string, init: RequestInit, env: any) => Promise<Response>;
  /**
   * Who checks and makes signatures. Default: WebCrypto. Where the runtime lacks an algorithm:
   * `import { signatures } from 'tollgate/signatures'`, which has all of them in WebAssembly.
   */
  signatures?: object;
  /** How messages spell the names of options, for hosts in other languages. Default: `camelCase`. */
  naming?: 'camelCase' | 'snake_case';
  /** Told about every refused request, for logs and metrics. What it throws is only logged. */
  onRefusal?: (refusal: Refusal) => void;
}

/** One accepted issuer. */
export interface IssuerOptions {
  /** The exact `iss`. `https:`, or `http:` on a loopback address. */
  issuer: string;
  /** Accepted `aud` values, at most 64; one match suffices. Left out: `resource`. */
  audiences?: readonly string[];
  /** Accepted `alg` values. Left out: every asymmetric algorithm that Tollgate knows. */
  algorithms?: readonly string[];
  /**
   * Accepted `typ` values. Left out: `at+jwt` (RFC 9068), with its required claims. `['*']`
   * accepts any and none: only for issuers that send plain `JWT`. `''` in the list accepts a
   * token without `typ`.
   */
  types?: readonly string[];
  /**
   * Claims that must be present. Left out: `sub`, `client_id` and `iat` where `types` is left
   * out too, else none. `iss`, `exp` and `aud` always are.
   */
  requiredClaims?: readonly string[];
  /** How far clocks may differ, in seconds, at most 300. Default: 0 for `exp`, 5 for `nbf`, `iat`. */
  clockTolerance?: number;
  /** The highest accepted age since `iat`, in seconds. Left out: no bound. */
  maxAge?: number;
  /** Where its keys come from. Left out: discovery (RFC 8414, then OpenID). */
  keys?: 'discovery' | { readonly uri: string } | { readonly inline: string | object };
  /** Whether `jwks_uri` may be on another origin than the issuer. Default: no. */
  crossOriginKeys?: boolean;
}

/** What a part of the URL space needs. */
export interface RouteOptions {
  /**
   * A path such as `/mcp`. It covers itself and what lies below it (`/mcp/x`), not `/mcp-other`.
   * `/` covers the root alone; `/*` covers everything. There are no other patterns: `/users/:id`,
   * `/users/{id}` and `/files/*` are errors that say what to write instead.
   */
  path: string;
  /** HTTP methods that it covers; `GET` covers `HEAD` too. Left out: all. */
  methods?: readonly string[];
  /** Anyone may call, with or without credentials, which are not looked at. */
  public?: boolean;
  /** Scopes that the token must have, besides the gate's. Not together with `public: true`. */
  scopes?: readonly string[];
}

/** Members of the RFC 9728 document that Tollgate does not fill in itself. */
export interface MetadataOptions {
  /** Default: every scope that the configuration names, but for `offline_access`. */
  scopesSupported?: readonly string[];
  resourceName?: string;
  resourceDocumentation?: string;
  resourcePolicyUri?: string;
  resourceTosUri?: string;
  /**
   * Serve the first issuer's RFC 8414 document at this host too, for clients that look for it
   * here (MCP 2025-03-26). Default: yes.
   */
  serveIssuerMetadata?: boolean;
  /**
   * The whole host is one resource: every challenge names the document of the root, whatever the
   * path of the request. Default: no, each path is a resource of its own.
   */
  singleResource?: boolean;
}

/** Which browser origins may call. */
export interface CorsOptions {
  /** Exact origins; `['*']` is any. With a list, another `Origin` is answered 403. Default: any. */
  origins?: readonly string[];
  /** How long browsers may keep a preflight, in seconds. Default: 86400. */
  maxAge?: number;
}

/** Bounds of the cache of verified tokens. */
export interface TokenCacheOptions {
  /** Default: 4096; 0 turns the cache off. */
  maxEntries?: number;
  /** Default: 8 MiB, counted with what an entry costs beside its claims. */
  maxBytes?: number;
  /** The longest that a verification is believed, in seconds. Default: 300. */
  maxAge?: number;
}

/** How keys are fetched and kept. In seconds, but for `timeoutMs`. */
export interface KeyOptions {
  /** The shortest time that fetched keys count as fresh. Default: 60. */
  minFresh?: number;
  /** The longest time that fetched keys count as fresh. Default: 3600. */
  maxFresh?: number;
  /** How long after that they still serve while the issuer cannot be reached. Default: 86400. */
  maxStale?: number;
  /** The least time between two fetches of one key set; grows with failures. Default: 30. */
  cooldown?: number;
  /** How long one exchange with the issuer may take, in milliseconds. Default: 5000. */
  timeoutMs?: number;
}

/** Whom a verified token speaks for. Frozen, and safe to log: the token and claims are not in it. */
export interface Identity {
  /** `sub`. Absent only where the issuer's `requiredClaims` do not name it. */
  readonly subject: string | undefined;
  /** `client_id`. */
  readonly clientId: string | undefined;
  /** As granted, not widened by `scopeHierarchy`: ask {@link Identity.require} for decisions. */
  readonly scopes: readonly string[];
  /** `iss`. */
  readonly issuer: string;
  /** `aud`, always a list. */
  readonly audience: readonly string[];
  /** `exp`, in seconds since 1970. */
  readonly expiresAt: number;
  /** `iat`, likewise. */
  readonly issuedAt: number | undefined;
  /**
   * The delegation chain of `act`: who acts now comes first, who acted before behind. Only the
   * first may count in a decision; the others are for the record (RFC 8693 section 4.1).
   */
  readonly actors: readonly Actor[];
  /**
   * All claims that were signed, parsed when first read and frozen all the way down. Not
   * enumerable: `console.log` and `JSON.stringify` of the identity leave it out.
   */
  readonly claims: Claims;
  /** The raw token, for calls on the caller's behalf. Not enumerable, as `claims`. */
  readonly token: string;
  /**
   * Whether the token has all of these scopes, with what the hierarchy implies: `null` when it
   * does, else the 403 with its challenge to answer with. For decisions that need the body, such
   * as an MCP tool call. Throws where the identity came from {@link Gate.verify}, which knows no
   * request to build a challenge for.
   */
  require(...scopes: string[]): Response | null;
}

/** A JSON object as it was signed. */
export type Claims = { readonly [name: string]: Json | undefined };

/** A frozen JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** A refused request. */
export interface Refusal {
  /** A stable code, such as `token-expired`. No input of the caller is in it. */
  readonly reason: string;
  /** The status of the answer. */
  readonly status: number;
  /** None for {@link Gate.verify}. */
  readonly request: Request | undefined;
}

/** The part of a Worker's context that is used: work that goes on after the response. */
export interface WaitUntil {
  waitUntil(promise: Promise<unknown>): void;
}

/** A handler behind a gate. `auth` is `null` on public routes and there only. */
export type Handler<Env = any, Ctx = any, Req = Request> = (
  request: Req,
  env: Env,
  ctx: Ctx,
  auth: Identity | null,
) => MaybePromise<Response>;

/** What a Worker module exports by default. */
export interface ProtectedWorker<Env = any, Ctx = any, Req = Request> {
  fetch(request: Req, env: Env, ctx: Ctx): MaybePromise<Response>;
}

/** The request may go on. */
export interface Authenticated {
  readonly ok: true;
  readonly auth: Identity;
  /** Headers that belong on your response (CORS); {@link Gate.protect} adds them itself. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** The request must not go on: send `response` as it stands. */
export interface Refused {
  readonly ok: false;
  readonly response: Response;
  /** As in {@link Refusal}; `server-error` when the fault is on this side. */
  readonly reason: string;
}

/** More than a route says. */
export interface Demands {
  /** Scopes that are needed besides the gate's and the route's. */
  scopes?: readonly string[];
}

/**
 * A guard for HTTP requests with bearer tokens.
 *
 * Settings that the options leave out come from `env`: `TOLLGATE_ISSUER`, `TOLLGATE_AUDIENCE`,
 * `TOLLGATE_RESOURCE`, `TOLLGATE_SCOPES`, `TOLLGATE_JWKS_URI`, `TOLLGATE_JWKS`; for the client
 * `TOLLGATE_CLIENT_ID`, `TOLLGATE_CLIENT_SECRET`, `TOLLGATE_PRIVATE_KEY` (with `…_NEXT` and
 * `…_RETIRED`), `TOLLGATE_TOKEN_ENDPOINT`. Pass a Worker's
 * `env`, or `process.env`; it is read when an object is first seen, and there is one set of keys
 * and one cache per distinct settings. A configuration that cannot work throws a
 * {@link ConfigError}, except from {@link Gate.protect}, which logs it and answers 500.
 *
 * Pass `ctx` where there is one, so that fetches of keys outlive the request that started them.
 */
export interface Gate {
  /** Guards a handler; made for `export default`. */
  protect<Env = any, Ctx = any, Req extends Request = Request>(
    handler: Handler<Env, Ctx, Req>,
  ): ProtectedWorker<Env, Ctx, Req>;
  /** Verifies the credentials of a request, whatever its route says: nothing is public here. */
  authenticate(
    request: Request,
    env?: unknown,
    ctx?: WaitUntil,
    demands?: Demands,
  ): MaybePromise<Authenticated | Refused>;
  /** Verifies a bare token, for what is no HTTP request: a message, a WebSocket's first frame. */
  verify(token: string, env?: unknown, ctx?: WaitUntil, demands?: Demands): MaybePromise<Authenticated | Refused>;
  /** Answers a metadata request or a preflight of one; `null` for any other path. */
  metadata(request: Request, env?: unknown, ctx?: WaitUntil): MaybePromise<Response | null>;
  /** Checks the whole configuration, the client's too, without I/O; throws a {@link ConfigError}. */
  check(env?: unknown): void;
  /** The fetched keys for a later gate's `importKeys`: only public keys, as JSON. */
  exportKeys(env?: unknown): string;
  /**
   * Takes keys from `exportKeys`; answers for how many issuers. The text must come from a place
   * that only your application can write: whoever writes it can sign tokens.
   */
  importKeys(state: string, env?: unknown): number;

  // The client half: tokens for other APIs. What rejects here does so with a `TokenError`, but for
  // wrong arguments (`TypeError`), a gate that cannot work (`ConfigError`), a client of yours that
  // left before there was a token (its signal's reason; not with `ctx`), and a fault of this side.

  /**
   * A token for `resource` (RFC 8707: absolute URIs) on behalf of a caller, by token exchange
   * (RFC 8693): from the cache, else by one exchange for all who ask for the same at the same time.
   * It never outlives the caller's own token. `auth` must be an identity of this gate.
   */
  exchange(auth: Identity, resource: string | readonly string[], options?: ExchangeOptions): Promise<Token>;
  /**
   * `fetch` with such a token. The URL must be on the origin of one of the resources or on one of
   * `client.destinations`. After a 401 it is sent once more with a fresh token; redirects are
   * returned, not followed. An `Authorization` header of the request is replaced. A body is kept
   * in memory until there is an answer. What `fetch` itself throws is passed on.
   */
  fetchAs(
    auth: Identity,
    resource: string | readonly string[],
    input: Request | URL | string,
    init?: RequestInit,
    options?: FetchAsOptions,
  ): Promise<Response>;
  /** A token for the application itself, by client credentials (RFC 6749 section 4.4), kept likewise. */
  ownToken(target: TokenTarget, env?: unknown, ctx?: WaitUntil): Promise<Token>;
  /** One token request as it stands: nothing is kept and nothing shared. */
  tokenRequest(
    grant: TokenGrant,
    target?: TokenTarget,
    options?: TokenRequestOptions,
    env?: unknown,
    ctx?: WaitUntil,
  ): Promise<Token>;
  /** Forgets tokens, also those that are on their way; answers how many were kept. */
  invalidate(filter?: TokenFilter, env?: unknown): number;
  /** A signed assertion of who this client is (RFC 7523), good for one request to `audience`. */
  clientAssertion(audience: string, env?: unknown): Promise<string>;
}
