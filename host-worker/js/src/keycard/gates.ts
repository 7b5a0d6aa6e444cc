import { createGate, type Gate, type GateOptions, type IssuerOptions } from 'tollgate';

/**
 * Gates that are kept per place that makes them: each costs an instance of the component, a few MiB
 * of the isolate's 128. A Worker has one; several tenants have a few.
 */
const GATES = 8;

/** Settings never come from `TOLLGATE_*` here. One object, which a gate knows again. */
export const NO_ENV = Object.freeze({});

/** Gates by what they were made from; the one that was not used for longest goes first. */
export class Gates {
  readonly #gates = new Map<string, Gate>();

  /** The gate of these options; `extra` is not a part of what tells gates apart. */
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
 * What is accepted from a zone. Its tokens carry no `typ`; what else tells an access token from an
 * ID token are the claims and the audience.
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
