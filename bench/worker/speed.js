// Ours and jose side by side in one isolate. Time stands still inside a request, so a request does
// the same work `n` times and is timed from outside.
import { createGate } from 'tollgate';
import { createLocalJWKSet, jwtVerify } from 'jose';

/** Tokens by name, and what verifies them. Made by `PUT /setup`, before anything is timed. */
let tokens;
let seenGate;
let newGate;
let keySet;
let jose;

function setUp({ issuer, audience, jwks, tokens: given }) {
  tokens = given;
  const common = { resource: audience, issuers: [{ issuer, audiences: [audience], keys: { inline: jwks } }] };
  seenGate = createGate(common);
  // Every list of tokens is longer than this, so in turn none is found: each is verified, put in,
  // and pushes an older one out.
  newGate = createGate({ ...common, tokenCache: { maxEntries: 16 } });
  keySet = createLocalJWKSet(jwks);
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
    const request = new Request('https://mcp.example.com/mcp', { method: 'POST', headers: { authorization: `Bearer ${tokens.es256[0]}` } });
    for (let i = 0; i < n; i++) {
      const answer = await seenGate.authenticate(request);
      if (!answer.ok || answer.auth.subject !== 'ada') throw new Error(answer.reason);
    }
  },

  async 'seen-request peer'(n) {
    const request = new Request('https://mcp.example.com/mcp', { method: 'POST', headers: { authorization: `Bearer ${tokens.es256[0]}` } });
    const options = jose(['ES256']);
    for (let i = 0; i < n; i++) {
      const [scheme, token] = request.headers.get('authorization').split(' ');
      const { payload } = await jwtVerify(token, keySet, options);
      if (scheme !== 'Bearer' || payload.sub !== 'ada') throw new Error('wrong subject');
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

/** Where each list is to go on, so that one request does not begin with what the last one kept. */
const next = new Map();

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (url.pathname === '/setup') {
      setUp(await request.json());
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

/** Workers that are started afresh, their modules decoded beforehand. */
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

/** A request to an isolate that does not exist yet. */
async function cold({ which, id }, env) {
  const modules = await bundle(which, env);
  const worker = env.LOADER.get(`${which} ${id}`, () => ({
    compatibilityDate: '2025-10-01',
    mainModule: modules[0].name,
    modules: Object.fromEntries(modules.map(({ name, js, wasm }) => [name, js === undefined ? { wasm: marked(wasm, id) } : { js }])),
  }));
  return worker.getEntrypoint().fetch('https://mcp.example.com/mcp', { headers: { authorization: `Bearer ${tokens.es256[0]}` } });
}

/**
 * A module with an empty section of its own at the end: V8 compiles a module that its process has
 * not seen, and would share the code of one that it has.
 */
function marked(module, id) {
  const name = new TextEncoder().encode(`bench-${id}`);
  const bytes = new Uint8Array(module.length + 3 + name.length);
  bytes.set(module);
  bytes.set([0, name.length + 1, name.length], module.length);
  bytes.set(name, module.length + 3);
  return bytes.buffer;
}
