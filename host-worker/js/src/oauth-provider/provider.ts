import { IssuerError, StoreError, type Issuer, type TokenInfo } from 'tollgate/issuer';
import { readBody } from '../body.js';
import { Deployment, storeOf } from './deployment.js';
import { AuthorizationError, ExternalTokenError, OAuthError } from './errors.js';
import { helpersOf, nothingToPurge } from './helpers.js';
import { challenge, metadataOf, metadataSubject, withCors } from './protected-resource.js';
import { covers, routeFor, type Route } from './routes.js';
import { settingsOf, type Settings } from './settings.js';
import type {
  OAuthHelpers,
  OAuthProviderOptions,
  OAuthResourceAuth,
  PurgeOptions,
  PurgeResult,
  RequestHandler,
} from './types.js';

/**
 * The longest form that is read to tell a revocation from a token request, in bytes. Of a longer one, the
 * beginning is passed on: the issuer has a lower limit.
 */
const FORM_BYTES = 256 * 1024;
const FORM = 'application/x-www-form-urlencoded';

interface Deployed {
  deployment: Deployment;
  helpers: OAuthHelpers;
}

/** The first provider with these options, so that `getOAuthApi` starts no other one. */
const providers = new WeakMap<object, OAuthProvider>();

/** The helpers of a provider in an environment. */
let helpersIn: (provider: OAuthProvider, env: unknown) => OAuthHelpers;

/** An authorization server, and the routes that its tokens open: the handler of a Worker. */
export class OAuthProvider<Env = any> {
  readonly #settings: Settings;
  readonly #deployed = new WeakMap<object, Deployed>();
  /** Which resource of a route the last token was for: it is asked about first. */
  readonly #lastResource = new WeakMap<Route, string>();

  constructor(options: OAuthProviderOptions<Env>) {
    this.#settings = settingsOf(options);
    if (!providers.has(options)) providers.set(options, this);
  }

  async fetch(request: Request, env: Env, ctx: any): Promise<Response> {
    const { deployment, helpers } = this.#deploy(env);
    const url = new URL(request.url);
    const issuer = deployment.note(url);
    const route = routeFor(this.#settings.routes, url);
    if (request.method === 'OPTIONS' && (route !== undefined || this.#isOpen(url)))
      return withCors(new Response(null, { status: 204 }), request);
    const answer = await this.#endpoint(request, url, issuer, deployment, ctx);
    if (answer !== undefined) return withCors(answer, request);
    const inside = withHelpers(env, helpers);
    if (route !== undefined)
      return withCors(await this.#api(request, url, route, issuer, deployment, inside, ctx), request);
    try {
      return await handle(this.#settings.options.defaultHandler, request, inside, ctx);
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
    helpersIn = (provider, env) => provider.#deploy(env).helpers;
  }

  #deploy(env: Env): Deployed {
    // A framework may copy `env`, but not what is bound.
    const bound: unknown = this.#settings.options.store === undefined ? (env as any)?.OAUTH_STORE : undefined;
    const key = (bound ?? env ?? this) as object;
    let deployed = this.#deployed.get(key);
    if (deployed === undefined) {
      const deployment = new Deployment(this.#settings, env, storeOf(this.#settings, env));
      deployed = { deployment, helpers: helpersOf(deployment, this.#settings) };
      this.#deployed.set(key, deployed);
    }
    return deployed;
  }

  /** Whether pages of other origins may call a URL that is no route. */
  #isOpen(url: URL): boolean {
    return (
      metadataSubject(url) !== undefined ||
      url.pathname === '/.well-known/oauth-authorization-server' ||
      (this.#isOwnHost(url) && this.#settings.endpointPaths.includes(url.pathname))
    );
  }

  #isOwnHost(url: URL): boolean {
    return this.#settings.origin === undefined || new URL(this.#settings.origin).hostname === url.hostname;
  }

  /**
   * Whether the issuer may have an endpoint at a path. Pages of the application do not start it, and work
   * while its store does not.
   */
  #mayBeEndpoint(path: string): boolean {
    return (
      this.#settings.endpointPaths.includes(path) ||
      path.startsWith(`${this.#settings.tokenPath}/`) ||
      /^\/\.well-known\/(oauth-|openid-)/.test(path)
    );
  }

  /** The answer of an endpoint. Nothing: the URL is none of them. */
  async #endpoint(
    request: Request,
    url: URL,
    origin: string,
    deployment: Deployment,
    ctx: any,
  ): Promise<Response | undefined> {
    const subject = metadataSubject(url);
    if (subject !== undefined) return this.#metadata(request, subject, url, origin, deployment);
    if (!this.#isOwnHost(url) || !this.#mayBeEndpoint(url.pathname)) return undefined;
    try {
      const issuer = await deployment.issuer(origin);
      let asked = request;
      if (url.pathname === this.#settings.tokenPath) asked = await this.#orRevocation(request, url);
      if (url.pathname === this.#settings.registrationPath) {
        const registration = await this.#registration(request);
        if (registration instanceof Response) return await this.#reported(registration, request);
        asked = registration;
      }
      const answer = await issuer.fetch(asked, ctx);
      return answer === undefined ? undefined : await this.#reported(answer, request, deployment.reasonOf(asked));
    } catch (error) {
      return failed(error);
    }
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

  /** A form with `token` and without `grant_type` is a revocation, as the original has it. */
  async #orRevocation(request: Request, url: URL): Promise<Request> {
    const { method, headers } = request;
    if (method !== 'POST' || headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() !== FORM) return request;
    const body = await readBody(request.body, FORM_BYTES);
    const form = new URLSearchParams(new TextDecoder().decode(body));
    const target = new URL(url);
    if (form.has('token') && !form.has('grant_type')) target.pathname = this.#settings.revocationPath;
    return new Request(target, { method, headers, body: body as BodyInit });
  }

  /** A registration that the application does not refuse. */
  async #registration(request: Request): Promise<Request | Response> {
    const { clientRegistrationCallback } = this.#settings.options;
    if (clientRegistrationCallback === undefined || request.method !== 'POST') return request;
    const body = await readBody(request.body, FORM_BYTES);
    const { method, headers, url } = request;
    const same = () => new Request(url, { method, headers, body: body as BodyInit });
    let clientMetadata: unknown;
    try {
      clientMetadata = JSON.parse(new TextDecoder().decode(body));
    } catch {}
    // The issuer says what is wrong with it.
    if (typeof clientMetadata !== 'object' || clientMetadata === null) return same();
    const refusal = await clientRegistrationCallback({ clientMetadata: { ...clientMetadata }, request: same() });
    if (refusal === undefined || refusal === null) return same();
    const { code = 'invalid_client_metadata', description = 'the registration is refused', status = 400 } = refusal;
    const answer = { error: code, error_description: description };
    return Response.json(answer, { status, headers: { 'cache-control': 'no-store' } });
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
    const [, token] = /^bearer +([^ ]+) *$/i.exec(request.headers.get('authorization') ?? '') ?? [];
    if (token === undefined) return challenge(401, resource, requiredScopes);
    const refuse = (code = 'invalid_token', description?: string, status = 401, scopes = requiredScopes) =>
      this.#reported(challenge(status, resource, scopes, { code, description }), request);
    let auth: OAuthResourceAuth;
    let props: unknown;
    try {
      const issuer = await deployment.issuer(origin);
      const found = await this.#check(issuer, token, url, route, deployment.resources(origin), ctx);
      if (found !== null) {
        const { audience, expiresAt, scopes, subject, clientId } = found;
        auth = { token, audience: one(audience), expiresAt, scope: scopes, userId: subject, clientId };
        props = found.props;
      } else {
        const external = await resolveExternalToken?.({ token, request, env });
        if (external === undefined || external === null) return refuse();
        const audiences = [external.audience ?? []].flat();
        if (audiences.length > 0 && !audiences.some((audience) => isWithin(audience, url)))
          return refuse('invalid_token', 'the token is for another resource');
        auth = { token, audience: one(audiences), scope: [] };
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

  /** Lets `onError` see an error response, and replace it. */
  async #reported(response: Response, request: Request, reason?: string): Promise<Response> {
    if (response.status < 400) return response;
    const body: any = await response
      .clone()
      .json()
      .catch(() => undefined);
    if (typeof body?.error !== 'string') return response;
    const { error: code, error_description: description = '' } = body;
    const { status } = response;
    const { onError } = this.#settings.options;
    if (onError === undefined) {
      console.warn(`OAuth error response: ${status} ${code} - ${description}`);
      return response;
    }
    try {
      const headers = Object.fromEntries(response.headers);
      const internal = { category: 'oauth', reason: reason ?? code };
      return (await onError({ code, description, status, headers, internal, request })) ?? response;
    } catch (error) {
      console.error(error);
      return response;
    }
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

function handle(handler: RequestHandler, request: Request, env: any, ctx: any): Response | Promise<Response> {
  // Its `fetch` was checked when the provider was made.
  if (typeof handler === 'function') return new handler(ctx, env).fetch!(request);
  return handler.fetch!(request, env, ctx);
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

const one = (audience: string[]): string | string[] => (audience.length === 1 ? audience[0]! : audience);

/** The store or the issuer failed. */
function failed(error: unknown): Response {
  if (error instanceof IssuerError) return error.toResponse();
  console.error(error);
  const isTemporary = error instanceof StoreError && error.kind === 'unavailable';
  const headers: Record<string, string> = { 'cache-control': 'no-store' };
  if (isTemporary) headers['retry-after'] = '1';
  return Response.json(
    { error: isTemporary ? 'temporarily_unavailable' : 'server_error' },
    { status: isTemporary ? 503 : 500, headers },
  );
}
