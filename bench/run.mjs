// Compares Tollgate with jose and, natively, with the crate jsonwebtoken, in one run:
//   node bench/run.mjs --npm <package> --component <tollgate-gate.wasm> --out <json> --svg <svg>
//                      [--quick] [--strict] [--only <name>] [--native <program>] [--standalone <wasm>]
// `--native` measures under wasmtime (bench/native), and also the standalone component if it is
// given. It prints one JSON object per line, with name, unit, ours and peer. Other load on the
// machine changes times by a third and more, but ratios much less, because both sides take turns.
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { judge } from './src/bars.mjs';
import { measureBehaviours } from './src/behaviours.mjs';
import { chart } from './src/chart.mjs';
import { measureFirst } from './src/first.mjs';
import { AUDIENCE, makeKeys, mint } from './src/issuer.mjs';
import { measureSizes } from './src/size.mjs';
import { ALGORITHMS, SPEEDS, measureSpeeds } from './src/speed.mjs';
import { table } from './src/table.mjs';
import { bundle, start } from './src/workerd.mjs';

const ISSUER = 'https://issuer.example.com';
/** Tokens of each algorithm: many more than fit in the gate's cache, so that each is new. */
const TOKENS = 64;

const say = (line) => process.stderr.write(`bench: ${line}\n`);

async function main() {
  const { values } = parseArgs({
    options: {
      npm: { type: 'string' },
      component: { type: 'string' },
      out: { type: 'string' },
      svg: { type: 'string' },
      native: { type: 'string' },
      standalone: { type: 'string' },
      only: { type: 'string' },
      quick: { type: 'boolean' },
      strict: { type: 'boolean' },
    },
  });
  if (values.npm === undefined)
    throw new Error('Say where the package is: --npm target/dist/npm/tollgate, which `cargo xtask build` makes.');
  const { npm, quick, only } = values;
  const wanted = (...names) => only === undefined || names.some((name) => name.includes(only));

  const { jwks, signers } = await makeKeys(ALGORITHMS);
  const tokens = {};
  for (const [name, signer] of Object.entries(signers)) {
    tokens[name] = await Promise.all(Array.from({ length: TOKENS }, () => mint(ISSUER, signer)));
  }
  const settings = {
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: { keys: jwks.keys.filter(({ alg }) => alg === 'ES256') },
  };
  const [speed, empty, ours, oursWithClient, peer] = await Promise.all([
    bundle('speed', npm),
    bundle('first-empty', npm),
    bundle('first', npm, settings),
    bundle('first-with-client', npm, settings),
    bundle('first-jose', npm, settings),
  ]);
  const results = [];
  const json = (modules) =>
    JSON.stringify(modules.map(({ name, js, wasm }) => ({ name, js, wasm: wasm?.toString('base64') })));
  const worker = await start(speed, {
    loaders: true,
    bundles: { empty: json(empty), ours: json(ours), oursWithClient: json(oursWithClient), peer: json(peer) },
  });
  try {
    await worker.request('/setup', JSON.stringify({ issuer: ISSUER, audience: AUDIENCE, jwks, tokens }));
    if (wanted(...SPEEDS.map(({ name }) => name))) results.push(...(await measureSpeeds(worker, { quick, only, say })));
    if (wanted('gzip-kb', 'gzip-kb-with-client')) results.push(...(await measureSizes(npm, peer)));
    if (wanted('first-request-ms', 'first-request-ms-with-client'))
      results.push(...(await measureFirst(worker, { quick, say })));
  } finally {
    await worker.close();
  }
  if (wanted(...NATIVE)) results.push(...(await underWasmtime(values.native, values.standalone)));
  if (wanted('behaviours')) results.push(...(await measureBehaviours(npm, { quick, say })));

  const rows = results.map((row) =>
    judge({ ...row, ratio: row.ours === null || row.peer === null ? null : row.peer / row.ours }),
  );
  console.log(table(rows));
  if (values.out !== undefined) {
    await save(
      values.out,
      `${JSON.stringify(
        rows.map(({ name, unit, ours, peer, ratio }) => ({
          name,
          unit,
          ours: round(ours),
          peer: round(peer),
          ratio: round(ratio),
        })),
        null,
        2,
      )}\n`,
    );
  }
  if (values.svg !== undefined) await save(values.svg, chart(rows));
  const missed = rows.filter(({ met }) => met === false).map(({ name }) => name);
  if (missed.length > 0) console.log(`Bars missed: ${missed.join(', ')}.`);
  if (values.strict && missed.length > 0) process.exitCode = 1;
}

/** The results of the native program that are printed. */
const NATIVE = [
  'wasmtime-seen',
  ...['native', 'standalone'].flatMap((host) => [
    `${host}-seen`,
    ...ALGORITHMS.map((algorithm) => `${host}-new-${algorithm.toLowerCase()}`),
  ]),
];

async function underWasmtime(program, standalone) {
  if (program === undefined) return [{ name: 'wasmtime-seen', unit: 'µs', ours: null, peer: null }];
  say('under wasmtime');
  const { stdout } = await promisify(execFile)(program, standalone === undefined ? [] : [standalone], {
    maxBuffer: 16 * 1024 * 1024,
  });
  const rows = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter(({ name }) => NATIVE.includes(name));
  if (!rows.some(({ name }) => name === 'wasmtime-seen'))
    throw new Error(`${program} printed no line for wasmtime-seen.`);
  return rows;
}

const round = (number) => (number === null ? null : Number(number.toPrecision(5)));

async function save(file, text) {
  await mkdir(path.dirname(path.resolve(file)), { recursive: true });
  await writeFile(file, text);
}

main().catch((error) => {
  console.error(`bench: ${error.stack}`);
  process.exitCode = 1;
});
