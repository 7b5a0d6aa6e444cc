import type { IssuerConfig } from 'tollgate/issuer';
import { nearest } from '../nearest.js';
import { administrationConfig } from './clients.js';
import { covers, endpointUrl, isAbsolute, routeOf, type Route } from './routes.js';
import type { OAuthProviderOptions, RequestHandler } from './types.js';

/** Options, checked and in the terms of the issuer. */
export interface Settings {
  options: OAuthProviderOptions;
  routes: Route[];
  /** The origin of the token endpoint. Undefined: that of each request. */
  origin: string | undefined;
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
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(NAMES, name)) continue;
    const meant = nearest(name, Object.keys(NAMES));
    throw new TypeError(`There is no option \`${name}\`${meant === undefined ? '' : `: did you mean \`${meant}\`?`}`);
  }
  if (options.allowImplicitFlow === true)
    throw new TypeError('There is no implicit flow (RFC 9700 section 2.1.2): remove `allowImplicitFlow`.');
  if (options.resourceMatchOriginOnly === true)
    throw new TypeError('Resources are compared by their paths too: remove `resourceMatchOriginOnly`.');
  if (options.enterpriseManagedAuthorization !== undefined)
    throw new TypeError('`enterpriseManagedAuthorization` is not available yet.');
  isHandler(options.defaultHandler, 'defaultHandler');
  for (const scope of options.requiredScopes ?? []) {
    // RFC 6749 section 3.3, so that none ends the text in a challenge.
    if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)) throw new TypeError('`requiredScopes` has what is no scope.');
  }
  const token = endpointUrl(options.tokenEndpoint, 'tokenEndpoint');
  const origin = isAbsolute(options.tokenEndpoint) ? token.origin : undefined;
  const path = (text: string, option: 'authorizeEndpoint' | 'clientRegistrationEndpoint'): string => {
    const url = endpointUrl(text, option);
    if (isAbsolute(text) && url.origin !== origin)
      throw new TypeError(`\`${option}\` must be on the origin of \`tokenEndpoint\`.`);
    return url.pathname;
  };
  const below = (name: string) => `${token.pathname}/${name}`;
  const endpoints = {
    authorization: path(options.authorizeEndpoint, 'authorizeEndpoint'),
    token: token.pathname,
    // Below the token endpoint, where the application has nothing of its own.
    revocation: below('revoke'),
    introspection: below('introspect'),
    registration:
      options.clientRegistrationEndpoint === undefined
        ? below('register')
        : path(options.clientRegistrationEndpoint, 'clientRegistrationEndpoint'),
    keys: below('jwks'),
    callback: below('callback'),
    signIn: below('sign-in'),
    consent: below('consent'),
  };
  const routes = routesOf(options);
  checkResource(options.resourceMetadata?.resource, routes);
  const forever = 'refreshTokenTTL' in options && options.refreshTokenTTL === undefined;
  return {
    options,
    routes,
    origin,
    tokenPath: endpoints.token,
    revocationPath: endpoints.revocation,
    registrationPath: endpoints.registration,
    endpointPaths: [endpoints.token, endpoints.revocation, endpoints.registration],
    config: {
      endpoints,
      scopes: options.scopesSupported,
      accessToken: options.accessToken ?? 'opaque',
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

function isHandler(handler: RequestHandler | undefined, option: string): RequestHandler {
  const fetch = typeof handler === 'function' ? handler.prototype?.fetch : handler?.fetch;
  if (typeof fetch === 'function') return handler as RequestHandler;
  throw new TypeError(`\`${option}\` must be an object with \`fetch\`, or a class with it such as a WorkerEntrypoint.`);
}
