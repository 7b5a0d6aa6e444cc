// Administration of clients: all that waits for the issuer's operations on clients is in this file.
import type { Issuer, IssuerConfig } from 'tollgate/issuer';
import type { ClientInfo, ListOptions, ListResult, OAuthHelpers, OAuthProviderOptions } from './types.js';

/** The helpers that concern clients. */
export type ClientHelpers = Pick<
  OAuthHelpers,
  'lookupClient' | 'createClient' | 'listClients' | 'updateClient' | 'deleteClient'
>;

/** The part of the configuration that lets clients come and go. */
export function administrationConfig(options: OAuthProviderOptions): Partial<IssuerConfig> {
  if (options.clientIdMetadataDocumentEnabled === true) throw notYet('`clientIdMetadataDocumentEnabled`');
  if (options.allowPrivateUseRedirectUris === true) throw notYet('`allowPrivateUseRedirectUris`');
  return {};
}

/** `issuer` is asked for when it is needed. */
export function clientHelpers(_issuer: () => Promise<Issuer>, { clients = [] }: OAuthProviderOptions): ClientHelpers {
  return {
    async lookupClient(clientId: string): Promise<ClientInfo | null> {
      const known = clients.find(({ id }) => id === clientId);
      if (known === undefined) return null;
      return {
        clientId: known.id,
        redirectUris: [...(known.redirectUris ?? [])],
        clientName: known.name,
        grantTypes: [...(known.grantTypes ?? ['authorization_code'])],
        responseTypes: ['code'],
        tokenEndpointAuthMethod: known.authentication ?? (known.secrets === undefined ? 'none' : 'client_secret_basic'),
      };
    },
    async createClient(_clientInfo: Partial<ClientInfo>): Promise<ClientInfo> {
      throw notYet('createClient()');
    },
    async listClients(_options?: ListOptions): Promise<ListResult<ClientInfo>> {
      throw notYet('listClients()');
    },
    async updateClient(_clientId: string, _updates: Partial<ClientInfo>): Promise<ClientInfo | null> {
      throw notYet('updateClient()');
    },
    async deleteClient(_clientId: string): Promise<void> {
      throw notYet('deleteClient()');
    },
  };
}

function notYet(what: string): Error {
  return new TypeError(`${what} is not available yet: put clients into the option \`clients\`.`);
}
