// The gate's behaviour under load and during an outage, counted by a real issuer over real HTTP.
// Each measurement has its own workerd, so that its isolate is cold.
import http from 'node:http';
import { AUDIENCE, startIssuer } from './issuer.mjs';
import { bundle, start } from './workerd.mjs';

const OPTIONS = { resource: AUDIENCE };
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @returns {Promise<{ name: string, unit: string, ours: number, peer: number | null }[]>} */
export async function measureBehaviours(npm, { say }) {
  const [ours, peer] = await Promise.all([bundle('guarded', npm), bundle('guarded-jose', npm)]);
  const rows = [];
  const add = (name, unit, mine, theirs = null) => rows.push({ name, unit, ours: mine, peer: theirs });

  say('100 requests at once on a cold isolate');
  const [cold, coldPeer] = [await coldRush(ours), await coldRush(peer)];
  add('cold-100-answered', 'of 100', cold.answered, coldPeer.answered);
  add('cold-100-discoveries', 'fetches', cold.discovery);
  add('cold-100-key-fetches', 'fetches', cold.jwks, coldPeer.jwks);

  say('the same with half of the clients gone in the middle');
  const [half, halfPeer] = [await coldRush(ours, { leaving: true }), await coldRush(peer, { leaving: true })];
  add('half-gone-answered', 'of 50', half.answered, halfPeer.answered);
  add('half-gone-key-fetches', 'fetches', half.jwks, halfPeer.jwks);

  say('1,000 tokens with random kids');
  add('random-kid-1000-key-fetches', 'fetches', await randomKids(ours), await randomKids(peer));

  say('an issuer that is down, with stale keys');
  add('issuer-down-answered', 'of 100', await issuerDown(ours));

  say('10,000 tokens in the cache');
  add('cache-10000-tokens', 'KB', await cacheGrowth(ours));
  return rows;
}

async function withWorker(modules, options, issuerOptions, run) {
  const issuer = await startIssuer(issuerOptions);
  const worker = await start(modules, {
    bindings: { TOLLGATE_ISSUER: issuer.url, OPTIONS: JSON.stringify({ ...OPTIONS, ...options }) },
  });
  try {
    return await run(issuer, worker);
  } finally {
    await worker.close();
    await issuer.close();
  }
}

/** A client with its own connection. `status` is 0 if it has disconnected. */
function client(url, token) {
  let leave;
  const status = new Promise((resolve) => {
    const request = http.get(
      new URL('/mcp', url),
      { agent: false, headers: { authorization: `Bearer ${token}` } },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode));
      },
    );
    request.setTimeout(20_000, () => request.destroy());
    request.on('error', () => resolve(0));
    leave = () => request.destroy();
  });
  return { status, leave };
}

const answered = (statuses) => statuses.filter((status) => status === 200).length;

function coldRush(modules, { leaving = false } = {}) {
  return withWorker(modules, {}, {}, async (issuer, worker) => {
    const tokens = await Promise.all(Array.from({ length: 100 }, () => issuer.mint()));
    const release = issuer.hold();
    const clients = [client(worker.url, tokens[0])];
    // The first client starts the fetch. If half of them disconnect, it is one of them.
    while (issuer.counts.discovery + issuer.counts.jwks === 0) await pause(5);
    clients.push(...tokens.slice(1).map((token) => client(worker.url, token)));
    await pause(300);
    if (leaving) {
      for (let i = 0; i < 100; i += 2) clients[i].leave();
      await pause(100);
    }
    release();
    return { answered: answered(await Promise.all(clients.map(({ status }) => status))), ...issuer.counts };
  });
}

function randomKids(modules) {
  return withWorker(modules, {}, {}, async (issuer, worker) => {
    for (let batch = 0; batch < 20; batch++) {
      const tokens = await Promise.all(Array.from({ length: 50 }, () => issuer.mint({}, { kid: crypto.randomUUID() })));
      const statuses = await Promise.all(tokens.map((token) => client(worker.url, token).status));
      if (statuses.some((status) => status !== 401))
        throw new Error(`A token with an unknown kid was answered ${statuses}.`);
    }
    return issuer.counts.jwks;
  });
}

function issuerDown(modules) {
  const keys = { minFresh: 1, maxFresh: 1, cooldown: 1 };
  return withWorker(modules, { keys }, { maxAge: 0 }, async (issuer, worker) => {
    if ((await client(worker.url, await issuer.mint()).status) !== 200)
      throw new Error('The first request was refused.');
    issuer.fail();
    await pause(2500);
    const statuses = [];
    for (let i = 0; i < 100; i++) statuses.push(await client(worker.url, await issuer.mint()).status);
    return answered(statuses);
  });
}

/** The growth of the component's memory with 10,000 tokens, if 8 MiB are allowed. */
function cacheGrowth(modules) {
  return withWorker(
    modules,
    { tokenCache: { maxEntries: 10_000, maxBytes: 8 * 1024 * 1024 } },
    {},
    async (issuer, worker) => {
      const batch = async (count) =>
        worker.request(
          '/verify',
          JSON.stringify(await Promise.all(Array.from({ length: count }, () => issuer.mint()))),
        );
      const memory = async () => Number(await worker.request('/memory'));
      // Memory that is needed without a cache as well: tables of the key, and buffers of this size.
      await batch(200);
      const before = await memory();
      for (let sent = 0; sent < 10_000; sent += 200) await batch(200);
      return ((await memory()) - before) / 1024;
    },
  );
}
