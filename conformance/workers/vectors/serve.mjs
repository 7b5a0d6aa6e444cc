// Answers checks of signatures in Node and in workerd. A line of JSON comes in,
//   { "host": "node" | "workerd", "signatures": "own" | "lent", "checks": […] }
// and one goes out: { "answers": […] } or { "problem": "…" }. Ends when its standard input does.
//
// The glue is made as the npm package's is, from the component with raw exports, and what lends
// WebCrypto is the package's own source.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { Miniflare, convertV4MiniflareOptions } from 'miniflare';
import { GATE, SIGNATURES, transpile } from '../../../host-worker/js/build/transpile.mjs';

const here = import.meta.dirname;
const workspace = path.resolve(here, '../../..');
const compatibilityDate = '2026-11-01';

const scratch = await mkdtemp(path.join(tmpdir(), 'tollgate-vectors-'));
const { hosts, end } = await start(scratch).finally(() => rm(scratch, { recursive: true, force: true }));

for await (const line of createInterface({ input: process.stdin })) {
  const { host, ...request } = JSON.parse(line);
  const response = await hosts[host](request).then(
    (answers) => ({ answers }),
    (error) => ({ problem: String(error?.stack ?? error) }),
  );
  process.stdout.write(`${JSON.stringify(response)}\n`);
}
await end();

async function start(folder) {
  const component = (name) => readFile(path.join(workspace, 'target/dist', `${name}.wasm`));
  const conformance = await transpile(
    await component('tollgate-conformance'),
    { ...GATE, name: 'tollgate-conformance' },
    path.join(folder, 'conformance'),
  );
  const signatures = await transpile(
    await component('tollgate-signatures'),
    SIGNATURES,
    path.join(folder, 'signatures'),
  );
  const common = { bundle: true, format: 'esm', target: 'es2022', outdir: folder, logLevel: 'error', tsconfigRaw: {} };
  await build({
    ...common,
    entryPoints: [path.join(here, 'vectors.js')],
    alias: { '#glue': conformance.script, '#signatures': signatures.script },
  });
  const wasm = new Map([...conformance.modules, ...signatures.modules]);

  const compiled = ({ name, modules }) =>
    Object.fromEntries(
      ['core', 'core2', 'core3'].map((part) => [part, new WebAssembly.Module(modules.get(`${name}.${part}.wasm`))]),
    );
  const bundle = path.join(folder, 'vectors.js');
  const { answering } = await import(pathToFileURL(bundle));
  const node = answering({ conformance: compiled(conformance), signatures: compiled(signatures) });

  const script = async (name, file) => ({
    type: 'ESModule',
    path: path.join(folder, name),
    contents: await readFile(file, 'utf8'),
  });
  const workerd = new Miniflare(
    convertV4MiniflareOptions({
      modules: [
        await script('worker.js', path.join(here, 'worker.js')),
        await script('vectors.js', bundle),
        ...[...wasm].map(([name, contents]) => ({ type: 'CompiledWasm', path: path.join(folder, name), contents })),
      ],
      modulesRoot: folder,
      compatibilityDate,
      handleStructuredLogs: ({ message }) => console.error(message),
    }),
  );
  await workerd.ready;
  return {
    hosts: {
      node,
      async workerd(request) {
        const response = await workerd.dispatchFetch('http://vectors.example/', {
          method: 'POST',
          body: JSON.stringify(request),
        });
        if (!response.ok) throw new Error(`workerd answered ${response.status}: ${await response.text()}`);
        return response.json();
      },
    },
    end: () => workerd.dispose(),
  };
}
