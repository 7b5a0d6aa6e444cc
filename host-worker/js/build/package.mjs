import { copyFile, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

/**
 * Adds the core modules, the manifest, the readme and the licenses. The version and the repository's
 * address are those of the Cargo workspace, which has the only copy of them.
 */
export async function pack(here, glue, out) {
  for (const { modules } of Object.values(glue)) {
    for (const [name, content] of modules) await writeFile(path.join(out, name), content);
  }
  const root = path.join(here, '..', '..');
  const {
    name,
    private: _,
    scripts: __,
    ...rest
  } = JSON.parse(await readFile(path.join(here, 'package.json'), 'utf8'));
  const { version, repository } = await workspacePackage(root);
  const manifest = {
    name,
    version,
    ...rest,
    repository: { type: 'git', url: `git+${repository}.git`, directory: 'host-worker/js' },
  };
  await writeFile(path.join(out, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  await copyFile(path.join(here, 'README.md'), path.join(out, 'README.md'));
  const licenses = (await readdir(root)).filter((name) => name.startsWith('LICENSE'));
  if (licenses.length === 0)
    console.warn('npm package: the repository has no LICENSE file yet, so the package has none either.');
  for (const name of licenses) await copyFile(path.join(root, name), path.join(out, name));
}

/** What `[workspace.package]` in the root's `Cargo.toml` says about every package. */
export async function workspacePackage(root) {
  const cargo = await readFile(path.join(root, 'Cargo.toml'), 'utf8');
  const [, table] = /^\[workspace\.package\]\n(.*?)^\[/ms.exec(cargo) ?? [];
  const value = (key) => {
    const found = new RegExp(`^${key} = "(.+)"$`, 'm').exec(table ?? '');
    if (found === null) throw new Error(`Cargo.toml has no ${key} in [workspace.package].`);
    return found[1];
  };
  return { version: value('version'), repository: value('repository') };
}

/** The files that a Worker with each entry ships, besides those that the application has. */
export const SHIPPED = {
  tollgate: ['worker.js', 'shim.js', ...modulesOf('gate')],
  'tollgate/verifier': ['verifier-worker.js', 'verifier-shim.js', ...modulesOf('verifier')],
  'tollgate/issuer': ['issuer-worker.js', 'issuer-shim.js', 'store.js', ...modulesOf('issuer')],
};

function modulesOf(component) {
  return ['core', 'core2', 'core3'].map((part) => `tollgate-${component}.${part}.wasm`);
}

/** The sizes of these files. */
export async function report(out) {
  const kb = (bytes) => (bytes / 1000).toFixed(1);
  return Promise.all(
    Object.entries(SHIPPED).map(async ([entry, names]) => {
      let [modules, scripts] = [0, 0];
      for (const name of names) {
        const size = gzipSync(await readFile(path.join(out, name)), { level: 9 }).length;
        if (name.endsWith('.wasm')) modules += size;
        else scripts += size;
      }
      return `${entry}: core modules ${kb(modules)} KB gzip, scripts ${kb(scripts)} KB gzip, together ${kb(modules + scripts)} KB`;
    }),
  );
}
