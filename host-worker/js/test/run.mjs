// `npm test`: the tests for Node under the Node that runs this, those for workerd under one that
// Miniflare accepts (22 or later): this one, or the one among the workspace's packages.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { packagePath, tools } from './support/package.mjs';

if (!existsSync(path.join(packagePath, 'package.json'))) {
  console.error(
    `There is no package at ${packagePath}: run \`cargo xtask build\`, or set TOLLGATE_NPM to where it is.`,
  );
  process.exit(1);
}
const modern =
  Number(process.versions.node.split('.')[0]) >= 22
    ? process.execPath
    : ['linux-x64', 'linux-arm64', 'darwin-x64', 'bin-darwin-arm64']
        .map((name) => path.join(tools, `node-${name}/bin/node`))
        .find(existsSync);
if (modern === undefined) {
  console.error('The tests in workerd need Node 22 or later: install it, or run `npm ci` in the repository.');
  process.exit(1);
}
const folder = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const only = process.argv.slice(2);
// How the tests report, where a caller says.
const reporters = JSON.parse(process.env.TOLLGATE_TEST_ARGUMENTS ?? '[]');
let failed = false;
for (const [node, kind] of [
  [process.execPath, 'node'],
  [modern, 'workerd'],
]) {
  if (only.length > 0 && !only.includes(kind)) continue;
  const { status } = spawnSync(
    node,
    ['--test', '--test-concurrency=1', '--test-timeout=120000', ...reporters, ...tests(kind)],
    { stdio: 'inherit', env: { ...process.env, TOLLGATE_NPM: packagePath } },
  );
  failed ||= status !== 0;
}
process.exitCode = failed ? 1 : 0;

function tests(kind) {
  const inWorkerd = ['workerd', 'durable-object', 'exchange-workerd', 'issuer-workerd', 'quick-start', 'keycard']
    .concat('keycard-exchange', 'oauth-provider')
    .map((name) => `${name}.test.mjs`);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.test.mjs') && inWorkerd.includes(name) === (kind === 'workerd'))
    .map((name) => path.join(folder, name));
}
