// Request targets that servers read in different ways.

/** Those of advisories and of this project's own reports. */
const KNOWN = [
  '/pub/a%2fb/%2e%2e/%2e%2e/admin',
  '/pub/a%2fb/.%2e/../admin',
  '/pub/a%5cb/../.%2e/admin',
  '/pub/..;/admin',
  '/pub/..;x=1/admin',
  '/pub;/../admin',
  '/pub/;/../../admin',
  '/pub/x;a/../../admin',
  '/pub/..%2fadmin',
  '/pub%2f..%2fadmin',
  '/pub/..%5cadmin',
  '/pub/..\\admin',
  '/pub/..%252fadmin',
  '/pub/%252e%252e/admin',
  '/pub/%2e%2e%2fadmin',
  '/pub//../admin',
  '/pub/..//admin',
  '/pub/.//../admin',
  '//pub/admin',
  '///pub/admin',
  '/\\pub/admin',
  '/%2fpub/admin',
  '/%5cpub/admin',
  '//pub%2f/admin',
  '/;/pub/admin',
  '/;pub/admin',
  '/pub/..%00/admin',
  '/admin%00',
  '/admin%20',
  '/admin%09',
  '/admin%3f',
  '/admin%23',
  '/admin;x',
  '/admin;/x',
  '/admin%3bx',
  '/%61dmin',
  '/%2561dmin',
  '/pub/../%61dmin',
  '/pub/%2e%2e/%61dmin',
  '/./admin',
  '/.;/admin',
  '/%2e/admin',
  '/pub/.%2e/admin',
  '/pub/%2e./admin',
  '/pub/%c0%ae%c0%ae/admin',
  '/pub/..%c0%afadmin',
  '/pub/%ef%bc%8e%ef%bc%8e/admin',
  '/pub/..%20/admin',
  '/pub/..%09/admin',
  '/pub/%09../admin',
  '/pub?/../admin',
  '/pub%3f/../../admin',
  '/pub#/../admin',
  '/pub%23/../../admin',
  '/pub/../admin',
  '/pub/../../admin',
  '/pub/x/../../admin',
  '/pub/../admin/.',
  '/pub/./../admin',
  'http://h/admin',
  'http://h/pub/../admin',
  '/pub/%u002e%u002e/admin',
];

const TOKENS = [
  '/',
  'pub',
  'admin',
  '/admin',
  '..',
  '/../',
  '/..',
  '/./',
  '%2e%2e',
  '.%2e',
  '%252e%252e',
  '%2f',
  '%252f',
  '%5c',
  '\\',
  ';',
  ';x',
  '%3b',
  '%3f',
  '%23',
  '//',
  '%20',
  '%09',
  '%61dmin',
  'a',
];

/** A repeatable sequence (Marsaglia's xorshift). */
function numbers(seed) {
  let x = seed;
  return (bound) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % bound;
  };
}

export function targets() {
  const all = new Set(KNOWN);
  for (const a of TOKENS) {
    for (const b of TOKENS) {
      all.add(`/pub/${a}${b}/admin`);
      all.add(`/pub/a${a}b${b}/admin`);
    }
    for (const end of ['/../../admin', '/%2e%2e/%2e%2e/admin', '/..;/..;/admin']) all.add(`/pub/a${a}b${end}`);
  }
  const below = numbers(0x2545f491);
  while (all.size < 2500) {
    let path = ['/pub/', '/pub', '/', '//'][below(4)];
    for (let left = 2 + below(5); left > 0; left -= 1) path += TOKENS[below(TOKENS.length)];
    all.add(path);
  }
  return [...all];
}
