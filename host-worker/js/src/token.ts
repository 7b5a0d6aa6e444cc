import type { Failure, Token as Lifted } from '#glue/token-exchange';
import { responseOf, serverError } from './answer.js';
import type { ConfigError } from './config-error.js';
import { TokenError } from './token-error.js';
import type { Token } from './types.js';

/** What the component makes of a wish for a token. */
export type Outcome = { tag: 'ok'; val: Lifted } | { tag: 'err'; val: Failure };

/** What the component makes of a wish for an assertion. */
export type AssertionOutcome = { tag: 'ok'; val: string } | { tag: 'err'; val: Failure };

/** An issued token. Own properties are what logs may show; the secrets are not there. */
class IssuedToken implements Token {
  static {
    // What logs show, whatever the minifier calls it.
    Object.defineProperty(this, 'name', { value: 'Token' });
  }

  readonly tokenType: string;
  readonly issuedTokenType: string | undefined;
  readonly expiresAt: Date | undefined;
  readonly scopes: readonly string[] | undefined;
  readonly #accessToken: string;
  readonly #refreshToken: string | undefined;

  constructor(lifted: Lifted) {
    this.tokenType = lifted.tokenType;
    this.issuedTokenType = lifted.issuedTokenType;
    this.expiresAt = lifted.expiresAtMs === undefined ? undefined : new Date(Number(lifted.expiresAtMs));
    this.scopes = lifted.scopes && Object.freeze(lifted.scopes);
    this.#accessToken = lifted.accessToken;
    this.#refreshToken = lifted.refreshToken;
    Object.freeze(this);
  }

  get accessToken(): string {
    return this.#accessToken;
  }

  get refreshToken(): string | undefined {
    return this.#refreshToken;
  }
}

/** The token, or the {@link TokenError} that says why there is none. */
export function tokenOf(outcome: Outcome): Token {
  if (outcome.tag === 'err') throw tokenError(outcome.val);
  return new IssuedToken(outcome.val);
}

/** The assertion, or the {@link TokenError} that says why there is none. */
export function assertionOf(outcome: AssertionOutcome): string {
  if (outcome.tag === 'err') throw tokenError(outcome.val);
  return outcome.val;
}

export function tokenError({ kind, message, oauth, status, retryAfterSeconds, answer }: Failure): TokenError {
  return new TokenError(kind, message, {
    response: () => responseOf(answer),
    error: oauth?.error,
    errorDescription: oauth?.errorDescription,
    errorUri: oauth?.errorUri,
    status,
    // A whole number up to an hour: BigInt is only how the contract carries it.
    retryAfterSeconds: retryAfterSeconds === undefined ? undefined : Number(retryAfterSeconds),
  });
}

/** For who asks for a token where the client's configuration cannot work. */
export function clientMisconfigured(cause: ConfigError): TokenError {
  return new TokenError('configuration', cause.message, { response: serverError, cause });
}
