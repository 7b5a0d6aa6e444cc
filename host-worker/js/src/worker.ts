import core from './tollgate-gate.core.wasm';
import core2 from './tollgate-gate.core2.wasm';
import core3 from './tollgate-gate.core3.wasm';
import { makeGate } from './shim.js';
import type { Gate, GateOptions } from './types.js';

const source = { modules: () => ({ core, core2, core3 }) };

/**
 * Creates a gate. It is cheap and needs no I/O, so it can be called at module level. The component
 * starts with the first request.
 *
 * @throws ConfigError if the options are invalid in any environment.
 */
export function createGate(options?: GateOptions): Gate {
  return makeGate(source, options);
}

export { ConfigError, TokenError } from './shim.js';
export type { TokenErrorKind } from './shim.js';
export type * from './types.js';
