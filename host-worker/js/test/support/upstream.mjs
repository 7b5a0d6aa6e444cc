// An API that is called with exchanged tokens, and records the requests.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { read } from './issuer.mjs';

/**
 * @returns {Promise<{ url: string, calls: object[], answer: (fn?: Function) => void, close: () => Promise<void> }>}
 *   `calls` are the requests that came in; `answer` replaces the answer
 */
export async function startUpstream() {
  const calls = [];
  let answer;
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    const { method, url, headers } = request;
    calls.push({ method, url, headers, body });
    if (answer) return answer(request, response, calls.length);
    const [, token] = headers.authorization?.split(' ') ?? [];
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ as: read(token), method, body }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    calls,
    answer(fn) {
      answer = fn;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
