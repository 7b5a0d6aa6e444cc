// Runs a Worker of this folder in workerd: `serve.mjs js` or `serve.mjs rust`. Bundled by wrangler
// like a deployment. Prints its address, and ends when its standard input is closed.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Miniflare, convertV4MiniflareOptions } from 'miniflare';
import { buildTools } from '../../host-worker/examples/test/support/build-tools.mjs';

const workspace = path.resolve(import.meta.dirname, '../..');
const folder = path.join(import.meta.dirname, process.argv[2]);
const npmPackage = path.resolve(process.env.TOLLGATE_NPM ?? path.join(workspace, 'target/dist/npm/tollgate'));
const compatibilityDate = '2026-11-01';

const link = path.join(import.meta.dirname, 'node_modules/tollgate');
await mkdir(path.dirname(link), { recursive: true });
await rm(link, { recursive: true, force: true });
await symlink(npmPackage, link);

const dist = await mkdtemp(path.join(tmpdir(), 'tollgate-conformance-'));
try {
  const wrangler = path.join(workspace, 'node_modules/wrangler/bin/wrangler.js');
  await promisify(execFile)(process.execPath, [wrangler, 'deploy', '--dry-run', '--outdir', dist], {
    cwd: folder,
    env: { ...process.env, ...buildTools(), WRANGLER_SEND_METRICS: 'false', CI: 'true' },
    maxBuffer: 64 * 1024 * 1024,
  });
} catch (error) {
  console.error(error.stdout, error.stderr);
  process.exit(1);
}

const types = { '.js': 'ESModule', '.wasm': 'CompiledWasm' };
const names = (await readdir(dist)).filter((name) => path.extname(name) in types);
// The only script is the entry, and comes first.
names.sort((a, b) => Number(b.endsWith('.js')) - Number(a.endsWith('.js')));
const modules = await Promise.all(
  names.map(async (name) => {
    const type = types[path.extname(name)];
    const contents = await readFile(path.join(dist, name));
    return { type, path: path.join(dist, name), contents: type === 'ESModule' ? contents.toString() : contents };
  }),
);
await rm(dist, { recursive: true, force: true });

const mf = new Miniflare(
  convertV4MiniflareOptions({
    modules,
    modulesRoot: dist,
    compatibilityDate,
    host: '127.0.0.1',
    port: 0,
    handleStructuredLogs: ({ message }) => console.error(message),
  }),
);
const url = await mf.ready;
console.log(`listening on ${url.host}`);

process.stdin.resume();
process.stdin.on('close', async () => {
  await mf.dispose();
  process.exit(0);
});
