// A Worker that uses most of the package: paths for any host, several handlers, callbacks.
import OAuthProvider, {
  AuthorizationError,
  ExternalTokenError,
  GrantType,
  OAuthError,
  getOAuthApi,
  insufficientScope,
} from 'tollgate/oauth-provider';
import { WorkerEntrypoint } from 'cloudflare:workers';

export { TollgateStore } from 'tollgate/durable-object';

let exchange = 'nothing';
const exchanges = [];
const errors = [];

class Notes extends WorkerEntrypoint {
  fetch(request) {
    const { props, auth } = this.ctx;
    if (new URL(request.url).pathname.endsWith('/admin')) return insufficientScope(auth, ['admin']);
    const { token, ...rest } = auth;
    return Response.json({ props, auth: rest, hasHelpers: typeof this.env.OAUTH_PROVIDER.unwrapToken });
  }
}

const options = {
  apiHandlers: {
    '/notes': Notes,
    '/notes/deep': { fetch: (request, env, ctx) => Response.json({ deep: ctx.props }) },
    '/files/': { fetch: async (request) => new Response(await request.text(), { headers: { vary: 'Accept' } }) },
  },
  defaultHandler: {
    async fetch(request, env) {
      const url = new URL(request.url);
      const api = env.OAUTH_PROVIDER;
      if (url.pathname === '/authorize') {
        const asked = await api.parseAuthRequest(request);
        const { redirectTo } = await api.completeAuthorization({
          request: JSON.parse(JSON.stringify(asked)),
          userId: url.searchParams.get('user') ?? 'ada',
          metadata: { label: 'a grant' },
          scope: asked.scope,
          props: { name: 'Ada' },
          revokeExistingGrants: url.searchParams.has('replace'),
        });
        return Response.redirect(redirectTo, 302);
      }
      if (!url.pathname.startsWith('/command/')) return new Response(`application: ${url.pathname}`);
      const body = await request.json();
      const commands = {
        parse: () =>
          api.parseAuthRequest(new Request(body.url)).then(
            (read) => read,
            (error) => ({ isAuthorizationError: error instanceof AuthorizationError, ...error }),
          ),
        grants: () => api.listUserGrants(body.user, { limit: 10 }),
        grantsOutside: () => getOAuthApi(options, env).listUserGrants(body.user),
        revoke: () => api.revokeGrant(body.grant, body.user),
        unwrap: () => api.unwrapToken(body.token),
        lookup: () => api.lookupClient(body.id),
        create: () => api.createClient(body.client),
        update: () => api.updateClient(body.id, body.updates),
        list: () => api.listClients({ limit: 50 }),
        delete: () => api.deleteClient(body.id),
        purge: () => api.purgeExpiredData({ batchSize: 10 }),
        exchange: () => {
          exchange = body.mode;
        },
        exchanges: () => exchanges.splice(0),
        errors: () => errors.splice(0),
      };
      return Response.json((await commands[url.pathname.slice('/command/'.length)]()) ?? null);
    },
  },
  authorizeEndpoint: '/authorize',
  tokenEndpoint: '/token',
  clientRegistrationEndpoint: '/register',
  disallowPublicClientRegistration: true,
  clientRegistrationCallback: async ({ clientMetadata }) =>
    clientMetadata.client_name === 'Bad' ? { code: 'access_denied', status: 403 } : undefined,
  scopesSupported: ['read', 'write'],
  requiredScopes: ['read', 'offline_access'],
  resourceMetadata: { resource_name: 'Notes' },
  clients: [
    { id: 'app', redirectUris: ['https://app.example/cb'], grantTypes: ['authorization_code', 'refresh_token'] },
  ],
  async tokenExchangeCallback({ env, ...question }) {
    exchanges.push({
      ...question,
      hasEnv: env.OAUTH_STORE !== undefined,
      isRefresh: question.grantType === GrantType.REFRESH_TOKEN,
    });
    switch (exchange) {
      case 'props':
        return {
          accessTokenProps: { own: 1 },
          newProps: { name: 'Lovelace' },
          accessTokenTTL: 120,
          accessTokenScope: ['read'],
        };
      case 'refuse':
        throw new OAuthError('invalid_grant', { description: 'not any more' });
      case 'later':
        throw new OAuthError('temporarily_unavailable', { description: 'later', statusCode: 503 });
      case 'bug':
        throw new Error('a bug');
    }
  },
  async resolveExternalToken({ token, request, env }) {
    if (token === 'external') return { props: { external: true }, audience: new URL('/notes', request.url).href };
    if (token === 'elsewhere') return { props: {}, audience: 'https://elsewhere.example/' };
    if (token === 'expired') {
      throw new ExternalTokenError('invalid_token', {
        description: 'it has "expired"\r\n',
        statusCode: 401,
        headers: { 'x-why': 'expired' },
      });
    }
    return null;
  },
  async onError({ code, status, internal }) {
    errors.push([code, status, internal.reason]);
    if (code === 'unsupported_grant_type') return new Response('replaced', { status: 418 });
  },
};

export default new OAuthProvider(options);
