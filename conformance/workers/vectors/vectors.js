// Vectors through the component's raw exports, in any host of JavaScript: with what the npm package
// lends, WebCrypto, or with the signatures component beside it.
import { instantiate } from '#glue';
import { Operation } from '../../../host-worker/js/src/pending.js';
import { provider } from '../../../host-worker/js/src/signatures.js';
import { VerifyingKey, supported } from '../../../host-worker/js/src/webcrypto.js';

const operation = (work, mayHang) => new Operation(work, mayHang);
const nothingIsSigned = () => {
  throw new Error('No check signs.');
};

/** The import `signatures` as the package's shim makes it. */
const webCrypto = {
  VerifyingKey,
  SigningKey: class {},
  PendingVerdict: Operation,
  PendingPublicKey: Operation,
  PendingSignature: Operation,
  supported,
  importVerifyingKey: (algorithm, jwk) => new VerifyingKey(algorithm, jwk, operation),
  importSigningKey: nothingIsSigned,
};

/**
 * @param {{ conformance: object, signatures: object }} modules both components' core modules, compiled
 * @returns {(request: { signatures: 'own' | 'lent', checks: object[] }) => Promise<object[]>} what
 *   answers checks, in their order
 */
export function answering(modules) {
  const instances = new Map();
  return ({ signatures, checks }) => {
    let raw = instances.get(signatures);
    if (raw === undefined) {
      raw = instance(modules, signatures);
      instances.set(signatures, raw);
    }
    return answers(raw, checks);
  };
}

function instance(modules, signatures) {
  const { rawSignatures } = instantiate((file) => modules.conformance[file.split('.')[1]], {
    'tollgate:auth/clock': { now: () => BigInt(Date.now()) },
    'tollgate:auth/random': { getBytes: (len) => crypto.getRandomValues(new Uint8Array(len)) },
    'tollgate:auth/http-client': {
      PendingResponse: class {},
      send() {
        throw new Error('No check sends.');
      },
    },
    'tollgate:auth/signatures': signatures === 'own' ? provider(() => modules.signatures) : webCrypto,
  });
  return rawSignatures;
}

async function answers(raw, checks) {
  const tasks = checks.map(({ keys, jws, algorithm, jwk, message, signature }) =>
    jws === undefined ? raw.verifyRaw(algorithm, jwk, bytes(message), bytes(signature)) : raw.verifyJws(keys, jws),
  );
  const answers = new Array(tasks.length);
  let missing = [...tasks.keys()];
  while (missing.length > 0) {
    missing = missing.filter((number) => {
      const progress = tasks[number].poll();
      if (progress.tag === 'ready') answers[number] = answer(progress.val);
      return progress.tag !== 'ready';
    });
    // Verdicts come between two turns of the event loop.
    if (missing.length > 0)
      await new Promise((resolve) => {
        setTimeout(resolve, 0);
      });
  }
  for (const task of tasks) task[Symbol.dispose ?? Symbol.for('dispose')]();
  return answers;
}

function answer({ tag, val }) {
  if (tag === 'ok') return { valid: text(val) };
  return { failed: { kind: val.tag, code: val.val ?? val.tag } };
}

function bytes(text) {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));
}

function text(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
