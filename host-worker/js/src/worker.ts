import core from './tollgate-gate.core.wasm';
import core2 from './tollgate-gate.core2.wasm';
import core3 from './tollgate-gate.core3.wasm';
import { makeGate } from './shim.js';
import type { Gate, GateOptions } from './types.js';

const source = { modules: () => ({ core, core2, core3 }) };

/**
 * Makes a gate. Cheap and without I/O, so that it can stand at module level; the component starts
 * with the first request.
 *
 * @throws ConfigError where the options cannot work whatever the environment is.
 */
export function createGate(options?: GateOptions): Gate {
  return makeGate(source, options);
}

export { ConfigError, TokenError } from './shim.js';
export type { TokenErrorKind } from './shim.js';
export type * from './types.js';
