// The README, tried. Every fenced block is run, or compiled, or is what a compiled file has; every
// command exists; every link leads somewhere.
//
// A comment before a block says how it is tried:
//   <!-- test: worker -->     runs as a Worker in workerd, with a real issuer
//   <!-- test: wrangler -->   is the configuration of that Worker
//   <!-- test: as in FILE --> stands so in FILE, which other checks compile
// Blocks of shell need none: they are looked at line by line.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startIssuer } from '../../host-worker/js/test/support/issuer.mjs';
import { bundle, run } from '../../host-worker/js/test/support/workerd.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const npmPackage = process.env.TOLLGATE_NPM ?? path.join(root, 'target/dist/npm/tollgate');
const commands = (process.env.TOLLGATE_COMMANDS ?? '').split(' ');
const readme = await readFile(path.join(root, 'README.md'), 'utf8');

/** All fenced blocks, in order. */
const blocks = [...readme.matchAll(/(?:^<!-- test: (.+?) -->\n)?^```(\w*)\n(.*?)^```$/gms)].map(
  ([, how, language, text]) => ({ how, language, text }),
);
const only = (how) => {
  const found = blocks.filter((block) => block.how === how);
  assert.equal(found.length, 1, `there is one block for "${how}"`);
  return found[0].text;
};

test('every block is tried', () => {
  assert.ok(blocks.length >= 6, `${blocks.length} blocks`);
  for (const { how, language, text } of blocks) {
    const tried = language === 'sh' || how === 'worker' || how === 'wrangler' || how?.startsWith('as in ');
    assert.ok(tried, `nothing tries this block:\n${text}`);
  }
});

test('the Worker runs with its configuration', async (t) => {
  const issuer = await startIssuer();
  t.after(() => issuer.close());
  const configuration = only('wrangler');
  const { vars } = JSON.parse(configuration);
  const dist = await bundle(t, { 'src/index.js': only('worker'), 'wrangler.jsonc': configuration });
  const worker = await run(t, dist, { ...vars, TOLLGATE_ISSUER: issuer.url });

  assert.equal(await (await worker.fetch('/health')).text(), 'healthy\n');
  assert.equal((await worker.fetch('/other')).status, 401);
  const get = async (pathname, scope) => {
    const token = await issuer.mint({ aud: vars.TOLLGATE_AUDIENCE, scope });
    return worker.fetch(pathname, { headers: { authorization: `Bearer ${token}` } });
  };
  assert.deepEqual(await (await get('/other', 'x')).json(), { hello: 'ada', scopes: ['x'] });
  assert.equal((await get('/reports', 'x')).status, 403);
  assert.equal((await get('/reports', 'reports:read')).status, 200);
});

const lines = (text) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);

for (const { how, text } of blocks.filter(({ how }) => how?.startsWith('as in '))) {
  test(`a snippet is ${how}`, async () => {
    const file = lines(await readFile(path.join(root, how.slice('as in '.length)), 'utf8'));
    const wanted = lines(text);
    const found = file.some((_, at) => wanted.every((line, i) => file[at + i] === line));
    assert.ok(found, `its lines do not stand there in this order:\n${text}`);
  });
}

test('commands of the shell', async (t) => {
  for (const line of blocks.filter(({ language }) => language === 'sh').flatMap(({ text }) => lines(text))) {
    const xtask = /^cargo xtask (\w+)/.exec(line);
    if (xtask) {
      assert.ok(commands.includes(xtask[1]), `there is no such command: ${line}`);
      continue;
    }
    const install = /^npm install \.\.\/tollgate\/(\S+)$/.exec(line);
    assert.ok(install, `nothing tries this line: ${line}`);
    assert.equal(path.join(root, install[1]), path.resolve(npmPackage));
    await installs(t);
  }
});

/** The package as npm installs it, by its path. */
async function installs(t) {
  const folder = await mkdtemp(path.join(tmpdir(), 'tollgate-readme-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(path.join(folder, 'package.json'), '{"private":true,"type":"module"}');
  await writeFile(path.join(folder, 'main.js'), 'import { createGate } from "tollgate"; createGate;');
  const inside = { cwd: folder };
  await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund', npmPackage], inside);
  await promisify(execFile)(process.execPath, ['main.js'], inside);
}

test('mentioned commands and linked files exist', () => {
  for (const [mention, name] of readme.matchAll(/`cargo xtask (\w+)/g)) {
    assert.ok(commands.includes(name), mention);
  }
  const links = [...readme.matchAll(/\]\(([^)#]+)\)|(?:src|href)="([^"#]+)"/g)];
  for (const link of links.map(([, markdown, html]) => markdown ?? html)) {
    if (!/^https?:/.test(link)) assert.ok(existsSync(path.join(root, link)), `${link} is not there`);
  }
});
