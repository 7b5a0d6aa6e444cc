import { createGate, type ClientOptions, type Gate, type Token, type TokenGrant } from 'tollgate';
import { withoutSecrets } from './auth-info.js';
import { BadRequestError, OAuthError, errorFor } from './errors.js';
import { NO_ENV } from './gates.js';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** A client id with its secret. */
export interface ClientSecretAuth {
  clientId: string;
  clientSecret: string;
}

/** The parameters of RFC 8693 section 2.1. */
export interface TokenExchangeRequest {
  /** Left out: token exchange, the only grant here. */
  grantType?: string;
  subjectToken: string;
  /** Left out: an access token. */
  subjectTokenType?: string;
  /** RFC 8707: absolute URIs. */
  resource?: string | readonly string[];
  audience?: string | readonly string[];
  /** Scopes, separated by spaces. */
  scope?: string | readonly string[];
  requestedTokenType?: string;
  /** Who acts for the subject. */
  actorToken?: string;
  actorTokenType?: string;
  /** Instead of the client's own authentication (RFC 7523 section 2.2). */
  clientAssertion?: string;
  /** Only `urn:ietf:params:oauth:client-assertion-type:jwt-bearer` is sent. */
  clientAssertionType?: string;
}

/** An issued token. Frozen; logs and JSON leave the secrets out. */
export interface TokenResponse {
  readonly accessToken: string;
  /** `Bearer`, as the issuer spells it. */
  readonly tokenType: string;
  /** Seconds that are left of its life, where the issuer said. */
  readonly expiresIn?: number;
  /** What was granted, where that is not what was asked for. */
  readonly scope?: string[];
  readonly refreshToken?: string;
  readonly issuedTokenType?: string;
}

/** Whom a client asks, and as who; `undefined` for a client of the application's own. */
export let settingsOf: (client: object) => { issuer: string; client: ClientOptions | undefined } | undefined;

/** Asks a zone for tokens: each call is one request, and nothing is kept. */
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
   * @throws OAuthError where the zone refuses; BadRequestError where the request cannot be sent;
   *   TokenExchangeError where there is no usable answer; ConfigError where the client cannot work
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
        'No zone knows a client without a name: give TokenExchangeClient a clientId and its secret, or the request a clientAssertion.',
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
    // With an assertion of the caller's the id is not sent, but a client has one.
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

/** A copy for one caller: what one does to it reaches no other. */
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
