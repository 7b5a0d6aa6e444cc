// A real authorization server, as far as a resource server can see one: metadata, keys, tokens.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';

/**
 * @returns {Promise<{
 *   url: string, counts: Record<string, number>, jwks: object,
 *   mint: (claims?: object, header?: object) => Promise<string>,
 *   hold: () => () => void, answer: (kind: string, fn: Function) => void, close: () => Promise<void>,
 * }>} `hold` keeps every answer back until what it returns is called; `answer` replaces the
 *   answers of one kind, `discovery` or `jwks`
 */
export async function startIssuer() {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] };
  const counts = { discovery: 0, jwks: 0 };
  const answers = {};
  let gate = Promise.resolve();
  let issuer;

  const server = createServer(async (request, response) => {
    const kind = request.url === '/.well-known/oauth-authorization-server' ? 'discovery' : request.url === '/jwks' ? 'jwks' : undefined;
    if (kind === undefined) return void response.writeHead(404).end();
    counts[kind]++;
    await gate;
    if (answers[kind]) return answers[kind](request, response);
    const body = kind === 'jwks' ? jwks : {
      issuer: issuer.url,
      jwks_uri: `${issuer.url}/jwks`,
      authorization_endpoint: `${issuer.url}/authorize`,
      token_endpoint: `${issuer.url}/token`,
      response_types_supported: ['code'],
    };
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=600' }).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  issuer = {
    url: `http://127.0.0.1:${server.address().port}`,
    counts,
    jwks,
    mint(claims = {}, header = {}) {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({ iss: issuer.url, aud: 'https://mcp.example.com', sub: 'ada', client_id: 'app', scope: 'mcp:tools', iat: now, exp: now + 600, jti: crypto.randomUUID(), ...claims })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k1', ...header })
        .sign(privateKey);
    },
    hold() {
      let release;
      gate = new Promise((resolve) => { release = resolve; });
      return release;
    },
    answer(kind, fn) { answers[kind] = fn; },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return issuer;
}
