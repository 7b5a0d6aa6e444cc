// The size of a Worker.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

/** Bytes of a bundle's modules, each compressed separately with `gzip -9`. */
export function gzipBytes(modules) {
  return modules.reduce((sum, { js, wasm }) => sum + gzipSync(js ?? wasm, { level: 9 }).length, 0);
}

/** Size of the package's files that a Worker uses, and of jose in a bundle, in KB of 1,024 bytes. */
export async function measureSize(npm, joseBundle) {
  const files = [
    'worker.js',
    'shim.js',
    'tollgate-gate.core.wasm',
    'tollgate-gate.core2.wasm',
    'tollgate-gate.core3.wasm',
  ];
  const modules = await Promise.all(files.map(async (name) => ({ wasm: await readFile(path.join(npm, name)) })));
  return { name: 'gzip-kb', unit: 'KB', ours: gzipBytes(modules) / 1024, peer: gzipBytes(joseBundle) / 1024 };
}
