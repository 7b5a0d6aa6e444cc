/**
 * Why a token request failed.
 *
 * - `configuration`: the client's configuration cannot work; the message says what to change.
 * - `invalid-request`: what was asked for cannot be sent.
 * - `no-subject`: the identity names no user to get a token for.
 * - `forbidden-destination`: the URL is not one that this token may go to.
 * - `refused`: the issuer answered with an OAuth error: see `error`.
 * - `issuer-unavailable`, `no-token-endpoint`, `foreign-token-endpoint`: its metadata cannot be
 *   had, name no token endpoint, or one on another origin that is not configured.
 * - `unreachable`, `timed-out`, `too-large`, `redirected`, `unexpected-status`, `not-json`,
 *   `bad-response`: what came back from the token endpoint instead of a token.
 */
export type TokenErrorKind =
  | 'configuration'
  | 'signing-failed'
  | 'invalid-request'
  | 'no-subject'
  | 'forbidden-destination'
  | 'refused'
  | 'issuer-unavailable'
  | 'no-token-endpoint'
  | 'foreign-token-endpoint'
  | 'unreachable'
  | 'timed-out'
  | 'too-large'
  | 'redirected'
  | 'unexpected-status'
  | 'not-json'
  | 'bad-response';

/** A failed token request, with a response for your own caller. It contains no secret. */
export class TokenError extends Error {
  static {
    // What logs show, whatever the minifier calls it.
    Object.defineProperty(this, 'name', { value: 'TokenError' });
  }

  readonly kind: TokenErrorKind;
  /** RFC 6749 section 5.2: `invalid_grant`, `access_denied`, … Only for `refused`. */
  readonly error: string | undefined;
  /** The issuer's words: treat them as hostile text. */
  readonly errorDescription: string | undefined;
  /** Likewise. */
  readonly errorUri: string | undefined;
  /** The status of the issuer's response, if there was one. */
  readonly status: number | undefined;
  /** In how many seconds another try is worth it, where that is known: `Retry-After`, an hour at the most. */
  readonly retryAfterSeconds: number | undefined;
  readonly #response: () => Response;

  constructor(
    kind: TokenErrorKind,
    message: string,
    details: {
      response: () => Response;
      error?: string;
      errorDescription?: string;
      errorUri?: string;
      status?: number;
      retryAfterSeconds?: number;
      cause?: unknown;
    },
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    Object.defineProperty(this, 'name', { value: 'TokenError' });
    this.kind = kind;
    this.error = details.error;
    this.errorDescription = details.errorDescription;
    this.errorUri = details.errorUri;
    this.status = details.status;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.#response = details.response;
  }

  /**
   * An answer for your own caller, if you have nothing better: 401 or 403 where the user must do
   * something, 500 where the application must, 429 and 502 to 504 else. None of the issuer's words is in it.
   */
  toResponse(): Response {
    return this.#response();
  }
}
