// The module that the entries of all hosts share. It contains the glue.
export { ConfigError, TokenError } from './errors.js';
export type { TokenErrorKind } from './errors.js';
export { exchangeFor, makeGate } from './client-gate.js';
