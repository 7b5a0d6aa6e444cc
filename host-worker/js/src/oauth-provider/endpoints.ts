import { IssuerError, StoreError } from 'tollgate/issuer';
import { readBody } from '../body.js';
import type { Deployment } from './deployment.js';
import type { Settings } from './settings.js';

/**
 * The longest form that is read to tell a revocation from a token request, in bytes. Of a longer one, the
 * beginning is passed on: the issuer has a lower limit.
 */
const FORM_BYTES = 256 * 1024;
const FORM = 'application/x-www-form-urlencoded';

/** The endpoints of the issuer, where the original has them. */
export class Endpoints {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Whether pages of other origins may call a URL that is no route. */
  isOpen(url: URL): boolean {
    return (
      url.pathname.startsWith('/.well-known/oauth-authorization-server') ||
      (this.#isOwnHost(url) && this.#settings.endpointPaths.includes(url.pathname))
    );
  }

  #isOwnHost(url: URL): boolean {
    return this.#settings.issuer === undefined || new URL(this.#settings.issuer).hostname === url.hostname;
  }

  /**
   * Whether the issuer may have an endpoint at a path. Pages of the application do not start it, and work
   * while its store does not.
   */
  #mayBeEndpoint(path: string): boolean {
    return (
      this.#settings.endpointPaths.includes(path) ||
      path.startsWith(`${this.#settings.tokenPath}/`) ||
      /\/\.well-known\/(oauth-|openid-)/.test(path)
    );
  }

  /** The answer of an endpoint. Nothing: the URL is none of them. */
  async answer(
    request: Request,
    url: URL,
    identifier: string,
    deployment: Deployment,
    ctx: any,
  ): Promise<Response | undefined> {
    if (!this.#isOwnHost(url) || !this.#mayBeEndpoint(url.pathname)) return undefined;
    try {
      const issuer = await deployment.issuer(identifier);
      let asked = request;
      if (url.pathname === this.#settings.tokenPath) asked = await this.#orRevocation(request, url);
      if (url.pathname === this.#settings.registrationPath) {
        const registration = await this.#registration(request);
        if (registration instanceof Response) return await this.reported(registration, request);
        asked = registration;
      }
      const answer = await issuer.fetch(asked, ctx);
      return answer === undefined ? undefined : await this.reported(answer, request, deployment.reasonOf(asked));
    } catch (error) {
      return failed(error);
    }
  }

  /** A form with `token` and without `grant_type` is a revocation, as the original has it. */
  async #orRevocation(request: Request, url: URL): Promise<Request> {
    const { method, headers } = request;
    if (method !== 'POST' || headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() !== FORM) return request;
    const body = await readBody(request.body, FORM_BYTES);
    const form = new URLSearchParams(new TextDecoder().decode(body));
    const target = new URL(url);
    if (form.has('token') && !form.has('grant_type')) target.pathname = this.#settings.revocationPath;
    return new Request(target, { method, headers, body: body as BodyInit });
  }

  /** A registration that the application does not refuse. */
  async #registration(request: Request): Promise<Request | Response> {
    const { clientRegistrationCallback } = this.#settings.options;
    if (clientRegistrationCallback === undefined || request.method !== 'POST') return request;
    const body = await readBody(request.body, FORM_BYTES);
    const { method, headers, url } = request;
    const same = () => new Request(url, { method, headers, body: body as BodyInit });
    let clientMetadata: unknown;
    try {
      clientMetadata = JSON.parse(new TextDecoder().decode(body));
    } catch {}
    // The issuer says what is wrong with it.
    if (typeof clientMetadata !== 'object' || clientMetadata === null) return same();
    const refusal = await clientRegistrationCallback({ clientMetadata: { ...clientMetadata }, request: same() });
    if (refusal === undefined || refusal === null) return same();
    const { code = 'invalid_client_metadata', description = 'the registration is refused', status = 400 } = refusal;
    const answer = { error: code, error_description: description };
    return Response.json(answer, { status, headers: { 'cache-control': 'no-store' } });
  }

  /** Lets `onError` see an error response, and replace it. */
  async reported(response: Response, request: Request, reason?: string): Promise<Response> {
    if (response.status < 400) return response;
    const body: any = await response
      .clone()
      .json()
      .catch(() => undefined);
    if (typeof body?.error !== 'string') return response;
    const { error: code, error_description: description = '' } = body;
    const { status } = response;
    const { onError } = this.#settings.options;
    if (onError === undefined) {
      console.warn(`OAuth error response: ${status} ${code} - ${description}`);
      return response;
    }
    try {
      const headers = Object.fromEntries(response.headers);
      const internal = { category: 'oauth', reason: reason ?? code };
      return (await onError({ code, description, status, headers, internal, request })) ?? response;
    } catch (error) {
      console.error(error);
      return response;
    }
  }
}

/** The store or the issuer failed. */
export function failed(error: unknown): Response {
  if (error instanceof IssuerError) return error.toResponse();
  console.error(error);
  const isTemporary = error instanceof StoreError && error.kind === 'unavailable';
  const headers: Record<string, string> = { 'cache-control': 'no-store' };
  if (isTemporary) headers['retry-after'] = '1';
  return Response.json(
    { error: isTemporary ? 'temporarily_unavailable' : 'server_error' },
    { status: isTemporary ? 503 : 500, headers },
  );
}
