import { copyFile, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

/** Adds the core modules, the manifest, the readme and the licenses. */
export async function pack(here, glue, out) {
  for (const [name, content] of [...glue.modules, ...glue.signatures.modules])
    await writeFile(path.join(out, name), content);
  const { private: _, scripts: __, ...manifest } = JSON.parse(await readFile(path.join(here, 'package.json'), 'utf8'));
  await writeFile(path.join(out, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  await copyFile(path.join(here, 'README.md'), path.join(out, 'README.md'));
  const root = path.join(here, '..', '..');
  const licenses = (await readdir(root)).filter((name) => name.startsWith('LICENSE'));
  if (licenses.length === 0)
    console.warn('npm package: the repository has no LICENSE file yet, so the package has none either.');
  for (const name of licenses) await copyFile(path.join(root, name), path.join(out, name));
}

/** The files that a Worker ships, with their sizes. */
export async function report(out) {
  let modules = 0;
  let scripts = 0;
  for (const name of await readdir(out)) {
    const module = name.startsWith('tollgate-gate.') && name.endsWith('.wasm');
    if (!module && name !== 'worker.js' && name !== 'shim.js') continue;
    const size = gzipSync(await readFile(path.join(out, name)), { level: 9 }).length;
    if (module) modules += size;
    else scripts += size;
  }
  const kib = (bytes) => (bytes / 1024).toFixed(1);
  return `core modules ${kib(modules)} KiB gzip, scripts ${kib(scripts)} KiB gzip, together ${kib(modules + scripts)} KiB`;
}
