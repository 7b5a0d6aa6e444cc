// The package as a user has it: found by name in `node_modules`.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** Where the built package lies. */
export const packagePath = path.resolve(
  process.env.TOLLGATE_NPM ?? path.join(import.meta.dirname, '../../../../target/dist/npm/tollgate'),
);

/** `node_modules` of the workspace, for tools and for types. */
export const tools = path.resolve(import.meta.dirname, '../../../../node_modules');

/** An empty project that depends on the package; removed when the process ends its tests. */
export async function consumer(t, files = {}) {
  const root = await mkdtemp(path.join(tmpdir(), 'tollgate-consumer-'));
  await mkdir(path.join(root, 'node_modules'));
  await symlink(packagePath, path.join(root, 'node_modules', 'tollgate'));
  await writeFile(path.join(root, 'package.json'), '{"private":true,"type":"module"}');
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), text);
  }
  t?.after(() => rm(root, { recursive: true, force: true }));
  return root;
}

let entries;

/** The package's entries for Node, resolved by its exports map. */
export async function load() {
  entries ??= (async () => {
    const root = await consumer(undefined, {
      'main.mjs': "export * from 'tollgate';",
      'verifier.mjs': "export * from 'tollgate/verifier';",
      'bare.mjs': "export * from 'tollgate/bare';",
      'node.mjs': "export * from 'tollgate/node';",
      'signatures.mjs': "export * from 'tollgate/signatures';",
      'keycard.mjs': "export * from 'tollgate/keycard';",
      'issuer.mjs': "export * from 'tollgate/issuer';",
      'oauth-provider.mjs': "export * from 'tollgate/oauth-provider';",
    });
    try {
      return {
        main: await import(pathToFileURL(path.join(root, 'main.mjs'))),
        verifier: await import(pathToFileURL(path.join(root, 'verifier.mjs'))),
        bare: await import(pathToFileURL(path.join(root, 'bare.mjs'))),
        node: await import(pathToFileURL(path.join(root, 'node.mjs'))),
        signatures: await import(pathToFileURL(path.join(root, 'signatures.mjs'))),
        keycard: await import(pathToFileURL(path.join(root, 'keycard.mjs'))),
        issuer: await import(pathToFileURL(path.join(root, 'issuer.mjs'))),
        oauthProvider: await import(pathToFileURL(path.join(root, 'oauth-provider.mjs'))),
      };
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  })();
  return entries;
}
