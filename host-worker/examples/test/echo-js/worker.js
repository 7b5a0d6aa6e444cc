// A Worker for tests: a gate with the options in the variable `OPTIONS`, which answers with the
// gate's result. `../echo-rust` is the same in Rust.

import { env } from 'cloudflare:workers';
import { TokenError, createGate } from 'tollgate';

const gate = createGate(JSON.parse(env.OPTIONS));

export default gate.protect(async (request, env, ctx, auth) => {
  const { pathname, searchParams } = new URL(request.url);
  const resource = searchParams.get('resource') ?? undefined;
  const scopes = searchParams.get('scopes')?.split(' ');
  try {
    switch (pathname) {
      case '/exchange':
        return issued(await gate.exchange(auth, resource, { scopes }));
      case '/fetch-as':
        return await gate.fetchAs(auth, resource, new Request(searchParams.get('url'), request));
      case '/own-token':
        return issued(await gate.ownToken({ resource, scopes }, env, ctx));
      case '/token-request':
        return issued(await gate.tokenRequest({ type: 'client-credentials' }, { resource, scopes }, {}, env, ctx));
      case '/invalidate':
        return Response.json({
          forgotten: gate.invalidate({ subject: searchParams.get('subject') ?? undefined, resource }, env),
        });
      case '/open/authenticate':
        return verdict(await gate.authenticate(request, env, ctx, { scopes }));
      case '/open/verify':
        return verdict({ ...(await gate.verify(searchParams.get('token'), env, ctx, { scopes })), headers: [] });
      case '/open/metadata':
        return (await gate.metadata(new Request(searchParams.get('url')), env, ctx)) ?? Response.json(null);
      case '/open/keys': {
        const given = searchParams.get('state');
        const taken = given === null ? 0 : gate.importKeys(given, env);
        return Response.json({ state: gate.exportKeys(env), taken });
      }
      default:
        return echo(searchParams, auth);
    }
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    const response = error.toResponse();
    const { kind, message, status = null } = error;
    response.headers.set('x-error', JSON.stringify({ kind, message, oauth: error.error ?? null, status }));
    return response;
  }
});

function verdict(answer) {
  if (answer.ok) return Response.json({ headers: answer.headers, identity: identity(answer.auth) });
  answer.response.headers.set('x-reason', answer.reason);
  return answer.response;
}

// With `?require=a%20b`, asks for these scopes as a handler would that has read a body.
function echo(searchParams, auth) {
  const required = searchParams.get('require');
  const refusal = auth !== null && required !== null && auth.require(...required.split(' '));
  return refusal || Response.json({ identity: auth === null ? null : identity(auth) });
}

function identity({
  subject = null,
  clientId = null,
  scopes,
  issuer,
  audience,
  expiresAt,
  issuedAt = null,
  actors,
  claims,
  token,
}) {
  const whole = ({ subject = null, issuer = null, clientId = null }) => ({ subject, issuer, clientId });
  return { subject, clientId, scopes, issuer, audience, expiresAt, issuedAt, actors: actors.map(whole), claims, token };
}

function issued({ accessToken, tokenType, issuedTokenType = null, expiresAt, scopes = null, refreshToken = null }) {
  return Response.json({
    accessToken,
    tokenType,
    issuedTokenType,
    expiresAt: expiresAt?.getTime() ?? null,
    scopes,
    refreshToken,
  });
}
