// Exports of `@cloudflare/workers-oauth-provider`: an application changes its import, and nothing else.
// `docs/oauth-provider.md` lists what differs.
export { OAuthProvider, OAuthProvider as default, getOAuthApi } from './provider.js';
export {
  AuthorizationError,
  CimdFetchError,
  ExternalTokenError,
  OAuthError,
  authorizationErrorRedirect,
} from './errors.js';
export type { AuthorizationErrorOptions, ExternalTokenErrorOptions, OAuthErrorOptions } from './errors.js';
export { OAuthAuthorizationServer } from './authorization-server.js';
export { OAuthResourceServer } from './resource-server.js';
export { insufficientScope } from './protected-resource.js';
export { GrantType } from './types.js';
export type * from './types.js';
