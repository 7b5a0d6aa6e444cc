// Tests that the version and the repository's address are only in `[workspace.package]` of the
// root's Cargo.toml.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { workspacePackage } from '../../host-worker/js/build/package.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const { version, repository } = await workspacePackage(root);
const run = async (program, ...args) =>
  (await promisify(execFile)(program, args, { cwd: root, maxBuffer: 1 << 24 })).stdout;

const packages = async (manifest) => {
  const format = ['--no-deps', '--offline', '--format-version', '1'];
  return JSON.parse(await run('cargo', 'metadata', ...format, '--manifest-path', manifest)).packages;
};
const published = ({ publish }) => publish === null || publish.length > 0;

test('crates that are published have the version and the address of the workspace', async () => {
  const found = (await packages('Cargo.toml')).filter(published);
  assert.ok(found.length >= 5, `${found.length} crates`);
  for (const crate of found) {
    assert.equal(crate.version, version, crate.name);
    assert.equal(crate.repository, repository, crate.name);
    for (const dependency of crate.dependencies) {
      if (dependency.path === undefined || dependency.kind === 'dev') continue;
      assert.equal(dependency.req, `^${version}`, `${crate.name} needs ${dependency.name}`);
    }
  }
});

test('the crate for Workers, which has a workspace of its own, has the same version', async () => {
  const found = await packages('host-worker/Cargo.toml');
  assert.equal(found.find(({ name }) => name === 'tollgate-worker').version, version);
});

const skip = !existsSync(path.join(root, '.git')) && 'these sources are no checkout of git';
test("the repository's address is written once", { skip }, async () => {
  const files = (await run('git', 'grep', '--fixed-strings', '--name-only', repository)).trim().split('\n');
  assert.deepEqual(files, ['Cargo.toml']);
});
