// Converts arguments to the records of the WIT, and calls other APIs on behalf of a user.
import type { Delegation, Grant, Target } from '#glue/token-exchange';
import { func, oneOf, record, text, textOrTexts, texts } from './options.js';
import type { RequestContext } from './state.js';
import type { StateWithClient } from './token-client.js';
import type {
  ExchangeOptions,
  FetchAsOptions,
  TokenFilter,
  TokenGrant,
  TokenRequestOptions,
  TokenTarget,
} from './types.js';

/** The subject of a token exchange. A gate's identity has all of these members. */
export interface Subject {
  subject: string | undefined;
  /** The user's verified token. */
  token: string;
  /** Its `exp`, in seconds since 1970, if known. */
  expiresAt?: number;
}

const EXCHANGE = {
  audience: textOrTexts,
  scopes: texts,
  actorToken: text,
  actorTokenType: text,
  requestedTokenType: text,
  subjectTokenType: text,
};

const readExchange = record(EXCHANGE);
const readFetchAs = record({ ...EXCHANGE, fetch: func });
const readTarget = record({ resource: textOrTexts, audience: textOrTexts, scopes: texts, requestedTokenType: text });
const readTokenRequest = record({ clientAssertion: text });
const readFilter = record({ subject: text, resource: text });
const NONE: string[] = [];

/**
 * The arguments of an exchange. `destination` is the URL that the token will be sent to, if known.
 */
export function delegationOf(
  subject: Subject,
  resource: string | readonly string[],
  options: ExchangeOptions | undefined,
  destination?: string,
): Delegation {
  return delegation(subject, resource, options === undefined ? {} : readExchange(options, 'options'), destination);
}

function delegation(
  subject: Subject,
  resource: string | readonly string[],
  read: any,
  destination: string | undefined,
): Delegation {
  const { audience, scopes, actorToken, actorTokenType, requestedTokenType, subjectTokenType } = read;
  return {
    subject: subject.subject === undefined ? undefined : text(subject.subject, 'subject'),
    subjectToken: { token: text(subject.token, 'token'), tokenType: subjectTokenType },
    subjectExpiresAt: subject.expiresAt === undefined ? undefined : BigInt(Math.max(0, Math.floor(subject.expiresAt))),
    actorToken: actorToken === undefined ? undefined : { token: actorToken, tokenType: actorTokenType },
    target: {
      resources: textOrTexts(resource, 'resource'),
      audiences: audience ?? NONE,
      scopes: scopes ?? NONE,
      requestedTokenType,
    },
    destination,
  };
}

export function targetOf(target: TokenTarget): Target {
  const { resource, audience, scopes, requestedTokenType } = readTarget(target, 'target') as any;
  return { resources: resource ?? NONE, audiences: audience ?? NONE, scopes: scopes ?? NONE, requestedTokenType };
}

export function assertionOf(options: TokenRequestOptions | undefined): string | undefined {
  return options && (readTokenRequest(options, 'options').clientAssertion as string | undefined);
}

export function filterOf(filter: TokenFilter): TokenFilter {
  return readFilter(filter, 'filter');
}

const GRANTS = {
  'token-exchange': record({
    type: text,
    subjectToken: text,
    subjectTokenType: text,
    actorToken: text,
    actorTokenType: text,
  }),
  'client-credentials': record({ type: text }),
  'refresh-token': record({ type: text, refreshToken: text }),
};

export function grantOf(grant: TokenGrant): Grant {
  const type = oneOf(Object.keys(GRANTS))(grant?.type, 'grant.type') as keyof typeof GRANTS;
  const read = GRANTS[type](grant, 'grant') as any;
  switch (type) {
    case 'token-exchange': {
      const actor =
        read.actorToken === undefined ? undefined : { token: read.actorToken, tokenType: read.actorTokenType };
      return {
        tag: type,
        val: [{ token: text(read.subjectToken, 'grant.subjectToken'), tokenType: read.subjectTokenType }, actor],
      };
    }
    case 'client-credentials':
      return { tag: type };
    case 'refresh-token':
      return { tag: type, val: text(read.refreshToken, 'grant.refreshToken') };
  }
}

/**
 * Sends a request with an exchanged token, and repeats it once with a new token if the API refuses
 * the first one. Redirects are not followed, because the token would be sent to their targets.
 */
export async function fetchAs(
  state: StateWithClient,
  context: RequestContext,
  subject: Subject,
  resource: string | readonly string[],
  input: Request | URL | string,
  init: RequestInit | undefined,
  options: FetchAsOptions | undefined,
): Promise<Response> {
  const { fetch, ...about } = (options === undefined ? {} : readFetchAs(options, 'options')) as {
    fetch?: FetchAsOptions['fetch'];
  };
  const send = fetch ?? ((request: Request) => globalThis.fetch(request));
  let request = new Request(input, { ...init, redirect: 'manual' });
  // A fragment is not sent.
  const wanted = delegation(subject, resource, about, request.url.split('#', 1)[0]);
  let kept: Request | undefined;
  try {
    for (let attempt = 1; ; attempt++) {
      const { accessToken } = await state.token((client) => client.getToken(wanted), context);
      kept = attempt === 1 && request.body !== null ? request.clone() : undefined;
      const headers = new Headers(request.headers);
      headers.set('authorization', `Bearer ${accessToken}`);
      const response = await send(new Request(request, { headers }));
      if (!state.client((client) => client.callAgain(wanted, accessToken, response.status, attempt))) return response;
      await response.body?.cancel().catch(noop);
      request = kept ?? request;
      kept = undefined;
    }
  } finally {
    void kept?.body?.cancel().catch(noop);
  }
}

function noop(): void {}
