// The issuer in real workerd, with its store in Durable Objects.
import assert from 'node:assert/strict';
import { readFile, readdir, rm } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { client, scenarios } from './support/issuer-scenarios.mjs';
import { bundle, run } from './support/workerd.mjs';

const DURABLE_OBJECTS = { STORE: { className: 'TollgateStore', useSQLite: true } };

let dist;
let worker;
const closing = [];
before(async () => {
  const fixture = (name) => readFile(path.join(import.meta.dirname, 'fixtures', name), 'utf8');
  dist = await bundle(undefined, {
    'src/index.js': await fixture('issuer.js'),
    'src/issuer-application.js': await fixture('issuer-application.js'),
  });
  worker = await run({ after: (close) => closing.push(close) }, dist, {}, [], { durableObjects: DURABLE_OBJECTS });
});
after(async () => {
  for (const close of closing) await close();
  await rm(path.dirname(dist), { recursive: true, force: true });
});

scenarios(() => worker);

test('an operation ends although its client has disconnected', async () => {
  const origin = 'https://hooks.example.com';
  const { command, tokens, refresh } = client(() => worker, origin);
  const { refresh_token } = await tokens('ada');
  await command('hook', 'slow');
  await command('events');
  const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'app', refresh_token }).toString();
  const request = http.request(new URL('/token', worker.url), {
    method: 'POST',
    agent: false,
    headers: { host: 'hooks.example.com', 'content-type': 'application/x-www-form-urlencoded' },
  });
  request.on('error', () => {});
  request.end(body);
  const until = performance.now() + 5000;
  let asked = [];
  while (asked.length === 0 && performance.now() < until) asked = await command('events');
  assert.equal(asked.length, 1);
  request.destroy();
  await new Promise((resolve) => setTimeout(resolve, 700));
  // The answer is there: the application is not asked again.
  assert.equal((await refresh(refresh_token)).status, 200);
  assert.deepEqual(await command('events'), []);
  await command('hook', 'allow');
});

test('a Worker with a gate only does not ship the issuer, nor the other way round', async (t) => {
  const modules = async (folder) =>
    (await readdir(folder)).flatMap((name) => /(tollgate-.*)\.wasm$/.exec(name)?.[1] ?? []).sort();
  const of = (component) => ['core', 'core2', 'core3'].map((part) => `tollgate-${component}.${part}`);
  assert.deepEqual(await modules(dist), of('issuer'));
  const gate = await bundle(t, {
    'src/index.js':
      "import { createGate } from 'tollgate'; export default createGate().protect(() => new Response('ok'));",
  });
  assert.deepEqual(await modules(gate), of('gate'));
  const scripts = (await readdir(gate)).filter((name) => name.endsWith('.js'));
  for (const name of scripts)
    assert.ok(!(await readFile(path.join(gate, name), 'utf8')).includes('authorization-server'));
});

test('the example of the README', async (t) => {
  const readme = await readFile(path.join(import.meta.dirname, '../README.md'), 'utf8');
  const snippets = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map(([, text]) => text);
  const example = snippets.find((text) => text.includes('createIssuer'));
  const files = await bundle(t, { 'src/index.js': example });
  const bindings = { ISSUER_SECRET: 'a deployment secret of enough length' };
  const app = await run(t, files, bindings, [], { durableObjects: DURABLE_OBJECTS });
  const asked = new URLSearchParams({
    response_type: 'code',
    client_id: 'app',
    scope: 'notes:read',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  });
  const answer = await app.fetch(`https://auth.example.com/authorize?${asked}`, { redirect: 'manual' });
  assert.equal(answer.status, 303);
  assert.match(answer.headers.get('location'), /^https:\/\/app\.example\.com\/callback\?code=tgc_/);
  const wrong = await app.fetch('https://auth.example.com/authorize?client_id=app', { redirect: 'manual' });
  assert.match(new URL(wrong.headers.get('location')).searchParams.get('error_description'), /response_type/);
});
