// What the entries for each host share: the one file that holds the glue.
export { ConfigError, TokenError } from './errors.js';
export type { TokenErrorKind } from './errors.js';
export { exchangeFor, makeGate } from './gate.js';
