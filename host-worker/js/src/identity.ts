import type { Identity as Lifted } from '#glue/resource-server';
import { texts } from './options.js';
import type { State, RequestContext } from './state.js';
import type { Actor, Claims, Identity } from './types.js';

/** The content of a verified token. Created once per token, and shared by its requests. */
export class Verified {
  readonly subject: string | undefined;
  readonly clientId: string | undefined;
  readonly scopes: readonly string[];
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly expiresAt: number;
  readonly issuedAt: number | undefined;
  readonly actors: readonly Actor[];
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
    this.actors = record.actors.length === 0 ? NOBODY : Object.freeze(record.actors.map(actor));
    this.#text = record.claims;
  }

  /** Length of the claims, the only part that can be long. */
  get size(): number {
    return this.#text.length;
  }

  get claims(): Claims {
    this.#claims ??= deepFreeze(JSON.parse(this.#text)) as Claims;
    return this.#claims;
  }
}

const NOBODY: readonly Actor[] = Object.freeze([]);

function actor({ subject, issuer, clientId }: Lifted['actors'][number]): Actor {
  return Object.freeze({ subject, issuer, clientId });
}

/** Freezes a JSON value. Its depth is bounded: the component parsed the same text with a limit. */
function deepFreeze(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}

/** Checks whether granted scopes cover others. Returns the refusal if they do not. */
export type RequireScopes = (granted: readonly string[], required: string[]) => Response | null;

/** The origin of an identity, which a token exchange needs. */
export interface Origin {
  /** The gate, for comparison only. */
  gate: unknown;
  state: State;
  context: RequestContext;
}

/** An identity within one request. Its own properties are those that logs may show. */
export class RequestIdentity implements Identity {
  static {
    // The name that logs show, because a minifier may rename the class.
    Object.defineProperty(this, 'name', { value: 'Identity' });
  }

  readonly subject: string | undefined;
  readonly clientId: string | undefined;
  readonly scopes: readonly string[];
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly expiresAt: number;
  readonly issuedAt: number | undefined;
  readonly actors: readonly Actor[];
  readonly #verified: Verified;
  readonly #token: string;
  readonly #require: RequireScopes;
  readonly #origin: Origin;

  constructor(verified: Verified, token: string, require: RequireScopes, origin: Origin) {
    this.subject = verified.subject;
    this.clientId = verified.clientId;
    this.scopes = verified.scopes;
    this.issuer = verified.issuer;
    this.audience = verified.audience;
    this.expiresAt = verified.expiresAt;
    this.issuedAt = verified.issuedAt;
    this.actors = verified.actors;
    this.#verified = verified;
    this.#token = token;
    this.#require = require;
    this.#origin = origin;
    Object.freeze(this);
  }

  /** The origin of an identity that a gate created. None for any other value, including copies. */
  static originOf(value: unknown): Origin | undefined {
    return typeof value === 'object' && value !== null && #origin in value ? value.#origin : undefined;
  }

  get claims(): Claims {
    return this.#verified.claims;
  }

  get token(): string {
    return this.#token;
  }

  require(...scopes: string[]): Response | null {
    return this.#require(this.scopes, texts(scopes, 'scopes'));
  }
}
