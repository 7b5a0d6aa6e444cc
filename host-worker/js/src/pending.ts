import type { Result } from '#glue/http-client';

/** The name that the glue calls when the component drops a resource. */
export const dispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for('dispose');

/** Something that the component asks for again until it is there. */
export interface Pending {
  /** Whether there is an outcome, taken or not. */
  readonly ended: boolean;
  /** Settles when there is one. Never rejects. */
  readonly end: Promise<void>;
  /** It may take as long as it likes, so the component's deadline counts. */
  readonly mayHang: boolean;
  /** It brings keys or metadata, which serve all callers. */
  readonly isDocument: boolean;
  /** Nobody wants the outcome any more. */
  abort(): void;
}

/** An operation with a key: the component's `pending-verdict`, `-public-key` and `-signature`. */
export class Operation<T> implements Pending {
  ended = false;
  readonly end: Promise<void>;
  readonly mayHang: boolean;
  readonly isDocument = false;
  #outcome: Result<T, SignatureError> | undefined;

  constructor(work: () => Promise<T>, mayHang: boolean) {
    this.mayHang = mayHang;
    this.end = begun(work).then(
      (val) => this.#settle({ tag: 'ok', val }),
      (error) => this.#settle({ tag: 'err', val: errorOf(error) }),
    );
  }

  #settle(outcome: Result<T, SignatureError>): void {
    this.#outcome = outcome;
    this.ended = true;
  }

  /** The component's `poll`: the outcome, once. */
  poll(): Result<T, SignatureError> | undefined {
    const outcome = this.#outcome;
    this.#outcome = undefined;
    return outcome;
  }

  abort(): void {}

  [dispose](): void {}
}

export type SignatureError = 'unsupported' | 'key-refused' | 'failed';

/** Why an operation with a key came to nothing, with what the component is told of it. */
export class SignatureFailure extends Error {
  constructor(
    readonly kind: SignatureError,
    cause?: unknown,
  ) {
    super(`tollgate: ${kind}`, { cause });
  }
}

/** How an operation gets to the call that started it. */
export type Track = <T>(work: () => Promise<T>, mayHang: boolean) => Operation<T>;

/** An exception is the operation's failure, and not the component's, which is in the middle of a call. */
function begun<T>(work: () => Promise<T>): Promise<T> {
  try {
    return work();
  } catch (error) {
    return Promise.reject(error);
  }
}

/** An error as the glue takes it for a `result`. */
export function refusal(kind: SignatureError): unknown {
  return Object.assign(new Error(`tollgate: ${kind}`), { payload: kind });
}

function errorOf(error: unknown): SignatureError {
  return error instanceof SignatureFailure ? error.kind : 'failed';
}
