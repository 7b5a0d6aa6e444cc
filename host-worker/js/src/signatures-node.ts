import { readFileSync } from 'node:fs';
import { provider } from './signatures.js';

const compile = (name: string) =>
  new WebAssembly.Module(readFileSync(new URL(`./tollgate-signatures.${name}.wasm`, import.meta.url)));

/** See the entry for Workers. */
export const signatures: object = provider(() => ({
  core: compile('core'),
  core2: compile('core2'),
  core3: compile('core3'),
}));
