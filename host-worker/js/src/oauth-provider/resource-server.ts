import { OAuthError } from './errors.js';
import { handle } from './handler.js';
import { bearerToken, challenge, metadataOf, metadataUrl, withCors } from './protected-resource.js';
import { covers, endpointUrl, isAbsolute } from './routes.js';
import type { OAuthResourceServerOptions, OAuthResourceTokenValidation } from './types.js';

/** A protected resource whose tokens another Worker validates. */
export class OAuthResourceServer<Env = any, Props = any> {
  readonly #options: OAuthResourceServerOptions<Env, Props>;
  readonly #resource: URL;
  readonly #metadata: URL;

  constructor(options: OAuthResourceServerOptions<Env, Props>) {
    const { resource, authorization_servers: servers } = options.resourceMetadata;
    this.#resource = endpointUrl(resource, 'resourceMetadata.resource');
    if (!isAbsolute(resource) || this.#resource.hash !== '')
      throw new TypeError('`resourceMetadata.resource` must be an absolute URL without a fragment.');
    if (!Array.isArray(servers) || servers.length === 0)
      throw new TypeError('`resourceMetadata.authorization_servers` must name at least one.');
    if (typeof options.validateToken !== 'function') throw new TypeError('`validateToken` must be a function.');
    this.#options = options;
    this.#metadata = new URL(metadataUrl(resource));
  }

  async fetch(request: Request, env: Env, ctx: any): Promise<Response> {
    return withCors(await this.#answer(request, env, ctx), request);
  }

  async #answer(request: Request, env: Env, ctx: any): Promise<Response> {
    const url = new URL(request.url);
    const { method } = request;
    const isMetadata = url.host === this.#metadata.host && url.pathname === this.#metadata.pathname;
    const isInside = url.host === this.#resource.host && covers(this.#resource.pathname, url.pathname);
    if (!isMetadata && !isInside) return new Response(null, { status: 404 });
    if (method === 'OPTIONS') return new Response(null, { status: 204 });
    const { resourceMetadata, requiredScopes, handler } = this.#options;
    const { resource, authorization_servers: servers } = resourceMetadata;
    if (isMetadata) {
      if (method !== 'GET' && method !== 'HEAD')
        return new Response(null, { status: 405, headers: { allow: 'GET, HEAD' } });
      const headers = { 'cache-control': 'no-store' };
      return Response.json(metadataOf(resource, servers[0]!, this.#options), { headers });
    }
    const token = bearerToken(request);
    if (token === undefined) return challenge(401, resource, requiredScopes);
    let found: OAuthResourceTokenValidation<Props> | null;
    try {
      found = await this.#options.validateToken(env, request)(resource, token);
      if (found !== null) check(found);
    } catch (error) {
      return refusal(error, resource, requiredScopes);
    }
    // The validator may be for several resources.
    const isValid = found !== null && found.audience === resource && !(found.expiresAt! <= Date.now() / 1000);
    if (found === null || !isValid) return challenge(401, resource, requiredScopes, { code: 'invalid_token' });
    const { props, audience, expiresAt, scope = [], userId, clientId } = found;
    const context = ctx ?? {};
    context.props = props ?? {};
    context.auth = { token, audience, expiresAt, scope, userId, clientId };
    return handle(handler, request, env, context);
  }
}

/** What is not a validation opens nothing. */
function check(found: OAuthResourceTokenValidation): void {
  const isOptional = (value: unknown, type: string) => value === undefined || typeof value === type;
  const { audience, expiresAt, scope, userId, clientId } = Object(found);
  const isRight =
    typeof audience === 'string' &&
    (expiresAt === undefined || Number.isFinite(expiresAt)) &&
    (scope === undefined || (Array.isArray(scope) && scope.every((one) => typeof one === 'string'))) &&
    isOptional(userId, 'string') &&
    isOptional(clientId, 'string');
  if (!isRight) throw new TypeError('The validator returned something else than a validation.');
}

function refusal(error: unknown, resource: string, scopes: string[] | undefined): Response {
  // An error of another Worker comes without its class.
  const { name, code, description, statusCode, headers, requiredScopes } = Object(error);
  if (!(error instanceof OAuthError) && name !== 'OAuthError') {
    console.error(error);
    const body = { error: 'temporarily_unavailable' };
    return Response.json(body, { status: 503, headers: { 'retry-after': '1', 'cache-control': 'no-store' } });
  }
  if (code === 'invalid_token') return challenge(401, resource, scopes, { code, description });
  if (code === 'insufficient_scope') return challenge(403, resource, requiredScopes ?? scopes, { code, description });
  const body = { error: code, error_description: description };
  return Response.json(body, { status: statusCode, headers: { ...headers, 'cache-control': 'no-store' } });
}
