import { ConfigError, type Gate, type Refusal, type WaitUntil } from 'tollgate';
import { authInfoOf, type AuthInfo } from './auth-info.js';
import { isAuthError } from './bearer.js';
import { clientOf, webIdentity } from './credentials.js';
import type { KeycardEnv } from './env.js';
import { Gates, NO_ENV, listOf, zone } from './gates.js';
import { metadata, metadataOf, preflight } from './metadata.js';

/** A handler behind the gate: `auth` is always a verified caller. */
export type AuthenticatedFetchHandler<Env = KeycardEnv> = (
  request: Request,
  env: Env,
  ctx: any,
  auth: AuthInfo,
) => Response | Promise<Response>;

/** Options of a Worker. */
export interface KeycardWorkerOptions<Env = KeycardEnv> {
  /** Scopes that every request needs, all of them. */
  requiredScopes?: readonly string[];
  /** `scopes_supported` of the metadata. Default: `requiredScopes`. */
  scopesSupported?: readonly string[];
  /** `resource_name` of the metadata. */
  resourceName?: string;
  /** `resource_documentation` of the metadata: an absolute URL. */
  serviceDocumentationUrl?: string | URL;
  /**
   * Accepted `aud` values; one match suffices. Default, also if empty: the origin of the request.
   */
  audiences?: string | readonly string[];
  /** Called for every refused request, for logs and metrics. */
  onRefusal?: (refusal: Refusal) => void;
  /** Handles the allowed requests. Its response is sent unchanged. */
  fetch: AuthenticatedFetchHandler<Env>;
}

/** The default export of a Worker module. */
export interface KeycardWorker<Env = KeycardEnv> {
  fetch(request: Request, env: Env, ctx: any): Promise<Response>;
}

/**
 * A Worker that answers preflights and OAuth metadata, verifies the bearer token of all other
 * requests against the zone in `env.KEYCARD_ISSUER`, and calls `options.fetch` for valid ones.
 */
export function createKeycardWorker<Env = KeycardEnv>(options: KeycardWorkerOptions<Env>): KeycardWorker<Env> {
  if (typeof options?.fetch !== 'function')
    throw new TypeError('createKeycardWorker() needs `fetch`, the function that handles requests.');
  const guard = new Guard(options as KeycardWorkerOptions<any>);
  return {
    async fetch(request, env, ctx) {
      if (request.method === 'OPTIONS') return preflight();
      const passed = await guard.decide(request, env as KeycardEnv, ctx);
      // The runtime reports exceptions of the handler.
      return isAuthError(passed) ? passed : options.fetch(request, env, ctx, passed);
    },
  };
}

class Guard {
  readonly #options: KeycardWorkerOptions<any>;
  readonly #gates = new Gates();
  readonly #byEnv = new WeakMap<object, Gate>();

  constructor(options: KeycardWorkerOptions<any>) {
    this.#options = options;
  }

  /** The caller, or the response. */
  async decide(request: Request, env: KeycardEnv, ctx: WaitUntil | undefined): Promise<AuthInfo | Response> {
    try {
      const gate = this.#gate(env);
      const document = await metadata(gate, request, ctx);
      if (document !== null) return document;
      const result = await gate.authenticate(request, NO_ENV, ctx);
      return result.ok ? authInfoOf(result.auth) : result.response;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      console.error(`tollgate/keycard: ${error.message}`);
      return Response.json({ error: 'server_error' }, { status: 500, headers: { 'cache-control': 'no-store' } });
    }
  }

  #gate(env: KeycardEnv): Gate {
    const known = this.#byEnv.get(env);
    if (known !== undefined) return known;
    if (!env?.KEYCARD_ISSUER)
      throw new ConfigError('KEYCARD_ISSUER', 'KEYCARD_ISSUER is not set: set it to the URL of the zone.');
    const { requiredScopes, audiences, onRefusal } = this.#options;
    const gate = this.#gates.get(
      {
        issuers: [zone(env.KEYCARD_ISSUER, listOf(audiences))],
        resourceFromRequest: true,
        scopes: requiredScopes,
        metadata: metadataOf(this.#options),
        client: clientOf(webIdentity(env)),
      },
      { onRefusal },
    );
    this.#byEnv.set(env, gate);
    return gate;
  }
}
