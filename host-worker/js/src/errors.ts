// The classes that an application can check with `instanceof`. The entries' declarations refer to
// this file.
export { ConfigError } from './config-error.js';
export { TokenError } from './token-error.js';
export type { TokenErrorKind } from './token-error.js';
