import { createGate, type ClientOptions, type Gate } from 'tollgate';
import { exchangeFor } from '../shim.js';
import { WorkersClientSecret, WorkersWebIdentity, clientOf, type ApplicationCredential } from './credentials.js';
import { errorFor } from './errors.js';
import { foreignClient, type ExchangesTokens, type Foreign } from './foreign-client.js';
import { NO_ENV } from './gates.js';
import {
  TokenExchangeClient,
  settingsOf as clientSettingsOf,
  tokenResponseOf,
  type TokenResponse,
} from './token-exchange.js';

/** Options of a cache. */
export interface IsolateSafeTokenCacheOptions {
  /** How long before its expiry a token is no longer returned, in seconds. Default: 30. */
  skewSeconds?: number;
  /**
   * The maximum number of tokens. Default: 1000; 0 disables the cache. The least recently used
   * tokens are evicted first.
   */
  maxEntries?: number;
  /** The credential to use in place of the client's. */
  credential?: ApplicationCredential;
}

/**
 * A cache of exchanged tokens. Concurrent calls for the same token share one exchange. The cache
 * key has the issuer, the client, the subject, the subject's token and the resource, so one cache
 * serves all users of an isolate.
 */
export class IsolateSafeTokenCache {
  readonly #gate: Gate;
  readonly #foreign: Foreign | undefined;

  constructor(client: TokenExchangeClient | ExchangesTokens, options: IsolateSafeTokenCacheOptions = {}) {
    const { skewSeconds = 30, maxEntries = 1000, credential } = options;
    const cache = { skew: skewSeconds, maxEntries };
    const own = settingsOf(client, credential);
    if (own !== undefined) {
      this.#gate = createGate({
        issuers: [{ issuer: own.issuer }],
        resourceFromRequest: true,
        client: { ...own.client, cache },
      });
    } else {
      this.#foreign = foreignClient(client, credential, cache);
      this.#gate = this.#foreign.gate;
    }
  }

  /**
   * Gets a token for `resource` on behalf of a user.
   *
   * @param subject the user: `auth.subject`. It must not be empty.
   * @param subjectToken the user's verified token: `auth.token`
   * @throws BadRequestError if there is no subject; otherwise as {@link TokenExchangeClient.exchangeToken}
   */
  async getToken(subject: string, subjectToken: string, resource: string): Promise<TokenResponse> {
    // The values may have any type in JavaScript. The gate refuses an empty subject or token.
    const user = { subject: textOf(subject), token: textOf(subjectToken) };
    try {
      const token = await exchangeFor(this.#gate, user, resource, undefined, NO_ENV);
      return tokenResponseOf(token);
    } catch (error) {
      throw this.#foreign?.errorBehind(error) ?? errorFor(error);
    }
  }

  /**
   * Removes tokens of a subject, for a resource, of a subject for a resource, or all. Returns how
   * many.
   */
  invalidate(subject?: string, resource?: string): number {
    return this.#gate.invalidate({ subject, resource }, NO_ENV);
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The zone and the credentials to use, if client and credential are this module's own classes. */
function settingsOf(
  client: ExchangesTokens,
  credential: ApplicationCredential | undefined,
): { issuer: string; client: ClientOptions } | undefined {
  const asks =
    client?.exchangeToken === TokenExchangeClient.prototype.exchangeToken ? clientSettingsOf(client) : undefined;
  if (asks === undefined) return undefined;
  const prepares = credential?.prepareTokenExchangeRequest;
  if (prepares === WorkersWebIdentity.prototype.prepareTokenExchangeRequest) {
    const identity = clientOf(credential);
    return identity && { issuer: asks.issuer, client: identity };
  }
  const isOurs = prepares === undefined || prepares === WorkersClientSecret.prototype.prepareTokenExchangeRequest;
  const auth = asks.client ?? secretOf(credential);
  return isOurs && auth !== undefined ? { issuer: asks.issuer, client: auth } : undefined;
}

function secretOf(credential: ApplicationCredential | undefined): ClientOptions | undefined {
  const auth = credential?.getAuth();
  return auth ? { id: auth.clientId, secret: auth.clientSecret } : undefined;
}
