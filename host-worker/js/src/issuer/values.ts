// Values of the component, as plain data of JavaScript and back: `u64` is a number, and JSON is parsed.
import type * as glue from '#issuer/authorization-server';
import type { AuditEvent as GlueEvent, GrantType as GlueGrantType, TokenDecision as GlueDecision } from '#issuer/hooks';
import type { TokenQuestion as GlueQuestion, UpstreamTokens as GlueTokens } from '#issuer/hooks';
import { ConfigError } from '../config-error.js';
import { flag, record, text, texts, u32, type Reader } from '../options.js';
import type {
  Approval,
  AuditEvent,
  AuthorizationRequest,
  GrantInfo,
  GrantPage,
  GrantType,
  TokenInfo,
  TokenQuestion,
  UpstreamTokens,
} from './types.js';

export const GRANT_TYPES: Record<GlueGrantType, GrantType> = {
  'authorization-code': 'authorization_code',
  'refresh-token': 'refresh_token',
  'client-credentials': 'client_credentials',
  'token-exchange': 'urn:ietf:params:oauth:grant-type:token-exchange',
  'jwt-bearer': 'urn:ietf:params:oauth:grant-type:jwt-bearer',
};

const seconds: Reader<bigint> = (value, field) => {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  throw new ConfigError(field, `\`${field}\` must be a whole number of seconds.`, 'issuer');
};

/** Anything that `JSON` can write. */
export const anyJson: Reader<string> = (value, field) => {
  const json = JSON.stringify(value);
  if (json === undefined) throw new ConfigError(field, `\`${field}\` must be a value that JSON has.`, 'issuer');
  return json;
};

const upstream = record({
  provider: text,
  accessToken: text,
  refreshToken: text,
  expiresAt: seconds,
  scope: text,
});

const prompt = record({ none: flag, login: flag, consent: flag, selectAccount: flag });

const request = record({
  clientId: text,
  redirectUri: text,
  redirectUriGiven: flag,
  scopes: texts,
  state: text,
  codeChallenge: text,
  resources: texts,
  prompt,
  loginHint: text,
  maxAge: seconds,
});

const approval = record({
  userId: text,
  scopes: texts,
  props: anyJson,
  metadata: anyJson,
  replacesOthers: flag,
  upstream,
});

const decision = record({
  scopes: texts,
  accessTokenLifetime: u32,
  accessTokenProps: anyJson,
  grantProps: anyJson,
  upstream,
});

/** A record with all of these members: the glue cannot lower one without them. */
export function complete<T>(read: Record<string, unknown>, field: string, required: readonly string[]): T {
  for (const name of required) {
    if (read[name] === undefined)
      throw new ConfigError(`${field}.${name}`, `\`${field}\` must have \`${name}\`.`, 'issuer');
  }
  return read as T;
}

function completeUpstream(read: Record<string, unknown>, field: string): void {
  if (read.upstream !== undefined)
    complete(read.upstream as Record<string, unknown>, `${field}.upstream`, ['provider', 'accessToken']);
}

/** A request that the application passes back: it may have travelled through a form. */
export function requestFrom(value: AuthorizationRequest): glue.AuthorizationRequest {
  const read = complete<glue.AuthorizationRequest>(request(value, 'request'), 'request', [
    'clientId',
    'redirectUri',
    'redirectUriGiven',
    'scopes',
    'resources',
    'prompt',
  ]);
  complete(read.prompt as any, 'request.prompt', ['none', 'login', 'consent', 'selectAccount']);
  return read;
}

export function approvalFrom(value: Approval): glue.Approval {
  const read = approval(value, 'approval');
  completeUpstream(read, 'approval');
  return {
    replacesOthers: false,
    ...complete<Omit<glue.Approval, 'replacesOthers'>>(read, 'approval', ['userId', 'scopes']),
  };
}

/** What `onToken` returned: a decision, or nothing. */
export function decisionFrom(value: unknown): GlueDecision {
  if (value === undefined || value === null) return {};
  const read = decision(value, 'decision');
  completeUpstream(read, 'decision');
  return read;
}

/** Drops members that are `undefined`: the glue sets all of them. */
export function present<T extends object>(value: T): T {
  for (const name of Object.keys(value) as (keyof T)[]) if (value[name] === undefined) delete value[name];
  return value;
}

const parsed = (json: string | undefined): unknown => (json === undefined ? undefined : JSON.parse(json));

export const number = (value: bigint | undefined): number | undefined =>
  value === undefined ? undefined : Number(value);

const tokensOf = (tokens: GlueTokens): UpstreamTokens => present({ ...tokens, expiresAt: number(tokens.expiresAt) });

export const requestOf = (own: glue.AuthorizationRequest): AuthorizationRequest =>
  present({ ...own, maxAge: number(own.maxAge) });

export const tokenOf = (own: glue.TokenInfo): TokenInfo =>
  present({ ...own, issuedAt: Number(own.issuedAt), expiresAt: Number(own.expiresAt), props: parsed(own.props) });

const grantOf = (own: glue.GrantInfo): GrantInfo =>
  present({
    ...own,
    createdAt: Number(own.createdAt),
    expiresAt: Number(own.expiresAt),
    metadata: parsed(own.metadata),
  });

export const pageOf = ({ grants, cursor }: glue.GrantPage): GrantPage =>
  present({ grants: grants.map(grantOf), cursor });

export const questionOf = (own: GlueQuestion): TokenQuestion =>
  present({
    ...own,
    grantType: GRANT_TYPES[own.grantType],
    props: parsed(own.props),
    upstream: own.upstream === undefined ? undefined : tokensOf(own.upstream),
  });

export const eventOf = (own: GlueEvent): AuditEvent =>
  present({
    ...own,
    at: Number(own.at),
    grantType: own.grantType === undefined ? undefined : GRANT_TYPES[own.grantType],
  });
