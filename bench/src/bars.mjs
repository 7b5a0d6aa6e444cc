// The targets for speed and size.

/** By name: a bound on `ours`, or on `ratio`, which is peer ÷ ours. */
const BARS = {
  seen: { ratio: 15 },
  'new-rs256': { ratio: 0.9 },
  'new-ps256': { ratio: 0.9 },
  'new-es256': { ratio: 1 },
  'new-es384': { ratio: 1 },
  'new-es512': { ratio: 1 },
  'new-eddsa': { ratio: 1 },
  'sign-rs256': { ratio: 0.8 },
  'sign-es256': { ratio: 0.8 },
  'cached-get-token': { most: 20 },
  'gzip-kb': { most: 140 },
  'first-request-ms': { ratio: 0.4 },
  'wasmtime-seen': { most: 5 },
  // Compared with the crate `jsonwebtoken`, in one process.
  'native-seen': { ratio: 12 },
  'native-new-es256': { ratio: 0.75 },
  'native-new-eddsa': { ratio: 0.75 },
  'native-new-rs256': { ratio: 0.6 },
  'cold-100-discoveries': { most: 1 },
  'cold-100-key-fetches': { most: 1 },
  'cold-100-answered': { least: 100 },
  'half-gone-answered': { least: 50 },
  'random-kid-1000-key-fetches': { most: 2 },
  'issuer-down-answered': { least: 100 },
  'cache-10000-tokens': { most: 8 * 1024 },
};

/** Adds `bar` as text and `met`: true, false, or null if there is no bar or no figure. */
export function judge(row) {
  const bar = BARS[row.name];
  if (bar === undefined) return { ...row, bar: '', met: null };
  if (bar.ratio !== undefined)
    return { ...row, bar: `ratio ≥ ${bar.ratio}`, met: row.ratio === null ? null : row.ratio >= bar.ratio };
  if (bar.most !== undefined)
    return { ...row, bar: `≤ ${bar.most}`, met: row.ours === null ? null : row.ours <= bar.most };
  return { ...row, bar: `≥ ${bar.least}`, met: row.ours === null ? null : row.ours >= bar.least };
}
