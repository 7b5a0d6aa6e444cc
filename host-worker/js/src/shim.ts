// What the entries for each host share: the one file that holds the glue.
export { ConfigError } from './config-error.js';
export { makeGate } from './gate.js';
