import { Deployments } from './deployment.js';
import { Endpoints } from './endpoints.js';
import { nothingToPurge } from './helpers.js';
import { withCors } from './protected-resource.js';
import { serverSettingsOf, type Settings } from './settings.js';
import type {
  OAuthAuthorizationServerOptions,
  OAuthHelpers,
  PurgeOptions,
  PurgeResult,
  ValidatedAccessToken,
} from './types.js';

/** An authorization server for resource servers in other Workers. The authorization page is yours. */
export class OAuthAuthorizationServer<Env = any> {
  readonly #settings: Settings;
  readonly #deployments: Deployments;
  readonly #endpoints: Endpoints;

  constructor(options: OAuthAuthorizationServerOptions<Env>) {
    this.#settings = serverSettingsOf(options);
    this.#deployments = new Deployments(this.#settings);
    this.#endpoints = new Endpoints(this.#settings);
  }

  /** Answers a request to an endpoint, and any other with 404. */
  async fetch(request: Request, env: Env, ctx: any): Promise<Response> {
    const url = new URL(request.url);
    if (request.method === 'OPTIONS' && this.#endpoints.isOpen(url))
      return withCors(new Response(null, { status: 204 }), request);
    const deployment = this.#deployments.of(env);
    const answer = await this.#endpoints.answer(request, url, this.#settings.issuer!, deployment, ctx);
    return withCors(answer ?? new Response(null, { status: 404 }), request);
  }

  /** Checks a token for one of the resources. `null`: it is not valid, or for another one. */
  async validateToken<T = any>(resource: string, token: string, env: Env): Promise<ValidatedAccessToken<T> | null> {
    if (!this.#settings.resources!.includes(resource))
      throw new TypeError('The resource is none of the `resources` of this server.');
    const issuer = await this.#deployments.of(env).issuer(this.#settings.issuer!);
    const found = await issuer.checkToken(token, resource);
    if (found === null) return null;
    const { props, expiresAt, scopes, subject, clientId } = found;
    return { props, audience: resource, expiresAt, scope: scopes, userId: subject, clientId };
  }

  /** The helpers, for the authorization page. */
  getOAuthApi(env: Env): OAuthHelpers {
    return this.#deployments.of(env).helpers;
  }

  /** Nothing has to be purged: the store deletes what has expired. */
  purgeExpiredData(_env: Env, _options?: PurgeOptions): Promise<PurgeResult> {
    return nothingToPurge();
  }
}
