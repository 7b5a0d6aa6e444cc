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

/** Bounds of a cache, and who asks. */
export interface IsolateSafeTokenCacheOptions {
  /** How long before it ends a token is not given out any more, in seconds. Default: 30. */
  skewSeconds?: number;
  /** Default: 1000; 0 keeps nothing. The least recently used go first. */
  maxEntries?: number;
  /** Who asks, where that is not the client. */
  credential?: ApplicationCredential;
}

/**
 * Tokens for users, exchanged once for all who ask for the same at the same time, and kept until
 * they end. What tells them apart is the issuer, the client, the subject, the subject's token and
 * the resource; so one cache serves all users of an isolate.
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
   * A token for `resource` on behalf of a user.
   *
   * @param subject the user: `auth.subject`. Without one it would be everybody's token.
   * @param subjectToken the user's verified token: `auth.token`
   * @throws BadRequestError where there is no subject; else as {@link TokenExchangeClient.exchangeToken}
   */
  async getToken(subject: string, subjectToken: string, resource: string): Promise<TokenResponse> {
    // JavaScript may bring anything; who is nobody, and what is no token, the gate says.
    const user = { subject: textOf(subject), token: textOf(subjectToken) };
    try {
      const token = await exchangeFor(this.#gate, user, resource, undefined, NO_ENV);
      return tokenResponseOf(token);
    } catch (error) {
      throw this.#foreign?.errorBehind(error) ?? errorFor(error);
    }
  }

  /** Forgets tokens: of a subject, for a resource, of a subject for a resource, or all; how many. */
  invalidate(subject?: string, resource?: string): number {
    return this.#gate.invalidate({ subject, resource }, NO_ENV);
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Whom to ask as who, where client and credential do what they do here, and nothing else. */
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
