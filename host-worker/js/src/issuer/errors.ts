// The classes that an application can check with `instanceof`.
export { ConfigError } from '../config-error.js';

/** The issuer refused an operation, or it failed. */
export class IssuerError extends Error {
  static {
    // The name that logs show, because a minifier may rename the class.
    Object.defineProperty(this, 'name', { value: 'IssuerError' });
  }

  /** A stable code for logs and metrics, such as `redirect-uri-unregistered`. */
  readonly reason: string;
  /** The status of the response. */
  readonly status: number;
  /**
   * The client's redirect URI with the error, if client and redirect URI are proven. Otherwise the user
   * must not be redirected.
   */
  readonly location: string | undefined;
  readonly #response: () => Response;

  constructor(reason: string, response: () => Response) {
    super(`tollgate: ${reason}`);
    Object.defineProperty(this, 'name', { value: 'IssuerError' });
    const { status, headers } = response();
    this.reason = reason;
    this.status = status;
    this.location = headers.get('location') ?? undefined;
    this.#response = response;
  }

  /** The response to send to the client or browser: a redirect, a page or an OAuth error. */
  toResponse(): Response {
    return this.#response();
  }
}

/**
 * Thrown by `onToken`: the user or the client may not have the token. The client gets `invalid_grant`
 * and asks the user to sign in again.
 */
export class TokenRefused extends Error {
  static {
    Object.defineProperty(this, 'name', { value: 'TokenRefused' });
  }

  constructor(message = 'the token is refused', options?: ErrorOptions) {
    super(message, options);
    Object.defineProperty(this, 'name', { value: 'TokenRefused' });
  }
}

/** Thrown by `onToken`: it cannot decide at the moment. The client gets a 503 and tries again. */
export class TokenUnavailable extends Error {
  static {
    Object.defineProperty(this, 'name', { value: 'TokenUnavailable' });
  }

  constructor(message = 'no decision about the token is possible now', options?: ErrorOptions) {
    super(message, options);
    Object.defineProperty(this, 'name', { value: 'TokenUnavailable' });
  }
}
