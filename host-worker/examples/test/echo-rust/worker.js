// The Worker's entry. wrangler bundles the npm package, with the component in it, and what
// worker-build made of src/lib.rs, which finds the package by this symbol.
import * as tollgate from 'tollgate';

globalThis[Symbol.for('tollgate')] = tollgate;

export * from './build/index.js';
export { default } from './build/index.js';
