import type { MaybePromise, Refusal, WaitUntil } from '../types.js';
import type { Store } from '../store.js';
import type { ChangedClient, ClientChanges, ClientInfo, ClientPage, NewClient } from './clients.js';
import type { GrantType, IssuerConfig } from './config.js';

export type * from './clients.js';
export type * from './config.js';
export type { MaybePromise, Refusal, WaitUntil } from '../types.js';

/** The configuration of an issuer, its storage and what the application decides. */
export interface IssuerOptions extends IssuerConfig {
  /**
   * Where clients, grants and keys are: `durableObjectStore(env.STORE)` of `tollgate/durable-object`, or
   * `memoryStore()` for development.
   */
  store: Store;
  /**
   * Decides about each token before it is issued. Nothing has changed yet. {@link TokenRefused} refuses
   * it, {@link TokenUnavailable} asks the client to try again; with any other error, or after ten
   * seconds, nothing is issued either, and the client may try again. At most one decision is made for a
   * grant at a time, in all instances together. Default: every token is issued.
   */
  onToken?: (question: TokenQuestion) => MaybePromise<TokenDecision | undefined> | MaybePromise<void>;
  /** What happened, for an audit trail. An error is only logged. */
  onAudit?: (event: AuditEvent) => MaybePromise<void>;
  /**
   * Called for every refused request, for logs and metrics. An exception that it throws is only logged.
   */
  onRefusal?: (refusal: Refusal) => void;
  /**
   * Makes requests to identity providers and for keys of clients; default: the global `fetch`. It must
   * not follow redirects and must obey `init.signal`.
   */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** The implementation of signatures. Default: WebCrypto. See `tollgate/signatures`. */
  signatures?: object;
}

/** An OAuth 2.1 authorization server. */
export interface Issuer {
  /** Throws the `ConfigError` of an invalid configuration. Workers can call it in a request only. */
  check(): void;
  /** Whether a URL is one of the issuer's endpoints. */
  handles(url: string | URL): boolean;
  /**
   * Answers a request to one of the issuer's endpoints. `undefined`: it is to none of them. With `ctx`,
   * an operation ends properly although its client has disconnected.
   */
  fetch(request: Request, ctx?: WaitUntil): Promise<Response | undefined>;
  /**
   * Reads an authorization request, for a page of your own: the query of a `GET`, or the form of a
   * `POST`. Rejects with an {@link IssuerError} if it is refused: send its response.
   */
  parseAuthRequest(request: Request, ctx?: WaitUntil): Promise<AuthorizationRequest>;
  /**
   * Stores a user's approval and returns the URL to send the browser to. The request is checked again,
   * so it may travel through a form. Whether the user approved just this request is not: protect the
   * form (RFC 9700 section 4.7).
   */
  completeAuthorization(request: AuthorizationRequest, approval: Approval, ctx?: WaitUntil): Promise<string>;
  /** Tells the client that the user refused, and returns the URL to send the browser to. */
  denyAuthorization(request: AuthorizationRequest, ctx?: WaitUntil): Promise<string>;
  /**
   * Checks an access token for a resource. `null`: it is not valid, or was revoked, or is for another
   * resource.
   */
  checkToken(token: string, resource: string, ctx?: WaitUntil): Promise<TokenInfo | null>;
  /**
   * A page of a user's grants, in a stable order. A page may be empty although there are more: go on
   * while there is a `cursor`.
   */
  listUserGrants(userId: string, cursor?: string, ctx?: WaitUntil): Promise<GrantPage>;
  /** Revokes a user's grant with all its tokens. Returns whether there was one. */
  revokeGrant(userId: string, grantId: string, ctx?: WaitUntil): Promise<boolean>;
  /** Revokes all grants of a user. Returns how many there were. */
  revokeUser(userId: string, ctx?: WaitUntil): Promise<number>;
  /** Registers a client, with a random id. */
  createClient(client: NewClient, ctx?: WaitUntil): Promise<ChangedClient>;
  /** A client, wherever it comes from. `null`: there is none, or its registration has expired. */
  findClient(clientId: string, ctx?: WaitUntil): Promise<ClientInfo | null>;
  /** Changes a registered client. */
  updateClient(clientId: string, changes: ClientChanges, ctx?: WaitUntil): Promise<ChangedClient>;
  /** Deletes a registered client. Its tokens are refused from the answer on. */
  deleteClient(clientId: string, ctx?: WaitUntil): Promise<void>;
  /**
   * A page of the registered clients, of at most `limit` and at most 100. One that was registered a moment
   * ago may be missing.
   */
  listClients(limit: number, cursor?: string, ctx?: WaitUntil): Promise<ClientPage>;
}

/** A valid authorization request: plain data, which `JSON` keeps. */
export interface AuthorizationRequest {
  /** `client_id` */
  clientId: string;
  /** The redirect URI that the answer goes to: one of the client's. */
  redirectUri: string;
  /** Whether the request named it. */
  redirectUriGiven: boolean;
  /** `scope`. Each is one that the server and the client may have. */
  scopes: string[];
  /** `state`, for the client. */
  state?: string;
  /** `code_challenge`, of the method `S256`. */
  codeChallenge?: string;
  /** `resource`. Without one, the server's first. */
  resources: string[];
  /** `prompt`: what the client asks about pages (OpenID Connect Core section 3.1.2.1). */
  prompt: Prompt;
  /** `login_hint`: whom the client expects. Not verified: nothing may be decided by it. */
  loginHint?: string;
  /** `max_age`: how long ago the user may have signed in, in seconds. */
  maxAge?: number;
}

/** What a client asks about pages. */
export interface Prompt {
  /** No page may be shown: answer with an error instead. */
  none: boolean;
  /** The user must sign in again. */
  login: boolean;
  /** The user must consent again. */
  consent: boolean;
  /** The user must choose an account. */
  selectAccount: boolean;
}

/** What a user, or the application for the user, approved. */
export interface Approval {
  /** The user: the `sub` of tokens. 1 to 512 bytes. */
  userId: string;
  /** The scopes that were approved: those of the request, or others that the client may have. */
  scopes: readonly string[];
  /** What you want back with each token of this grant: anything in JSON. It is stored encrypted. */
  props?: unknown;
  /** What you want to see in lists of grants: anything in JSON. It is stored as it is. */
  metadata?: unknown;
  /**
   * Revoke the user's other grants for this client and these resources, once the code is redeemed.
   * Default: no.
   */
  replacesOthers?: boolean;
  /** The tokens of the identity provider that signed the user in. They are stored encrypted. */
  upstream?: UpstreamTokens;
}

/** Tokens of an identity provider, for calls to its APIs on behalf of the user. */
export interface UpstreamTokens {
  /** The provider's id in the configuration. */
  provider: string;
  /** `access_token` */
  accessToken: string;
  /** `refresh_token` */
  refreshToken?: string;
  /** When the access token expires, as far as the provider said, in seconds since 1970. */
  expiresAt?: number;
  /** `scope`, if the provider said it. */
  scope?: string;
}

/** A valid access token. Times are in seconds since 1970. */
export interface TokenInfo {
  /** The user; of a client that acts for itself, the client. */
  subject: string;
  /** `client_id` */
  clientId: string;
  /** The scopes of the token. */
  scopes: string[];
  /** The resources that the token is for. */
  audience: string[];
  /** When it was issued. */
  issuedAt: number;
  /** When it expires. */
  expiresAt: number;
  /** The grant. Absent: the client acts for itself. */
  grantId?: string;
  /** The `props` of the approval, or those that `onToken` set. */
  props?: any;
}

/** A grant. Times are in seconds since 1970. */
export interface GrantInfo {
  /** Its id. */
  id: string;
  /** `client_id` */
  clientId: string;
  /** The user. */
  userId?: string;
  /** The scopes that the user approved. */
  scopes: string[];
  /** The resources that its tokens are for. */
  resources: string[];
  /** The `metadata` of the approval. */
  metadata?: any;
  /** When the user approved it. */
  createdAt: number;
  /** When it ends. */
  expiresAt: number;
}

/** Grants, in a stable order. */
export interface GrantPage {
  /** The grants. */
  grants: GrantInfo[];
  /** For the next page. Absent: this is the last. */
  cursor?: string;
}

/** A token that is about to be issued. */
export interface TokenQuestion {
  /** The kind of token request. */
  grantType: GrantType;
  /** `client_id` */
  clientId: string;
  /** The user. Absent: the client acts for itself. */
  userId?: string;
  /**
   * The grant; `revision` changes whenever it changes. Absent: the client acts for itself, or the token
   * is exchanged and the grant stays as it is.
   */
  grant?: { id: string; revision: string };
  /** The scopes that were granted. */
  grantedScopes: string[];
  /** The scopes of the token. */
  scopes: string[];
  /** The resources of the token. */
  resources: string[];
  /** The grant's props. */
  props?: any;
  /** The tokens of the identity provider that signed the user in. */
  upstream?: UpstreamTokens;
}

/** What the application decided. Everything that it leaves out stays as it is. */
export interface TokenDecision {
  /** Fewer scopes. Others are ignored. */
  scopes?: readonly string[];
  /** The lifetime of the access token in seconds, if it is shorter. */
  accessTokenLifetime?: number;
  /** Props of this access token: anything in JSON. */
  accessTokenProps?: unknown;
  /** New props of the grant: anything in JSON. With a token exchange they are ignored. */
  grantProps?: unknown;
  /** New tokens of the identity provider. With a token exchange they are ignored. */
  upstream?: UpstreamTokens;
}

/**
 * - `code-issued`: a user approved a request, and a code was made.
 * - `tokens-issued`: tokens were issued.
 * - `answer-repeated`: a refresh token was answered with the same tokens again.
 * - `code-reused`: a code was used twice; its grant is revoked.
 * - `refresh-token-reused`: a replaced refresh token was used; its grant is revoked.
 * - `revoked`: a grant or token was revoked.
 */
export type AuditKind =
  | 'code-issued'
  | 'tokens-issued'
  | 'answer-repeated'
  | 'code-reused'
  | 'refresh-token-reused'
  | 'revoked';

/** One entry of the audit trail. It contains no secret. */
export interface AuditEvent {
  /** What happened. */
  kind: AuditKind;
  /** The kind of token request, with `tokens-issued`. */
  grantType?: GrantType;
  /** When, in seconds since 1970. */
  at: number;
  /** `client_id` */
  clientId: string;
  /** The user. */
  userId?: string;
  /** The grant's id. */
  grantId?: string;
  /** The scopes. */
  scopes: string[];
  /** The resources. */
  resources: string[];
}
