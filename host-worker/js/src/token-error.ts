/**
 * Why a token request failed.
 *
 * - `configuration`: the client's configuration is invalid; the message says what to change.
 * - `signing-failed`: the private key made no signature.
 * - `invalid-request`: the request cannot be sent.
 * - `no-subject`: the identity has no subject.
 * - `forbidden-destination`: the token must not be sent to this URL.
 * - `refused`: the issuer answered with an OAuth error: see `error`.
 * - `issuer-unavailable`, `no-token-endpoint`, `foreign-token-endpoint`: the issuer's metadata
 *   could not be obtained, names no token endpoint, or names one on another origin that is not
 *   configured.
 * - `unreachable`, `timed-out`, `too-large`, `redirected`, `unexpected-status`, `not-json`,
 *   `bad-response`: the token endpoint did not return a token.
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
    // The name that logs show, because a minifier may rename the class.
    Object.defineProperty(this, 'name', { value: 'TokenError' });
  }

  /** Why the request failed. */
  readonly kind: TokenErrorKind;
  /** RFC 6749 section 5.2: `invalid_grant`, `access_denied`, … Only for `refused`. */
  readonly error: string | undefined;
  /** The issuer's text: treat it as untrusted. */
  readonly errorDescription: string | undefined;
  /** Likewise. */
  readonly errorUri: string | undefined;
  /** The status of the issuer's response, if there was one. */
  readonly status: number | undefined;
  /** When to try again, in seconds, if that is known: the issuer's `Retry-After`, at most an hour. */
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
   * A default response for your own caller: 401 or 403 if the user must act, 500 if your
   * application's operator must act, otherwise 429 or 502 to 504. It contains no text from the
   * issuer.
   */
  toResponse(): Response {
    return this.#response();
  }
}
