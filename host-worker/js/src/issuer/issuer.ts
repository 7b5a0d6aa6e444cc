import type { Operation, Outcome, Request as GlueRequest } from '#issuer/authorization-server';
import { responseOf, serverError } from '../answer.js';
import { readBody } from '../body.js';
import { ConfigError } from '../config-error.js';
import { Trap, lasting, type Source } from '../instance.js';
import { text, u32 } from '../options.js';
import { IssuerComponent } from './component.js';
import { IssuerError } from './errors.js';
import { settingsOf } from './options.js';
import type {
  Approval,
  AuthorizationRequest,
  ChangedClient,
  ClientChanges,
  ClientInfo,
  ClientPage,
  GrantPage,
  Issuer,
  IssuerOptions,
  NewClient,
  TokenInfo,
  WaitUntil,
} from './types.js';
import { changedOf, changesFrom, clientOf, clientPageOf, newClientFrom } from './client-values.js';
import { approvalFrom, pageOf, requestFrom, requestOf, tokenOf } from './values.js';

/** Creates an issuer. Throws a {@link ConfigError} if the options are not of the right types. */
export function makeIssuer(source: Source, options: IssuerOptions): Issuer {
  return new IssuerOfOptions(source, settingsOf(options));
}

/** The value of an outcome. Some have none. */
type Value<T extends Outcome['tag']> = Extract<Outcome, { tag: T }> extends { val: infer V } ? V : undefined;

/** Reasons for which there is no such client. */
const NO_CLIENT = ['unknown-client', 'registration-expired'];

class IssuerOfOptions implements Issuer {
  readonly #source: Source;
  readonly #settings: ReturnType<typeof settingsOf>;
  #current: IssuerComponent | undefined;
  #failure: ConfigError | undefined;

  constructor(source: Source, settings: ReturnType<typeof settingsOf>) {
    this.#source = source;
    this.#settings = settings;
  }

  /**
   * The component, created when it is first needed, because Workers have no randomness at module level.
   * After a trap there is a new one.
   */
  #component(): IssuerComponent {
    if (this.#current !== undefined && !this.#current.broken) return this.#current;
    if (this.#failure !== undefined) throw this.#failure;
    try {
      this.#current = new IssuerComponent(this.#source, this.#settings);
      return this.#current;
    } catch (error) {
      if (error instanceof ConfigError) this.#failure = error;
      throw error instanceof ConfigError || error instanceof Trap ? error : new Trap(error);
    }
  }

  check(): void {
    this.#component();
  }

  handles(url: string | URL): boolean {
    return this.#component().serves(String(url));
  }

  async fetch(request: Request, ctx?: WaitUntil): Promise<Response | undefined> {
    try {
      if (!this.handles(request.url)) return undefined;
      const answer = await this.#ask({ tag: 'respond', val: await this.#requestOf(request) }, 'response', ctx);
      this.#tell(answer, request);
      return responseOf(answer);
    } catch (error) {
      console.error(error instanceof ConfigError ? `tollgate: ${error.message}` : error);
      return serverError();
    }
  }

  async parseAuthRequest(request: Request, ctx?: WaitUntil): Promise<AuthorizationRequest> {
    const val = await this.#requestOf(request);
    return requestOf(await this.#ask({ tag: 'parse-authorization', val }, 'authorization', ctx, request));
  }

  async completeAuthorization(request: AuthorizationRequest, approval: Approval, ctx?: WaitUntil): Promise<string> {
    const val: [any, any] = [requestFrom(request), approvalFrom(approval)];
    return this.#ask({ tag: 'complete-authorization', val }, 'redirect', ctx);
  }

  async denyAuthorization(request: AuthorizationRequest, ctx?: WaitUntil): Promise<string> {
    return this.#ask({ tag: 'deny-authorization', val: requestFrom(request) }, 'redirect', ctx);
  }

  async checkToken(token: string, resource: string, ctx?: WaitUntil): Promise<TokenInfo | null> {
    const val: [string, string] = [text(token, 'token'), text(resource, 'resource')];
    const info = await this.#ask({ tag: 'check-token', val }, 'token', ctx);
    return info === undefined ? null : tokenOf(info);
  }

  async listUserGrants(userId: string, cursor?: string, ctx?: WaitUntil): Promise<GrantPage> {
    const after = cursor === undefined ? undefined : text(cursor, 'cursor');
    return pageOf(await this.#ask({ tag: 'user-grants', val: [text(userId, 'userId'), after] }, 'grants', ctx));
  }

  async revokeGrant(userId: string, grantId: string, ctx?: WaitUntil): Promise<boolean> {
    const val: [string, string] = [text(userId, 'userId'), text(grantId, 'grantId')];
    return (await this.#ask({ tag: 'revoke-grant', val }, 'revoked', ctx)) > 0;
  }

  async revokeUser(userId: string, ctx?: WaitUntil): Promise<number> {
    return this.#ask({ tag: 'revoke-user', val: text(userId, 'userId') }, 'revoked', ctx);
  }

  async createClient(client: NewClient, ctx?: WaitUntil): Promise<ChangedClient> {
    return changedOf(await this.#ask({ tag: 'create-client', val: newClientFrom(client) }, 'changed-client', ctx));
  }

  async findClient(clientId: string, ctx?: WaitUntil): Promise<ClientInfo | null> {
    try {
      return clientOf(await this.#ask({ tag: 'find-client', val: text(clientId, 'clientId') }, 'client', ctx));
    } catch (error) {
      if (error instanceof IssuerError && NO_CLIENT.includes(error.reason)) return null;
      throw error;
    }
  }

  async updateClient(clientId: string, changes: ClientChanges, ctx?: WaitUntil): Promise<ChangedClient> {
    const val: [string, any] = [text(clientId, 'clientId'), changesFrom(changes)];
    return changedOf(await this.#ask({ tag: 'update-client', val }, 'changed-client', ctx));
  }

  async deleteClient(clientId: string, ctx?: WaitUntil): Promise<void> {
    await this.#ask({ tag: 'delete-client', val: text(clientId, 'clientId') }, 'deleted', ctx);
  }

  async listClients(limit: number, cursor?: string, ctx?: WaitUntil): Promise<ClientPage> {
    const after = cursor === undefined ? undefined : text(cursor, 'cursor');
    return clientPageOf(await this.#ask({ tag: 'list-clients', val: [after, u32(limit, 'limit')] }, 'clients', ctx));
  }

  /** Carries out an operation whose result has this tag. Rejects with an {@link IssuerError} if it is refused. */
  async #ask<T extends Outcome['tag']>(
    operation: Operation,
    tag: T,
    ctx: WaitUntil | undefined,
    request?: Request,
  ): Promise<Value<T>> {
    // Not started again after a trap in another call: it may have changed the store.
    const outcome = await this.#component().run(operation, lasting(ctx));
    if (outcome === undefined) throw new Trap('it failed in another call');
    if (outcome.tag === tag) return ('val' in outcome ? outcome.val : undefined) as Value<T>;
    if (outcome.tag !== 'refused') throw new Trap('an operation has the result of another');
    const answer = outcome.val;
    this.#tell(answer, request);
    throw new IssuerError(answer.reason ?? 'refused', () => responseOf(answer));
  }

  async #requestOf(request: Request): Promise<GlueRequest> {
    const { method, url, headers } = request;
    const body = await readBody(request.body, this.#component().maxBodyBytes);
    return { method, url, headers: [...headers], body };
  }

  #tell({ reason, status }: Value<'response'>, request: Request | undefined): void {
    if (reason === undefined || this.#settings.onRefusal === undefined) return;
    try {
      this.#settings.onRefusal({ reason, status, request });
    } catch (error) {
      console.error(error);
    }
  }
}
