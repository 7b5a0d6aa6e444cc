// Tests docs/migration.md: the results of its diffs run in workerd.
//
// A comment before a diff says which Worker it is: <!-- test: NAME -->
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { missing, startDevIssuer, startDevUpstream } from '../../host-worker/examples/test/support/dev-issuer.mjs';
import { startIssuer } from '../../host-worker/js/test/support/issuer.mjs';
import { bundle, run } from '../../host-worker/js/test/support/workerd.mjs';

const docs = path.resolve(import.meta.dirname, '../../docs');
const page = await readFile(path.join(docs, 'migration.md'), 'utf8');
const diffs = new Map(
  [...page.matchAll(/^<!-- test: ([\w ,]+) -->\n^```diff\n(.*?)^```$/gms)].map(([, name, diff]) => [name, diff]),
);
/** One side of a diff: its own lines and those that stay. */
const side = (name, sign) =>
  diffs
    .get(name)
    .split('\n')
    .filter((line) => [sign, ' '].includes(line[0]))
    .map((line) => line.slice(1))
    .join('\n');

const ORIGIN = 'https://mcp.example.com';
const bearer = (token) => ({ authorization: `Bearer ${token}` });

/** Runs what a diff leads to. */
async function worker(t, name, vars, files = {}) {
  return run(t, await bundle(t, { 'src/index.js': side(name, '+'), ...files }), vars);
}

test('every diff is tested', () => {
  assert.deepEqual([...diffs.keys()], ['keycard', 'keycard, without', 'authgent', 'authpi']);
  assert.equal(page.match(/^```\w+/gm).length, diffs.size, 'a block is not a diff with a name');
  assert.equal(side('keycard, without', '-'), side('keycard', '+'), 'the second step begins where the first ends');
});

for (const [name, settings] of [
  [
    'keycard',
    (issuer, api) => ({
      KEYCARD_ISSUER: issuer,
      KEYCARD_CLIENT_ID: 'demo',
      KEYCARD_CLIENT_SECRET: 'demo-secret',
      KEYCARD_RESOURCE_URL: api,
    }),
  ],
  [
    'keycard, without',
    (issuer, api) => ({
      TOLLGATE_ISSUER: issuer,
      TOLLGATE_RESOURCE: ORIGIN,
      TOLLGATE_CLIENT_ID: 'demo',
      TOLLGATE_CLIENT_SECRET: 'demo-secret',
      API_URL: api,
    }),
  ],
]) {
  test(`the Worker "${name}" calls the API as the user`, { skip: missing }, async (t) => {
    const issuer = await startDevIssuer();
    t.after(() => issuer.stop());
    const api = await startDevUpstream(issuer.url);
    t.after(() => api.stop());
    const { fetch } = await worker(t, name, settings(issuer.url, api.url));
    assert.equal((await fetch('/')).status, 401);
    const token = (scope) => issuer.token({ subject: 'alice', resource: ORIGIN, scope });
    assert.equal((await fetch('/', { headers: bearer(await token('other')) })).status, 403);
    const answer = await fetch('/', { headers: bearer(await token('mcp:tools')) });
    assert.equal(answer.status, 200);
    const { subject, actors, audience } = await answer.json();
    assert.deepEqual({ subject, actors, audience }, { subject: 'alice', actors: ['demo'], audience: [api.url] });
  });
}

test('the Worker "authgent" has its scopes, its tools and its metadata', async (t) => {
  const issuer = await startIssuer();
  t.after(() => issuer.close());
  const tools = `
    export const listTools = () => Response.json({ tools: ["hello", "write_data"] });
    export const runTool = ({ name }, user) => Response.json({ name, user });`;
  const vars = { TOLLGATE_ISSUER: issuer.url, TOLLGATE_RESOURCE: ORIGIN };
  const { fetch } = await worker(t, 'authgent', vars, { 'src/tools.js': tools });
  const call = async (scope, method, name) => {
    const headers = bearer(await issuer.mint({ aud: ORIGIN, scope }));
    return fetch('/mcp', { method: 'POST', headers, body: JSON.stringify({ method, params: { name } }) });
  };
  assert.deepEqual(await (await call('mcp:read', 'tools/list')).json(), { tools: ['hello', 'write_data'] });
  assert.deepEqual(await (await call('mcp:read', 'tools/call', 'hello')).json(), { name: 'hello', user: 'ada' });
  const refused = await call('mcp:read', 'tools/call', 'write_data');
  assert.equal(refused.status, 403);
  assert.match(refused.headers.get('www-authenticate'), /scope="mcp:read mcp:write"/);
  assert.equal((await call('mcp:read mcp:write', 'tools/call', 'write_data')).status, 200);
  assert.equal((await call('other', 'tools/list')).status, 403);
  const metadata = /resource_metadata="(.+?)"/.exec((await fetch('/mcp')).headers.get('www-authenticate'))[1];
  assert.deepEqual((await (await fetch(metadata)).json()).authorization_servers, [issuer.url]);
});

test('the Worker "authpi" has its routes', async (t) => {
  const issuer = await startIssuer();
  t.after(() => issuer.close());
  const vars = { TOLLGATE_ISSUER: issuer.url, TOLLGATE_AUDIENCE: 'api', TOLLGATE_RESOURCE: ORIGIN };
  const { fetch } = await worker(t, 'authpi', vars);
  const get = async (route, scope) => fetch(route, { headers: bearer(await issuer.mint({ aud: 'api', scope })) });
  assert.deepEqual(await (await fetch('/')).json(), { status: 'ok' });
  assert.equal((await fetch('/me')).status, 401);
  assert.deepEqual(await (await get('/me', 'x')).json(), { sub: 'ada' });
  assert.equal((await get('/reports', 'x')).status, 403);
  assert.deepEqual(await (await get('/reports', 'read:reports')).json(), { reports: [], requested_by: 'ada' });
  assert.equal((await get('/other', 'x')).status, 404);
  assert.equal((await fetch('/other')).status, 401);
});

test('links have targets', async () => {
  for (const name of (await readdir(docs)).filter((file) => file.endsWith('.md'))) {
    const text = await readFile(path.join(docs, name), 'utf8');
    const links = [...text.matchAll(/\]\(([^)#]+)\)|(?:src|href)="([^"#]+)"/g)];
    for (const link of links.map(([, markdown, html]) => markdown ?? html)) {
      if (!/^https?:/.test(link)) assert.ok(existsSync(path.join(docs, link)), `${name}: ${link} is not there`);
    }
  }
});
