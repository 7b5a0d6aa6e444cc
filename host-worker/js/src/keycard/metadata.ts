import type { Gate, GateOptions, WaitUntil } from 'tollgate';
import { Gates, NO_ENV } from './gates.js';

/** Options of the metadata. */
export interface MetadataOptions {
  /** The zone. */
  issuer: string;
  /** `scopes_supported`. */
  scopesSupported?: readonly string[];
  /** `resource_name`. */
  resourceName?: string;
  /** `resource_documentation`: an absolute URL. */
  serviceDocumentationUrl?: string | URL;
  /** The document at `/.well-known/jwks.json`. Default: none. Private members are not sent. */
  publicJwks?: object;
}

const WELL_KNOWN = '/.well-known/';
const AUTHORIZATION_SERVER = `${WELL_KNOWN}oauth-authorization-server`;

/**
 * Allows any browser origin, because browsers do not send bearer tokens by themselves. `*` does not
 * cover `Authorization`.
 */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
  'access-control-allow-headers': 'Authorization, Content-Type, Last-Event-ID, MCP-Protocol-Version, Mcp-Session-Id, *',
  'access-control-max-age': '86400',
};

const gates = new Gates();

/** The response to any OPTIONS request. It needs no configuration. */
export function preflight(): Response {
  return new Response(null, { status: 204, headers: CORS });
}

/**
 * Answers requests for OAuth metadata and their preflights; `null` for any other.
 *
 * @throws TypeError if there is no issuer; ConfigError if an option is invalid.
 */
export async function handleMetadataRequest(request: Request, options: MetadataOptions): Promise<Response | null> {
  const { pathname } = new URL(request.url);
  if (!pathname.startsWith(WELL_KNOWN)) return null;
  if (request.method === 'OPTIONS') return preflight();
  if (pathname === `${WELL_KNOWN}jwks.json` && options.publicJwks !== undefined)
    return keys(request, options.publicJwks);
  if (!options.issuer) {
    throw new TypeError(
      'handleMetadataRequest() needs `issuer`: pass the URL of the zone, in a Worker from KEYCARD_ISSUER.',
    );
  }
  const gate = gates.get({
    issuers: [{ issuer: options.issuer }],
    resourceFromRequest: true,
    metadata: metadataOf(options),
  });
  return metadata(gate, request);
}

/** The gate's options for this module's options. */
export function metadataOf(options: Omit<MetadataOptions, 'issuer'>): GateOptions['metadata'] {
  const { scopesSupported, resourceName, serviceDocumentationUrl } = options;
  return {
    scopesSupported,
    resourceName,
    resourceDocumentation: serviceDocumentationUrl?.toString(),
    singleResource: true,
  };
}

/** The gate's document, if the request is for one. */
export async function metadata(gate: Gate, request: Request, ctx?: WaitUntil): Promise<Response | null> {
  if (!request.url.includes(WELL_KNOWN)) return null; // the common case, and much cheaper than a call
  const response = await gate.metadata(request, NO_ENV, ctx);
  const isIssuers = response !== null && new URL(request.url).pathname.startsWith(AUTHORIZATION_SERVER);
  return isIssuers ? withResource(response, request) : response;
}

/**
 * Adds `resource` to the issuer's `authorization_endpoint`, for clients that do not send it
 * themselves.
 */
async function withResource(response: Response, request: Request): Promise<Response> {
  if (response.status !== 200 || response.body === null) return response;
  const document = (await response.json()) as Record<string, unknown>;
  try {
    const endpoint = new URL(String(document.authorization_endpoint));
    endpoint.searchParams.set('resource', new URL(request.url).origin);
    document.authorization_endpoint = endpoint.href;
  } catch {
    // Metadata without one is passed on unchanged.
  }
  return new Response(JSON.stringify(document), response);
}

/** RFC 7518 section 6: the private members, which a published key set must not contain. */
const PRIVATE = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']);

function keys(request: Request, jwks: object): Response {
  const headers = { ...CORS, 'content-type': 'application/json', 'cache-control': 'public, max-age=300' };
  if (request.method === 'GET')
    return new Response(
      JSON.stringify(jwks, (name, value) => (PRIVATE.has(name) ? undefined : value)),
      { headers },
    );
  return request.method === 'HEAD'
    ? new Response(null, { headers })
    : new Response(null, { status: 405, headers: { ...CORS, allow: 'GET, HEAD, OPTIONS' } });
}
