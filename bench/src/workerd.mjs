// Bundles Workers and runs them in workerd.
import { mkdtemp, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { Miniflare, convertV4MiniflareOptions } from 'miniflare';

const workers = path.join(import.meta.dirname, '../worker');
const date = '2025-10-01';

/**
 * Bundles `worker/<name>.js` as wrangler would, with the package resolved by its name.
 *
 * @param {string} npm folder of the package `tollgate`
 * @param {object} [settings] the Worker's `SETTINGS`
 * @returns {Promise<{ name: string, js?: string, wasm?: Buffer }[]>} the main module comes first
 */
export async function bundle(name, npm, settings) {
  const scratch = await mkdtemp(path.join(tmpdir(), 'tollgate-bench-'));
  try {
    await mkdir(path.join(scratch, 'node_modules'));
    await symlink(path.resolve(npm), path.join(scratch, 'node_modules/tollgate'));
    const found = [];
    await build({
      entryPoints: [path.join(workers, `${name}.js`)],
      bundle: true,
      minify: true,
      format: 'esm',
      target: 'es2022',
      outdir: scratch,
      conditions: ['workerd', 'worker', 'browser'],
      nodePaths: [path.join(scratch, 'node_modules')],
      define: settings === undefined ? {} : { SETTINGS: JSON.stringify(settings) },
      logLevel: 'error',
      plugins: [
        {
          name: 'compiled modules',
          setup(hooks) {
            hooks.onResolve({ filter: /\.wasm$/ }, ({ path: file, resolveDir }) => {
              found.push(path.join(resolveDir, file));
              return { path: `./${path.basename(file)}`, external: true };
            });
          },
        },
      ],
    });
    const modules = [{ name: 'index.js', js: await readFile(path.join(scratch, `${name}.js`), 'utf8') }];
    for (const file of found) modules.push({ name: path.basename(file), wasm: await readFile(file) });
    return modules;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Starts a bundle in a workerd of its own.
 *
 * @returns {Promise<{ url: URL, request: Function, close: () => Promise<void> }>} `request` goes
 *   uses one kept connection; it resolves with the body, and throws if the status is not 200
 */
export async function start(modules, { bindings, loaders, bundles } = {}) {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: modules.map(({ name, js, wasm }) =>
        js === undefined
          ? { type: 'CompiledWasm', path: name, contents: wasm }
          : { type: 'ESModule', path: name, contents: js },
      ),
      modulesRoot: '.',
      compatibilityDate: date,
      bindings,
      ...(loaders && { workerLoaders: { LOADER: {} } }),
      ...(bundles && {
        serviceBindings: { BUNDLES: (request) => new Response(bundles[new URL(request.url).pathname.slice(1)]) },
      }),
    }),
  );
  const url = await miniflare.ready;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  return {
    url,
    request: (target, body) => exchange(new URL(target, url), agent, body),
    async close() {
      agent.destroy();
      await miniflare.dispose();
    },
  };
}

function exchange(url, agent, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { agent, method: body === undefined ? 'GET' : 'PUT' }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => {
        text += part;
      });
      response.on('end', () =>
        response.statusCode === 200
          ? resolve(text)
          : reject(new Error(`${url.pathname}${url.search}: ${response.statusCode} ${text.slice(0, 500)}`)),
      );
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}
