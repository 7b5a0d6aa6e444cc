// The surface of Keycard's package behind the runner, with `env` and `options` of the check.
import * as keycard from 'tollgate/keycard';

export function keycardWorker({ env, options }) {
  let cache;
  const worker = keycard.createKeycardWorker({
    ...options,
    fetch: async (request, _env, _ctx, auth) => {
      if (new URL(request.url).pathname !== '/do') return Response.json({ ...auth, resource: auth.resource?.href });
      const operation = await request.json();
      try {
        return Response.json(await answer(operation, auth));
      } catch (error) {
        return Response.json({ failure: failure(error) });
      }
    },
  });

  function tokens() {
    if (cache === undefined) {
      const credential = keycard.resolveCredential(env);
      const client = new keycard.TokenExchangeClient(env.KEYCARD_ISSUER, credential.getAuth() ?? undefined);
      cache = new keycard.IsolateSafeTokenCache(client, { credential, ...options.cache });
    }
    return cache;
  }

  async function answer({ op, subject = '', resource, ...rest }, auth) {
    switch (op) {
      case 'get-token': {
        const whose = subject === '-' ? undefined : subject === '' ? auth.subject : subject.slice(1);
        return await described(tokens().getToken(whose, auth.token, resource));
      }
      case 'exchange': {
        const client = new keycard.TokenExchangeClient(
          env.KEYCARD_ISSUER,
          keycard.resolveCredential(env).getAuth() ?? undefined,
        );
        return await described(client.exchangeToken({ subjectToken: auth.token, resource, ...rest }));
      }
      case 'verify': {
        const result = await keycard.verifyBearerToken(
          new Request('http://api.example/', { headers: { authorization: `Bearer ${auth.token}` } }),
          rest,
        );
        return keycard.isAuthError(result) ? { status: result.status } : { subject: result.subject };
      }
      case 'invalidate':
        return { forgotten: tokens().invalidate(subject || undefined, resource) };
      default:
        return { problem: `there is no ${op}` };
    }
  }

  return { fetch: (request, _env, ctx) => worker.fetch(request, env, ctx) };
}

async function described(promise) {
  const token = await promise;
  return { ...token, shown: JSON.stringify(token) };
}

function failure({ name, message, errorCode, errorUri, kind, status }) {
  return { name, message, errorCode, errorUri, kind, status };
}
