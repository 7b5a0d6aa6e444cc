// Puts a client or credential of the application behind the same cache: the requests that the
// component would send to a token endpoint become calls of that client.
import { createGate, type ExchangeCacheOptions, type Gate } from 'tollgate';
import type { ApplicationCredential } from './credentials.js';
import type { TokenExchangeRequest, TokenResponse } from './token-exchange.js';

/** The part of a client that a cache uses. */
export interface ExchangesTokens {
  exchangeToken(request: TokenExchangeRequest): Promise<TokenResponse>;
}

/** A gate that calls such a client, and the errors of the client. */
export interface Foreign {
  gate: Gate;
  /** The client's own error, if the gate's error stands for it. */
  errorBehind(error: unknown): unknown;
}

/** A placeholder URL. There is never a connection to it. */
const CLIENT = 'https://client.tollgate.invalid';
/** Errors that callers may still read. All callers that waited for a token share one. */
const ERRORS = 256;

export function foreignClient(
  client: ExchangesTokens,
  credential: ApplicationCredential | undefined,
  cache: ExchangeCacheOptions,
): Foreign {
  if (typeof client?.exchangeToken !== 'function') {
    throw new TypeError('The first argument of IsolateSafeTokenCache must be a TokenExchangeClient.');
  }
  const errors = new Map<string, unknown>();
  let count = 0;

  const forward = async (_url: string, init: RequestInit): Promise<Response> => {
    const form = new URLSearchParams(new TextDecoder().decode(init.body as Uint8Array));
    const subjectToken = form.get('subject_token')!;
    const resource = form.get('resource')!;
    try {
      const request =
        credential === undefined
          ? { subjectToken, resource, subjectTokenType: form.get('subject_token_type')! }
          : await credential.prepareTokenExchangeRequest(subjectToken, resource);
      const token = await client.exchangeToken(request);
      return Response.json({
        access_token: token.accessToken,
        token_type: token.tokenType ?? 'Bearer',
        expires_in: token.expiresIn,
        scope: token.scope?.join(' '),
        refresh_token: token.refreshToken,
        issued_token_type: token.issuedTokenType,
      });
    } catch (error) {
      const id = String(++count);
      errors.set(id, error);
      for (const oldest of errors.keys()) {
        if (errors.size <= ERRORS) break;
        errors.delete(oldest);
      }
      return Response.json({ error: 'thrown', error_description: id }, { status: 400 });
    }
  };

  const gate = createGate({
    issuers: [{ issuer: CLIENT }],
    resourceFromRequest: true,
    client: { id: 'foreign', authentication: 'none', tokenEndpoint: `${CLIENT}/token`, cache },
    fetch: forward,
  });
  const errorBehind = (error: unknown) => {
    const { error: code, errorDescription: id } = error as { error?: unknown; errorDescription?: string };
    return code === 'thrown' && id !== undefined ? errors.get(id) : undefined;
  };
  return { gate, errorBehind };
}
