import path from 'node:path';
import { build } from 'esbuild';
import { nameSources } from './source-maps.mjs';

/** Bundles the shim with the glue, and beside it one small entry per kind of host. */
export async function bundle(here, glue, out) {
  const common = {
    bundle: true,
    minify: true,
    // Node shows the whole line that threw, also of a ConfigError.
    lineLimit: 160,
    format: 'esm',
    // What Node 20 and workerd of 2024 understand.
    target: 'es2022',
    outdir: out,
    legalComments: 'none',
    // With the text of the sources: the package has none of them beside it.
    sourcemap: 'linked',
    logLevel: 'error',
    external: ['./shim.js', './signatures.js', './*.wasm', 'node:fs'],
    tsconfigRaw: {},
  };
  const source = (name) => path.join(here, 'src', `${name}.ts`);
  await build({ ...common, entryPoints: [source('shim')], external: [], alias: { '#glue': glue.script } });
  await build({
    ...common,
    entryPoints: [source('signatures')],
    external: [],
    alias: { '#signatures': glue.signatures.script },
  });
  await build({
    ...common,
    entryPoints: ['worker', 'node', 'node-http', 'bare', 'signatures-worker', 'signatures-node'].map(source),
  });
  // A drop-in stands on the package's entry for its host, as an application does.
  await build({
    ...common,
    entryPoints: [source('keycard/index')],
    outdir: path.join(out, 'keycard'),
    external: ['tollgate', '../shim.js'],
  });
  await nameSources(here, glue, out);
}
