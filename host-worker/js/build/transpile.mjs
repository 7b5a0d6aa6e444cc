import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { transpile as jco } from '@bytecodealliance/jco';
import { outline } from './outline.mjs';
import { generator, syncGlue } from './sync-glue.mjs';

/** The components, by the stem of their core modules' names, which the entries import. */
export const GATE = {
  name: 'tollgate-gate',
  imports: ['clock', 'http-client', 'random', 'signatures'],
  // WebCrypto copies what it is given before it returns, and so does the signatures component.
  views: ['verify'],
};
export const VERIFIER = {
  name: 'tollgate-verifier',
  imports: GATE.imports,
};
export const ISSUER = {
  name: 'tollgate-issuer',
  imports: [...GATE.imports, 'hooks', 'store'],
};
export const SIGNATURES = {
  name: 'tollgate-signatures',
  imports: ['random'],
};

/**
 * Turns a component into core modules and JavaScript.
 *
 * @param {Uint8Array} component
 * @param {{ name: string, imports: string[], views?: string[] }} which
 * @param {string} scratch where the glue and its types go
 * @returns {Promise<{ script: string, types: string, name: string, modules: Map<string, Uint8Array> }>}
 *   paths of the script and of the directory with its types; core modules by file name
 */
export async function transpile(component, { name, imports: lent, views }, scratch) {
  const { files, imports } = await jco(component, {
    name,
    // Modules come compiled: workerd compiles nothing at run time.
    instantiation: 'sync',
    nodejsCompat: false,
    // A `result` with an error must be told apart from a trap.
    noComponentErrorWrapping: false,
    validLiftingOptimization: true,
    tlaCompat: false,
  });
  const known = lent.map((one) => `tollgate:auth/${one}`);
  const unknown = imports.filter((one) => !known.includes(one));
  if (unknown.length > 0) {
    throw new Error(
      `The component imports ${unknown.join(', ')}, which the shim does not lend. It must be built for wasm32-unknown-unknown, from the contract in wit/.`,
    );
  }
  const modules = new Map();
  for (const [file, content] of Object.entries(files)) {
    if (file.endsWith('.wasm')) {
      modules.set(file, content);
      continue;
    }
    const target = path.join(scratch, file);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(
      target,
      file.endsWith('.js') ? outline(syncGlue(new TextDecoder().decode(content), views), generator) : content,
    );
  }
  const expected = ['core', 'core2', 'core3'].map((part) => `${name}.${part}.wasm`);
  if ([...modules.keys()].sort().join() !== expected.join()) {
    throw new Error(
      `Expected the core modules ${expected.join(', ')}, got ${[...modules.keys()].join(', ')}: adapt the entries in src/.`,
    );
  }
  return { script: path.join(scratch, `${name}.js`), types: scratch, name, modules };
}
