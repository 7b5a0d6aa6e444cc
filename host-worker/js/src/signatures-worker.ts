import core from './tollgate-signatures.core.wasm';
import core2 from './tollgate-signatures.core2.wasm';
import core3 from './tollgate-signatures.core3.wasm';
import { provider } from './signatures.js';

/**
 * All signature algorithms in WebAssembly, for runtimes that lack some: `createGate({ signatures })`.
 * Slower than WebCrypto. Private keys that the runtime holds cannot be used with it.
 */
export const signatures: object = provider(() => ({ core, core2, core3 }));
