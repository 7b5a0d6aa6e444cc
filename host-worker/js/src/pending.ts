import type { Result } from '#glue/http-client';

/** The symbol of the method that the glue calls when the component drops a resource. */
export const dispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for('dispose');

/** An operation that the component polls. */
export interface Pending {
  /** Whether there is an outcome, even if `poll` has already returned it. */
  readonly ended: boolean;
  /** Resolves when there is an outcome. Never rejects. */
  readonly end: Promise<void>;
  /** It may hang, so the component's deadline applies. */
  readonly mayHang: boolean;
  /** It fetches keys or metadata, which all callers share. */
  readonly isDocument: boolean;
  /** The component dropped the operation. */
  abort(): void;
}

/** An operation that the component started and polls. */
export class Polled<T, E> implements Pending {
  ended = false;
  readonly end: Promise<void>;
  readonly isDocument = false;
  #outcome: Result<T, E> | undefined;

  constructor(
    work: () => Promise<T>,
    readonly mayHang: boolean,
    errorOf: (error: unknown) => E,
  ) {
    this.end = begun(work).then(
      (val) => this.#settle({ tag: 'ok', val }),
      (error) => this.#settle({ tag: 'err', val: errorOf(error) }),
    );
  }

  #settle(outcome: Result<T, E>): void {
    this.#outcome = outcome;
    this.ended = true;
  }

  /** The component's `poll`, which returns the outcome once. */
  poll(): Result<T, E> | undefined {
    const outcome = this.#outcome;
    this.#outcome = undefined;
    return outcome;
  }

  abort(): void {}

  [dispose](): void {}
}

/** An operation with a key: the component's `pending-verdict`, `-public-key` and `-signature`. */
export class Operation<T> extends Polled<T, SignatureError> {
  constructor(work: () => Promise<T>, mayHang: boolean) {
    super(work, mayHang, errorOf);
  }
}

export type SignatureError = 'unsupported' | 'key-refused' | 'failed';

/** A failed key operation, with the error for the component. */
export class SignatureFailure extends Error {
  constructor(
    readonly kind: SignatureError,
    cause?: unknown,
  ) {
    super(`tollgate: ${kind}`, { cause });
  }
}

/** Registers an operation with the call that started it. */
export type Track = <T>(work: () => Promise<T>, mayHang: boolean) => Operation<T>;

/** An exception here is a failure of the operation, not of the component that makes the call. */
function begun<T>(work: () => Promise<T>): Promise<T> {
  try {
    return work();
  } catch (error) {
    return Promise.reject(error);
  }
}

/** An error that the glue converts to a `result`. */
export function refusal(kind: SignatureError): unknown {
  return Object.assign(new Error(`tollgate: ${kind}`), { payload: kind });
}

function errorOf(error: unknown): SignatureError {
  return error instanceof SignatureFailure ? error.kind : 'failed';
}
