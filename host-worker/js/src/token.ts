import type { Failure, Token as Lifted } from '#glue/token-exchange';
import { responseOf, serverError } from './answer.js';
import type { ConfigError } from './config-error.js';
import { TokenError } from './token-error.js';
import type { Token } from './types.js';

/** The component's result of a token request. */
export type Outcome = { tag: 'ok'; val: Lifted } | { tag: 'err'; val: Failure };

/** The component's result of a request for an assertion. */
export type AssertionOutcome = { tag: 'ok'; val: string } | { tag: 'err'; val: Failure };

/**
 * An issued token. Its own properties are those that logs may show. They do not include the
 * secrets.
 */
class IssuedToken implements Token {
  static {
    // The name that logs show, because a minifier may rename the class.
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

/** Returns the token, or throws a {@link TokenError}. */
export function tokenOf(outcome: Outcome): Token {
  if (outcome.tag === 'err') throw tokenError(outcome.val);
  return new IssuedToken(outcome.val);
}

/** Returns the assertion, or throws a {@link TokenError}. */
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
    // A whole number up to an hour. It is a BigInt only in the contract.
    retryAfterSeconds: retryAfterSeconds === undefined ? undefined : Number(retryAfterSeconds),
  });
}

/** The error of a token request if the client's configuration is invalid. */
export function clientMisconfigured(cause: ConfigError): TokenError {
  return new TokenError('configuration', cause.message, { response: serverError, cause });
}
