import { readFileSync } from 'node:fs';
import { makeVerifyingGate } from './verifier-shim.js';
import type { VerifyingGate, VerifyingGateOptions } from './types.js';

const compile = (name: string) =>
  new WebAssembly.Module(readFileSync(new URL(`./tollgate-verifier.${name}.wasm`, import.meta.url)));

let compiled: { core: WebAssembly.Module; core2: WebAssembly.Module; core3: WebAssembly.Module } | undefined;

const source = {
  modules: () => (compiled ??= { core: compile('core'), core2: compile('core2'), core3: compile('core3') }),
};

/** Creates a gate. See the entry for Workers, which has the same types. */
export function createGate(options?: VerifyingGateOptions): VerifyingGate {
  return makeVerifyingGate(source, options);
}

export { ConfigError } from './verifier-shim.js';
