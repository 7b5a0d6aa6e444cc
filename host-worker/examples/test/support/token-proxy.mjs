// A proxy that adds a token: for tools that speak MCP and know nothing of authorization.
//
// It stands in front of the Worker in tests only; the Worker itself has no way around its gate.
import { createServer, request as send } from 'node:http';
import { once } from 'node:events';

/**
 * Passes everything on as it came, `Host` and `Origin` included.
 * @param {URL} target the Worker
 * @param {() => Promise<string>} token asked for each request
 */
export async function startTokenProxy(target, token, port = 0) {
  const server = createServer(async (incoming, outgoing) => {
    const headers = { ...incoming.headers, authorization: `Bearer ${await token()}` };
    const upstream = send(
      { host: target.hostname, port: target.port, method: incoming.method, path: incoming.url, headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode, answer.rawHeaders);
        answer.pipe(outgoing);
      },
    );
    upstream.on('error', () => outgoing.destroy());
    outgoing.on('close', () => upstream.destroy());
    incoming.pipe(upstream);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: new URL(`http://localhost:${server.address().port}`),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
