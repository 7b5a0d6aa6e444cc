/** How many letters a misspelled name may differ by. */
const TYPING_ERROR = 2;

/** The most similar of `names`, if one is similar enough. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  let found: string | undefined;
  let least = TYPING_ERROR + 1;
  // In a shorter name, two wrong letters leave too little in common.
  if (name.length <= TYPING_ERROR || name.length > 64) return undefined;
  for (const known of names) {
    const distance = editDistance(name.toLowerCase(), known.toLowerCase());
    if (distance < least) [found, least] = [known, distance];
  }
  return found;
}

/** Insertions, deletions and replacements between two texts (Levenshtein). */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (one[i - 1] === other[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[other.length]!;
}
