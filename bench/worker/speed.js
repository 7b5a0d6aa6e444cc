// Tollgate and jose in one isolate. Time stands still inside a request, so a request does the same
// work `n` times and is timed from outside.
import { createGate } from 'tollgate';
import { SignJWT, createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose';

/** Tokens by name, and what verifies them. Made by `PUT /setup`, before anything is timed. */
let tokens;
let seenGate;
let newGate;
let keySet;
let jose;
/** A gate whose user's token has been exchanged, and that user. */
let exchanging;
/** By algorithm: a gate that signs with a key, and the key. */
const signing = {};

const API = 'https://api.example.com';

async function setUp({ issuer, audience, jwks, tokens: given }) {
  tokens = given;
  const common = { resource: audience, issuers: [{ issuer, audiences: [audience], keys: { inline: jwks } }] };
  seenGate = createGate(common);
  // Every list of tokens is longer than this, so no token is found: each is verified, stored, and
  // evicts an older one.
  newGate = createGate({ ...common, tokenCache: { maxEntries: 16 } });
  keySet = createLocalJWKSet(jwks);
  const gate = createGate({
    ...common,
    client: { id: 'app', secret: 'secret', tokenEndpoint: `${issuer}/token` },
    fetch: async () =>
      Response.json({
        access_token: 'a'.repeat(800),
        token_type: 'Bearer',
        expires_in: 3600,
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      }),
  });
  const { auth } = await gate.verify(tokens.es256[0]);
  exchanging = { gate, auth };
  for (const algorithm of ['RS256', 'ES256']) {
    const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
    const key = JSON.stringify(await exportJWK(privateKey));
    signing[algorithm] = {
      gate: createGate({ ...common, client: { id: 'app', keys: [{ key, algorithm }] } }),
      privateKey,
    };
  }
  jose = (algorithms) => ({ issuer, audience, typ: 'at+jwt', algorithms });
}

const WORK = {
  async empty() {},

  async 'seen ours'(n) {
    const [token] = tokens.es256;
    for (let i = 0; i < n; i++) {
      const answer = await seenGate.verify(token);
      if (!answer.ok || answer.auth.subject !== 'ada') throw new Error(answer.reason);
    }
  },

  async 'seen peer'(n) {
    const [token] = tokens.es256;
    const options = jose(['ES256']);
    for (let i = 0; i < n; i++) {
      const { payload } = await jwtVerify(token, keySet, options);
      if (payload.sub !== 'ada') throw new Error('wrong subject');
    }
  },

  async 'seen-request ours'(n) {
    const request = new Request('https://mcp.example.com/mcp', {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens.es256[0]}` },
    });
    for (let i = 0; i < n; i++) {
      const answer = await seenGate.authenticate(request);
      if (!answer.ok || answer.auth.subject !== 'ada') throw new Error(answer.reason);
    }
  },

  async 'seen-request peer'(n) {
    const request = new Request('https://mcp.example.com/mcp', {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens.es256[0]}` },
    });
    const options = jose(['ES256']);
    for (let i = 0; i < n; i++) {
      const [scheme, token] = request.headers.get('authorization').split(' ');
      const { payload } = await jwtVerify(token, keySet, options);
      if (scheme !== 'Bearer' || payload.sub !== 'ada') throw new Error('wrong subject');
    }
  },

  async 'exchanged ours'(n) {
    const { gate, auth } = exchanging;
    for (let i = 0; i < n; i++) {
      const { accessToken } = await gate.exchange(auth, API);
      if (accessToken.length !== 800) throw new Error('another token');
    }
  },

  async 'sign ours'(n, _list, _start, algorithm) {
    const { gate } = signing[algorithm];
    for (let i = 0; i < n; i++) {
      if ((await gate.clientAssertion('https://issuer.example.com')).length < 300) throw new Error('no assertion');
    }
  },

  async 'sign peer'(n, _list, _start, algorithm) {
    const { privateKey } = signing[algorithm];
    for (let i = 0; i < n; i++) {
      const now = Math.floor(Date.now() / 1000);
      const assertion = await new SignJWT({ jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: algorithm, typ: 'JWT', kid: 'k' })
        .setIssuer('app')
        .setSubject('app')
        .setAudience('https://issuer.example.com')
        .setIssuedAt(now)
        .setExpirationTime(now + 60)
        .sign(privateKey);
      if (assertion.length < 200) throw new Error('no assertion');
    }
  },

  async 'new ours'(n, list, start) {
    for (let i = 0; i < n; i++) {
      const answer = await newGate.verify(list[(start + i) % list.length]);
      if (!answer.ok || answer.auth.subject !== 'ada') throw new Error(answer.reason);
    }
  },

  async 'new peer'(n, list, start, algorithm) {
    const options = jose([algorithm]);
    for (let i = 0; i < n; i++) {
      const { payload } = await jwtVerify(list[(start + i) % list.length], keySet, options);
      if (payload.sub !== 'ada') throw new Error('wrong subject');
    }
  },
};

/**
 * The next position in each list, so that a request does not begin with tokens that the last one
 * cached.
 */
const next = new Map();

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (url.pathname === '/setup') {
      await setUp(await request.json());
      return new Response('ready');
    }
    const parameters = Object.fromEntries(url.searchParams);
    if (url.pathname === '/cold') return cold(parameters, env);
    const { work, list = '', algorithm, n } = parameters;
    const place = `${work} ${list}`;
    const start = next.get(place) ?? 0;
    next.set(place, start + Number(n));
    await WORK[work](Number(n), tokens[list], start, algorithm);
    return new Response('done');
  },
};

/** Workers that are started anew, with modules that were already decoded. */
const bundles = new Map();

async function bundle(which, env) {
  let modules = bundles.get(which);
  if (modules === undefined) {
    modules = await (await env.BUNDLES.fetch(`http://bundles/${which}`)).json();
    for (const module of modules) {
      if (module.wasm !== undefined) module.wasm = Uint8Array.from(atob(module.wasm), (c) => c.charCodeAt(0));
    }
    bundles.set(which, modules);
  }
  return modules;
}

/** A request to a new isolate. */
async function cold({ which, id }, env) {
  const modules = await bundle(which, env);
  const worker = env.LOADER.get(`${which} ${id}`, () => ({
    compatibilityDate: '2025-10-01',
    mainModule: modules[0].name,
    modules: Object.fromEntries(
      modules.map(({ name, js, wasm }) => [name, js === undefined ? { wasm: marked(wasm, id) } : { js }]),
    ),
  }));
  return worker
    .getEntrypoint()
    .fetch('https://mcp.example.com/mcp', { headers: { authorization: `Bearer ${tokens.es256[0]}` } });
}

/**
 * A module with an empty section of its own: V8 compiles a module that its process has not seen,
 * and would share the code of one that it has. The section comes first, where V8 looks first: it
 * would compare modules that differ in their last bytes with each other from end to end, which no
 * process that has one of them does.
 */
function marked(module, id) {
  const header = 8;
  const name = new TextEncoder().encode(`bench-${id}`);
  const bytes = new Uint8Array(module.length + 3 + name.length);
  bytes.set(module.subarray(0, header));
  bytes.set([0, name.length + 1, name.length, ...name], header);
  bytes.set(module.subarray(header), header + 3 + name.length);
  return bytes.buffer;
}
