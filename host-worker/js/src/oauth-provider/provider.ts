import type { Issuer, TokenInfo } from 'tollgate/issuer';
import { Deployments, oneOrAll, type Deployment } from './deployment.js';
import { Endpoints, failed } from './endpoints.js';
import { AuthorizationError, ExternalTokenError, OAuthError } from './errors.js';
import { handle } from './handler.js';
import { nothingToPurge } from './helpers.js';
import { bearerToken, challenge, metadataOf, metadataSubject, withCors } from './protected-resource.js';
import { covers, routeFor, type Route } from './routes.js';
import { settingsOf, type Settings } from './settings.js';
import type { OAuthHelpers, OAuthProviderOptions, OAuthResourceAuth, PurgeOptions, PurgeResult } from './types.js';

/** The first provider with these options, so that `getOAuthApi` starts no other one. */
const providers = new WeakMap<object, OAuthProvider>();

/** The helpers of a provider in an environment. */
let helpersIn: (provider: OAuthProvider, env: unknown) => OAuthHelpers;

/** An authorization server, and the routes that its tokens open: the handler of a Worker. */
export class OAuthProvider<Env = any> {
  readonly #settings: Settings;
  readonly #deployments: Deployments;
  readonly #endpoints: Endpoints;
  /** Which resource of a route the last token was for: it is asked about first. */
  readonly #lastResource = new WeakMap<Route, string>();

  constructor(options: OAuthProviderOptions<Env>) {
    this.#settings = settingsOf(options);
    this.#deployments = new Deployments(this.#settings);
    this.#endpoints = new Endpoints(this.#settings);
    if (!providers.has(options)) providers.set(options, this);
  }

  async fetch(request: Request, env: Env, ctx: any): Promise<Response> {
    const deployment = this.#deployments.of(env);
    const url = new URL(request.url);
    const issuer = deployment.note(url);
    const route = routeFor(this.#settings.routes, url);
    const subject = metadataSubject(url);
    if (request.method === 'OPTIONS' && (route !== undefined || subject !== undefined || this.#endpoints.isOpen(url)))
      return withCors(new Response(null, { status: 204 }), request);
    const answer =
      subject === undefined
        ? await this.#endpoints.answer(request, url, issuer, deployment, ctx)
        : this.#metadata(request, subject, url, issuer, deployment);
    if (answer !== undefined) return withCors(answer, request);
    const inside = withHelpers(env, deployment.helpers);
    if (route !== undefined)
      return withCors(await this.#api(request, url, route, issuer, deployment, inside, ctx), request);
    try {
      return await handle(this.#settings.defaultHandler!, request, inside, ctx);
    } catch (error) {
      // It did not look at what was wrong with the authorization request.
      if (error instanceof AuthorizationError) return error.toResponse();
      throw error;
    }
  }

  /** Nothing has to be purged: the store deletes what has expired. */
  purgeExpiredData(_env: Env, _options?: PurgeOptions): Promise<PurgeResult> {
    return nothingToPurge();
  }

  static {
    helpersIn = (provider, env) => provider.#deployments.of(env).helpers;
  }

  #metadata(request: Request, subject: string, url: URL, origin: string, deployment: Deployment): Response {
    const own = this.#settings.options.resourceMetadata?.resource;
    const about = new URL(subject, url);
    const resource =
      own === undefined
        ? this.#resourceAt(about, origin, deployment)
        : new URL(own).pathname === subject
          ? own
          : undefined;
    if (resource === undefined) return new Response(null, { status: 404 });
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return new Response(null, { status: 405, headers: { allow: 'GET, HEAD' } });
    return Response.json(metadataOf(resource, origin, this.#settings.options));
  }

  /** The resource that covers a URL: of its route, or the origin. */
  #resourceAt(url: URL, origin: string, deployment: Deployment): string | undefined {
    const own = this.#settings.options.resourceMetadata?.resource;
    if (own !== undefined) return own;
    const route = routeFor(this.#settings.routes, url);
    if (route !== undefined) return `${route.origin ?? origin}${route.path}`;
    return url.pathname === '/' ? deployment.resources(origin)[0] : undefined;
  }

  /** A request to a protected route. */
  async #api(
    request: Request,
    url: URL,
    route: Route,
    origin: string,
    deployment: Deployment,
    env: any,
    ctx: any,
  ): Promise<Response> {
    const { requiredScopes, resolveExternalToken } = this.#settings.options;
    const resource = this.#resourceAt(url, origin, deployment)!;
    const token = bearerToken(request);
    if (token === undefined) return challenge(401, resource, requiredScopes);
    const refuse = (code = 'invalid_token', description?: string, status = 401, scopes = requiredScopes) =>
      this.#endpoints.reported(challenge(status, resource, scopes, { code, description }), request);
    let auth: OAuthResourceAuth;
    let props: unknown;
    try {
      const issuer = await deployment.issuer(origin);
      const found = await this.#check(issuer, token, url, route, deployment.resources(origin), ctx);
      if (found !== null) {
        const { audience, expiresAt, scopes, subject, clientId } = found;
        auth = { token, audience: oneOrAll(audience), expiresAt, scope: scopes, userId: subject, clientId };
        props = found.props;
      } else {
        const external = await resolveExternalToken?.({ token, request, env });
        if (external === undefined || external === null) return refuse();
        const audiences = [external.audience ?? []].flat();
        if (audiences.length > 0 && !audiences.some((audience) => isWithin(audience, url)))
          return refuse('invalid_token', 'the token is for another resource');
        auth = { token, audience: oneOrAll(audiences), scope: [] };
        props = external.props;
      }
    } catch (error) {
      if (!(error instanceof ExternalTokenError || error instanceof OAuthError)) return failed(error);
      const { code, description, statusCode, headers, requiredScopes: scopes } = error;
      const response = await refuse(code, description, statusCode, scopes);
      for (const [name, value] of Object.entries(headers ?? {})) response.headers.set(name, value);
      return response;
    }
    const context = ctx ?? {};
    context.props = props ?? {};
    context.auth = auth;
    return handle(route.handler, request, env, context);
  }

  /** Checks a token for those resources that cover a URL. */
  async #check(
    issuer: Issuer,
    token: string,
    url: URL,
    route: Route,
    resources: string[],
    ctx: any,
  ): Promise<TokenInfo | null> {
    const last = this.#lastResource.get(route);
    const candidates = resources.filter((resource) => isWithin(resource, url));
    candidates.sort((a, b) => Number(b === last) - Number(a === last) || b.length - a.length);
    for (const resource of candidates) {
      const found = await issuer.checkToken(token, resource, ctx);
      if (found === null) continue;
      this.#lastResource.set(route, resource);
      return found;
    }
    return null;
  }
}

/** The helpers of a provider with these options, for code outside of its handlers. */
export function getOAuthApi<Env = any>(options: OAuthProviderOptions<Env>, env: Env): OAuthHelpers {
  return helpersIn(providers.get(options) ?? new OAuthProvider(options), env);
}

/** `env` with `OAUTH_PROVIDER`, as the original has it: in the same object if it allows that. */
function withHelpers(env: any, helpers: OAuthHelpers): any {
  if (env?.OAUTH_PROVIDER === helpers) return env;
  try {
    env.OAUTH_PROVIDER = helpers;
    return env;
  } catch {
    return { ...env, OAUTH_PROVIDER: helpers };
  }
}

/** Whether a resource covers a URL: its host, and its path or below. */
function isWithin(resource: string, url: URL): boolean {
  try {
    const { host, pathname } = new URL(resource);
    return host === url.host && covers(pathname, url.pathname);
  } catch {
    return false;
  }
}
