import { TokenError } from 'tollgate';

/** Something went wrong on the way over HTTP. */
export class HTTPError extends Error {
  static {
    named(this, 'HTTPError');
  }
}

/** The application's request cannot be sent. */
export class BadRequestError extends HTTPError {
  static {
    named(this, 'BadRequestError');
  }
}

/** There are no credentials, or they do not count. */
export class UnauthorizedError extends HTTPError {
  static {
    named(this, 'UnauthorizedError');
  }
}

/** Why there is no token, where the issuer has not said no: `kind` says what happened. */
export class TokenExchangeError extends HTTPError {
  static {
    named(this, 'TokenExchangeError');
  }

  /** As in `TokenError` of `tollgate`: `unreachable`, `timed-out`, `not-json`, … */
  readonly kind: string;
  /** HTTP status of the issuer's answer, where there was one. */
  readonly status: number | undefined;

  constructor(kind: string, message: string, status?: number, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.status = status;
  }
}

/** An error in the words of OAuth (RFC 6749 section 5.2). */
export class OAuthError extends Error {
  static {
    named(this, 'OAuthError');
  }

  /** `error`: `invalid_grant`, `access_denied`, … */
  readonly errorCode: string;
  /** `error_uri`. The issuer wrote it: do not follow it without looking. */
  readonly errorUri: string | undefined;

  constructor(errorCode: string, message: string, errorUri?: string, options?: ErrorOptions) {
    super(message, options);
    this.errorCode = errorCode;
    this.errorUri = errorUri;
  }
}

/** The access token is not good (RFC 6750 section 3.1). */
export class InvalidTokenError extends OAuthError {
  static {
    named(this, 'InvalidTokenError');
  }

  constructor(message: string, errorUri?: string) {
    super('invalid_token', message, errorUri);
  }
}

/** The access token does not reach that far (RFC 6750 section 3.1). */
export class InsufficientScopeError extends OAuthError {
  static {
    named(this, 'InsufficientScopeError');
  }

  constructor(message: string, errorUri?: string) {
    super('insufficient_scope', message, errorUri);
  }
}

/** What logs show, whatever the minifier calls a class. */
function named(error: { prototype: object }, name: string): void {
  Object.defineProperty(error, 'name', { value: name });
  Object.defineProperty(error.prototype, 'name', { value: name, configurable: true, writable: true });
}

const BY_THE_APPLICATION = new Set<string>(['invalid-request', 'no-subject', 'forbidden-destination']);

/** The error of this module for what a gate's client threw. Anything else is passed on. */
export function errorFor(error: unknown): unknown {
  if (!(error instanceof TokenError)) return error;
  const { kind, message, status } = error;
  const because = { cause: error };
  if (error.error !== undefined) {
    return new OAuthError(
      error.error,
      visible(error.errorDescription ?? error.error),
      error.errorUri && visible(error.errorUri),
      because,
    );
  }
  return BY_THE_APPLICATION.has(kind)
    ? new BadRequestError(message, because)
    : new TokenExchangeError(kind, message, status, because);
}

/** The issuer's words without what could forge a line of a log. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
}
