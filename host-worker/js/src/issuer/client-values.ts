// Clients of the component as plain data of JavaScript, and back: see `values.ts`.
import type * as glue from '#issuer/authorization-server';
import { json, listOf, oneOf, record, text, texts, u32, type Reader } from '../options.js';
import type { ChangedClient, ClientChanges, ClientInfo, ClientPage, NewClient } from './clients.js';
import type { ClientAuthentication } from './config.js';
import { GRANT_TYPES, anyJson, complete, number, present } from './values.js';

const METHODS: ClientAuthentication[] = [
  'none',
  'client_secret_basic',
  'client_secret_post',
  'client_secret',
  'private_key_jwt',
];

/** The spelling of OAuth, in that of the WIT. */
const authentication: Reader<string> = (value, field) => oneOf(METHODS)(value, field).replaceAll('_', '-');

const grantTypes = listOf<string>((value, field) => {
  const name = oneOf(Object.values(GRANT_TYPES))(value, field);
  return Object.entries(GRANT_TYPES).find(([, own]) => own === name)![0];
});

const shape = {
  authentication,
  grantTypes,
  redirectUris: texts,
  jwks: json('a JWK Set, as text or as an object'),
  jwksUri: text,
  metadata: anyJson,
};

const newClient = record({ ...shape, scopes: texts, name: text });

/** A value, or `null` for none. */
const orNull =
  <T>(read: Reader<T>): Reader<{ tag: 'some'; val: T | undefined }> =>
  (value, field) => ({ tag: 'some', val: value === null ? undefined : read(value, field) });

const changes = record({ ...shape, scopes: orNull(texts), name: orNull(text), newSecret: u32 });

export const newClientFrom = (value: NewClient): glue.NewClient =>
  complete(newClient(value, 'client'), 'client', ['redirectUris']);

export const changesFrom = (value: ClientChanges): glue.ClientChanges => ({
  scopes: { tag: 'none' },
  name: { tag: 'none' },
  ...changes(value, 'changes'),
});

export const clientOf = (own: glue.ClientInfo): ClientInfo =>
  present({
    ...own,
    authentication: own.authentication.replaceAll('-', '_') as ClientAuthentication,
    grantTypes: own.grantTypes.map((name) => GRANT_TYPES[name]),
    metadata: JSON.parse(own.metadata),
    registeredAt: number(own.registeredAt),
    expiresAt: number(own.expiresAt),
  });

export const changedOf = ({ client, secret }: glue.ChangedClient): ChangedClient =>
  present({ client: clientOf(client), secret });

export const clientPageOf = ({ clients, cursor }: glue.ClientPage): ClientPage =>
  present({ clients: clients.map(clientOf), cursor });
