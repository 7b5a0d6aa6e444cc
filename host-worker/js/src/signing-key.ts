import type { PrivateKey } from '#glue/signatures';
import { SignatureFailure, refusal, type Operation, type Track } from './pending.js';
import type { KeyPair, Signer } from './types.js';
import { importPkcs8, publicMembers, signBy } from './webcrypto.js';

/** Private keys that the configuration holds by name. */
export type NamedSigners = ReadonlyMap<string, Signer | KeyPair>;

/** The operations of a private key. */
interface PrivateKeyUse {
  publicJwk(): Promise<string>;
  sign(algorithm: string, message: Uint8Array): Promise<Uint8Array>;
  /** It is the application's code, and may hang. */
  mayHang: boolean;
}

/** A private key: the component's `signing-key`. */
export class SigningKey {
  readonly #use: PrivateKeyUse;
  readonly #track: Track;

  constructor(use: PrivateKeyUse, track: Track) {
    this.#use = use;
    this.#track = track;
  }

  publicKey(): Operation<string> {
    return this.#track(() => this.#use.publicJwk(), false);
  }

  sign(algorithm: string, message: Uint8Array): Operation<Uint8Array> {
    return this.#track(() => this.#use.sign(algorithm, message), this.#use.mayHang);
  }
}

export function importSigningKey(key: PrivateKey, signers: NamedSigners, track: Track): SigningKey {
  if (key.tag === 'pkcs8') return new SigningKey({ ...pkcs8(key.val), mayHang: false }, track);
  const signer = signers.get(key.val);
  if (signer === undefined) throw refusal('key-refused');
  return new SigningKey('sign' in signer ? ofSigner(signer) : ofPair(signer), track);
}

/** The algorithms to try when importing a private key of unknown type. */
const ONE_OF_EACH_TYPE = ['RS256', 'ES256', 'ES384', 'Ed25519'];

function pkcs8(der: Uint8Array): Omit<PrivateKeyUse, 'mayHang'> {
  const keys = new Map<string, CryptoKey>();
  return {
    // The structure names the key's type, so one import succeeds.
    async publicJwk() {
      for (const algorithm of ONE_OF_EACH_TYPE) {
        const key = await importPkcs8(der, algorithm, true).catch(() => undefined);
        if (key !== undefined) return withoutAlgorithm(await crypto.subtle.exportKey('jwk', key));
      }
      throw new SignatureFailure('key-refused');
    },
    async sign(algorithm, message) {
      let key = keys.get(algorithm);
      if (key === undefined) {
        key = await importPkcs8(der, algorithm, false);
        keys.set(algorithm, key);
      }
      return signBy(key, algorithm, message);
    },
  };
}

function ofPair({ privateKey, publicKey }: KeyPair): PrivateKeyUse {
  return {
    async publicJwk() {
      try {
        return withoutAlgorithm(await crypto.subtle.exportKey('jwk', publicKey as CryptoKey));
      } catch (cause) {
        throw new SignatureFailure('key-refused', cause);
      }
    },
    sign: (algorithm, message) => signBy(privateKey as CryptoKey, algorithm, message),
    mayHang: false,
  };
}

function ofSigner(signer: Signer): PrivateKeyUse {
  return {
    async publicJwk() {
      return publicMembers(signer.publicJwk as JsonWebKey);
    },
    async sign(algorithm, message) {
      const signature = await signer.sign(message, algorithm);
      if (ArrayBuffer.isView(signature))
        return new Uint8Array(signature.buffer, signature.byteOffset, signature.byteLength);
      if (signature instanceof ArrayBuffer) return new Uint8Array(signature);
      throw new TypeError('tollgate: `sign` must return the signature as an ArrayBuffer or a view of one');
    },
    mayHang: true,
  };
}

/**
 * WebCrypto adds an `alg` to RSA keys, which depends on the hash that the key was imported with.
 */
function withoutAlgorithm({ alg: _, ...jwk }: JsonWebKey): string {
  return publicMembers(jwk);
}
