// The module that the entries `tollgate/verifier` of all hosts share. It contains the glue of a
// component without a token client.
export { ConfigError } from './config-error.js';
export { makeVerifyingGate } from './gate.js';
