import type { IssuerConfig } from 'tollgate/issuer';
import { nearest } from '../nearest.js';
import { administrationConfig } from './clients.js';
import { covers, endpointUrl, isAbsolute, routeOf, type Route } from './routes.js';
import type { OAuthAuthorizationServerOptions, OAuthProviderOptions, RequestHandler } from './types.js';

/** Options, checked and in the terms of the issuer. */
export interface Settings {
  options: CommonOptions;
  routes: Route[];
  /** Undefined: there are only endpoints. */
  defaultHandler?: RequestHandler;
  /** The issuer identifier. Undefined: the origin of each request. */
  issuer: string | undefined;
  /** The resources. Undefined: the origin and each route. */
  resources: string[] | undefined;
  tokenPath: string;
  revocationPath: string;
  registrationPath: string;
  /** Paths of endpoints that browsers may call from other origins. */
  endpointPaths: string[];
  /** Everything but the issuer, its secrets and its resources. */
  config: Omit<IssuerConfig, 'issuer' | 'secrets' | 'resources'>;
}

/** Every option, so that one that is misspelled is not ignored. */
const NAMES: { [name in keyof Required<OAuthProviderOptions>]: true } = {
  apiRoute: true,
  apiHandler: true,
  apiHandlers: true,
  defaultHandler: true,
  authorizeEndpoint: true,
  tokenEndpoint: true,
  clientRegistrationEndpoint: true,
  accessTokenTTL: true,
  refreshTokenTTL: true,
  refreshTokenIdleTTL: true,
  clientRegistrationTTL: true,
  scopesSupported: true,
  requiredScopes: true,
  allowImplicitFlow: true,
  allowPlainPKCE: true,
  allowTokenExchangeGrant: true,
  enterpriseManagedAuthorization: true,
  disallowPublicClientRegistration: true,
  clientRegistrationCallback: true,
  tokenExchangeCallback: true,
  resolveExternalToken: true,
  onError: true,
  allowPrivateUseRedirectUris: true,
  clientIdMetadataDocumentEnabled: true,
  resourceMatchOriginOnly: true,
  cookiePrefix: true,
  resourceMetadata: true,
  store: true,
  secrets: true,
  clients: true,
  accessToken: true,
};

/** The longest lifetime of a grant, in seconds: what "never expires" becomes. */
const LONGEST = 366 * 86_400;

export function settingsOf(options: OAuthProviderOptions): Settings {
  checkNames(options, Object.keys(NAMES));
  isHandler(options.defaultHandler, 'defaultHandler');
  const routes = routesOf(options);
  const resource = options.resourceMetadata?.resource;
  checkResource(resource, routes);
  const token = endpointUrl(options.tokenEndpoint, 'tokenEndpoint');
  return {
    ...commonSettings(options, isAbsolute(options.tokenEndpoint) ? token : undefined, ''),
    options,
    routes,
    defaultHandler: options.defaultHandler,
    issuer: isAbsolute(options.tokenEndpoint) ? token.origin : undefined,
    resources: resource === undefined ? undefined : [resource],
  };
}

/** Every option is one of these. */
function checkNames(options: object, names: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    const meant = nearest(name, names);
    throw new TypeError(`There is no option \`${name}\`${meant === undefined ? '' : `: did you mean \`${meant}\`?`}`);
  }
}

/** The settings of an authorization server without routes. */
export function serverSettingsOf(given: OAuthAuthorizationServerOptions): Settings {
  checkNames(given, [...Object.keys(NAMES).filter((name) => !NOT_OF_SERVERS.includes(name)), ...SERVER_NAMES]);
  const { issuer, resources, defaultResource, legacyGrantResource: _, ...rest } = given;
  const url = endpointUrl(issuer, 'issuer');
  if (!isAbsolute(issuer) || issuer.endsWith('/') || url.search !== '' || url.hash !== '')
    throw new TypeError('`issuer` must be an absolute URL without a slash at its end, query and fragment.');
  if (!Array.isArray(resources) || resources.length === 0) throw new TypeError('`resources` must name at least one.');
  if (defaultResource !== undefined && !resources.includes(defaultResource))
    throw new TypeError('`defaultResource` must be one of `resources`.');
  const options = { authorizeEndpoint: `${issuer}/authorize`, tokenEndpoint: `${issuer}/oauth/token`, ...rest };
  return {
    ...commonSettings(options, url, url.pathname.replace(/\/+$/, '')),
    options,
    routes: [],
    issuer,
    // The first is that of requests that name none.
    resources: [...new Set([defaultResource ?? resources[0]!, ...resources])],
  };
}

const NOT_OF_SERVERS = [
  'apiRoute',
  'apiHandler',
  'apiHandlers',
  'defaultHandler',
  'resourceMetadata',
  'requiredScopes',
  'resolveExternalToken',
];
const SERVER_NAMES = ['issuer', 'resources', 'defaultResource', 'legacyGrantResource'];

/** Options that an authorization server has with and without routes. */
export type CommonOptions = Omit<OAuthProviderOptions, 'apiRoute' | 'apiHandler' | 'apiHandlers' | 'defaultHandler'>;

/**
 * What follows from these options. `host` has the origin of the endpoints, if it is fixed, and `base` is the
 * path of the issuer.
 */
export function commonSettings(options: CommonOptions, host: URL | undefined, base: string) {
  if (options.allowImplicitFlow === true)
    throw new TypeError('There is no implicit flow (RFC 9700 section 2.1.2): remove `allowImplicitFlow`.');
  if (options.resourceMatchOriginOnly === true)
    throw new TypeError('Resources are compared by their paths too: remove `resourceMatchOriginOnly`.');
  if (options.enterpriseManagedAuthorization !== undefined)
    throw new TypeError('`enterpriseManagedAuthorization` is not available yet.');
  for (const scope of options.requiredScopes ?? []) {
    // RFC 6749 section 3.3, so that none ends the text in a challenge.
    if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)) throw new TypeError('`requiredScopes` has what is no scope.');
  }
  const path = (name: 'tokenEndpoint' | 'authorizeEndpoint' | 'clientRegistrationEndpoint'): string => {
    const url = endpointUrl(options[name], name);
    if (isAbsolute(options[name]!) && url.origin !== host?.origin)
      throw new TypeError(`\`${name}\` must be on the origin of the issuer, which is that of \`tokenEndpoint\`.`);
    if (!url.pathname.startsWith(`${base}/`)) throw new TypeError(`\`${name}\` must be below the path of the issuer.`);
    return url.pathname.slice(base.length);
  };
  const token = path('tokenEndpoint');
  const below = (name: string) => `${token}/${name}`;
  const endpoints = {
    authorization: path('authorizeEndpoint'),
    token,
    // Below the token endpoint, where the application has nothing of its own.
    revocation: below('revoke'),
    introspection: below('introspect'),
    registration:
      options.clientRegistrationEndpoint === undefined ? below('register') : path('clientRegistrationEndpoint'),
    keys: below('jwks'),
    callback: below('callback'),
    signIn: below('sign-in'),
    consent: below('consent'),
  };
  const forever = 'refreshTokenTTL' in options && options.refreshTokenTTL === undefined;
  const [tokenPath, revocationPath, registrationPath] = [token, endpoints.revocation, endpoints.registration].map(
    (own) => `${base}${own}`,
  ) as [string, string, string];
  return {
    tokenPath,
    revocationPath,
    registrationPath,
    endpointPaths: [tokenPath, revocationPath, registrationPath],
    config: {
      endpoints,
      scopes: options.scopesSupported,
      accessToken: options.accessToken ?? ('opaque' as const),
      accessTokenLifetime: options.accessTokenTTL,
      refreshTokenLifetime: forever ? LONGEST : options.refreshTokenTTL,
      refreshTokenIdleLifetime: options.refreshTokenIdleTTL,
      confidentialClientsMayOmitPkce: true,
      clients: options.clients,
      ...administrationConfig(options),
    },
  };
}

/** A route that the resource does not cover could never be reached. */
function checkResource(resource: string | undefined, routes: readonly Route[]): void {
  if (resource === undefined) return;
  const url = endpointUrl(resource, 'resourceMetadata.resource');
  if (!isAbsolute(resource)) throw new TypeError('`resourceMetadata.resource` must be an absolute URL.');
  for (const { origin, path } of routes) {
    if ((origin === undefined || origin === url.origin) && covers(url.pathname, path === '' ? '/' : path)) continue;
    throw new TypeError(
      `The route ${origin ?? ''}${path}/ is not within \`resourceMetadata.resource\`, so no token could open it.`,
    );
  }
}

function routesOf({ apiRoute, apiHandler, apiHandlers }: OAuthProviderOptions): Route[] {
  if (apiHandlers !== undefined) {
    if (apiRoute !== undefined || apiHandler !== undefined)
      throw new TypeError('Set either `apiHandlers`, or `apiRoute` and `apiHandler`.');
    return Object.entries(apiHandlers).map(([text, handler]) => routeOf(text, isHandler(handler, 'apiHandlers')));
  }
  if (apiRoute === undefined || apiHandler === undefined)
    throw new TypeError('Set `apiRoute` and `apiHandler`, or `apiHandlers`.');
  const handler = isHandler(apiHandler, 'apiHandler');
  return (Array.isArray(apiRoute) ? apiRoute : [apiRoute]).map((text) => routeOf(text, handler));
}

export function isHandler(handler: RequestHandler | undefined, option: string): RequestHandler {
  const fetch = typeof handler === 'function' ? handler.prototype?.fetch : handler?.fetch;
  if (typeof fetch === 'function') return handler as RequestHandler;
  throw new TypeError(`\`${option}\` must be an object with \`fetch\`, or a class with it such as a WorkerEntrypoint.`);
}
