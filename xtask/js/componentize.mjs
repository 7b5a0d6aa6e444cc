// Turns a core module with its embedded WIT into a component:
//   node componentize.mjs <module.wasm> <component.wasm>
import { readFile, writeFile } from 'node:fs/promises';
import { componentNew } from '@bytecodealliance/jco';

const [from, to] = process.argv.slice(2);
await writeFile(to, await componentNew(await readFile(from)));
