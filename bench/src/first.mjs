// The first request of a fresh isolate: its modules are compiled, its code runs for the first time,
// keys are preset and read, a token is verified, and the answer goes out. The time of an isolate
// that does nothing is subtracted.
import { median } from './statistics.mjs';

const SAMPLES = { full: 15, quick: 5 };
const KINDS = ['empty', 'ours', 'oursWithClient', 'peer'];

export async function measureFirst(worker, { quick, say }) {
  const times = Object.fromEntries(KINDS.map((which) => [which, []]));
  const samples = quick ? SAMPLES.quick : SAMPLES.full;
  // The first run of each fetches and decodes the modules, and is not counted.
  for (let sample = 0; sample <= samples; sample++) {
    for (const which of KINDS) {
      const begun = performance.now();
      const answer = await worker.request(`/cold?which=${which}&id=${sample}`);
      if (answer !== 'ada') throw new Error(`The first request answered ${answer}.`);
      if (sample > 0) times[which].push(performance.now() - begun);
    }
  }
  say(`an isolate that does nothing: ${median(times.empty).toFixed(1)} ms`);
  const over = (which) => median(times[which].map((time, i) => time - times.empty[i]));
  const peer = over('peer');
  return [
    { name: 'first-request-ms', unit: 'ms', ours: over('ours'), peer },
    { name: 'first-request-ms-with-client', unit: 'ms', ours: over('oursWithClient'), peer },
  ];
}
