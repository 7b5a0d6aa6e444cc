import type { Identity as Lifted } from '#glue/resource-server';
import type { Claims, Identity } from './types.js';

/** What a verified token says: made once per token and shared by the requests that carry it. */
export class Verified {
  readonly subject: string | undefined;
  readonly clientId: string | undefined;
  readonly scopes: readonly string[];
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly expiresAt: number;
  readonly issuedAt: number | undefined;
  readonly #text: string;
  #claims: Claims | undefined;

  constructor(record: Lifted) {
    this.subject = record.subject;
    this.clientId = record.clientId;
    this.scopes = Object.freeze(record.scopes);
    this.issuer = record.issuer;
    this.audience = Object.freeze(record.audience);
    this.expiresAt = Number(record.expiresAt);
    this.issuedAt = record.issuedAt === undefined ? undefined : Number(record.issuedAt);
    this.#text = record.claims;
  }

  /** Length of the claims, the part whose length the issuer decides. */
  get size(): number {
    return this.#text.length;
  }

  get claims(): Claims {
    this.#claims ??= deepFreeze(JSON.parse(this.#text)) as Claims;
    return this.#claims;
  }
}

/** Freezes a JSON value. Its depth is bounded: the component parsed the same text with a limit. */
function deepFreeze(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}

/** Whether granted scopes cover others, or the answer that says no. */
export type RequireScopes = (granted: readonly string[], required: string[]) => Response | null;

/** An identity within one request. Own properties are what logs may show; the rest is not there. */
export class RequestIdentity implements Identity {
  static {
    // What logs show, whatever the minifier calls it.
    Object.defineProperty(this, 'name', { value: 'Identity' });
  }

  readonly subject: string | undefined;
  readonly clientId: string | undefined;
  readonly scopes: readonly string[];
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly expiresAt: number;
  readonly issuedAt: number | undefined;
  readonly #verified: Verified;
  readonly #token: string;
  readonly #require: RequireScopes;

  constructor(verified: Verified, token: string, require: RequireScopes) {
    this.subject = verified.subject;
    this.clientId = verified.clientId;
    this.scopes = verified.scopes;
    this.issuer = verified.issuer;
    this.audience = verified.audience;
    this.expiresAt = verified.expiresAt;
    this.issuedAt = verified.issuedAt;
    this.#verified = verified;
    this.#token = token;
    this.#require = require;
    Object.freeze(this);
  }

  get claims(): Claims {
    return this.#verified.claims;
  }

  get token(): string {
    return this.#token;
  }

  require(...scopes: string[]): Response | null {
    return this.#require(this.scopes, scopes);
  }
}
