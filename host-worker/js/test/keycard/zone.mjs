// A zone for tests: metadata, keys, tokens without `typ`, and token exchange for clients with a
// secret or a private key. Beside it an API that says which token it was called with.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { CompactSign, SignJWT, createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose';

export const CLIENT = { id: 'app:1', secret: 'geheim & 100%' };

/** `answer(kind, fn)` replaces the answers of one kind; `fn` undefined restores them. */
export async function startZone({ path = '' } = {}) {
  const own = async (kid, alg = 'RS256') => ({ ...(await generateKeyPair(alg, { extractable: true })), kid, alg });
  let keys = [await own('k1')];
  const counts = { discovery: 0, jwks: 0, token: 0 };
  const answers = {};
  const exchanges = [];
  const zone = { counts, exchanges, extraKeys: [], metadata: {}, token: {}, keysOfClient: undefined };

  const jwks = async () => ({
    keys: [
      ...zone.extraKeys,
      ...(await Promise.all(
        keys.map(async ({ publicKey, kid, alg }) => ({ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' })),
      )),
    ],
  });
  const json = (response, status, body) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

  const server = createServer(async (request, response) => {
    const routes = {
      [`/.well-known/oauth-authorization-server${path}`]: 'discovery',
      [`${path}/jwks`]: 'jwks',
      [`${path}/token`]: 'token',
    };
    const kind = routes[request.url];
    if (kind === undefined) return void response.writeHead(404).end();
    counts[kind]++;
    if (answers[kind]) return answers[kind](request, response);
    if (kind === 'jwks') return json(response, 200, await jwks());
    if (kind === 'discovery') {
      return json(response, 200, {
        issuer: zone.url,
        authorization_endpoint: `${zone.url}/authorize?tenant=1`,
        token_endpoint: `${zone.url}/token`,
        jwks_uri: `${zone.url}/jwks`,
        response_types_supported: ['code'],
        ...zone.metadata,
      });
    }
    let body = '';
    for await (const chunk of request) body += chunk;
    const [status, answer] = await exchange(new URLSearchParams(body), request.headers.authorization);
    json(response, status, answer);
  });

  async function exchange(form, authorization) {
    const client = await clientOf(form, authorization).catch(() => undefined);
    if (client === undefined) return [401, { error: 'invalid_client', error_description: 'who is this?' }];
    const user = await jwtVerify(form.get('subject_token'), createLocalJWKSet(await jwks()), {
      issuer: zone.url,
    }).catch(() => undefined);
    if (user === undefined) return [400, { error: 'invalid_grant' }];
    const { sub } = user.payload;
    exchanges.push({ client, sub, form: Object.fromEntries(form) });
    if (sub === 'denied')
      return [400, { error: 'access_denied', error_description: 'no\nconsent', error_uri: 'https://zone.example/why' }];
    return [
      200,
      {
        access_token: `up.${sub}.${exchanges.length}`,
        token_type: 'Bearer',
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        expires_in: 600,
        scope: 'repo user',
        ...zone.token,
      },
    ];
  }

  async function clientOf(form, authorization) {
    if (authorization !== undefined) {
      const [id, secret] = Buffer.from(authorization.slice('Basic '.length), 'base64')
        .toString()
        .split(':')
        .map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
      return id === CLIENT.id && secret === CLIENT.secret ? id : undefined;
    }
    const set = createLocalJWKSet(await zone.keysOfClient());
    const { payload, protectedHeader } = await jwtVerify(form.get('client_assertion'), set, {
      audience: `${zone.url}/token`,
      maxTokenAge: 300,
    });
    zone.assertion = { payload, protectedHeader };
    return payload.iss === payload.sub && typeof payload.jti === 'string' ? payload.sub : undefined;
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${server.address().port}`;
  return Object.assign(zone, {
    url: `${origin}${path}`,
    /** Claims and header are merged over good ones; `undefined` takes one away. */
    mint(claims = {}, header = {}, key = keys.at(-1)) {
      const now = Math.floor(Date.now() / 1000);
      const payload = {
        iss: zone.url,
        aud: 'https://mcp.example.com',
        sub: 'ada',
        client_id: 'agent',
        scope: 'mcp:tools other',
        iat: now,
        exp: now + 600,
        jti: crypto.randomUUID(),
        ...claims,
      };
      return new SignJWT(payload).setProtectedHeader({ alg: key.alg, kid: key.kid, ...header }).sign(key.privateKey);
    },
    /** Signs any text as a payload. */
    signText: (text, header = {}) =>
      new CompactSign(new TextEncoder().encode(text))
        .setProtectedHeader({ alg: 'RS256', kid: keys.at(-1).kid, ...header })
        .sign(keys.at(-1).privateKey),
    async rotate(kid, alg) {
      keys = [await own(kid, alg)];
    },
    newKey: own,
    answer(kind, fn) {
      answers[kind] = fn;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

export async function startApi() {
  const server = createServer((request, response) => response.end(`${request.url} ${request.headers.authorization}`));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
