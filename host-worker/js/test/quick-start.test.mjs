// The snippets of the README, as they stand there.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startIssuer } from './support/issuer.mjs';
import { startUpstream } from './support/upstream.mjs';
import { consumer, packagePath, tools } from './support/package.mjs';
import { bundle, run } from './support/workerd.mjs';

const readme = await readFile(path.join(packagePath, 'README.md'), 'utf8');
const snippets = (language) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(([, text]) => text);

test('the quick start for Workers', async (t) => {
  const issuer = await startIssuer();
  t.after(() => issuer.close());
  const [configuration] = snippets('jsonc');
  const dist = await bundle(t, { 'src/index.ts': snippets('ts')[0], 'wrangler.jsonc': configuration });
  const { vars } = JSON.parse(configuration);
  const worker = await run(t, dist, { ...vars, TOLLGATE_ISSUER: issuer.url });
  assert.equal(await (await worker.fetch('/health')).text(), 'healthy\n');
  assert.equal((await worker.fetch('/')).status, 401);
  const token = (scope) => issuer.mint({ aud: vars.TOLLGATE_AUDIENCE, scope });
  const get = async (pathname, scope) =>
    worker.fetch(pathname, { headers: { authorization: `Bearer ${await token(scope)}` } });
  assert.deepEqual(await (await get('/', 'notes:read')).json(), { hello: 'ada', scopes: ['notes:read'] });
  assert.equal((await get('/admin', 'notes:read')).status, 403);
  assert.equal((await get('/admin', 'notes:admin')).status, 200);
  assert.equal((await get('/', 'other')).status, 403);
});

test('the quick start for Node', async (t) => {
  const issuer = await startIssuer();
  t.after(() => issuer.close());
  const root = await consumer(t, {
    'server.mjs': snippets('js')[0].replace(
      '.listen(Number(process.env.PORT ?? 8787))',
      ".listen(0, '127.0.0.1', function () { console.log(this.address().port); })",
    ),
  });
  const env = { PATH: process.env.PATH };
  const server = spawn(process.execPath, ['server.mjs'], {
    cwd: root,
    env: { ...env, TOLLGATE_ISSUER: issuer.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => server.kill());
  const [port] = await Promise.race([once(server.stdout, 'data'), once(server, 'exit')]);
  const url = `http://127.0.0.1:${String(port).trim()}/`;
  assert.equal((await fetch(url)).status, 401);
  const headers = {
    authorization: `Bearer ${await issuer.mint({ aud: 'https://notes.example.com' })}`,
    origin: 'https://app.example',
  };
  const answer = await fetch(url, { method: 'POST', headers, body: 'a note' });
  assert.deepEqual(await answer.json(), { hello: 'ada', note: 'a note' });
  assert.equal(answer.headers.get('access-control-allow-origin'), '*');
  const preflight = await fetch(url, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization, x-trace',
    },
  });
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get('access-control-allow-headers'), /x-trace/);

  // An anonymous request must not end the process.
  for (const attack of ['GET //', 'TRACE /', 'GET *', 'GET http://[', 'OPTIONS *', 'CONNECT a:1']) {
    const socket = connect(Number(String(port)), '127.0.0.1');
    socket
      .on('error', () => {})
      .resume()
      .write(`${attack} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    await once(socket, 'close');
    assert.equal((await fetch(url)).status, 401, `after ${attack}`);
  }
  assert.equal(server.exitCode, null);

  const refused = await promisify(execFile)(process.execPath, ['server.mjs'], {
    cwd: root,
    env: { ...env, TOLLGATE_ISSUER: 'http://issuer.example' },
  }).then(
    () => assert.fail('it must not start'),
    ({ stderr }) => stderr,
  );
  assert.match(refused, /ConfigError: TOLLGATE_ISSUER: /);
  assert.ok(refused.length < 2000, 'Node shows the line that threw, so lines must be short');
});

test('every TypeScript snippet compiles', async (t) => {
  const files = Object.fromEntries(snippets('ts').map((text, i) => [`snippet-${i}.ts`, text]));
  const root = await consumer(t, {
    ...files,
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        target: 'es2022',
        module: 'esnext',
        moduleResolution: 'bundler',
        lib: ['es2022'],
        types: ['@cloudflare/workers-types'],
        typeRoots: [tools],
      },
      files: Object.keys(files),
    }),
  });
  await promisify(execFile)(process.execPath, [path.join(tools, 'typescript/bin/tsc'), '--project', root]).catch(
    (error) => assert.fail(error.stdout),
  );
});

test('the other Workers of the README run', async (t) => {
  const issuer = await startIssuer();
  t.after(() => issuer.close());
  const here = (text) => text.replaceAll('https://issuer.example.com', issuer.url);
  const [, , require, calling, , without] = snippets('ts').map(here);
  const tool = await run(t, await bundle(t, { 'src/index.ts': require }));
  const call = async (name, scope) => {
    const token = await issuer.mint({ aud: 'https://mcp.example.com', scope });
    return tool.fetch('/', {
      method: 'POST',
      body: JSON.stringify({ tool: name }),
      headers: { authorization: `Bearer ${token}` },
    });
  };
  assert.equal(await (await call('list', 'x')).text(), 'ran list');
  assert.equal((await call('delete', 'x')).status, 403);
  assert.equal(await (await call('delete', 'notes:admin')).text(), 'ran delete');

  const upstream = await startUpstream();
  t.after(() => upstream.close());
  const proxy = await run(
    t,
    await bundle(t, { 'src/index.ts': calling.replace('https://calendar.example.com', upstream.url) }),
    { TOLLGATE_CLIENT_ID: 'mcp', TOLLGATE_CLIENT_SECRET: 's' },
  );
  const events = async () =>
    proxy.fetch('/', { headers: { authorization: `Bearer ${await issuer.mint({ aud: 'https://mcp.example.com' })}` } });
  assert.equal((await (await events()).json()).as.sub, 'ada');
  assert.equal(upstream.calls[0].url, '/events?day=today');
  issuer.answer('token', (_request, response) => response.writeHead(400).end('{"error":"access_denied"}'));
  assert.equal((await events()).status, 403);

  const plain = await run(t, await bundle(t, { 'src/index.ts': without }));
  assert.equal((await plain.fetch('/.well-known/oauth-protected-resource')).status, 200);
  assert.equal((await plain.fetch('/')).status, 401);
  const token = await issuer.mint({ aud: 'https://notes.example.com', scope: 'notes:read' });
  assert.equal(await (await plain.fetch('/', { headers: { authorization: `Bearer ${token}` } })).text(), 'hello ada');
});
