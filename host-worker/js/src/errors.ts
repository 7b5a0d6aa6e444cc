// What an application can tell apart by `instanceof`; the declarations of the entries point here.
export { ConfigError } from './config-error.js';
export { TokenError } from './token-error.js';
export type { TokenErrorKind } from './token-error.js';
