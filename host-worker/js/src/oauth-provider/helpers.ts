import { IssuerError, type AuthorizationRequest, type Issuer } from 'tollgate/issuer';
import { clientHelpers } from './clients.js';
import { oneOrAll, type Deployment } from './deployment.js';
import { AuthorizationError } from './errors.js';
import type { Settings } from './settings.js';
import type { AuthRequest, OAuthHelpers, PurgeResult, TokenSummary } from './types.js';

/** Operations on users and grants concern every origin alike: this stands where none is known. */
const ANY_ORIGIN = 'https://any.invalid';

/** `env.OAUTH_PROVIDER` of a deployment. */
export function helpersOf(deployment: Deployment, settings: Settings): OAuthHelpers {
  const anyIssuer = (): Promise<Issuer> => deployment.issuer(deployment.origin() ?? ANY_ORIGIN);
  return {
    ...clientHelpers(anyIssuer, settings.options),

    async parseAuthRequest(request) {
      const origin = deployment.note(new URL(request.url));
      const issuer = await deployment.issuer(origin);
      const read = await issuer.parseAuthRequest(request).catch(refused);
      const isNamed = request.method !== 'GET' || new URL(request.url).searchParams.has('resource');
      return fromIssuer(isNamed ? read : { ...read, resources: deployment.defaultResources(origin) }, origin);
    },

    async completeAuthorization({ request, userId, metadata, scope, props, revokeExistingGrants = true }) {
      const origin = deployment.origin(request.issuer);
      if (origin === undefined)
        throw new TypeError('It is not known which host this is for: set `tokenEndpoint` to an absolute URL.');
      const issuer = await deployment.issuer(origin);
      const approval = { userId, scopes: scope, props, metadata, replacesOthers: revokeExistingGrants };
      return { redirectTo: await issuer.completeAuthorization(toIssuer(request), approval).catch(refused) };
    },

    async listUserGrants(userId, options) {
      const issuer = await anyIssuer();
      const { grants, cursor } = await issuer.listUserGrants(userId, options?.cursor);
      const items = grants.map(({ id, clientId, scopes, resources, metadata, createdAt, expiresAt }) => ({
        id,
        clientId,
        userId,
        scope: scopes,
        metadata,
        createdAt,
        expiresAt,
        resource: oneOrAll(resources),
      }));
      return cursor === undefined ? { items } : { items, cursor };
    },

    async revokeGrant(grantId, userId) {
      const issuer = await anyIssuer();
      await issuer.revokeGrant(userId, grantId);
    },

    async unwrapToken<T>(token: string): Promise<TokenSummary<T> | null> {
      const origin = deployment.origin() ?? ANY_ORIGIN;
      const issuer = await deployment.issuer(origin);
      for (const resource of deployment.resources(origin)) {
        const found = await issuer.checkToken(token, resource);
        if (found === null) continue;
        return {
          id: await sha256(token),
          grantId: found.grantId ?? '',
          userId: found.subject,
          createdAt: found.issuedAt,
          expiresAt: found.expiresAt,
          audience: oneOrAll(found.audience),
          scope: found.scopes,
          grant: { clientId: found.clientId, scope: found.scopes, props: found.props },
        };
      }
      return null;
    },

    async exchangeToken() {
      throw new TypeError('exchangeToken() is not available yet: clients exchange tokens at the token endpoint.');
    },

    purgeExpiredData: nothingToPurge,
  };
}

function refused(error: unknown): never {
  throw error instanceof IssuerError ? AuthorizationError.of(error) : error;
}

/** The store deletes what has expired. */
export async function nothingToPurge(): Promise<PurgeResult> {
  return { grantsChecked: 0, grantsPurged: 0, tokensChecked: 0, tokensPurged: 0, done: true };
}

/** What the original's request does not have is needed again in {@link toIssuer}. */
interface Kept extends AuthRequest {
  loginHint?: string;
  prompt?: AuthorizationRequest['prompt'];
  maxAge?: number;
}

function fromIssuer(request: AuthorizationRequest, issuer: string): AuthRequest {
  const { scopes, state, resources, codeChallenge, ...rest } = request;
  const read: Kept = {
    ...rest,
    responseType: 'code',
    scope: scopes,
    state: state ?? '',
    resource: oneOrAll(resources),
    issuer,
  };
  if (codeChallenge !== undefined) Object.assign(read, { codeChallenge, codeChallengeMethod: 'S256' });
  return read;
}

function toIssuer(request: Kept): AuthorizationRequest {
  const { responseType, codeChallengeMethod, resource, scope, state } = request;
  if (responseType !== 'code') throw new TypeError('`request.responseType` must be `code`.');
  if (request.codeChallenge !== undefined && codeChallengeMethod !== 'S256')
    throw new TypeError('`request.codeChallengeMethod` must be `S256`.');
  return {
    clientId: request.clientId,
    redirectUri: request.redirectUri,
    redirectUriGiven: request.redirectUriGiven ?? true,
    scopes: scope ?? [],
    state: state === '' ? undefined : state,
    codeChallenge: request.codeChallenge,
    resources: resource === undefined ? [] : Array.isArray(resource) ? resource : [resource],
    prompt: request.prompt ?? { none: false, login: false, consent: false, selectAccount: false },
    loginHint: request.loginHint,
    maxAge: request.maxAge,
  };
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
