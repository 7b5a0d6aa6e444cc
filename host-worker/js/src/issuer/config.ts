// The configuration of an issuer: the options of `Config` in the component, which checks them and has
// the defaults.

/** A grant type (RFC 6749 section 1.3, RFC 8693, RFC 7523). */
export type GrantType =
  | 'authorization_code'
  | 'refresh_token'
  | 'client_credentials'
  | 'urn:ietf:params:oauth:grant-type:token-exchange'
  | 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** How a client authenticates (RFC 7591 section 2). `client_secret`: by either secret method. */
export type ClientAuthentication =
  | 'none'
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'client_secret'
  | 'private_key_jwt';

/** The configuration of an issuer. An unknown name or a wrong value is a `ConfigError`. */
export interface IssuerConfig {
  /**
   * The issuer identifier (RFC 8414 section 2), such as `https://auth.example.com`: the origin of this
   * server, perhaps with a path.
   */
  issuer: string;
  /**
   * Secrets of this deployment, of at least 32 random bytes in any encoding, such as the output of
   * `openssl rand -base64 32`. The first is in use; those behind it are former ones. Whoever loses
   * them loses what is stored.
   */
  secrets: readonly string[];
  /** Scopes that the server has. Default: any scope that the application approves. */
  scopes?: readonly string[];
  /**
   * Resources that tokens are issued for (RFC 8707). The first is that of requests that name none.
   * Default: the origin of the issuer.
   */
  resources?: readonly string[];
  /** Paths of the endpoints. */
  endpoints?: EndpointsConfig;
  /**
   * The form of access tokens. `jwt`: signed, and verified without the store (RFC 9068); it stays valid
   * until it expires, except at the issuer's own routes. `opaque`: a random text, checked in the store
   * each time. Default: `jwt`.
   */
  accessToken?: 'jwt' | 'opaque';
  /** The lifetime of access tokens in seconds. Default: 3600. */
  accessTokenLifetime?: number;
  /**
   * The lifetime of a grant in seconds, however often it is refreshed. 0: no refresh tokens. Default:
   * 30 days.
   */
  refreshTokenLifetime?: number;
  /** A grant also ends when it was not refreshed for so many seconds. Default: no such limit. */
  refreshTokenIdleLifetime?: number;
  /**
   * How long a refresh token that was replaced gives the same answer again, in seconds. After that, its
   * use revokes the grant. At most 600, and at most half of the lifetime of access tokens. Default: 60,
   * or that half.
   */
  refreshGrace?: number;
  /**
   * The lifetime of authorization codes in seconds, at most 600 (RFC 6749 section 4.1.2). Default: 60.
   */
  codeLifetime?: number;
  /**
   * Whether clients that authenticate may leave out the code challenge (RFC 7636). Default: no.
   */
  confidentialClientsMayOmitPkce?: boolean;
  /**
   * How users sign in, and consent on this server's own pages. Default: the application has pages of its
   * own, and answers requests to the authorization endpoint itself.
   */
  signIn?: SignInConfig;
  /** What the pages look like and say. */
  pages?: PagesConfig;
  /** Dynamic registration of clients (RFC 7591). Default: none. */
  registration?: RegistrationConfig;
  /**
   * Clients whose id is the URL of their metadata (client ID metadata documents). On Workers, set the
   * compatibility flag `global_fetch_strictly_public` too. Default: none.
   */
  metadataDocuments?: MetadataDocumentsConfig;
  /**
   * Accept redirect URIs with private-use schemes, such as `com.example.app:/callback` or
   * `cursor://callback` (RFC 8252 section 7.1). Any application on a device can claim such a scheme, so only
   * PKCE protects the code. Default: no.
   */
  privateUseRedirectUris?: boolean;
  /** Clients that are known from the start. */
  clients?: readonly ClientConfig[];
}

/** Dynamic registration of clients (RFC 7591): either `open`, or with `initialAccessTokens`. */
export interface RegistrationConfig {
  /** Anybody may register clients. */
  open?: boolean;
  /**
   * Who presents one of these tokens as a bearer token may (RFC 7591 section 3): at least 16 characters
   * each.
   */
  initialAccessTokens?: readonly string[];
  /**
   * How long a registration is valid, in seconds. It is renewed when the client uses it with less than half
   * of that left. 0: without end. Default: 90 days.
   */
  lifetime?: number;
  /** The longest request, in bytes: at most 131072. Default: 65536. */
  maxBodyBytes?: number;
  /** Registrations per hour, for all clients together. Default: 1000. */
  maxPerHour?: number;
  /** Grant types that may be registered. Default: `authorization_code` and `refresh_token`. */
  grantTypes?: readonly GrantType[];
  /**
   * Authentication methods that may be registered. Without `none`, public clients cannot register.
   * Default: all.
   */
  authentication?: readonly ClientAuthentication[];
  /** Scopes that registered clients may have. Default: all of the server's. */
  scopes?: readonly string[];
}

/**
 * Client ID metadata documents. The server fetches them from hosts that strangers choose: addresses and
 * names of local networks are refused, and redirects are not followed. What a name resolves to, only the
 * runtime knows.
 */
export interface MetadataDocumentsConfig {
  /** The hosts whose documents are accepted, such as `claude.ai`. Default: any. */
  hosts?: readonly string[];
  /** Accept a `client_id` with a query. Default: no. */
  queries?: boolean;
  /** Grant types that these clients may have. Default: `authorization_code` and `refresh_token`. */
  grantTypes?: readonly GrantType[];
  /** Scopes that these clients may have. Default: all of the server's. */
  scopes?: readonly string[];
}

/** Paths below the issuer's own path, each beginning with `/`. */
export interface EndpointsConfig {
  /** Default: `/authorize`. */
  authorization?: string;
  /** Default: `/token`. */
  token?: string;
  /** Default: `/revoke`. */
  revocation?: string;
  /** Default: `/introspect`. */
  introspection?: string;
  /** Default: `/register`. */
  registration?: string;
  /** Default: `/jwks`. */
  keys?: string;
  /**
   * Where identity providers send users back: `<callback>/<id of the provider>`. Default: `/callback`.
   */
  callback?: string;
  /** The choice of a way to sign in. Default: `/sign-in`. */
  signIn?: string;
  /** The user's decision. Default: `/consent`. */
  consent?: string;
}

/** How users sign in. If there are several ways, the user chooses. */
export interface SignInConfig {
  /** Identity providers. */
  providers?: readonly ProviderConfig[];
  /** A reverse proxy that has signed the user in. */
  trustedHeader?: TrustedHeaderConfig;
  /**
   * Users that anybody can choose, without a password. Only while the issuer is on a loopback address.
   */
  developmentUsers?: readonly string[];
  /**
   * How long consent is remembered, in seconds: the user is not asked again by the same client with the
   * same redirect URI, for the same or fewer scopes and resources. Where the answer goes to a program on
   * the user's device, the user is always asked. Default: not at all.
   */
  rememberConsent?: number;
}

/**
 * An identity provider. With OpenID Connect, set `issuer`; with OAuth, as GitHub's, set
 * `authorizationEndpoint`, `tokenEndpoint` and `userEndpoint`.
 */
export interface ProviderConfig {
  /**
   * Lower-case letters, digits and `-`: the last part of the redirect URI to register at the provider,
   * `<issuer>/callback/<id>`.
   */
  id: string;
  /** The name that people see. Default: the id. */
  name?: string;
  /**
   * OpenID Connect: the exact issuer identifier, for discovery. OAuth: its `iss` in authorization
   * responses (RFC 9207), if it sends one.
   */
  issuer?: string;
  /**
   * Whether the endpoints and keys may be on other origins than `issuer`, as Google's are. Default: no.
   */
  crossOrigin?: boolean;
  /** OAuth: the authorization endpoint. */
  authorizationEndpoint?: string;
  /** OAuth: the token endpoint. */
  tokenEndpoint?: string;
  /** OAuth: answers a `GET` with the access token by a JSON object about the user. */
  userEndpoint?: string;
  /** The `client_id` of this server there. */
  clientId: string;
  /** The secret of this server there. Default: none, a public client. */
  clientSecret?: string;
  /** Scopes to ask for. Default: `openid email profile` with OpenID, otherwise none. */
  scopes?: readonly string[];
  /** More parameters of the authorization request, such as `{ access_type: 'offline' }`. */
  parameters?: Readonly<Record<string, string>>;
  /**
   * The claim or member that is the user's id. Default: `sub` with OpenID, otherwise `id`. Whatever it
   * is, it must never be given to another person.
   */
  userId?: string;
  /**
   * Stands before the user's id, with a colon. With several ways to sign in, each must have one, so that
   * no two users have one id. Default: none.
   */
  userIdPrefix?: string;
  /** Whom to admit: every rule must hold. */
  rules?: readonly ClaimRuleConfig[];
  /**
   * Admit only users with a verified e-mail address in one of these domains. Default: any.
   */
  emailDomains?: readonly string[];
  /** Whether to trust e-mail addresses without `email_verified`. Default: no. */
  unverifiedEmail?: boolean;
  /** Claims that the application gets in the props of grants. Default: `email` and `name`. */
  claims?: readonly string[];
}

/** A claim must have one of some values. */
export interface ClaimRuleConfig {
  /** Its name, such as `tid`, `hd` or `groups`. */
  claim: string;
  /** A text, or a list of which one must be among them. */
  values: readonly string[];
}

/** A header that a reverse proxy sets. */
export interface TrustedHeaderConfig {
  /**
   * The header with the user's id, such as `x-forwarded-user`. The proxy must remove it from what
   * clients send.
   */
  header: string;
  /** A header whose value only the proxy knows. */
  secretHeader?: string;
  /** The value of `secretHeader`. */
  secret?: string;
  /**
   * You state that nobody but the proxy can reach this server. Required without `secret`.
   */
  onlyProxyReachesServer?: boolean;
  /** See {@link ProviderConfig.userIdPrefix}. */
  userIdPrefix?: string;
}

/** The look and the texts of the pages. */
export interface PagesConfig {
  /** The name of this server, for people. Default: the host of the issuer. */
  name?: string;
  /**
   * Variables of the style sheet: `accent`, `accent-text`, `background`, `border`, `font`, `muted`,
   * `radius`, `surface` and `text`, with their values.
   */
  theme?: Readonly<Record<string, string>>;
  /** Languages other than English, and changes to the English texts. The browser chooses. */
  languages?: readonly LanguageConfig[];
}

/** A language of the pages. What it leaves out is in English. */
export interface LanguageConfig {
  /** Its tag, such as `de` or `pt-BR` (RFC 5646). `en` changes the English texts. */
  tag: string;
  /** Messages by their names. */
  messages?: Readonly<Record<string, string>>;
  /** What a scope allows, as the end of the sentence “The app will be able to …”. */
  scopes?: Readonly<Record<string, string>>;
}

/** A client in the configuration. */
export interface ClientConfig {
  /** `client_id` */
  id: string;
  /** Its secrets. Several, so that they can be replaced one after the other. */
  secrets?: readonly string[];
  /** Its public keys, as a JWK Set in JSON. */
  jwks?: string;
  /** Where its public keys are. */
  jwksUri?: string;
  /**
   * Default: `private_key_jwt` with keys, either secret method with secrets, otherwise none.
   */
  authentication?: ClientAuthentication;
  /** Default: `authorization_code`. */
  grantTypes?: readonly GrantType[];
  /** Exact redirect URIs. One on a loopback address fits any port (RFC 8252 section 7.3). */
  redirectUris?: readonly string[];
  /** The scopes that it may have. Default: all. */
  scopes?: readonly string[];
  /** Resources that it serves: it may introspect their tokens (RFC 7662). Default: none. */
  serves?: readonly string[];
  /**
   * Whether it may exchange access tokens that were issued to other clients (RFC 8693). Default: no.
   */
  exchangesTokensOfOthers?: boolean;
  /** The name that people see. */
  name?: string;
}
