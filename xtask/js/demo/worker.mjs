// Runs an example in workerd until it is stopped, from the example's own configuration:
//   node worker.mjs <example> <port> <folder for what it keeps> <issuer> [<API that it calls>]
// Prints "Ready on <origin>" when it answers.
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { start } from '../../../host-worker/examples/test/support/worker.mjs';
import { CLIENT } from './chain.mjs';

const [name, port, folder, issuer, upstream] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;

/** Settings of each example besides its issuer, resource and audience. */
const SETTINGS = {
  'mcp-server': () => ({ ALLOWED_ORIGINS: origin }),
  'delegated-js': () => ({ UPSTREAM_URL: upstream, TOLLGATE_CLIENT_ID: CLIENT, TOLLGATE_PRIVATE_KEY: newKey() }),
};

/** A private key for this run, as `openssl genpkey` writes it. */
function newKey() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
}

const root = path.resolve(import.meta.dirname, '../../..');
const example = path.join(root, 'host-worker/examples', name);
const configuration = path.join(example, 'wrangler.jsonc');
const dist = path.join(folder, 'dist');
const wrangler = path.join(root, 'node_modules/wrangler/bin/wrangler.js');

// Removes the state of an earlier run.
await rm(folder, { recursive: true, force: true });

// Bundled once and not watched: a build meanwhile would restart the Worker, and its keys with it.
const alias = `tollgate:${path.join(import.meta.dirname, 'tollgate.js')}`;
const bundle = ['deploy', '--dry-run', '--env', '', '--outdir', dist, '--alias', alias];
await promisify(execFile)(process.execPath, [wrangler, ...bundle], {
  cwd: example,
  env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: 'true' },
});

const vars = {
  TOLLGATE_ISSUER: issuer,
  TOLLGATE_RESOURCE: origin,
  TOLLGATE_AUDIENCE: `${origin}/mcp`,
  ...SETTINGS[name](),
};
const worker = await start({ configuration, environment: '', dist }, vars, {
  storage: path.join(folder, 'storage'),
  port: Number(port),
});
process.once('SIGTERM', async () => {
  await worker.stop();
  process.exit();
});
console.log(`Ready on ${origin}`);
