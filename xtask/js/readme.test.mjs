// Tests the README. Every fenced block is run, compiled, or equal to a part of a compiled file;
// every command exists; every link has a target.
//
// A comment before a block says how it is tried:
//   <!-- test: worker -->     runs as a Worker in workerd, with a real issuer
//   <!-- test: wrangler -->   is the configuration of that Worker
//   <!-- test: as in FILE --> stands so in FILE, which other checks compile
//   <!-- test: token -->      is run by the calls below, with the development issuer
//   <!-- test: calls of … --> curl gets the status that each line's comment says
// Other blocks of shell need none: they are looked at line by line.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { missing, startDevIssuer } from '../../host-worker/examples/test/support/dev-issuer.mjs';
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

test('every block is tested', () => {
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

/** Runs lines of curl in a shell that has the function `token`: each must get the status in its comment. */
async function calls(how, issuer, at) {
  const script = lines(only(how)).map((line) => line.replace(/http:\/\/(localhost|127\.0\.0\.1):80?\d+\//, `${at}/`));
  const expected = [];
  const shell = script.map((line) => {
    const call = /^curl -i (.+?) +# (\d{3})/.exec(line);
    if (call === null) return line;
    expected.push(call[2]);
    return `curl -s -o /dev/null -w '%{http_code}\\n' ${call[1]}`;
  });
  assert.ok(expected.length >= 2, `${how} has calls`);
  const token = only('token').replaceAll('http://127.0.0.1:9400', issuer.url);
  const { stdout } = await promisify(execFile)('sh', ['-euc', `${token}\n${shell.join('\n')}`]);
  assert.deepEqual(lines(stdout), expected);
}

test('the Worker answers the calls as they say', { skip: missing }, async (t) => {
  const issuer = await startDevIssuer();
  t.after(() => issuer.stop());
  const { vars } = JSON.parse(only('wrangler'));
  const dist = await bundle(t, { 'src/index.js': only('worker'), 'wrangler.jsonc': only('wrangler') });
  const { url } = await run(t, dist, { ...vars, TOLLGATE_ISSUER: issuer.url });
  await calls('calls of the worker', issuer, url.origin);
});

test('the API example answers the calls as they say', { skip: missing }, async (t) => {
  // The one in JavaScript: that the one in Rust has the same routes, the examples' own tests show.
  const issuer = await startDevIssuer();
  t.after(() => issuer.stop());
  const example = (file) => readFile(path.join(root, 'host-worker/examples/api-js', file), 'utf8');
  const { vars } = JSON.parse(await example('wrangler.jsonc'));
  const dist = await bundle(t, { 'src/index.js': await example('src/index.js') });
  const { url } = await run(t, dist, { ...vars, TOLLGATE_ISSUER: issuer.url });
  await calls('calls of api-rust', issuer, url.origin);
});

test('calls of the server name its routes, its audience and its scopes', () => {
  const server = only('as in host-native/tollgate/README.md');
  for (const line of lines(only('calls of the server'))) {
    const [, route] = /^curl -i http:\/\/127\.0\.0\.1:8080(\S+)/.exec(line) ?? [];
    const [, audience, scope] = /^TOKEN=\$\(token (\S+) (\S+)\)$/.exec(line) ?? [];
    assert.ok(route ?? audience, `nothing tries this line: ${line}`);
    const wanted = route ? [`.route("${route}"`, '"127.0.0.1:8080"'] : [`Config::new("${audience}")`, `["${scope}"]`];
    for (const text of wanted) assert.ok(server.includes(text), `${text}, for ${line}`);
  }
});

test("the Worker's compatibility date is one that the wrangler of Node 20 knows", () => {
  // Newer versions of wrangler need Node 22, so npx takes 4.86 on Node 20, whose workerd is of 2026-05.
  assert.ok(JSON.parse(only('wrangler')).compatibility_date <= '2026-05-03');
});

/** What a line of shell must be, and what else must hold. */
const commandsOfTheShell = [
  [/^cargo xtask (\w+)/, (name) => commands.includes(name)],
  [/^cargo run -p tollgate-cli --no-default-features -- dev-issuer$/, () => true],
  [/^npx wrangler dev(?: --var (\w+):\S+)?$/, (name) => !name || name in JSON.parse(only('wrangler')).vars],
  [/^rustup target add wasm32-unknown-unknown$/, () => true],
  [
    /^cargo install worker-build --locked --version (\S+)$/,
    async (version) => (await manifest('host-worker')).includes(`\nworker = "${version}"\n`),
  ],
  [/^cd (\S+)$/, (folder) => existsSync(path.join(root, folder))],
  [/^npm install$/, () => true],
  [
    /^cargo add (\S+) --path \.\.\/tollgate\/(\S+)$/,
    async (name, folder) => (await manifest(folder)).includes(`\nname = "${name}"\n`),
  ],
  [/^cargo add (?:axum|tokio --features full)$/, () => true],
];
const manifest = (folder) => readFile(path.join(root, folder, 'Cargo.toml'), 'utf8');

test('commands of the shell', async (t) => {
  const shell = blocks.filter(({ language, how }) => language === 'sh' && how === undefined);
  for (const line of shell.flatMap(({ text }) => lines(text))) {
    const install = /^npm install \.\.\/tollgate\/(\S+)$/.exec(line);
    if (install) {
      assert.equal(path.join(root, install[1]), path.resolve(npmPackage));
      await installs(t);
      continue;
    }
    const [command, holds] = commandsOfTheShell.find(([command]) => command.test(line)) ?? [];
    assert.ok(command, `nothing tries this line: ${line}`);
    assert.ok(await holds(...command.exec(line).slice(1)), `this does not hold: ${line}`);
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
