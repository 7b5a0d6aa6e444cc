// The surface of Keycard's package for Workers, on Tollgate's gate.
export { isAuthError, verifyBearerToken } from './bearer.js';
export { WorkersClientSecret, WorkersWebIdentity, resolveCredential } from './credentials.js';
export {
  BadRequestError,
  HTTPError,
  InsufficientScopeError,
  InvalidTokenError,
  OAuthError,
  TokenExchangeError,
  UnauthorizedError,
} from './errors.js';
export { handleMetadataRequest } from './metadata.js';
export { IsolateSafeTokenCache } from './token-cache.js';
export { TokenExchangeClient } from './token-exchange.js';
export { createKeycardWorker } from './worker.js';

export type { AuthInfo } from './auth-info.js';
export type { BearerAuthOptions } from './bearer.js';
export type { ApplicationCredential, PrepareOptions, WebIdentityOptions } from './credentials.js';
export type { KeycardEnv } from './env.js';
export type { ExchangesTokens } from './foreign-client.js';
export type { MetadataOptions } from './metadata.js';
export type { IsolateSafeTokenCacheOptions } from './token-cache.js';
export type { ClientSecretAuth, TokenExchangeRequest, TokenResponse } from './token-exchange.js';
export type { AuthenticatedFetchHandler, KeycardWorker, KeycardWorkerOptions } from './worker.js';
