import { OAuthProvider } from '@cloudflare/workers-oauth-provider';
import { WorkerEntrypoint } from 'cloudflare:workers';

const defaultHandler = {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    if (url.pathname == '/authorize') {
      const oauthReqInfo = await env.OAUTH_PROVIDER.parseAuthRequest(request);
      const clientInfo = await env.OAUTH_PROVIDER.lookupClient(oauthReqInfo.clientId);
      const { redirectTo } = await env.OAUTH_PROVIDER.completeAuthorization({
        request: oauthReqInfo,
        userId: '1234',
        metadata: { label: 'foo' },
        scope: ['document.read', 'document.write'],
        props: {
          userId: 1234,
          username: 'Bob',
        },
      });
      return Response.redirect(redirectTo, 302);
    }
    return new Response('Not found', { status: 404 });
  },
};

class ApiHandler extends WorkerEntrypoint {
  fetch(request) {
    const url = new URL(request.url);
    if (url.pathname == '/api/whoami') {
      return new Response(`You are authenticated as: ${this.ctx.props.username}`);
    }
    return new Response('Not found', { status: 404 });
  }
}

export default new OAuthProvider({
  apiRoute: ['/api/', 'https://api.example.com/'],
  apiHandler: ApiHandler,
  defaultHandler: defaultHandler,
  authorizeEndpoint: 'https://example.com/authorize',
  tokenEndpoint: 'https://example.com/oauth/token',
  clientRegistrationEndpoint: 'https://example.com/oauth/register',
  scopesSupported: ['document.read', 'document.write', 'profile'],
  allowImplicitFlow: false,
  allowPlainPKCE: true,
  disallowPublicClientRegistration: false,
  refreshTokenTTL: 2592000,
  accessTokenTTL: 3600,
  clientRegistrationTTL: 7776000,
  allowTokenExchangeGrant: false,
  enterpriseManagedAuthorization: undefined,
  clientIdMetadataDocumentEnabled: false,
});
