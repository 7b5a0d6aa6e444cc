// Clients: in the shape of the original, and back.
import { IssuerError, type ChangedClient, type Issuer, type IssuerConfig } from 'tollgate/issuer';
import type { ClientInfo as IssuerClient, ClientAuthentication, GrantType } from 'tollgate/issuer';
import { CimdFetchError } from './errors.js';
import type { CommonOptions } from './settings.js';
import type { ClientInfo, OAuthHelpers } from './types.js';

/** The helpers that concern clients. */
export type ClientHelpers = Pick<
  OAuthHelpers,
  'lookupClient' | 'createClient' | 'listClients' | 'updateClient' | 'deleteClient'
>;

/** Members of the original's clients that are metadata of RFC 7591. */
const METADATA = {
  logoUri: 'logo_uri',
  clientUri: 'client_uri',
  policyUri: 'policy_uri',
  tosUri: 'tos_uri',
  contacts: 'contacts',
} as const;

const EXCHANGE: GrantType = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** The grant types that a client may register. */
function grantTypes({ allowTokenExchangeGrant }: CommonOptions): GrantType[] {
  return ['authorization_code', 'refresh_token', ...(allowTokenExchangeGrant === true ? [EXCHANGE] : [])];
}

/** The part of the configuration that lets clients come and go. */
export function administrationConfig(options: CommonOptions): Partial<IssuerConfig> {
  const forever = 'clientRegistrationTTL' in options && options.clientRegistrationTTL === undefined;
  return {
    registration:
      options.clientRegistrationEndpoint === undefined
        ? undefined
        : {
            open: true,
            lifetime: forever ? 0 : options.clientRegistrationTTL,
            grantTypes: grantTypes(options),
            authentication:
              options.disallowPublicClientRegistration === true
                ? ['client_secret_basic', 'client_secret_post', 'private_key_jwt']
                : undefined,
          },
    metadataDocuments: options.clientIdMetadataDocumentEnabled === true ? {} : undefined,
    privateUseRedirectUris: options.allowPrivateUseRedirectUris,
  };
}

/** `issuer` is asked for when it is needed. */
export function clientHelpers(issuer: () => Promise<Issuer>, options: CommonOptions): ClientHelpers {
  const find = async (clientId: string): Promise<IssuerClient | null> => {
    const server = await issuer();
    try {
      return await server.findClient(clientId);
    } catch (error) {
      throw error instanceof IssuerError && /^https:/.test(clientId) ? new CimdFetchError(clientId, error) : error;
    }
  };
  return {
    async lookupClient(clientId) {
      const found = await find(clientId);
      return found === null ? null : infoOf(found);
    },

    async createClient(given) {
      const server = await issuer();
      return changed(
        await server.createClient({
          ...fields(given),
          redirectUris: given.redirectUris ?? [],
          grantTypes: (given.grantTypes as GrantType[] | undefined) ?? grantTypes(options),
          metadata: metadataOf(given),
        }),
      );
    },

    async listClients(listed) {
      const server = await issuer();
      const { clients, cursor } = await server.listClients(listed?.limit ?? 100, listed?.cursor);
      const items = clients.map(infoOf);
      return cursor === undefined ? { items } : { items, cursor };
    },

    async updateClient(clientId, updates) {
      if (updates.clientSecret !== undefined)
        throw new TypeError('A secret cannot be chosen: `updateClient` of `tollgate/issuer` makes a new one.');
      const found = await find(clientId);
      if (found === null) return null;
      const metadata = { ...found.metadata, ...metadataOf(updates) };
      const server = await issuer();
      return changed(await server.updateClient(clientId, { ...fields(updates), metadata }));
    },

    async deleteClient(clientId) {
      const server = await issuer();
      await server.deleteClient(clientId).catch((error) => {
        if (!(error instanceof IssuerError) || error.reason !== 'unknown-client') throw error;
      });
    },
  };
}

/** What has a field of its own in the issuer. */
function fields({ redirectUris, grantTypes, clientName, jwksUri, tokenEndpointAuthMethod }: Partial<ClientInfo>) {
  return {
    redirectUris,
    grantTypes: grantTypes as GrantType[] | undefined,
    name: clientName,
    jwksUri,
    authentication: tokenEndpointAuthMethod as ClientAuthentication | undefined,
  };
}

/** All else. */
function metadataOf(given: Partial<ClientInfo>): Record<string, unknown> {
  const metadata: Record<string, unknown> = { ...given.i18n };
  for (const [name, member] of Object.entries(METADATA)) {
    const value = given[name as keyof typeof METADATA];
    if (value !== undefined) metadata[member] = value;
  }
  return metadata;
}

function infoOf({
  id,
  authentication,
  grantTypes,
  redirectUris,
  name,
  metadata,
  registeredAt,
}: IssuerClient): ClientInfo {
  const info: ClientInfo = {
    clientId: id,
    redirectUris,
    clientName: name,
    grantTypes,
    responseTypes: grantTypes.includes('authorization_code') ? ['code'] : [],
    registrationDate: registeredAt,
    tokenEndpointAuthMethod: authentication === 'client_secret' ? 'client_secret_basic' : authentication,
    jwksUri: metadata.jwks_uri,
  };
  for (const [own, member] of Object.entries(METADATA)) info[own as keyof typeof METADATA] = metadata[member];
  const translated = Object.entries(metadata).filter(([member]) => member.includes('#'));
  if (translated.length > 0) info.i18n = Object.fromEntries(translated);
  return info;
}

const changed = ({ client, secret }: ChangedClient): ClientInfo =>
  secret === undefined ? infoOf(client) : { ...infoOf(client), clientSecret: secret };
