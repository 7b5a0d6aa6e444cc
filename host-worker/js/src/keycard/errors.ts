import { TokenError } from 'tollgate';

/** An HTTP request failed. */
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

/** The credentials are missing or invalid. */
export class UnauthorizedError extends HTTPError {
  static {
    named(this, 'UnauthorizedError');
  }
}

/** A token request failed, but the issuer did not refuse it. `kind` says what happened. */
export class TokenExchangeError extends HTTPError {
  static {
    named(this, 'TokenExchangeError');
  }

  /** As in `TokenError` of `tollgate`: `unreachable`, `timed-out`, `not-json`, … */
  readonly kind: string;
  /** HTTP status of the issuer's response, if there was one. */
  readonly status: number | undefined;

  constructor(kind: string, message: string, status?: number, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.status = status;
  }
}

/** An OAuth error (RFC 6749 section 5.2). */
export class OAuthError extends Error {
  static {
    named(this, 'OAuthError');
  }

  /** `error`: `invalid_grant`, `access_denied`, … */
  readonly errorCode: string;
  /** `error_uri`. It comes from the issuer: treat it as untrusted. */
  readonly errorUri: string | undefined;

  constructor(errorCode: string, message: string, errorUri?: string, options?: ErrorOptions) {
    super(message, options);
    this.errorCode = errorCode;
    this.errorUri = errorUri;
  }
}

/** The access token is invalid (RFC 6750 section 3.1). */
export class InvalidTokenError extends OAuthError {
  static {
    named(this, 'InvalidTokenError');
  }

  constructor(message: string, errorUri?: string) {
    super('invalid_token', message, errorUri);
  }
}

/** The access token lacks a scope (RFC 6750 section 3.1). */
export class InsufficientScopeError extends OAuthError {
  static {
    named(this, 'InsufficientScopeError');
  }

  constructor(message: string, errorUri?: string) {
    super('insufficient_scope', message, errorUri);
  }
}

/** The name that logs show, because a minifier may rename the class. */
function named(error: { prototype: object }, name: string): void {
  Object.defineProperty(error, 'name', { value: name });
  Object.defineProperty(error.prototype, 'name', { value: name, configurable: true, writable: true });
}

const BY_THE_APPLICATION = new Set<string>(['invalid-request', 'no-subject', 'forbidden-destination']);

/** Converts an error of a gate's client to one of this module. Any other error is passed on. */
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

/** The issuer's text without characters that could forge a log line. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
}
