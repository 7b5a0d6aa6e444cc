// Measures Tollgate and jose in one isolate of one workerd process, in alternating rounds.
import { median } from './statistics.mjs';

/**
 * The minimum duration of a measured request, in milliseconds: much more than the overhead of a
 * request.
 */
const SPAN = { full: 220, quick: 60 };
const ROUNDS = { full: 9, quick: 3 };
/** The warm-up time of each: V8 optimizes in the background. */
const WARM_UP = { full: 1500, quick: 500 };

const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA'];

/** Names and requirements, such as `new-es256`. An entry with `alone` is not compared with jose. */
export const SPEEDS = [
  { name: 'seen', work: 'seen', list: 'es256' },
  { name: 'seen-request', work: 'seen-request', list: 'es256' },
  ...ALGORITHMS.map((algorithm) => ({
    name: `new-${algorithm.toLowerCase()}`,
    work: 'new',
    list: algorithm.toLowerCase(),
    algorithm,
  })),
  { name: 'cached-get-token', work: 'exchanged', list: 'es256', alone: true },
  ...['RS256', 'ES256'].map((algorithm) => ({
    name: `sign-${algorithm.toLowerCase()}`,
    work: 'sign',
    list: '',
    algorithm,
  })),
];
export { ALGORITHMS };

const sides = ({ alone }) => (alone ? ['ours'] : ['ours', 'peer']);

/** @returns {Promise<{ name: string, unit: string, ours: number, peer: number | null, spread: [number, number] | null }[]>} */
export async function measureSpeeds(worker, { quick, only, say }) {
  const span = quick ? SPAN.quick : SPAN.full;
  const warmUp = quick ? WARM_UP.quick : WARM_UP.full;
  const rounds = quick ? ROUNDS.quick : ROUNDS.full;
  const run = async (speed, who, n) => {
    const query = new URLSearchParams({
      work: who === 'empty' ? 'empty' : `${speed.work} ${who}`,
      list: speed.list,
      algorithm: speed.algorithm ?? '',
      n,
    });
    const begun = performance.now();
    await worker.request(`/run?${query}`);
    return performance.now() - begun;
  };
  const speeds = SPEEDS.filter(({ name }) => only === undefined || name.includes(only));
  const cases = [];
  for (const speed of speeds) {
    const times = { ours: [], peer: [] };
    const counts = {};
    for (const who of sides(speed)) {
      // After the warm-up, tables are built and code is compiled.
      let n = 16;
      let each = Infinity;
      for (let spent = 0; spent < warmUp; ) {
        const time = await run(speed, who, n);
        spent += time;
        each = Math.min(each, time / n);
        if (time < span / 4) n *= 2;
      }
      counts[who] = Math.max(8, Math.ceil(span / each));
    }
    cases.push({ speed, times, counts });
    say(`${speed.name}: warm`);
  }
  const empty = [];
  for (let round = 0; round < rounds; round++) {
    for (const { speed, times, counts } of cases) {
      empty.push(await run(speed, 'empty', 1));
      // The order alternates.
      for (const who of round % 2 === 0 ? sides(speed) : sides(speed).reverse()) {
        times[who].push((await run(speed, who, counts[who])) / counts[who]);
      }
    }
    say(`round ${round + 1} of ${rounds}`);
  }
  const idle = median(empty);
  return cases.map(({ speed, times, counts }) => {
    const micros = (who) => times[who].map((time) => (time - idle / counts[who]) * 1000);
    const ours = micros('ours');
    if (speed.alone) return { name: speed.name, unit: 'µs', ours: median(ours), peer: null, spread: null };
    const peer = micros('peer');
    const ratios = peer.map((time, i) => time / ours[i]);
    return {
      name: speed.name,
      unit: 'µs',
      ours: median(ours),
      peer: median(peer),
      spread: [Math.min(...ratios), Math.max(...ratios)],
    };
  });
}
