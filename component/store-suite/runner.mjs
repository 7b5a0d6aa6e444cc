// Carries out `cases.json` on a store in JavaScript: an object with the promises `read`, `list` and
// `commit` of `host-worker/js/src/store.ts`.

const NOW = 1000;

/**
 * @param {object} store whose partitions were never written
 * @param {{ name: string, steps: object[] }[]} cases
 * @returns {Promise<string[]>} what the store did not do: at most one step for each case
 */
export async function run(store, cases) {
  const mismatches = [];
  for (const { name, steps } of cases) {
    for (const [number, step] of steps.entries()) {
      const found = await carryOut(store, name, step);
      if (found !== undefined) {
        mismatches.push(`${name}, step ${number}: ${found}`);
        break;
      }
    }
  }
  return mismatches;
}

async function carryOut(store, name, { commit, read, list, race, expect }) {
  const { partition, now = NOW, ...step } = commit ?? read ?? list ?? race.commit;
  const where = partition === undefined ? name : text(partition);
  if (commit !== undefined) return compare(await word(store.commit(where, changes(step), now)), expect);
  if (read !== undefined) {
    const found = await outcome(store.read(where, step.keys.map(text), now));
    if (typeof expect === 'string') return compare(found.error, expect);
    return compare(found.error ?? found.value.map(plain), expect.map(wanted));
  }
  if (list !== undefined) {
    const after = step.after === undefined ? undefined : text(step.after);
    const found = await outcome(store.list(where, text(step.prefix), after, step.limit, now));
    if (typeof expect === 'string') return compare(found.error, expect);
    if (found.error !== undefined) return compare(found.error, expect);
    const { records, more } = found.value;
    const page = 'count' in expect ? { count: records.length, more } : { keys: records.map(({ key }) => key), more };
    return compare(page, 'count' in expect ? expect : { ...expect, keys: expect.keys.map(text) });
  }
  // All are started before the first is waited for.
  const running = Array.from({ length: race.times }, (_, i) => word(store.commit(where, changes(step, i), now)));
  const count = { done: 0, conflict: 0 };
  for (const result of await Promise.all(running)) count[result] = (count[result] ?? 0) + 1;
  return compare(count, expect);
}

/** The changes of a step; `$` stands for the number of a commit in a race. */
function changes({ conditions = [], puts = [], deletes = [] }, number) {
  const named = (part) => (number === undefined ? text(part) : text(part).replaceAll('$', number));
  return {
    conditions: conditions.map(([key, condition]) => ({
      key: named(key),
      version: condition === 'absent' ? null : text(condition.version),
    })),
    puts: puts.map(({ key, version, value, expires_at }) => ({
      key: named(key),
      version: named(version),
      value: bytes(value),
      ...(expires_at === undefined ? {} : { expiresAt: expires_at }),
    })),
    deletes: deletes.map(text),
  };
}

async function outcome(promise) {
  try {
    return { value: await promise };
  } catch (error) {
    if (typeof error?.kind !== 'string') throw error;
    return { error: error.kind };
  }
}

async function word(promise) {
  const { value, error } = await outcome(promise);
  return error ?? value;
}

function text(part) {
  if (typeof part === 'string') return part;
  return part.repeat.repeat(part.times);
}

function bytes(part) {
  if (part.hex === undefined) return new TextEncoder().encode(text(part));
  return Uint8Array.from(part.hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** A record, so that two of them can be compared as JSON. */
function plain(record) {
  if (record === undefined) return null;
  const { key, version, value, expiresAt } = record;
  return [key, version, value.length, digest(value), expiresAt ?? null];
}

function wanted(record) {
  if (record === null) return null;
  const { key, version, value, expires_at } = record;
  return plain({ key: text(key), version: text(version), value: bytes(value), expiresAt: expires_at });
}

/** A short text in place of a long value (FNV-1a). */
function digest(value) {
  let hash = 0x811c9dc5;
  for (const byte of value) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

function compare(found, expected) {
  const [one, other] = [JSON.stringify(found), JSON.stringify(expected)];
  if (sorted(found) === sorted(expected)) return undefined;
  return `${one.slice(0, 500)}, not ${other.slice(0, 500)}`;
}

function sorted(value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return JSON.stringify(value);
  return JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
