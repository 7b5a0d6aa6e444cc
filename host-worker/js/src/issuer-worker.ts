import core from './tollgate-issuer.core.wasm';
import core2 from './tollgate-issuer.core2.wasm';
import core3 from './tollgate-issuer.core3.wasm';
import { makeIssuer } from './issuer-shim.js';
import type { Issuer, IssuerOptions } from './issuer/types.js';

const source = { modules: () => ({ core, core2, core3 }) };

/**
 * Creates an issuer: an OAuth 2.1 authorization server. It is cheap and needs no I/O. The component
 * starts with the first request; create an issuer once for each configuration and store, not in each
 * request.
 *
 * @throws ConfigError if the options are not of the right types. What is wrong with their values,
 *   `check()` throws; `fetch` logs it and answers 500.
 */
export function createIssuer(options: IssuerOptions): Issuer {
  return makeIssuer(source, options);
}

export { ConfigError, IssuerError, TokenRefused, TokenUnavailable } from './issuer-shim.js';
export type * from './issuer/types.js';
export { memoryStore } from './memory-store.js';
export { StoreError } from './store.js';
export type { Store, StoreChanges, StoreCondition, StoreErrorKind, StorePage, StoredRecord } from './store.js';
