// A minimal authorization server: metadata, keys, tokens and token exchange.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';

/**
 * @returns {Promise<{
 *   url: string, counts: Record<string, number>, jwks: object,
 *   mint: (claims?: object, header?: object) => Promise<string>,
 *   requests: { headers: object, form: Record<string, string[]> }[],
 *   hold: () => () => void, answer: (kind: string, fn: Function) => void, close: () => Promise<void>,
 * }>} `hold` keeps every answer back until what it returns is called; `answer` replaces the
 *   answers of one kind, `discovery`, `jwks` or `token` (which gets the form, too), until it is
 *   called without `fn`; `requests` are those for tokens
 */
export async function startIssuer() {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] };
  const counts = { discovery: 0, jwks: 0, token: 0 };
  const requests = [];
  const answers = {};
  let gate = Promise.resolve();
  let issuer;

  const server = createServer(async (request, response) => {
    const kind =
      request.url === '/.well-known/oauth-authorization-server'
        ? 'discovery'
        : request.url === '/jwks'
          ? 'jwks'
          : request.url === '/token'
            ? 'token'
            : undefined;
    if (kind === undefined) return void response.writeHead(404).end();
    counts[kind]++;
    await gate;
    let form;
    if (kind === 'token') {
      const text = await request.toArray().then(
        (chunks) => Buffer.concat(chunks).toString(),
        () => undefined,
      );
      if (text === undefined) return; // the client has left
      form = {};
      for (const [name, value] of new URLSearchParams(text)) {
        form[name] ??= [];
        form[name].push(value);
      }
      requests.push({ headers: request.headers, form });
    }
    if (answers[kind]) return answers[kind](request, response, form);
    if (kind === 'token') return respond(response, form);
    const body =
      kind === 'jwks'
        ? jwks
        : {
            issuer: issuer.url,
            jwks_uri: `${issuer.url}/jwks`,
            authorization_endpoint: `${issuer.url}/authorize`,
            token_endpoint: `${issuer.url}/token`,
            response_types_supported: ['code'],
          };
    response
      .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=600' })
      .end(JSON.stringify(body));
  });
  /** The subject and the target, so that tests can detect mixed-up tokens. */
  function respond(response, { grant_type: [grant], subject_token: [subject] = [], resource = [], scope }) {
    const { sub } =
      subject === undefined ? { sub: 'app' } : JSON.parse(Buffer.from(subject.split('.')[1], 'base64url'));
    const token = { sub, resource, n: counts.token };
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(
      JSON.stringify({
        access_token: Buffer.from(JSON.stringify(token)).toString('base64url'),
        token_type: 'Bearer',
        expires_in: 300,
        ...(grant.endsWith('token-exchange') && { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' }),
        ...(scope && { scope: scope[0] }),
      }),
    );
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  issuer = {
    url: `http://127.0.0.1:${server.address().port}`,
    counts,
    jwks,
    requests,
    mint(claims = {}, header = {}) {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({
        iss: issuer.url,
        aud: 'https://mcp.example.com',
        sub: 'ada',
        client_id: 'app',
        scope: 'mcp:tools',
        iat: now,
        exp: now + 600,
        jti: crypto.randomUUID(),
        ...claims,
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k1', ...header })
        .sign(privateKey);
    },
    hold() {
      let release;
      gate = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    answer(kind, fn) {
      answers[kind] = fn;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return issuer;
}

/** What a token of this issuer says: for whom, for what, and the how many-th it is. */
export function read(accessToken) {
  return JSON.parse(Buffer.from(accessToken, 'base64url'));
}
