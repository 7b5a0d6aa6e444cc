/** This application as an OAuth client: how it asks its issuer for tokens. */
export interface ClientOptions {
  /** The issuer whose token endpoint it uses: one of `issuers`. Default: the first. */
  issuer?: string;
  /** Its `client_id`. Left out: `TOLLGATE_CLIENT_ID`. */
  id?: string;
  /** Its secret. Left out: `TOLLGATE_CLIENT_SECRET`. */
  secret?: string;
  /**
   * Its private keys, at most 8: the first signs, and the public halves of all are served at
   * `/.well-known/jwks.json`. Left out: `TOLLGATE_PRIVATE_KEY`, `TOLLGATE_PRIVATE_KEY_NEXT` and
   * `TOLLGATE_PRIVATE_KEY_RETIRED`.
   */
  keys?: readonly (string | ClientKeyOptions)[];
  /**
   * How it says who it is. Left out: `private_key_jwt` where there are keys, else
   * `client_secret_basic` where there is a secret; with neither, an error: `none` must be named.
   */
  authentication?: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none';
  /** `aud` of its assertions. Default: `issuer`; `token_endpoint` where the issuer wants that. */
  assertionAudience?: 'issuer' | 'token_endpoint';
  /**
   * Where tokens are asked for. Left out: `TOLLGATE_TOKEN_ENDPOINT`, else the `token_endpoint` of
   * the issuer's metadata, if it is on the issuer's origin. One that is given may be anywhere.
   */
  tokenEndpoint?: string;
  /** Origins that {@link Gate.fetchAs} may send tokens to beside those of their resources. */
  destinations?: readonly string[];
  /** The timeout of one token request, in milliseconds. Default: 10000. */
  timeoutMs?: number;
  /** Limits of the cache of exchanged tokens. */
  cache?: ExchangeCacheOptions;
}

/** A private key. */
export interface ClientKeyOptions {
  /**
   * PEM (PKCS#8, PKCS#1 or SEC1; line ends real or written as `\\n`) or a JWK. RSA of 2048 to 4096
   * bits, P-256, P-384 or Ed25519. Not encrypted. Or a key that is used without being seen: a
   * pair of WebCrypto, or a key management service.
   */
  key: string | object | KeyPair | Signer;
  /** Default: the `kid` of the JWK, otherwise the thumbprint (RFC 7638). */
  kid?: string;
  /**
   * `RS256`, `PS256`, `ES256`, `ES384` or `EdDSA`. Default: the one that fits the key, which is
   * `RS256` for RSA.
   */
  algorithm?: string;
}

/** A key pair of WebCrypto. The private key need not be extractable; the public key must be. */
export interface KeyPair {
  privateKey: WebCryptoKey;
  publicKey: WebCryptoKey;
}

/** A `CryptoKey`, which not all libraries type. */
export interface WebCryptoKey {
  readonly type: string;
  readonly extractable: boolean;
  readonly algorithm: { readonly name: string };
}

/** A private key elsewhere, such as in a key management service. */
export interface Signer {
  /** The public half. Its `alg` and `kid` count where the configuration names none. */
  publicJwk: object;
  /**
   * The signature of `message` by `algorithm` (`RS256`, `PS256`, `ES256`, `ES384` or `Ed25519`),
   * as a JWS has it: `r || s` for ECDSA. It may take 5 seconds; what it throws is a `TokenError`
   * of kind `signing-failed`.
   */
  sign(message: Uint8Array, algorithm: string): Promise<ArrayBuffer | ArrayBufferView> | ArrayBuffer | ArrayBufferView;
}

/** Limits of the cache of exchanged tokens. The least recently used tokens are evicted first. */
export interface ExchangeCacheOptions {
  /** The maximum number of tokens. Default: 1024; 0 disables the cache. */
  maxEntries?: number;
  /** The maximum size in bytes, including the overhead of entries. Default: 4 MiB. */
  maxBytes?: number;
  /** How long before its expiry a token is no longer returned, in seconds. Default: 30. */
  skew?: number;
  /** The maximum time that a token is cached, in seconds. Default: 3600. */
  maxAge?: number;
  /** The assumed lifetime of a token without `expires_in`, in seconds. Default: 300. */
  defaultLifetime?: number;
}

/** A party that acts for the subject of a token (RFC 8693 section 4.1). */
export interface Actor {
  /** `sub`. */
  readonly subject: string | undefined;
  /** `iss`. */
  readonly issuer: string | undefined;
  /** `client_id`. */
  readonly clientId: string | undefined;
}

/** More about a token that is asked for on behalf of a user. */
export interface ExchangeOptions {
  /** Logical names of services (RFC 8693 section 2.1), at most 8. */
  audience?: string | readonly string[];
  /** Left out: the issuer decides. */
  scopes?: readonly string[];
  /** A token of who acts for the user, where that is not this application. */
  actorToken?: string;
  /** A token type URI. Left out: that of an access token. Only with `actorToken`. */
  actorTokenType?: string;
  /** What is wanted, as a token type URI. Default: the issuer's choice, usually an access token. */
  requestedTokenType?: string;
  /** What the user's token is, as a token type URI. Left out: an access token. */
  subjectTokenType?: string;
}

/** What {@link Gate.fetchAs} takes besides. */
export interface FetchAsOptions extends ExchangeOptions {
  /**
   * Sends the request; default: the global `fetch`. With a service binding:
   * `(request) => env.API.fetch(request)`. It must obey the request's `redirect: 'manual'`.
   */
  fetch?: (request: Request) => Promise<Response>;
}

/** The target of a token request. */
export interface TokenTarget {
  /** RFC 8707: absolute URIs without fragment, at most 8. */
  resource?: string | readonly string[];
  /** Logical names of services, at most 8. */
  audience?: string | readonly string[];
  scopes?: readonly string[];
  /** A token type URI. */
  requestedTokenType?: string;
}

/** The grant of a token request that bypasses the cache. */
export type TokenGrant =
  | {
      readonly type: 'token-exchange';
      readonly subjectToken: string;
      readonly subjectTokenType?: string;
      readonly actorToken?: string;
      readonly actorTokenType?: string;
    }
  | { readonly type: 'client-credentials' }
  | { readonly type: 'refresh-token'; readonly refreshToken: string };

/** What {@link Gate.tokenRequest} takes besides. */
export interface TokenRequestOptions {
  /** Stands in for this client's own authentication (RFC 7523 section 2.2). */
  clientAssertion?: string;
}

/** An issued token. Frozen, and safe to log: its secrets are not enumerable. */
export interface Token {
  /** The token. Not enumerable: `console.log`, `JSON.stringify` and copies leave it out. */
  readonly accessToken: string;
  /** Likewise. */
  readonly refreshToken: string | undefined;
  /** `Bearer`, as the issuer spelled it, or `N_A` if the issued token is not an access token. */
  readonly tokenType: string;
  /** A token type URI. */
  readonly issuedTokenType: string | undefined;
  /** When it expires, by this host's clock. Undefined if the issuer did not say. */
  readonly expiresAt: Date | undefined;
  /** The granted scopes. None if they are the requested ones. */
  readonly scopes: readonly string[] | undefined;
}

/** Which tokens {@link Gate.invalidate} forgets. With neither, all. */
export interface TokenFilter {
  /** Those of one user. */
  subject?: string;
  /** Those for one resource, or audience. */
  resource?: string;
}
