import type { Store } from 'tollgate/issuer';

const PARTITION = 'oauth-provider';
const KEY = 'secret';

/**
 * The deployment secret that is kept in the store. It is there for applications that set none: whoever
 * reads the whole store can then read what is encrypted in it. `undefined` if there is none and `make`
 * is false.
 */
export async function storedSecret(store: Store, make: boolean): Promise<string | undefined> {
  for (;;) {
    const now = Math.floor(Date.now() / 1000);
    const [found] = await store.read(PARTITION, [KEY], now);
    if (found !== undefined) return new TextDecoder().decode(found.value);
    if (!make) return undefined;
    const secret = random(32);
    const committed = await store.commit(
      PARTITION,
      {
        conditions: [{ key: KEY, version: null }],
        puts: [{ key: KEY, version: random(12), value: new TextEncoder().encode(secret) }],
      },
      now,
    );
    // Of two instances that start together, one was faster.
    if (committed === 'done') return secret;
  }
}

/** Random bytes in hexadecimal. */
function random(bytes: number): string {
  return [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
