// The entry for hosts and bundlers that load the core modules themselves.
import { makeGate } from './shim.js';
import type { CoreModules as Compiled } from './instance.js';
import type { Gate, GateOptions } from './types.js';

/**
 * The package's three `.wasm` files, each a `WebAssembly.Module`. Not all libraries declare this
 * type.
 */
export interface CoreModules {
  /** `tollgate/tollgate-gate.core.wasm` */
  core: object;
  /** `tollgate/tollgate-gate.core2.wasm` */
  core2: object;
  /** `tollgate/tollgate-gate.core3.wasm` */
  core3: object;
}

let given: CoreModules | undefined;
let instantiate: ((module: any, imports?: any) => any) | undefined;

/**
 * Sets the modules for all gates. Call it before the first request; `createGate` may be called
 * earlier.
 */
export function setModules(modules: CoreModules): void {
  given = modules;
}

/** Replaces `new WebAssembly.Instance(module, imports)`, for tests with a broken component. */
export function setInstantiate(replacement: typeof instantiate): void {
  instantiate = replacement;
}

/** As `createGate` of `tollgate`, with the modules from {@link setModules}. */
export function createGate(options?: GateOptions): Gate {
  return makeGate(
    {
      modules: () => {
        if (given === undefined)
          throw new Error('Call setModules() with the three core modules before the first request.');
        return given as Compiled;
      },
      get instantiate() {
        return instantiate;
      },
    },
    options,
  );
}

export { ConfigError, TokenError } from './shim.js';
export type { TokenErrorKind } from './shim.js';
export type * from './types.js';
