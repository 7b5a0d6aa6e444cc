import path from 'node:path';
import { build } from 'esbuild';
import { nameSources } from './source-maps.mjs';

/** The entries, one for each kind of host, beside the shims that they import. */
export const ENTRIES = [
  'worker',
  'node',
  'node-http',
  'bare',
  'verifier-worker',
  'verifier-node',
  'issuer-worker',
  'issuer-node',
  'signatures-worker',
  'signatures-node',
];

/** Bundles the shims, each with the glue of its component, and the entries. */
export async function bundle(here, glue, out) {
  const common = {
    bundle: true,
    minify: true,
    // Node prints the whole line that threw, so minified lines are kept short.
    lineLimit: 160,
    format: 'esm',
    // The syntax that Node 20 and workerd of 2024 support.
    target: 'es2022',
    outdir: out,
    legalComments: 'none',
    // Includes the text of the sources, because the package does not contain them.
    sourcemap: 'linked',
    logLevel: 'error',
    external: [
      './shim.js',
      './verifier-shim.js',
      './issuer-shim.js',
      './signatures.js',
      './store.js',
      './*.wasm',
      'node:fs',
    ],
    tsconfigRaw: {},
  };
  const source = (name) => path.join(here, 'src', `${name}.ts`);
  for (const [shim, { script }] of [
    ['shim', glue.gate],
    ['verifier-shim', glue.verifier],
  ])
    await build({ ...common, entryPoints: [source(shim)], external: [], alias: { '#glue': script } });
  await build({
    ...common,
    entryPoints: [source('signatures')],
    external: [],
    alias: { '#signatures': glue.signatures.script },
  });
  await build({
    ...common,
    entryPoints: [source('issuer-shim')],
    external: ['./store.js'],
    alias: { '#issuer': glue.issuer.script },
  });
  await build({
    ...common,
    entryPoints: ENTRIES.map(source),
  });
  // The error of stores: the issuer and the stores share its class.
  await build({ ...common, entryPoints: [source('store')] });
  // A class of the Worker, and the store that talks to its objects. It needs no component.
  await build({ ...common, entryPoints: [source('durable-object')], external: ['cloudflare:workers', './store.js'] });
  // A drop-in imports the package's entry for its host, as an application does.
  await build({
    ...common,
    entryPoints: [source('keycard/index')],
    outdir: path.join(out, 'keycard'),
    external: ['tollgate', '../shim.js'],
  });
  await build({
    ...common,
    entryPoints: [{ in: source('oauth-provider/index'), out: 'oauth-provider' }],
    external: ['tollgate/issuer', './store.js'],
  });
  await nameSources(here, glue, out);
}
