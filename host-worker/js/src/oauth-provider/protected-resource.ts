// What the protected routes say about themselves: metadata (RFC 9728), challenges (RFC 6750), CORS.
import { withHeaders } from '../answer.js';
import { covers } from './routes.js';
import type { OAuthProviderOptions, OAuthResourceAuth } from './types.js';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** The path that a metadata URL is about. `undefined`: it is another URL. */
export function metadataSubject(url: URL): string | undefined {
  if (!covers(WELL_KNOWN, url.pathname)) return undefined;
  return url.pathname.slice(WELL_KNOWN.length) || '/';
}

/** The URL of a resource's metadata (RFC 9728 section 3.1). */
export function metadataUrl(resource: string): string {
  const url = new URL(resource);
  return `${url.origin}${WELL_KNOWN}${url.pathname === '/' ? '' : url.pathname}${url.search}`;
}

/** The protected resource metadata. */
export function metadataOf(
  resource: string,
  issuer: string,
  options: Pick<OAuthProviderOptions, 'resourceMetadata' | 'requiredScopes' | 'scopesSupported'>,
): object {
  const given = options.resourceMetadata ?? {};
  return {
    resource,
    authorization_servers: given.authorization_servers ?? [issuer],
    scopes_supported: advertised(options.requiredScopes ?? given.scopes_supported ?? options.scopesSupported),
    bearer_methods_supported: given.bearer_methods_supported ?? ['header'],
    resource_name: given.resource_name,
  };
}

/** `offline_access` is for the client, not for the resource. */
const advertised = (scopes?: readonly string[]): string[] | undefined =>
  scopes?.filter((scope) => scope !== 'offline_access');

/** An error of a protected route, with its challenge (RFC 6750 section 3). */
export function challenge(
  status: number,
  resource: string,
  scopes: readonly string[] | undefined,
  error?: { code: string; description?: string },
): Response {
  const parameters = ['realm="OAuth"', `resource_metadata="${metadataUrl(resource)}"`];
  const scope = advertised(scopes);
  if (scope !== undefined && scope.length > 0) parameters.push(`scope="${scope.map(quoted).join(' ')}"`);
  if (error !== undefined) parameters.push(`error="${quoted(error.code)}"`);
  if (error?.description !== undefined) parameters.push(`error_description="${quoted(error.description)}"`);
  const headers = { 'www-authenticate': `Bearer ${parameters.join(', ')}`, 'cache-control': 'no-store' };
  if (error === undefined) return new Response(null, { status, headers });
  return Response.json({ error: error.code, error_description: error.description }, { status, headers });
}

/** The bearer token of a request (RFC 6750 section 2.1). */
export function bearerToken(request: Request): string | undefined {
  return /^bearer +([^ ]+) *$/i.exec(request.headers.get('authorization') ?? '')?.[1];
}

/** What RFC 6750 allows between quotes. */
const quoted = (text: string): string => text.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, ' ');

/** The 403 for a token without a scope (RFC 6750 section 3.1). */
export function insufficientScope(auth: OAuthResourceAuth, scopes: string[], description?: string): Response {
  const [resource] = [auth.audience].flat();
  return challenge(403, resource!, scopes, { code: 'insufficient_scope', description });
}

/** Lets the page of a request's origin read the response. Headers that it has already stay. */
export function withCors(response: Response, request: Request): Response {
  const origin = request.headers.get('origin');
  if (origin === null || response?.headers === undefined) return response;
  const headers: [string, string][] = [
    ['access-control-allow-origin', origin],
    ['access-control-allow-methods', '*'],
    ['access-control-allow-headers', 'Authorization, *'],
    ['access-control-max-age', '86400'],
  ];
  return withHeaders(response, [
    ...headers.filter(([name]) => !response.headers.has(name)),
    ['access-control-expose-headers', 'WWW-Authenticate, Retry-After'],
    ['vary', 'Origin'],
  ]);
}
