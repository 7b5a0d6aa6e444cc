// Operations with the gate's client, with JSON in and out. `conformance/src/target/operation.rs`
// documents the members.
import { TokenError } from 'tollgate';

export async function perform(gate, auth, request, env, ctx) {
  const operation = await request.json();
  try {
    return Response.json(await answer(gate, auth, operation, env, ctx));
  } catch (error) {
    if (!(error instanceof TokenError)) return Response.json({ failure: { kind: error.name, message: error.message } });
    return operation.respond ? error.toResponse() : Response.json(failure(error));
  }
}

async function answer(gate, auth, operation, env, ctx) {
  const { op, resource, audience, scopes, requestedTokenType, actorToken, actorTokenType, subjectTokenType } =
    operation;
  const options = { audience, scopes, requestedTokenType, actorToken, actorTokenType, subjectTokenType };
  const target = { resource, audience, scopes, requestedTokenType };
  switch (op) {
    case 'exchange':
      return described(await gate.exchange(auth, resource ?? [], options));
    case 'show': {
      const token = await gate.exchange(auth, resource ?? [], options);
      return {
        shown: `${JSON.stringify(token)} ${String(token)} ${JSON.stringify({ ...token })} ${Object.values(token)}`,
      };
    }
    case 'fetch-as': {
      const { url, method = 'GET', body } = operation;
      const response = await gate.fetchAs(auth, resource ?? [], url, { method, body }, options);
      return { status: response.status, body: await response.text() };
    }
    case 'own-token':
      return described(await gate.ownToken(target, env, ctx));
    case 'request': {
      const { grant: type, subjectToken, refreshToken, clientAssertion } = operation;
      const grants = {
        'token-exchange': { type, subjectToken, subjectTokenType, actorToken, actorTokenType },
        'client-credentials': { type },
        'refresh-token': { type, refreshToken },
      };
      return described(await gate.tokenRequest(grants[type], target, { clientAssertion }, env, ctx));
    }
    case 'invalidate':
      return { forgotten: gate.invalidate({ subject: operation.subject, resource }, env) };
    case 'assertion':
      return { assertion: await gate.clientAssertion(audience, env) };
    default:
      return { problem: `there is no ${op}` };
  }
}

function described({ accessToken, tokenType, issuedTokenType, expiresAt, scopes, refreshToken }) {
  const minutes = expiresAt && Math.ceil((Number(expiresAt) - Date.now()) / 60_000);
  return { accessToken, tokenType, issuedTokenType, minutes, scopes, refreshToken };
}

function failure(failed) {
  const { kind, message, status, error, errorDescription, errorUri } = failed;
  return { failure: { kind, message, status, error, errorDescription, errorUri, answer: failed.toResponse().status } };
}
