// A Worker for the tests: paths below /direct call the module's functions, the rest is a Worker of
// createKeycardWorker. Options are JSON, in `env.OPTIONS` or a header.
import * as keycard from 'tollgate/keycard';

const refusals = [];
let worker;

export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    const options = JSON.parse(request.headers.get('x-options') ?? '{}');
    try {
      if (pathname === '/refusals') return Response.json(refusals.splice(0));
      if (pathname === '/direct/verify') {
        const result = await keycard.verifyBearerToken(request, options);
        return keycard.isAuthError(result) ? result : Response.json(all(result));
      }
      if (request.headers.has('x-metadata'))
        return (await keycard.handleMetadataRequest(request, options)) ?? new Response('null', { status: 299 });
    } catch (error) {
      return Response.json({ thrown: error.name, message: error.message }, { status: 599 });
    }
    worker ??= keycard.createKeycardWorker({
      ...JSON.parse(env.OPTIONS ?? '{}'),
      onRefusal: ({ reason }) => refusals.push(reason),
      fetch: handle,
    });
    return worker.fetch(request, env, ctx);
  },
};

async function handle(request, env, ctx, auth) {
  switch (new URL(request.url).pathname) {
    case '/whoami':
      console.log('caller', auth, JSON.stringify(auth));
      return Response.json(all(auth));
    case '/throws':
      throw new keycard.OAuthError('access_denied', 'the handler failed');
    case '/token':
      return token(env, auth, request);
    default:
      return new Response('ok');
  }
}

const all = (auth) => ({ ...auth, resource: auth.resource?.href, isUrl: auth.resource instanceof URL });

let cache;

async function token(env, auth, request) {
  if (cache === undefined) {
    const credential = keycard.resolveCredential(env);
    const client = new keycard.TokenExchangeClient(env.KEYCARD_ISSUER, credential.getAuth() ?? undefined);
    cache = new keycard.IsolateSafeTokenCache(client, { credential });
  }
  try {
    const { accessToken } = await cache.getToken(
      auth.subject,
      auth.token,
      request.headers.get('x-resource') ?? 'https://api.example.com',
    );
    return new Response(accessToken);
  } catch (error) {
    return Response.json(
      { name: error.name, code: error.errorCode, message: error.message, kind: error.kind },
      { status: 502 },
    );
  }
}
