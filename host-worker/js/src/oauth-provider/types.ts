import type { ClientConfig, Store } from 'tollgate/issuer';

/** A handler: an object with `fetch`, or a class such as a `WorkerEntrypoint`. */
export type RequestHandler<Env = any> =
  | { fetch?: (request: any, env: Env, ctx: any) => Response | Promise<Response> }
  | (new (
      ctx: any,
      env: Env,
    ) => { fetch?: (request: any) => Response | Promise<Response> });

/** Grant types, by the names of 1.2.3. */
export enum GrantType {
  AUTHORIZATION_CODE = 'authorization_code',
  REFRESH_TOKEN = 'refresh_token',
  TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange',
  JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer',
}

/** Options of `OAuthProvider`. `docs/oauth-provider.md` lists what differs from the original. */
export interface OAuthProviderOptions<Env = any> {
  /** Protected routes, together with `apiHandler`: paths for any host, or absolute URLs. */
  apiRoute?: string | string[];
  /** Called only with a valid token. */
  apiHandler?: RequestHandler<Env>;
  /** Handlers by their routes, in place of `apiRoute` and `apiHandler`. */
  apiHandlers?: Record<string, RequestHandler<Env>>;
  /** Everything else, the authorization page too. */
  defaultHandler: RequestHandler<Env>;
  /** The application's authorization page: a path, or a URL on the origin of the token endpoint. */
  authorizeEndpoint: string;
  /**
   * The token endpoint: a path for any host, or an absolute URL. Its origin is the issuer. Revocation is
   * there as well.
   */
  tokenEndpoint: string;
  /** The registration endpoint (RFC 7591). Default: none. */
  clientRegistrationEndpoint?: string;
  /** The lifetime of access tokens in seconds. */
  accessTokenTTL?: number;
  /**
   * The lifetime of a grant in seconds. 0: no refresh tokens. Explicitly `undefined`: the longest, 366
   * days.
   */
  refreshTokenTTL?: number;
  /** A grant also ends when it was not refreshed for so many seconds. */
  refreshTokenIdleTTL?: number;
  /** The lifetime of registrations in seconds. */
  clientRegistrationTTL?: number;
  /** Scopes that the server has. Others are refused. */
  scopesSupported?: string[];
  /** Scopes in the protected resource metadata and in challenges. They are not enforced. */
  requiredScopes?: string[];
  /** Must not be `true`: there is no implicit flow. */
  allowImplicitFlow?: boolean;
  /** Has no effect: only `S256` is accepted. */
  allowPlainPKCE?: boolean;
  /** Token exchange (RFC 8693). */
  allowTokenExchangeGrant?: boolean;
  /** Not available yet. */
  enterpriseManagedAuthorization?: object;
  /** Whether public clients may not register. */
  disallowPublicClientRegistration?: boolean;
  /** Decides about registrations. */
  clientRegistrationCallback?: (options: {
    clientMetadata: Record<string, unknown>;
    request: Request;
  }) => MaybePromise<{ code?: string; description?: string; status?: number } | undefined> | MaybePromise<void>;
  /** Decides about tokens before they are issued. */
  tokenExchangeCallback?: (
    options: TokenExchangeCallbackOptions<Env>,
  ) => MaybePromise<TokenExchangeCallbackResult | undefined> | MaybePromise<void>;
  /** Asked about tokens that are not this server's. */
  resolveExternalToken?: (input: {
    token: string;
    request: Request;
    env: Env;
  }) => MaybePromise<{ props: any; audience?: string | string[] } | null>;
  /** Observes error responses, or replaces them. It may be asynchronous. Default: a warning in the log. */
  onError?: (error: ReportedError) => MaybePromise<Response | undefined> | MaybePromise<void>;
  /** Redirect URIs with private-use schemes. */
  allowPrivateUseRedirectUris?: boolean;
  /** Client ID metadata documents. */
  clientIdMetadataDocumentEnabled?: boolean;
  /** Must not be `true`: resources are compared by path. */
  resourceMatchOriginOnly?: boolean;
  /** Has no effect: the consent helpers are not there. */
  cookiePrefix?: string;
  /** Members of the protected resource metadata (RFC 9728). */
  resourceMetadata?: OAuthProtectedResourceMetadata;

  // What the original does not have.

  /** Where clients and grants are. Default: the Durable Objects of the binding `OAUTH_STORE`. */
  store?: (env: Env) => Store;
  /**
   * The deployment secrets; the first is in use. Default: `OAUTH_SECRET` of the environment, and without
   * it a random one, which is kept in the store.
   */
  secrets?: (env: Env) => string[];
  /** Clients that are known from the start. */
  clients?: readonly ClientConfig[];
  /** The form of access tokens. Default: `opaque`, as the original's. */
  accessToken?: 'jwt' | 'opaque';
}

export type MaybePromise<T> = T | Promise<T>;

/** What `onError` gets. */
export interface ReportedError {
  code: string;
  description: string;
  status: number;
  headers: Record<string, string>;
  /** `reason` is a stable code, such as `code-used`. */
  internal: { category: string; reason: string };
  request?: Request;
}

/** The question of `tokenExchangeCallback`. */
export interface TokenExchangeCallbackOptions<Env = any> {
  grantType: GrantType;
  clientId: string;
  userId: string;
  /** Empty with a token exchange, which leaves the grant as it is. */
  grantId: string;
  /** The scopes of the grant. */
  scope: string[];
  /** The scopes of the token. */
  requestedScope: string[];
  resource: string | string[];
  props: any;
  env: Env;
}

/** The answer of `tokenExchangeCallback`. What it leaves out stays as it is. */
export interface TokenExchangeCallbackResult {
  accessTokenProps?: any;
  newProps?: any;
  /** Only a shorter lifetime has an effect. */
  accessTokenTTL?: number;
  accessTokenScope?: string[];
}

/** Members of the protected resource metadata. */
export interface OAuthProtectedResourceMetadata {
  /** The only resource that tokens are issued for. Default: the origin, and each route. */
  resource?: string;
  authorization_servers?: string[];
  scopes_supported?: string[];
  bearer_methods_supported?: string[];
  resource_name?: string;
}

/** An authorization request. It may travel through a form as JSON. */
export interface AuthRequest {
  responseType: string;
  clientId: string;
  redirectUri: string;
  scope: string[];
  state: string;
  codeChallenge?: string;
  codeChallengeMethod?: string;
  resource?: string | string[];
  issuer?: string;
  /** Whether the client named the redirect URI, so that the token request must name it too. */
  redirectUriGiven?: boolean;
}

/** A client. */
export interface ClientInfo {
  clientId: string;
  clientSecret?: string;
  redirectUris: string[];
  clientName?: string;
  logoUri?: string;
  clientUri?: string;
  policyUri?: string;
  tosUri?: string;
  jwksUri?: string;
  i18n?: Record<string, string>;
  contacts?: string[];
  grantTypes?: string[];
  responseTypes?: string[];
  registrationDate?: number;
  tokenEndpointAuthMethod: string;
}

/** What `completeAuthorization` takes. */
export interface CompleteAuthorizationOptions {
  request: AuthRequest;
  userId: string;
  metadata?: any;
  scope: string[];
  props?: any;
  /** Revoke the user's other grants for this client, once the code is redeemed. Default: yes. */
  revokeExistingGrants?: boolean;
  /** Has no effect. */
  revokeExistingGrantsBatchSize?: number;
}

export interface ListOptions {
  /** Has no effect on grants: a page has at most 100. */
  limit?: number;
  cursor?: string;
}

export interface ListResult<T> {
  items: T[];
  cursor?: string;
}

export interface GrantSummary {
  id: string;
  clientId: string;
  userId: string;
  scope: string[];
  metadata: any;
  createdAt: number;
  expiresAt?: number;
  resource?: string | string[];
}

export interface TokenSummary<T = any> {
  /** The SHA-256 of the token in hexadecimal. */
  id: string;
  grantId: string;
  userId: string;
  createdAt: number;
  expiresAt: number;
  audience?: string | string[];
  scope: string[];
  grant: { clientId: string; scope: string[]; props: T };
}

export interface ExchangeTokenOptions {
  subjectToken: string;
  scope?: string[];
  aud?: string;
  expiresIn?: number;
}

export interface TokenResponse {
  access_token: string;
  token_type: string;
  expires_in: number;
  scope: string;
  resource?: string | string[];
}

export interface PurgeOptions {
  batchSize?: number;
  purgeOrphanedGrants?: boolean;
  purgeExpiredGrants?: boolean;
  purgeOrphanedTokens?: boolean;
  cursor?: string;
}

export interface PurgeResult {
  grantsChecked: number;
  grantsPurged: number;
  tokensChecked: number;
  tokensPurged: number;
  done: boolean;
  cursor?: string;
}

/** `ctx.auth` of an API handler. */
export interface OAuthResourceAuth {
  token: string;
  audience: string | string[];
  expiresAt?: number;
  scope: string[];
  userId?: string;
  clientId?: string;
}

/** `env.OAUTH_PROVIDER`. */
export interface OAuthHelpers {
  /** Reads an authorization request. Rejects with an `AuthorizationError`. */
  parseAuthRequest(request: Request): Promise<AuthRequest>;
  lookupClient(clientId: string): Promise<ClientInfo | null>;
  completeAuthorization(options: CompleteAuthorizationOptions): Promise<{ redirectTo: string }>;
  createClient(clientInfo: Partial<ClientInfo>): Promise<ClientInfo>;
  listClients(options?: ListOptions): Promise<ListResult<ClientInfo>>;
  updateClient(clientId: string, updates: Partial<ClientInfo>): Promise<ClientInfo | null>;
  deleteClient(clientId: string): Promise<void>;
  listUserGrants(userId: string, options?: ListOptions): Promise<ListResult<GrantSummary>>;
  revokeGrant(grantId: string, userId: string): Promise<void>;
  unwrapToken<T = any>(token: string): Promise<TokenSummary<T> | null>;
  exchangeToken(options: ExchangeTokenOptions): Promise<TokenResponse>;
  /** Nothing has to be purged: the store deletes what has expired. */
  purgeExpiredData(options?: PurgeOptions): Promise<PurgeResult>;
}

/** Options of `OAuthAuthorizationServer`: those of `OAuthProvider` without routes. */
export interface OAuthAuthorizationServerOptions<Env = any>
  extends Omit<
    OAuthProviderOptions<Env>,
    | 'apiRoute'
    | 'apiHandler'
    | 'apiHandlers'
    | 'defaultHandler'
    | 'authorizeEndpoint'
    | 'tokenEndpoint'
    | 'resourceMetadata'
    | 'requiredScopes'
    | 'resolveExternalToken'
  > {
  /** The issuer identifier: an origin, perhaps with a path. */
  issuer: string;
  /** Default: `<issuer>/authorize`. */
  authorizeEndpoint?: string;
  /** Default: `<issuer>/oauth/token`. */
  tokenEndpoint?: string;
  /** The resources that tokens are issued for. */
  resources: readonly string[];
  /** The resource of requests that name none. Default: the first. */
  defaultResource?: string;
  /** Has no effect: every grant has its resource. */
  legacyGrantResource?: string;
}

/** A valid token, as a resource server gets it. */
export interface ValidatedAccessToken<T = any> {
  props: T;
  audience: string;
  expiresAt: number;
  scope: string[];
  userId: string;
  clientId: string;
}

/** What a validator says about a token. */
export interface OAuthResourceTokenValidation<Props = any> {
  props: Props;
  audience: string;
  expiresAt?: number;
  scope?: string[];
  userId?: string;
  clientId?: string;
}

/** Checks a token for a resource, for example `env.AUTH.validateToken` of another Worker. */
export type OAuthResourceTokenValidator<Props = any> = (
  resource: string,
  token: string,
) => Promise<OAuthResourceTokenValidation<Props> | null>;

/** Options of `OAuthResourceServer`. */
export interface OAuthResourceServerOptions<Env = any, Props = any> {
  /** `resource` and `authorization_servers` are required. */
  resourceMetadata: OAuthProtectedResourceMetadata & { resource: string; authorization_servers: string[] };
  /** Scopes in metadata and challenges. They are not enforced. */
  requiredScopes?: string[];
  /** Called only with a valid token. */
  handler: RequestHandler<Env>;
  /** Makes the validator for a request. */
  validateToken(env: Env, request: Request): OAuthResourceTokenValidator<Props>;
}
