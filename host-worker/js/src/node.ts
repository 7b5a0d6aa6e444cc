import { readFileSync } from 'node:fs';
import { makeGate } from './shim.js';
import type { Gate, GateOptions } from './types.js';

const compile = (name: string) =>
  new WebAssembly.Module(readFileSync(new URL(`./tollgate-gate.${name}.wasm`, import.meta.url)));

let compiled: { core: WebAssembly.Module; core2: WebAssembly.Module; core3: WebAssembly.Module } | undefined;

const source = {
  modules: () => (compiled ??= { core: compile('core'), core2: compile('core2'), core3: compile('core3') }),
};

/** Creates a gate. See the entry for Workers, which has the same types. */
export function createGate(options?: GateOptions): Gate {
  return makeGate(source, options);
}

export { ConfigError, TokenError } from './shim.js';
