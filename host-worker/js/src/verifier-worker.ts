import core from './tollgate-verifier.core.wasm';
import core2 from './tollgate-verifier.core2.wasm';
import core3 from './tollgate-verifier.core3.wasm';
import { makeVerifyingGate } from './verifier-shim.js';
import type { VerifyingGate, VerifyingGateOptions } from './types.js';

const source = { modules: () => ({ core, core2, core3 }) };

/**
 * Creates a gate that verifies tokens and requests none, for Workers that are no OAuth client. It
 * is the gate of `tollgate` without its client, in a smaller Worker that starts faster.
 *
 * A client in the options or in the environment is an error.
 *
 * @throws ConfigError if the options are invalid in any environment.
 */
export function createGate(options?: VerifyingGateOptions): VerifyingGate {
  return makeVerifyingGate(source, options);
}

export { ConfigError } from './verifier-shim.js';
export type { VerifyingGate as Gate, VerifyingGateOptions as GateOptions } from './types.js';
export type {
  Actor,
  Authenticated,
  Claims,
  CorsOptions,
  Demands,
  Handler,
  Identity,
  IssuerOptions,
  Json,
  KeyOptions,
  MaybePromise,
  MetadataOptions,
  ProtectedWorker,
  Refusal,
  Refused,
  RouteOptions,
  TokenCacheOptions,
  WaitUntil,
} from './types.js';
