// An example in real workerd: bundled by wrangler and run by Miniflare, both with the example's
// own wrangler.jsonc.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Miniflare, convertV4MiniflareOptions } from 'miniflare';
import { unstable_getMiniflareWorkerOptions as optionsOf } from 'wrangler';
import { buildTools } from './build-tools.mjs';

const examples = path.resolve(import.meta.dirname, '../..');
const workspace = path.resolve(examples, '../..');
const wrangler = path.join(workspace, 'node_modules/wrangler/bin/wrangler.js');

/** Where the built npm package lies: `TOLLGATE_NPM`, else where `cargo xtask build` leaves it. */
const npmPackage = path.resolve(process.env.TOLLGATE_NPM ?? path.join(workspace, 'target/dist/npm/tollgate'));

/** Puts the package where `npm install` in an example would, one level up for all of them. */
async function install() {
  const link = path.join(examples, 'node_modules/tollgate');
  if ((await readlink(link).catch(() => undefined)) === npmPackage) return;
  await mkdir(path.dirname(link), { recursive: true });
  // Renamed into its place, for several test files may do this at once.
  const fresh = `${link}-${process.pid}`;
  await symlink(npmPackage, fresh);
  await rename(fresh, link);
}

/**
 * Bundles an example as a deployment would.
 * @param {string} name its folder, below `examples`
 * @param {string} environment one of its wrangler environments; '' is the top level
 */
export async function build(name, environment = '') {
  const root = path.join(examples, name);
  const dist = await mkdtemp(path.join(tmpdir(), `tollgate-${path.basename(name)}-`));
  await install();
  await promisify(execFile)(
    process.execPath,
    [wrangler, 'deploy', '--dry-run', '--env', environment, '--outdir', dist],
    {
      cwd: root,
      env: { ...process.env, ...buildTools(), WRANGLER_SEND_METRICS: 'false', CI: 'true' },
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  return {
    name,
    dist,
    configuration: path.join(root, 'wrangler.jsonc'),
    environment,
    remove: () => rm(dist, { recursive: true, force: true }),
  };
}

/**
 * Runs what `build` made.
 * @param {object} vars variables that replace those of wrangler.jsonc
 * @param {{ storage?: string, port?: number }} options `storage`: where Durable Objects keep their
 *   data, so that it outlives this run
 */
export async function start(built, vars, { storage, port } = {}) {
  const { workerOptions } = optionsOf(built.configuration, built.environment);
  const logs = [];
  const mf = new Miniflare(
    convertV4MiniflareOptions({
      ...workerOptions,
      bindings: { ...workerOptions.bindings, ...vars },
      modules: await modulesOf(built.dist),
      modulesRoot: built.dist,
      host: '127.0.0.1',
      port: port ?? 0,
      ...(storage === undefined ? {} : { resourcePersistencePath: storage }),
      handleStructuredLogs: ({ message }) => logs.push(message),
    }),
  );
  const url = await mf.ready.catch(async (error) => {
    await mf.dispose();
    throw error;
  });
  return {
    /** The Worker over HTTP, on a loopback address. */
    url,
    logs,
    /** A request whose URL the Worker sees as it is written here. */
    fetch: (target, init) => mf.dispatchFetch(target, { redirect: 'manual', ...init }),
    stop: () => mf.dispose(),
  };
}

async function modulesOf(dist) {
  const types = { '.js': 'ESModule', '.wasm': 'CompiledWasm' };
  const names = (await readdir(dist)).filter((name) => path.extname(name) in types);
  // wrangler names the entry after the example's main module; there is only one script.
  names.sort((a, b) => Number(b.endsWith('.js')) - Number(a.endsWith('.js')));
  return Promise.all(
    names.map(async (name) => {
      const type = types[path.extname(name)];
      const contents = await readFile(path.join(dist, name));
      return { type, path: path.join(dist, name), contents: type === 'ESModule' ? contents.toString() : contents };
    }),
  );
}
