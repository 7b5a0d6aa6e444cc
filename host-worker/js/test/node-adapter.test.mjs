// `tollgate/node` with real connections.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startIssuer } from './support/issuer.mjs';
import { load } from './support/package.mjs';

const {
  main: { createGate },
  node: { createRequestListener },
} = await load();
const ORIGIN = 'https://notes.example.com';

/** A server of this application. */
async function serve(t, app, options = { origin: ORIGIN }) {
  const listener = createRequestListener(typeof app === 'function' ? { fetch: app } : app, { env: {}, ...options });
  const server = http.createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(
    () =>
      new Promise((closed) => {
        server.close(closed);
        server.closeAllConnections();
      }),
  );
  const { port } = server.address();
  return { port, url: `http://127.0.0.1:${port}` };
}

/** The response to these bytes, up to the end of the connection. */
async function raw(port, text) {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(text);
  let received = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    received += chunk;
  });
  await once(socket, 'close');
  return received;
}

const line = (text, ...headers) => `${[text, ...headers, 'Connection: close'].join('\r\n')}\r\n\r\n`;
const statusOf = (answer) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
const describe = async (request) =>
  Response.json({
    method: request.method,
    url: request.url,
    headers: [...request.headers],
    body: await request.text(),
  });
const bodyOf = (answer) => JSON.parse(/\{.*\}/s.exec(answer)[0]);

test('method, URL, headers and body reach the application, and its response the client', async (t) => {
  const { url } = await serve(
    t,
    async (request, env, ctx) => {
      assert.equal(env.name, 'env');
      assert.equal(typeof ctx.waitUntil, 'function');
      const headers = new Headers({ 'x-answer': 'ä' });
      headers.append('set-cookie', 'a=1; Path=/');
      headers.append('set-cookie', 'b=2, 3');
      return new Response(
        JSON.stringify({
          method: request.method,
          url: request.url,
          type: request.headers.get('content-type'),
          body: await request.text(),
        }),
        { status: 201, statusText: 'Made', headers },
      );
    },
    { origin: ORIGIN, env: { name: 'env' } },
  );
  const response = await fetch(`${url}/notes?x=%20y`, {
    method: 'PUT',
    headers: { 'content-type': 'text/x-note' },
    body: 'grüße',
  });
  assert.deepEqual([response.status, response.statusText], [201, 'Made']);
  assert.deepEqual(await response.json(), {
    method: 'PUT',
    url: `${ORIGIN}/notes?x=%20y`,
    type: 'text/x-note',
    body: 'grüße',
  });
  assert.deepEqual(response.headers.getSetCookie(), ['a=1; Path=/', 'b=2, 3']);
  assert.equal(response.headers.get('x-answer'), 'ä');
});

test('repeated headers all arrive', async (t) => {
  const { port } = await serve(t, describe);
  const { headers } = bodyOf(
    await raw(
      port,
      line(
        'GET / HTTP/1.1',
        'Host: a',
        'X-One: 1',
        'x-one: 2',
        'Authorization: Bearer a',
        'Authorization: Bearer b',
        'Origin: https://a.example',
        'Cookie: a=1',
        'Cookie: b=2',
      ),
    ),
  );
  const seen = Object.fromEntries(headers);
  assert.equal(seen['x-one'], '1, 2');
  assert.equal(seen.authorization, 'Bearer a, Bearer b');
  assert.equal(seen.origin, 'https://a.example');
  assert.equal(seen.cookie, 'a=1; b=2');
});

test('unusual targets are read as paths or refused, and the server keeps running', async (t) => {
  const { port, url } = await serve(t, describe);
  for (const [target, wanted] of [
    ['//', `${ORIGIN}//`],
    ['//evil.example/x', `${ORIGIN}//evil.example/x`],
    ['/a?b=http://c.example/#d', 400],
    ['/a#b', 400],
    ['http://evil.example/x?y', `${ORIGIN}/x?y`],
    ['http://evil.example', `${ORIGIN}/`],
    ['http://evil.example?y', `${ORIGIN}/?y`],
    ['http://a@evil.example/x', 400],
    ['ftp://evil.example/x', 400],
    ['evil.example:80', 400],
    ['*', 400],
  ]) {
    const answer = await raw(port, line(`GET ${target} HTTP/1.1`, 'Host: a'));
    if (wanted === 400) assert.equal(statusOf(answer), 400, target);
    else assert.equal(bodyOf(answer).url, wanted, target);
    assert.equal((await fetch(url)).status, 200, `after ${target}`);
  }
});

test('methods that a request cannot have are refused, and the server keeps running', async (t) => {
  const { port, url } = await serve(t, describe);
  assert.equal(statusOf(await raw(port, line('TRACE / HTTP/1.1', 'Host: a'))), 501);
  assert.equal(statusOf(await raw(port, line('OPTIONS * HTTP/1.1', 'Host: a'))), 400);
  assert.equal(await raw(port, line('CONNECT evil.example:443 HTTP/1.1', 'Host: a')), '');
  assert.equal(statusOf(await raw(port, 'RUBBISH\r\n\r\n')), 400);
  assert.equal((await fetch(url)).status, 200);
});

test('the Host header is used only if it is trusted', async (t) => {
  const fixed = await serve(t, describe);
  for (const host of ['evil.example', 'a@b', 'a b', '']) {
    assert.equal(bodyOf(await raw(fixed.port, line('GET /x HTTP/1.1', `Host: ${host}`))).url, `${ORIGIN}/x`);
  }
  assert.equal(statusOf(await raw(fixed.port, line('GET / HTTP/1.1', 'Host: a', 'Host: b'))), 400);

  const trusting = await serve(t, describe, { trustHost: true, scheme: 'https' });
  const seen = async (...headers) => {
    const answer = await raw(trusting.port, line('GET /x HTTP/1.1', ...headers));
    return statusOf(answer) === 200 ? bodyOf(answer).url : statusOf(answer);
  };
  assert.equal(await seen('Host: A.example:8443'), 'https://a.example:8443/x');
  assert.equal(await seen('Host: [::1]:80'), 'https://[::1]:80/x');
  for (const host of ['', 'a/b', 'a@b', 'a b', 'a?b', 'a#b', 'a\\b', 'a:99999', '[::g]', 'ä', '%61']) {
    assert.equal(await seen(`Host: ${host}`), 400, host);
  }
  assert.equal(await seen('Host: a', 'Host: b'), 400);
  const old = await raw(trusting.port, 'GET / HTTP/1.0\r\n\r\n');
  assert.equal(statusOf(old), 400, 'no host at all');
  const plain = await serve(t, describe, { trustHost: true });
  assert.equal((await (await fetch(plain.url)).json()).url, `${plain.url}/`);
});

test('options that leave the origin open are refused', () => {
  const app = { fetch: () => new Response() };
  for (const options of [
    undefined,
    {},
    { trustHost: false },
    { trustHost: 'yes' },
    { origin: 'api.example.com' },
    { origin: 'https://a.example/path' },
    { origin: 'https://u@a.example' },
    { origin: 'ftp://a.example' },
    { origin: 5 },
    { origin: ORIGIN, trustHost: true },
    { trustHost: true, scheme: 'ftp' },
  ]) {
    assert.throws(() => createRequestListener(app, options), TypeError, JSON.stringify(options));
  }
  assert.throws(() => createRequestListener(() => new Response(), { origin: ORIGIN }), TypeError);
});

test('what the application throws is a 500 without details', async (t) => {
  const logged = t.mock.method(console, 'error', () => {});
  const { url } = await serve(t, (request) => {
    switch (new URL(request.url).pathname) {
      case '/sync':
        throw new Error('secret detail');
      case '/async':
        return Promise.reject(new Error('secret detail'));
      case '/nothing':
        return undefined;
      case '/status':
        return Response.error();
      default:
        return new Response('fine');
    }
  });
  for (const path of ['/sync', '/async', '/nothing', '/status']) {
    const response = await fetch(`${url}${path}`);
    assert.equal(response.status, 500, path);
    assert.equal(await response.text(), '{"error":"server_error"}');
  }
  assert.equal(logged.mock.callCount(), 4);
  assert.equal(await (await fetch(url)).text(), 'fine');
});

test('an aborted response does not look complete', async (t) => {
  t.mock.method(console, 'error', () => {});
  const { url } = await serve(t, () => {
    let sent = false;
    return new Response(
      new ReadableStream(
        {
          async pull(controller) {
            if (sent) throw new Error('broken');
            sent = true;
            controller.enqueue(new TextEncoder().encode('half'));
          },
        },
        { highWaterMark: 0 },
      ),
    );
  });
  await assert.rejects(async () => (await fetch(url)).text());
  await assert.rejects(async () => (await fetch(url)).text(), 'and the server goes on');
});

test('statuses without a body have none', async (t) => {
  const { port } = await serve(t, (request) => {
    const status = Number(new URL(request.url).searchParams.get('status'));
    return status === 200
      ? new Response('body', { headers: { 'content-length': '4' } })
      : new Response(null, { status });
  });
  for (const [method, status] of [
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
    ['GET', 205],
    ['HEAD', 204],
  ]) {
    const answer = await raw(port, line(`${method} /?status=${status} HTTP/1.1`, 'Host: a'));
    assert.equal(statusOf(answer), status);
    assert.ok(answer.endsWith('\r\n\r\n'), `${method} ${status}: ${answer}`);
    if (method === 'HEAD' && status === 200) assert.match(answer, /content-length: 4/i);
  }
});

test('headers of one connection are not passed on', async (t) => {
  const { port } = await serve(
    t,
    () =>
      new Response('body', {
        headers: { 'transfer-encoding': 'gzip', connection: 'x-y', 'keep-alive': 'timeout=99', 'x-y': 'z' },
      }),
  );
  const answer = await raw(port, line('GET / HTTP/1.1', 'Host: a'));
  assert.match(answer, /\r\nx-y: z\r\n/i);
  assert.doesNotMatch(answer, /gzip|timeout=99|connection: x-y/i);
});

test('request bodies are streamed on demand', async (t) => {
  const size = 64 * 1024 * 1024;
  const { port } = await serve(t, async (request) => {
    const reader = request.body.getReader();
    let bytes = (await reader.read()).value.length;
    await sleep(200);
    const buffered = sent;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return Response.json({ bytes, buffered });
      bytes += value.length;
    }
  });
  let sent = 0;
  const request = http.request({
    port,
    host: '127.0.0.1',
    method: 'POST',
    headers: { 'transfer-encoding': 'chunked' },
  });
  const answered = once(request, 'response');
  const chunk = Buffer.alloc(256 * 1024);
  while (sent < size) {
    if (!request.write(chunk)) await once(request, 'drain');
    sent += chunk.length;
  }
  request.end();
  const [response] = await answered;
  const { bytes, buffered } = JSON.parse(Buffer.concat(await response.toArray()).toString());
  assert.equal(bytes, size);
  assert.ok(buffered < size / 2, `${buffered} bytes were taken while nobody read`);
});

test('an unread body does not block the connection', async (t) => {
  const { port } = await serve(t, async (request) => {
    if (request.url.endsWith('/some')) await request.body.getReader().read();
    if (request.url.endsWith('/cancel')) await request.body.cancel();
    return new Response('done');
  });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (const path of ['/none', '/some', '/cancel', '/none']) {
    const request = http.request({ port, host: '127.0.0.1', method: 'POST', path, agent });
    request.end(Buffer.alloc(4 * 1024 * 1024));
    const [response] = await once(request, 'response');
    assert.equal(Buffer.concat(await response.toArray()).toString(), 'done', path);
  }
});

test('responses are streamed with back-pressure until the client disconnects', async (t) => {
  let pulled = 0;
  let cancelled;
  const ended = new Promise((resolve) => {
    cancelled = resolve;
  });
  let signal;
  const { port } = await serve(t, (request) => {
    signal = request.signal;
    return new Response(
      new ReadableStream(
        {
          pull(controller) {
            pulled += 65536;
            controller.enqueue(new Uint8Array(65536));
          },
          cancel: cancelled,
        },
        { highWaterMark: 0 },
      ),
    );
  });
  const socket = net.connect(port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'readable');
  await sleep(200);
  const before = pulled;
  assert.ok(before < 32 * 1024 * 1024, `${before} bytes`);
  await sleep(200);
  assert.equal(pulled, before, 'it waits');
  socket.destroy();
  await ended;
  assert.equal(signal.aborted, true);
});

test('a disconnect aborts signal and body', async (t) => {
  const seen = {};
  let left;
  const leaving = new Promise((resolve) => {
    left = resolve;
  });
  const logged = t.mock.method(console, 'error', () => {});
  const { port, url } = await serve(t, async (request) => {
    if (request.method === 'GET') return new Response('fine');
    seen.body = await request.text().catch((error) => error.name);
    seen.aborted = request.signal.aborted;
    left();
    return new Response('too late');
  });
  const socket = net.connect(port, '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf');
  await sleep(100);
  socket.destroy();
  await leaving;
  assert.deepEqual(seen, { body: 'AbortError', aborted: true });
  assert.equal((await fetch(url)).status, 200);
  assert.equal(logged.mock.callCount(), 0);
});

test('headers are sent before the first event of a stream', async (t) => {
  const { url } = await serve(
    t,
    () => new Response(new ReadableStream({}), { headers: { 'content-type': 'text/event-stream' } }),
  );
  const leaving = new AbortController();
  assert.equal((await fetch(url, { signal: leaving.signal })).status, 200);
  leaving.abort();
});

test('a gate sees all relevant parts of a request', async (t) => {
  const issuer = await startIssuer();
  t.after(() => issuer.close());
  const gate = createGate({
    issuer: issuer.url,
    audience: ORIGIN,
    resource: ORIGIN,
    routes: [{ path: '/pub', public: true }],
    cors: { origins: ['https://app.example'] },
  });
  const { port, url } = await serve(
    t,
    gate.protect(async (request, _env, _ctx, auth) =>
      Response.json({ hello: auth?.subject ?? null, body: await request.text() }),
    ),
  );
  const token = await issuer.mint({ aud: ORIGIN });
  const authorization = `Bearer ${token}`;

  const answer = await fetch(`${url}/notes`, {
    method: 'POST',
    headers: { authorization, origin: 'https://app.example' },
    body: 'a note',
  });
  assert.deepEqual(await answer.json(), { hello: 'ada', body: 'a note' });
  assert.equal(answer.headers.get('access-control-allow-origin'), 'https://app.example');
  assert.equal(
    (await fetch(`${url}/notes`, { headers: { authorization, origin: 'https://evil.example' } })).status,
    403,
  );
  const preflight = await fetch(`${url}/notes`, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization, x-trace',
    },
  });
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get('access-control-allow-headers'), /x-trace/);

  const challenge = await fetch(`${url}/notes`);
  assert.equal(challenge.status, 401);
  assert.match(challenge.headers.get('www-authenticate'), /resource_metadata="https:\/\/notes\.example\.com\//);
  assert.equal(
    statusOf(
      await raw(
        port,
        line('GET /notes HTTP/1.1', 'Host: a', `Authorization: ${authorization}`, `Authorization: ${authorization}`),
      ),
    ),
    400,
  );
  assert.equal(statusOf(await raw(port, line('GET /pub HTTP/1.1', 'Host: a'))), 200);
  for (const target of [
    '//',
    '//pub',
    '/pub/../notes',
    '/pub/%2e%2e/notes',
    '/pub\\..\\notes',
    '/pub/..;/notes',
    'http://a/pub/../notes',
  ]) {
    const status = statusOf(await raw(port, line(`GET ${target} HTTP/1.1`, 'Host: a')));
    assert.ok([400, 401].includes(status), `${target}: ${status}`);
  }
});

test('a response whose length is wrong ends the connection, and leaves no second response in it', async (t) => {
  t.mock.method(console, 'error', () => {});
  const smuggled = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Evil: 1\r\n\r\nEVIL!';
  for (const [body, length] of [
    ['A'.repeat(10) + smuggled, 10],
    ['A'.repeat(5), 10],
  ]) {
    const { port } = await serve(t, async () => {
      const chunks = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(body));
          controller.close();
        },
      });
      return new Response(chunks, { headers: { 'content-length': `${length}` } });
    });
    const answer = await raw(port, `GET / HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.ok(!answer.includes('X-Evil'), answer);
  }
});

test('the length of an encoded body is not that of the decoded one', async (t) => {
  const { url } = await serve(
    t,
    async () => new Response('decoded', { headers: { 'content-encoding': 'identity', 'content-length': '3' } }),
  );
  const response = await fetch(url);
  assert.equal(response.headers.get('content-length'), null);
  assert.equal(await response.text(), 'decoded');
});
