import { authInfoOf, type AuthInfo } from './auth-info.js';
import { Gates, NO_ENV, listOf, zone } from './gates.js';

/** Options of {@link verifyBearerToken}. */
export interface BearerAuthOptions {
  /** Zones whose tokens are accepted, by their exact `iss`. */
  issuers: string | readonly string[];
  /**
   * Accepted `aud` values; one match suffices. Default, also if empty: the origin of the request.
   */
  audiences?: string | readonly string[];
  /** Scopes that the token must have, all of them. */
  requiredScopes?: readonly string[];
}

const gates = new Gates();

/**
 * Verifies the bearer token of a request. Returns the identity, or the response to send unchanged;
 * {@link isAuthError} distinguishes the two.
 *
 * @throws TypeError if no issuer is given; ConfigError if an option is invalid.
 */
export async function verifyBearerToken(request: Request, options: BearerAuthOptions): Promise<AuthInfo | Response> {
  const issuers = listOf(options?.issuers);
  if (issuers.length === 0) {
    throw new TypeError(
      'verifyBearerToken() needs `issuers`: pass the URL of the zone whose tokens are accepted, in a Worker from KEYCARD_ISSUER.',
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

/**
 * Whether {@link verifyBearerToken} refused. Checks the shape, because a response may come from
 * another realm.
 */
export function isAuthError(result: AuthInfo | Response): result is Response {
  const { status, headers } = result as Response;
  return typeof status === 'number' && typeof headers?.get === 'function';
}
