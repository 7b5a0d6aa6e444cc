/** This application as an OAuth client: how it requests tokens from its issuer. */
export interface ClientOptions {
  /** The issuer whose token endpoint it uses: one of `issuers`. Default: the first. */
  issuer?: string;
  /** Its `client_id`. Default: `TOLLGATE_CLIENT_ID`. */
  id?: string;
  /** Its secret. Default: `TOLLGATE_CLIENT_SECRET`. */
  secret?: string;
  /**
   * Its private keys, at most 8. The first key signs. The public halves of all keys are served at
   * `/.well-known/jwks.json`. Default: `TOLLGATE_PRIVATE_KEY`, `TOLLGATE_PRIVATE_KEY_NEXT` and
   * `TOLLGATE_PRIVATE_KEY_RETIRED`.
   */
  keys?: readonly (string | ClientKeyOptions)[];
  /**
   * How it authenticates. Default: `private_key_jwt` if there are keys, otherwise
   * `client_secret_basic` if there is a secret. With neither, `none` must be set explicitly.
   */
  authentication?: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none';
  /** `aud` of its assertions. Default: `issuer`. Use `token_endpoint` if the issuer requires it. */
  assertionAudience?: 'issuer' | 'token_endpoint';
  /**
   * The token endpoint. Default: `TOLLGATE_TOKEN_ENDPOINT`, otherwise the `token_endpoint` of the
   * issuer's metadata, which must be on the issuer's origin. A URL that is given here may be on any
   * origin.
   */
  tokenEndpoint?: string;
  /** Origins that {@link Gate.fetchAs} may send tokens to, besides those of their resources. */
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
   * bits, P-256, P-384 or Ed25519. Not encrypted. Or a key that the component cannot read: a key
   * pair of WebCrypto, or one in a key management service.
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
  /** Signs. */
  privateKey: WebCryptoKey;
  /** Is published. */
  publicKey: WebCryptoKey;
}

/** A `CryptoKey`. Not all libraries declare this type. */
export interface WebCryptoKey {
  /** `private` or `public`. */
  readonly type: string;
  /** Whether the key can be exported. */
  readonly extractable: boolean;
  /** The key's algorithm. */
  readonly algorithm: { readonly name: string };
}

/** A private key that is kept elsewhere, such as in a key management service. */
export interface Signer {
  /** The public half. Its `alg` and `kid` are used if the configuration has none. */
  publicJwk: object;
  /**
   * Signs `message` with `algorithm` (`RS256`, `PS256`, `ES256`, `ES384` or `Ed25519`). The
   * signature has the form of a JWS: `r || s` for ECDSA. The timeout is 5 seconds. An exception
   * becomes a `TokenError` of kind `signing-failed`.
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

/** Options of a token request on behalf of a user. */
export interface ExchangeOptions {
  /** Logical names of services (RFC 8693 section 2.1), at most 8. */
  audience?: string | readonly string[];
  /** Default: the issuer decides. */
  scopes?: readonly string[];
  /** A token of the party that acts for the user, if it is not this application. */
  actorToken?: string;
  /** A token type URI. Default: that of an access token. Only with `actorToken`. */
  actorTokenType?: string;
  /**
   * The requested type, as a token type URI. Default: the issuer's choice, usually an access token.
   */
  requestedTokenType?: string;
  /** The type of the user's token, as a token type URI. Default: an access token. */
  subjectTokenType?: string;
}

/** Options of {@link Gate.fetchAs}. */
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
  /** The requested scopes. Default: the issuer decides. */
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

/** Options of {@link Gate.tokenRequest}. */
export interface TokenRequestOptions {
  /** Replaces this client's own authentication (RFC 7523 section 2.2). */
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
  /** When it expires, by this host's clock. Absent if the issuer did not say. */
  readonly expiresAt: Date | undefined;
  /** The granted scopes. None if they are the requested ones. */
  readonly scopes: readonly string[] | undefined;
}

/** The tokens that {@link Gate.invalidate} removes. With neither member, all. */
export interface TokenFilter {
  /** The tokens of one user. */
  subject?: string;
  /** The tokens for one resource or audience. */
  resource?: string;
}
