// A Worker in real workerd: bundled by wrangler with a stock configuration, run by Miniflare.
import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { Miniflare, convertV4MiniflareOptions } from 'miniflare';
import { consumer, tools } from './package.mjs';

/** Bundles a Worker whose main module is `src/index.js` (or `.ts`) among `files`. */
export async function bundle(t, files) {
  const main = 'src/index.ts' in files ? 'src/index.ts' : 'src/index.js';
  const root = await consumer(t, {
    'wrangler.jsonc': JSON.stringify({ name: 'test', main, compatibility_date: '2025-10-01' }),
    ...files,
  });
  await promisify(execFile)(
    process.execPath,
    [path.join(tools, 'wrangler/bin/wrangler.js'), 'deploy', '--dry-run', '--outdir', 'dist'],
    {
      cwd: root,
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: 'true' },
    },
  );
  return path.join(root, 'dist');
}

/**
 * Runs a bundle. `fetch` goes through the dispatcher; `url` is the same Worker over HTTP; `kill` ends
 * workerd as a crash would.
 */
export async function run(t, dist, bindings = {}, compatibilityFlags = [], options = {}) {
  const modules = [];
  for (const name of (await readdir(dist)).sort((a) => (a === 'index.js' ? -1 : 1))) {
    const type = name.endsWith('.wasm') ? 'CompiledWasm' : name.endsWith('.js') ? 'ESModule' : undefined;
    if (type === undefined) continue;
    const contents = await readFile(path.join(dist, name));
    modules.push({ type, path: name, contents: type === 'ESModule' ? contents.toString() : contents });
  }
  const logs = [];
  const others = await children();
  const mf = new Miniflare(
    convertV4MiniflareOptions({
      modules,
      modulesRoot: '.',
      compatibilityDate: '2025-10-01',
      compatibilityFlags,
      bindings,
      ...options,
      handleStructuredLogs: ({ message }) => logs.push(message),
    }),
  );
  t.after(() => mf.dispose());
  const url = await mf.ready;
  const started = (await children()).filter((pid) => !others.includes(pid));
  return {
    fetch: (target, init) => mf.dispatchFetch(new URL(target, 'https://mcp.example.com'), init),
    url,
    logs,
    kill() {
      if (process.platform === 'linux' && started.length === 0) throw new Error('There is no workerd to kill.');
      for (const pid of started) process.kill(pid, 'SIGKILL');
      return mf.dispose().catch(() => {});
    },
  };
}

/** The processes that this one has started. Only Linux tells. */
async function children() {
  const list = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8').catch(() => '');
  return list.split(' ').filter(Boolean).map(Number);
}
