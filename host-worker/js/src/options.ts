import type { Client, Config, Issuer, KeyLocation, Route } from '#glue/resource-server';
import { ConfigError } from './config-error.js';
import type { Lent } from './instance.js';
import { nearest } from './nearest.js';
import type { GateOptions } from './types.js';

/** Options in the shapes of the WIT, which the component validates. */
export interface Settings extends Lent {
  config: Config;
  onRefusal: GateOptions['onRefusal'];
}

/**
 * Checks names and JavaScript types, which the component cannot see, and passes the values on. The
 * component checks the values.
 */
export function settingsOf(options: GateOptions = {}, client: Reader<Client>, signing: Settings['signing']): Settings {
  const given = record({
    issuer: text,
    audience: textOrTexts,
    issuers: listOf(issuer),
    resource: text,
    resourceFromRequest: flag,
    routes: listOf(route),
    caseInsensitivePaths: flag,
    scopes: texts,
    scopeHierarchy,
    realm: text,
    metadata: record({
      scopesSupported: texts,
      resourceName: text,
      resourceDocumentation: text,
      resourcePolicyUri: text,
      resourceTosUri: text,
      serveIssuerMetadata: flag,
      singleResource: flag,
    }),
    cors: record({ origins: texts, maxAge: u32 }),
    tokenCache: record({ maxEntries: u32, maxBytes: u32, maxAge: u32 }),
    keys: record({ minFresh: u32, maxFresh: u32, maxStale: u32, cooldown: u32, timeoutMs: u32 }),
    client,
    fetch: func,
    onRefusal: func,
    signatures: provider,
    naming: oneOf(['camelCase', 'snake_case']),
  })(options, 'options') as any;

  const { fetch, onRefusal, naming, signatures, ...config } = given;
  return {
    config: { ...config, naming: naming === 'snake_case' ? 'snake-case' : 'camel-case' },
    fetch: fetch ?? globalFetch,
    onRefusal,
    signing,
    signatures,
  };
}

/** Looked up at each call, so that a test or an instrumentation can replace the global function. */
export const globalFetch: Lent['fetch'] = (url, init) => globalThis.fetch(url, init);

export type Reader<T> = (value: unknown, field: string) => T;

export function wrong(field: string, wanted: string, value: unknown): ConfigError {
  return new ConfigError(field, `\`${field}\` must be ${wanted}, not ${kindOf(value)}.`);
}

export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return `${value}`;
  if (Array.isArray(value)) return 'a list';
  if (typeof value !== 'object') return `a ${typeof value}`;
  return isPlain(value) ? 'an object' : 'an object of a class';
}

/** Whether all members of an object are its own: those of a class or a `Map` would be missed. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  // Not compared with `Object.prototype`: an object may come from another realm.
  if (prototype === null) return true;
  // `Object.prototype` has no enumerable members. Those of another prototype would be missed.
  return Object.getPrototypeOf(prototype) === null && Object.keys(prototype).length === 0;
}

export const text: Reader<string> = (value, field) => {
  if (typeof value !== 'string') throw wrong(field, 'a string', value);
  return value;
};

export const flag: Reader<boolean> = (value, field) => {
  if (typeof value !== 'boolean') throw wrong(field, 'true or false', value);
  return value;
};

export const u32: Reader<number> = (value, field) => {
  if (typeof value !== 'number') throw wrong(field, 'a whole number', value);
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new ConfigError(field, `\`${field}\` must be a whole number from 0 to 4294967295, not ${value}.`);
  }
  return value;
};

// biome-ignore lint/complexity/noBannedTypes: It is all that `typeof` proves.
export const func: Reader<Function> = (value, field) => {
  if (typeof value !== 'function') throw wrong(field, 'a function', value);
  return value;
};

export function listOf<T>(item: Reader<T>, wanted = 'a list'): Reader<T[]> {
  return (value, field) => {
    if (!Array.isArray(value)) throw wrong(field, wanted, value);
    return Array.from(value, (one, i) => item(one, `${field}[${i}]`));
  };
}

export const texts = listOf(text, 'a list of strings');

export const textOrTexts: Reader<string[]> = (value, field) =>
  typeof value === 'string' ? [value] : listOf(text, 'a string or a list of strings')(value, field);

export function record(shape: Record<string, Reader<unknown>>): Reader<Record<string, unknown>> {
  return (value, field) => {
    if (!isPlain(value)) throw wrong(field, 'a plain object', value);
    const at = (name: string) => (field === 'options' ? name : `${field}.${name}`);
    const read: Record<string, unknown> = {};
    for (const [name, one] of Object.entries(value)) {
      if (!Object.hasOwn(shape, name)) {
        const names = Object.keys(shape);
        const meant = nearest(name, names);
        const hint = meant === undefined ? `: use one of ${names.join(', ')}.` : `: did you mean \`${at(meant)}\`?`;
        throw new ConfigError(at(name), `There is no option \`${at(name)}\`${hint}`);
      }
      if (one !== undefined) read[name] = shape[name]!(one, at(name));
    }
    return read;
  };
}

/** One of these texts. Any other value is left out of the message, because it may be a secret. */
export function oneOf(names: readonly string[]): Reader<string> {
  const known = names.map((name) => `'${name}'`).join(', ');
  return (value, field) => {
    if (names.includes(text(value, field))) return value as string;
    throw new ConfigError(field, `\`${field}\` must be one of ${known}.`);
  };
}

/** The export of `tollgate/signatures`. */
export const provider: Reader<object> = (value, field) => {
  if (typeof value !== 'object' || value === null || !('importVerifyingKey' in value))
    throw wrong(field, 'what `tollgate/signatures` exports', value);
  return value;
};

function scopeHierarchy(value: unknown, field: string): [string, string[]][] {
  if (!isPlain(value)) throw wrong(field, 'a plain object of lists', value);
  return Object.entries(value).map(([scope, implied]) => [scope, texts(implied, `${field}[${JSON.stringify(scope)}]`)]);
}

function keyLocation(value: unknown, field: string): KeyLocation {
  if (value === 'discovery') return { tag: 'discovery' };
  const { uri, inline } = record({ uri: text, inline: json('a JWK Set, as text or as an object') })(value, field) as {
    uri?: string;
    inline?: string;
  };
  if ((uri === undefined) === (inline === undefined)) {
    throw new ConfigError(field, `\`${field}\` must be 'discovery', { uri } or { inline }.`);
  }
  return uri !== undefined ? { tag: 'uri', val: uri } : { tag: 'inline', val: inline! };
}

export function json(wanted: string): Reader<string> {
  return (value, field) => {
    if (typeof value === 'string') return value;
    if (typeof value === 'object' && value !== null) return JSON.stringify(value);
    throw wrong(field, wanted, value);
  };
}

function issuer(value: unknown, field: string): Issuer {
  const read = record({
    issuer: text,
    audiences: texts,
    algorithms: texts,
    types: texts,
    requiredClaims: texts,
    clockTolerance: u32,
    maxAge: u32,
    keys: keyLocation,
    crossOriginKeys: flag,
  })(value, field);
  if (read.issuer === undefined) throw new ConfigError(`${field}.issuer`, `\`${field}\` must have an \`issuer\`.`);
  return read as unknown as Issuer;
}

function route(value: unknown, field: string): Route {
  const read = record({ path: text, methods: texts, public: flag, scopes: texts })(value, field) as {
    path?: string;
    methods?: string[];
    public?: boolean;
    scopes?: string[];
  };
  if (read.path === undefined) throw new ConfigError(`${field}.path`, `\`${field}\` must have a \`path\`.`);
  if (read.public === true && read.scopes !== undefined) {
    throw new ConfigError(field, `\`${field}\` is public, so it needs no scopes: remove one of the two.`);
  }
  return {
    path: read.path,
    methods: read.methods,
    access: read.public === true ? { tag: 'public' } : { tag: 'protected', val: read.scopes ?? [] },
  };
}
