import type { IssuerError } from 'tollgate/issuer';

/** A minifier may rename classes, but not what logs show. */
function named(target: Error, name: string): void {
  Object.defineProperty(target, 'name', { value: name, configurable: true });
}

export interface OAuthErrorOptions {
  description: string;
  statusCode?: number;
  headers?: Record<string, string>;
  internal?: { category: string; reason: string; detail?: unknown };
  requiredScopes?: string[];
}

/** An OAuth error that a callback throws. */
export class OAuthError extends Error {
  readonly code: string;
  readonly options: OAuthErrorOptions & { statusCode: number };
  readonly description: string;
  readonly statusCode: number;
  readonly headers?: Record<string, string>;
  readonly requiredScopes?: string[];

  constructor(code: string, options: OAuthErrorOptions) {
    super(options.description);
    named(this, 'OAuthError');
    this.code = code;
    this.statusCode = options.statusCode ?? 400;
    this.options = { ...options, statusCode: this.statusCode };
    this.description = options.description;
    this.headers = options.headers;
    this.requiredScopes = options.requiredScopes;
  }
}

export interface ExternalTokenErrorOptions {
  description: string;
  statusCode: number;
  headers?: Record<string, string>;
  requiredScopes?: string[];
}

/** Thrown by `resolveExternalToken`: why a token is refused. */
export class ExternalTokenError extends Error {
  readonly code: string;
  readonly description: string;
  readonly statusCode: number;
  readonly headers?: Record<string, string>;
  readonly requiredScopes?: string[];

  constructor(code: string, options: ExternalTokenErrorOptions) {
    super(options.description);
    named(this, 'ExternalTokenError');
    this.code = code;
    this.description = options.description;
    this.statusCode = options.statusCode;
    this.headers = options.headers;
    this.requiredScopes = options.requiredScopes;
  }
}

export interface AuthorizationErrorOptions {
  description: string;
  redirectUri?: string;
  state?: string;
  issuer?: string;
}

/**
 * An authorization request is refused. Without `redirectTo`, the user must not be redirected: show the
 * error, or send {@link AuthorizationError.toResponse}.
 */
export class AuthorizationError extends Error {
  readonly code: string;
  readonly description: string;
  readonly redirectUri?: string;
  readonly state?: string;
  readonly issuer?: string;
  readonly redirectTo?: string;
  #response: (() => Response) | undefined;

  constructor(code: string, options: AuthorizationErrorOptions) {
    super(options.description);
    named(this, 'AuthorizationError');
    const { description, redirectUri, state, issuer } = options;
    this.code = code;
    this.description = description;
    this.redirectUri = redirectUri;
    this.state = state;
    this.issuer = issuer;
    if (redirectUri !== undefined)
      this.redirectTo = authorizationErrorRedirect({ redirectUri, state, issuer }, code, description);
  }

  /** The error of `parseAuthRequest`. */
  static of(error: IssuerError): AuthorizationError {
    let made: AuthorizationError;
    if (error.location === undefined) {
      const code =
        error.status === 503 ? 'temporarily_unavailable' : error.status >= 500 ? 'server_error' : 'invalid_request';
      made = new AuthorizationError(code, { description: error.reason });
    } else {
      const redirect = new URL(error.location);
      const [code, description, state, issuer] = ['error', 'error_description', 'state', 'iss'].map((name) => {
        const value = redirect.searchParams.get(name);
        redirect.searchParams.delete(name);
        return value ?? undefined;
      });
      made = new AuthorizationError(code ?? 'invalid_request', {
        description: description ?? error.reason,
        redirectUri: redirect.href,
        state,
        issuer,
      });
    }
    made.#response = () => error.toResponse();
    return made;
  }

  /** The response to send: a redirect to the client, or a page that says what happened. */
  toResponse(): Response {
    if (this.#response !== undefined) return this.#response();
    if (this.redirectTo !== undefined) return Response.redirect(this.redirectTo, 303);
    return new Response(`${this.code}: ${this.description}\n`, { status: 400 });
  }
}

/**
 * The URL that takes an error to the client. The request must come from `parseAuthRequest`: nothing is
 * checked here.
 */
export function authorizationErrorRedirect(
  request: { redirectUri: string; state?: string; issuer?: string },
  code: string,
  description?: string,
): string {
  const url = new URL(request.redirectUri);
  const parameters = {
    error: code,
    error_description: description,
    error_uri: undefined,
    state: request.state,
    iss: request.issuer,
  };
  for (const [name, value] of Object.entries(parameters)) {
    url.searchParams.delete(name);
    if (value !== undefined && value !== '') url.searchParams.set(name, value);
  }
  return url.href;
}

/** A client ID metadata document cannot be used. */
export class CimdFetchError extends Error {
  readonly reason = 'metadata_resolution_failed';
  readonly metadataUrl: string;
  readonly detail: string;

  constructor(metadataUrl: string, cause: unknown) {
    super('the client ID metadata document cannot be used', { cause });
    named(this, 'CimdFetchError');
    this.metadataUrl = metadataUrl;
    this.detail = cause instanceof Error ? cause.message : String(cause);
  }
}
