// A minimal authorization server that counts requests.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';

export const AUDIENCE = 'https://mcp.example.com';

/** One key of each algorithm, and a signer for each. */
export async function makeKeys(algorithms) {
  const signers = {};
  const keys = [];
  for (const alg of algorithms) {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    const kid = alg.toLowerCase();
    signers[kid] = { alg, kid, privateKey };
    keys.push({ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' });
  }
  return { jwks: { keys }, signers };
}

/** An access token of RFC 9068: about 750 characters with ES256. */
export function mint(issuer, { alg, kid, privateKey }, claims = {}, header = {}) {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({
    iss: issuer,
    aud: AUDIENCE,
    sub: 'ada',
    client_id: 'https://client.example.com/oauth/metadata.json',
    scope: 'openid profile mcp:tools mcp:resources',
    iat: now,
    exp: now + 3600,
    jti: crypto.randomUUID(),
    auth_time: now - 60,
    acr: 'urn:mace:incommon:iap:silver',
    name: 'Ada Lovelace',
    email: 'ada@example.com',
    roles: ['analyst', 'engineer'],
    tenant: crypto.randomUUID(),
    ...claims,
  })
    .setProtectedHeader({ alg, typ: 'at+jwt', kid, ...header })
    .sign(privateKey);
}

/**
 * Starts an issuer on this machine.
 *
 * `hold` delays every response until the returned function is called. `maxAge` is the freshness of
 * its keys, in seconds.
 */
export async function startIssuer({ maxAge = 600 } = {}) {
  const { jwks, signers } = await makeKeys(['ES256']);
  const counts = { discovery: 0, jwks: 0 };
  let held = Promise.resolve();
  let down = false;
  const server = createServer(async (request, response) => {
    const kind = { '/.well-known/oauth-authorization-server': 'discovery', '/jwks': 'jwks' }[request.url];
    if (kind === undefined) return void response.writeHead(404).end();
    counts[kind]++;
    await held;
    if (down) return void response.writeHead(500).end();
    const url = issuer.url;
    const body =
      kind === 'jwks'
        ? jwks
        : {
            issuer: url,
            jwks_uri: `${url}/jwks`,
            authorization_endpoint: `${url}/authorize`,
            token_endpoint: `${url}/token`,
            response_types_supported: ['code'],
          };
    response
      .writeHead(200, { 'content-type': 'application/json', 'cache-control': `max-age=${maxAge}` })
      .end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = {
    url: `http://127.0.0.1:${server.address().port}`,
    counts,
    mint: (claims, header) => mint(issuer.url, signers.es256, claims, header),
    fail() {
      down = true;
    },
    hold() {
      let release;
      held = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return issuer;
}
