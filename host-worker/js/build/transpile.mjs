import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { transpile as jco } from '@bytecodealliance/jco';
import { outline } from './outline.mjs';
import { generator, syncGlue } from './sync-glue.mjs';

/** The stem of the core modules' names, which `src/worker.ts` and `src/node.ts` import. */
const NAME = 'tollgate-gate';

/**
 * Turns the component into core modules and JavaScript.
 *
 * @param {Uint8Array} component
 * @param {string} scratch where the glue and its types go
 * @returns {Promise<{ script: string, types: string, modules: Map<string, Uint8Array> }>} paths of
 *   the script and of the directory with its types; core modules by file name
 */
export async function transpile(component, scratch) {
  const { files, imports } = await jco(component, {
    name: NAME,
    // Modules come compiled: workerd compiles nothing at run time.
    instantiation: 'sync',
    nodejsCompat: false,
    // A `result` with an error must be told apart from a trap.
    noComponentErrorWrapping: false,
    validLiftingOptimization: true,
    tlaCompat: false,
  });
  const known = ['clock', 'http-client', 'random', 'signatures'].map((name) => `tollgate:auth/${name}`);
  const unknown = imports.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new Error(`The component imports ${unknown.join(', ')}, which the shim does not lend. It must be built for wasm32-unknown-unknown, from the world \`gate\`.`);
  }
  const modules = new Map();
  for (const [name, content] of Object.entries(files)) {
    if (name.endsWith('.wasm')) {
      modules.set(name, content);
      continue;
    }
    const target = path.join(scratch, name);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, name.endsWith('.js') ? outline(syncGlue(new TextDecoder().decode(content)), generator) : content);
  }
  const expected = ['core', 'core2', 'core3'].map((part) => `${NAME}.${part}.wasm`);
  if ([...modules.keys()].sort().join() !== expected.join()) {
    throw new Error(`Expected the core modules ${expected.join(', ')}, got ${[...modules.keys()].join(', ')}: adapt src/worker.ts, src/node.ts and src/bare.ts.`);
  }
  return { script: path.join(scratch, `${NAME}.js`), types: scratch, name: NAME, modules };
}
