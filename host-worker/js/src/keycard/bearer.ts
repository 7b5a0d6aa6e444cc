import { authInfoOf, type AuthInfo } from './auth-info.js';
import { Gates, NO_ENV, listOf, zone } from './gates.js';

/** What {@link verifyBearerToken} accepts. */
export interface BearerAuthOptions {
  /** Zones whose tokens are accepted, by their exact `iss`. */
  issuers: string | readonly string[];
  /** Accepted `aud` values; one match suffices. Left out or empty: the origin of the request. */
  audiences?: string | readonly string[];
  /** Scopes that the token must have, all of them. */
  requiredScopes?: readonly string[];
}

const gates = new Gates();

/**
 * Verifies the bearer token of a request: who it speaks for, or the response to send as it stands.
 * {@link isAuthError} tells the two apart.
 *
 * @throws TypeError where no issuer is given; ConfigError where an option cannot work.
 */
export async function verifyBearerToken(request: Request, options: BearerAuthOptions): Promise<AuthInfo | Response> {
  const issuers = listOf(options?.issuers);
  if (issuers.length === 0) {
    throw new TypeError(
      'verifyBearerToken needs `issuers`, the URL of the zone whose tokens are accepted; in a Worker it is in KEYCARD_ISSUER.',
    );
  }
  const audiences = listOf(options.audiences);
  const gate = gates.get({
    issuers: issuers.map((issuer) => zone(issuer, audiences)),
    resourceFromRequest: true,
    metadata: { singleResource: true },
  });
  const result = await gate.authenticate(request, NO_ENV, undefined, { scopes: options.requiredScopes });
  return result.ok ? authInfoOf(result.auth) : result.response;
}

/** Whether {@link verifyBearerToken} refused. By shape, for a response may be of another realm. */
export function isAuthError(result: AuthInfo | Response): result is Response {
  const { status, headers } = result as Response;
  return typeof status === 'number' && typeof headers?.get === 'function';
}
