// The Worker's entry: wrangler bundles the npm package and worker-build's output for src/lib.rs,
// which finds the package by this symbol.
import * as tollgate from 'tollgate';

globalThis[Symbol.for('tollgate')] = tollgate;

export * from './build/index.js';
export { default } from './build/index.js';
