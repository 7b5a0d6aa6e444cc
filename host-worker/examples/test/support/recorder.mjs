// An API that accepts any token, and records the requests.
import { createServer } from 'node:http';
import { once } from 'node:events';

/** Answers as the development upstream does, with what the token says and without checking it. */
export async function startRecorder() {
  const requests = [];
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    requests.push({ method, url, headers });
    const { sub, client_id, act, scope, aud } = claimsOf(headers.authorization.split(' ')[1]);
    const body = { subject: sub, client_id, actors: [act.sub], scopes: scope.split(' '), audience: [aud].flat() };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The claims of a JWT, unverified. */
export function claimsOf(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
}
