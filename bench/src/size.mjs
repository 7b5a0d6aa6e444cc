// The size of a Worker.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { SHIPPED } from '../../host-worker/js/build/package.mjs';

/** Bytes of a bundle's modules, each compressed separately with `gzip -9`. */
export function gzipBytes(modules) {
  return modules.reduce((sum, { js, wasm }) => sum + gzipSync(js ?? wasm, { level: 9 }).length, 0);
}

/**
 * Size of the package's files that a Worker with each entry uses, and of jose in a bundle, in KB of
 * 1,024 bytes.
 */
export async function measureSizes(npm, joseBundle) {
  const peer = gzipBytes(joseBundle) / 1024;
  const size = async (names) => {
    const modules = await Promise.all(names.map(async (name) => ({ wasm: await readFile(path.join(npm, name)) })));
    return gzipBytes(modules) / 1024;
  };
  return [
    { name: 'gzip-kb', unit: 'KB', ours: await size(SHIPPED['tollgate/verifier']), peer },
    { name: 'gzip-kb-with-client', unit: 'KB', ours: await size(SHIPPED.tollgate), peer },
  ];
}
