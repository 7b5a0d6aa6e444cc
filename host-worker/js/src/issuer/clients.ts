// Clients, as the application manages them.
import type { ClientAuthentication, GrantType } from './config.js';

/** A client, without its secrets. Times are in seconds since 1970. */
export interface ClientInfo {
  /** `client_id` */
  id: string;
  /**
   * Where it comes from: the configuration, the application or the registration endpoint, or its client ID
   * metadata document.
   */
  origin: 'configured' | 'registered' | 'metadata-document';
  /** How it authenticates. */
  authentication: ClientAuthentication;
  /** What it may use. */
  grantTypes: GrantType[];
  /** `redirect_uris` */
  redirectUris: string[];
  /** The scopes that it may have. Absent: all of the server's. */
  scopes?: string[];
  /** `client_name` */
  name?: string;
  /** All of its metadata (RFC 7591 section 2). */
  metadata: { [name: string]: any };
  /** When it was registered. */
  registeredAt?: number;
  /** When its registration ends unless it is renewed. */
  expiresAt?: number;
}

/** A client to create. What the server does not have is refused. */
export interface NewClient {
  /** Default: `client_secret`. */
  authentication?: ClientAuthentication;
  /** Default: `authorization_code`. */
  grantTypes?: readonly GrantType[];
  /** Exact redirect URIs. One on a loopback address fits any port (RFC 8252 section 7.3). */
  redirectUris: readonly string[];
  /** The scopes that it may have. Default: all of the server's. */
  scopes?: readonly string[];
  /** The name that people see. */
  name?: string;
  /** Its public keys, as a JWK Set. */
  jwks?: string | object;
  /** Where its public keys are. */
  jwksUri?: string;
  /** Other members of RFC 7591 section 2, such as `logo_uri`. Those that have a field here are ignored. */
  metadata?: { readonly [name: string]: unknown };
}

/** Changes of a client. What is left out stays as it is. */
export interface ClientChanges extends Partial<Omit<NewClient, 'scopes' | 'name'>> {
  /** The scopes that it may have. `null`: all of the server's. */
  scopes?: readonly string[] | null;
  /** The name that people see. `null`: none. */
  name?: string | null;
  /**
   * Gives the client a new secret. The secrets that it has stay valid for so many seconds, at most 90
   * days.
   */
  newSecret?: number;
}

/** A client that was created or changed. */
export interface ChangedClient {
  /** The client. */
  client: ClientInfo;
  /** Its new secret, if it got one. Only its hash is stored: it is not shown again. */
  secret?: string;
}

/** Clients, in a stable order. */
export interface ClientPage {
  /** Perhaps fewer than were asked for, even if there are more. */
  clients: ClientInfo[];
  /** For the next page. Absent: this is the last. */
  cursor?: string;
}
