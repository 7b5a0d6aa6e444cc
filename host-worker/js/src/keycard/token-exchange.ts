import { createGate, type ClientOptions, type Gate, type Token, type TokenGrant } from 'tollgate';
import { withoutSecrets } from './auth-info.js';
import { BadRequestError, OAuthError, errorFor } from './errors.js';
import { NO_ENV } from './gates.js';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** A client id with its secret. */
export interface ClientSecretAuth {
  /** The client id. */
  clientId: string;
  /** Its secret. */
  clientSecret: string;
}

/** The parameters of RFC 8693 section 2.1. */
export interface TokenExchangeRequest {
  /** Default: token exchange, the only supported grant. */
  grantType?: string;
  /** The token to exchange. */
  subjectToken: string;
  /** Default: an access token. */
  subjectTokenType?: string;
  /** RFC 8707: absolute URIs. */
  resource?: string | readonly string[];
  /** Logical names of services. */
  audience?: string | readonly string[];
  /** Scopes, separated by spaces. */
  scope?: string | readonly string[];
  /** The requested type, as a token type URI. */
  requestedTokenType?: string;
  /** A token of the party that acts for the subject. */
  actorToken?: string;
  /** The type of `actorToken`, as a token type URI. */
  actorTokenType?: string;
  /** Replaces the client's own authentication (RFC 7523 section 2.2). */
  clientAssertion?: string;
  /** Only `urn:ietf:params:oauth:client-assertion-type:jwt-bearer` is supported. */
  clientAssertionType?: string;
}

/** An issued token. Frozen; logs and JSON leave the secrets out. */
export interface TokenResponse {
  /** The token. */
  readonly accessToken: string;
  /** `Bearer`, as the issuer spells it. */
  readonly tokenType: string;
  /** The remaining lifetime in seconds, if the issuer said. */
  readonly expiresIn?: number;
  /** The granted scopes, if they differ from the requested ones. */
  readonly scope?: string[];
  /** A refresh token, if the zone issued one. */
  readonly refreshToken?: string;
  /** The type of the token, as a token type URI. */
  readonly issuedTokenType?: string;
}

/** The zone and the credentials of a client. `undefined` for the application's own client. */
export let settingsOf: (client: object) => { issuer: string; client: ClientOptions | undefined } | undefined;

/** Requests tokens from a zone. Each call is one request, and nothing is cached. */
export class TokenExchangeClient {
  readonly #issuer: string;
  readonly #auth: Partial<ClientSecretAuth>;
  #made: Gate | undefined;

  constructor(issuerUrl: string, options: Partial<ClientSecretAuth> = {}) {
    this.#issuer = issuerUrl;
    this.#auth = { clientId: options.clientId, clientSecret: options.clientSecret };
  }

  /**
   * Exchanges a token.
   *
   * @throws OAuthError if the zone refuses; BadRequestError if the request cannot be sent;
   *   TokenExchangeError if there is no usable response; ConfigError if the client is invalid
   */
  async exchangeToken(request: TokenExchangeRequest): Promise<TokenResponse> {
    const {
      grantType,
      subjectToken,
      subjectTokenType,
      actorToken,
      actorTokenType,
      requestedTokenType,
      clientAssertion,
    } = request;
    if (grantType !== undefined && grantType !== TOKEN_EXCHANGE) {
      throw new BadRequestError('exchangeToken() always uses token exchange: remove `grantType`.');
    }
    if (!this.#auth.clientId && !clientAssertion) {
      throw new OAuthError(
        'invalid_client',
        'The client has no id: give TokenExchangeClient a clientId and its secret, or the request a clientAssertion.',
      );
    }
    const grant: TokenGrant = {
      type: 'token-exchange',
      subjectToken,
      subjectTokenType,
      actorToken: actorToken || undefined,
      actorTokenType: actorTokenType || undefined,
    };
    const target = {
      resource: request.resource || [],
      audience: request.audience || [],
      scopes:
        typeof request.scope === 'string' ? request.scope.split(' ').filter((scope) => scope !== '') : request.scope,
      requestedTokenType: requestedTokenType || undefined,
    };
    try {
      return tokenResponseOf(
        await this.#gate().tokenRequest(grant, target, { clientAssertion: clientAssertion || undefined }, NO_ENV),
      );
    } catch (error) {
      throw errorFor(error);
    }
  }

  #gate(): Gate {
    // With the caller's assertion, the id is not sent, but a client must have one.
    this.#made ??= createGate({
      issuers: [{ issuer: this.#issuer }],
      resourceFromRequest: true,
      client: this.#client() ?? { id: 'by-assertion', authentication: 'none' },
    });
    return this.#made;
  }

  #client(): ClientOptions | undefined {
    const { clientId, clientSecret } = this.#auth;
    if (!clientId) return undefined;
    return clientSecret ? { id: clientId, secret: clientSecret } : { id: clientId, authentication: 'none' };
  }

  static {
    settingsOf = (client) => (#auth in client ? { issuer: client.#issuer, client: client.#client() } : undefined);
  }
}

/** A copy for one caller, so that changes to it affect no other caller. */
export function tokenResponseOf(token: Token): TokenResponse {
  const { accessToken, tokenType, expiresAt, scopes, refreshToken, issuedTokenType } = token;
  const response: TokenResponse = {
    accessToken,
    tokenType,
    ...(expiresAt !== undefined && { expiresIn: Math.max(0, Math.floor((Number(expiresAt) - Date.now()) / 1000)) }),
    ...(scopes !== undefined && { scope: Object.freeze([...scopes]) as string[] }),
    ...(refreshToken !== undefined && { refreshToken }),
    ...(issuedTokenType !== undefined && { issuedTokenType }),
  };
  return Object.freeze(withoutSecrets(response, 'accessToken', 'refreshToken'));
}
