import { readFileSync } from 'node:fs';
import { makeIssuer } from './issuer-shim.js';
import type { Issuer, IssuerOptions } from './issuer/types.js';

const compile = (name: string) =>
  new WebAssembly.Module(readFileSync(new URL(`./tollgate-issuer.${name}.wasm`, import.meta.url)));

let compiled: { core: WebAssembly.Module; core2: WebAssembly.Module; core3: WebAssembly.Module } | undefined;

const source = {
  modules: () => (compiled ??= { core: compile('core'), core2: compile('core2'), core3: compile('core3') }),
};

/** Creates an issuer. See the entry for Workers, which has the same types. */
export function createIssuer(options: IssuerOptions): Issuer {
  return makeIssuer(source, options);
}

export { ConfigError, IssuerError, TokenRefused, TokenUnavailable } from './issuer-shim.js';
export { memoryStore } from './memory-store.js';
export { StoreError } from './store.js';
