import { createGate, type Gate, type GateOptions, type IssuerOptions } from 'tollgate';

/**
 * How many gates are kept per module. Each costs an instance of the component, a few MiB of the
 * isolate's 128. A Worker has one; one with several tenants has a few.
 */
const GATES = 8;

/** Settings never come from `TOLLGATE_*` here. A single object, so that a gate recognizes it. */
export const NO_ENV = Object.freeze({});

/** Gates by their options. The least recently used gate is evicted first. */
export class Gates {
  readonly #gates = new Map<string, Gate>();

  /** The gate for these options. `extra` is not part of the key. */
  get(options: GateOptions, extra?: GateOptions): Gate {
    const text = JSON.stringify(options);
    const gate = this.#gates.get(text) ?? createGate({ ...options, ...extra });
    this.#gates.delete(text);
    this.#gates.set(text, gate);
    for (const oldest of this.#gates.keys()) {
      if (this.#gates.size <= GATES) break;
      this.#gates.delete(oldest);
    }
    return gate;
  }
}

/**
 * The issuer options for a zone. Its tokens have no `typ`; the claims and the audience distinguish
 * an access token from an ID token.
 */
export function zone(issuer: string, audiences: readonly string[]): IssuerOptions {
  return {
    issuer,
    audiences: audiences.length === 0 ? undefined : audiences,
    types: ['at+jwt', 'JWT', ''],
    requiredClaims: ['sub', 'client_id', 'iat'],
  };
}

/** One or several, as a list. */
export function listOf(given: string | readonly string[] | undefined): readonly string[] {
  return typeof given === 'string' ? [given].filter((text) => text !== '') : (given ?? []);
}
