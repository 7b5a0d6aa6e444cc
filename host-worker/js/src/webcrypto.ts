import type { Algorithms } from '#glue/signatures';
import { SignatureFailure, refusal, type Operation, type SignatureError, type Track } from './pending.js';

/** The parameters of an algorithm for importing a key and for using it. */
interface Parameters {
  import: RsaHashedImportParams | EcKeyImportParams | Algorithm;
  use: Algorithm | RsaPssParams | EcdsaParams;
}

const rsa = (name: string, bits: number): Parameters => ({
  import: { name, hash: `SHA-${bits}` },
  // RFC 7518 section 3.5: the salt is as long as the hash.
  use: name === 'RSA-PSS' ? { name, saltLength: bits / 8 } : { name },
});

const ecdsa = (namedCurve: string, bits: number): Parameters => ({
  import: { name: 'ECDSA', namedCurve },
  use: { name: 'ECDSA', hash: `SHA-${bits}` },
});

const ED25519: Parameters = { import: { name: 'Ed25519' }, use: { name: 'Ed25519' } };

/** The algorithms of RFC 7518 section 3.1 and RFC 9864, as parameters of WebCrypto. */
const ALGORITHMS: Record<string, Parameters> = {
  RS256: rsa('RSASSA-PKCS1-v1_5', 256),
  RS384: rsa('RSASSA-PKCS1-v1_5', 384),
  RS512: rsa('RSASSA-PKCS1-v1_5', 512),
  PS256: rsa('RSA-PSS', 256),
  PS384: rsa('RSA-PSS', 384),
  PS512: rsa('RSA-PSS', 512),
  ES256: ecdsa('P-256', 256),
  ES384: ecdsa('P-384', 384),
  ES512: ecdsa('P-521', 512),
  Ed25519: ED25519,
};

/** The same for both. If the runtime lacks one, its use fails. */
export const supported = (): Algorithms => ({ verify: Object.keys(ALGORITHMS), sign: Object.keys(ALGORITHMS) });

/** Converts an error of WebCrypto to one for the component. */
function failure(error: unknown, otherwise: SignatureError): SignatureFailure {
  if (error instanceof SignatureFailure) return error;
  return new SignatureFailure(
    (error as { name?: string } | undefined)?.name === 'NotSupportedError' ? 'unsupported' : otherwise,
    error,
  );
}

/** A public key: the component's `verifying-key`. */
export class VerifyingKey {
  readonly #parameters: Parameters;
  readonly #jwk: JsonWebKey;
  readonly #track: Track;
  /**
   * Stored as a value, not as a promise: on Workers, a request must not await another request's
   * promise.
   */
  #key: CryptoKey | undefined;

  constructor(algorithm: string, jwk: string, track: Track) {
    const parameters = ALGORITHMS[algorithm];
    if (parameters === undefined) throw refusal('unsupported');
    this.#parameters = parameters;
    this.#jwk = JSON.parse(jwk);
    this.#track = track;
  }

  /**
   * Both are views of the component's memory, which changes when this returns. WebCrypto copies
   * what it is given before it returns; for what is read later there is a copy here.
   */
  verify(message: Uint8Array, signature: Uint8Array): Operation<boolean> {
    const key = this.#key;
    return this.#track(
      () =>
        key === undefined
          ? this.#importAndVerify(message.slice(), signature.slice())
          : this.#verify(key, message, signature),
      false,
    );
  }

  async #importAndVerify(message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    try {
      this.#key = await crypto.subtle.importKey('jwk', this.#jwk, this.#parameters.import, false, ['verify']);
    } catch (error) {
      throw failure(error, 'key-refused');
    }
    return this.#verify(this.#key, message, signature);
  }

  #verify(key: CryptoKey, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    return crypto.subtle.verify(this.#parameters.use, key, signature as BufferSource, message as BufferSource);
  }
}

/** A private key of one algorithm. */
export async function importPkcs8(der: Uint8Array, algorithm: string, extractable: boolean): Promise<CryptoKey> {
  const parameters = ALGORITHMS[algorithm];
  if (parameters === undefined) throw new SignatureFailure('unsupported');
  try {
    return await crypto.subtle.importKey('pkcs8', der as BufferSource, parameters.import, extractable, ['sign']);
  } catch (error) {
    throw failure(error, 'key-refused');
  }
}

/** Signs with a key of WebCrypto. */
export async function signBy(key: CryptoKey, algorithm: string, message: Uint8Array): Promise<Uint8Array> {
  const parameters = ALGORITHMS[algorithm];
  if (parameters === undefined) throw new SignatureFailure('unsupported');
  try {
    return new Uint8Array(await crypto.subtle.sign(parameters.use, key, message as BufferSource));
  } catch (error) {
    throw failure(error, 'failed');
  }
}

/** A JWK without its private members and those that only WebCrypto uses. */
export function publicMembers({ kty, crv, x, y, n, e, alg, kid }: JsonWebKey & { kid?: string }): string {
  return JSON.stringify({ kty, crv, x, y, n, e, alg, kid });
}
