import type { ClientKey, Config, Issuer, KeyLocation, Route } from '#glue/resource-server';
import { ConfigError } from './config-error.js';
import type { GateOptions } from './types.js';

/** Options in the shapes of the WIT, which the component then validates. */
export interface Settings {
  config: Config;
  fetch: NonNullable<GateOptions['fetch']>;
  onRefusal: GateOptions['onRefusal'];
}

/**
 * Checks names and JavaScript types, which the component cannot see, and moves the values. What
 * the values mean is the component's to judge.
 */
export function settingsOf(options: GateOptions = {}): Settings {
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
    client: record({
      issuer: text,
      id: text,
      secret: text,
      keys: listOf(clientKey, 'a list of private keys'),
      authentication: word('client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'),
      assertionAudience: word('issuer', 'token_endpoint'),
      tokenEndpoint: text,
      destinations: texts,
      timeoutMs: u32,
      cache: record({ maxEntries: u32, maxBytes: u32, skew: u32, maxAge: u32, defaultLifetime: u32 }),
    }),
    fetch: func,
    onRefusal: func,
  })(options, 'options') as any;

  const { issuer: one, audience, fetch, onRefusal, ...config } = given;
  if (one !== undefined && config.issuers !== undefined) {
    throw new ConfigError('issuer', 'Give either `issuer` or `issuers`, not both.');
  }
  if (audience !== undefined && one === undefined) {
    throw new ConfigError('audience', 'Give `issuer` beside `audience`, or set TOLLGATE_AUDIENCE in the environment instead.');
  }
  if (one !== undefined) config.issuers = [{ issuer: one, audiences: audience }];
  return {
    config,
    // Looked up at each call, so that a test or an instrument may replace the global one.
    fetch: fetch ?? ((url: string, init: RequestInit) => globalThis.fetch(url, init)),
    onRefusal,
  };
}

/** Every string of the environment that may be meant for us; the component knows the names. */
export function settingsFrom(env: unknown): [string, string][] {
  const found: [string, string][] = [];
  if (typeof env === 'object' && env !== null) {
    for (const name of Object.keys(env)) {
      const value = (env as Record<string, unknown>)[name];
      if (name.startsWith('TOLLGATE_') && typeof value === 'string') found.push([name, value]);
    }
  }
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

export type Reader<T> = (value: unknown, field: string) => T;

function wrong(field: string, wanted: string, value: unknown): ConfigError {
  const got = value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
  return new ConfigError(field, `\`${field}\` must be ${wanted}, not ${got}.`);
}

export const text: Reader<string> = (value, field) => {
  if (typeof value !== 'string') throw wrong(field, 'a string', value);
  return value;
};

const flag: Reader<boolean> = (value, field) => {
  if (typeof value !== 'boolean') throw wrong(field, 'true or false', value);
  return value;
};

const u32: Reader<number> = (value, field) => {
  if (typeof value !== 'number') throw wrong(field, 'a whole number', value);
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new ConfigError(field, `\`${field}\` must be a whole number from 0 to 4294967295, not ${value}.`);
  }
  return value;
};

export const func: Reader<Function> = (value, field) => {
  if (typeof value !== 'function') throw wrong(field, 'a function', value);
  return value;
};

function listOf<T>(item: Reader<T>, wanted = 'a list'): Reader<T[]> {
  return (value, field) => {
    if (!Array.isArray(value)) throw wrong(field, wanted, value);
    return Array.from(value, (one, i) => item(one, `${field}[${i}]`));
  };
}

export const texts = listOf(text, 'a list of strings');

export const textOrTexts: Reader<string[]> = (value, field) => (typeof value === 'string' ? [value] : listOf(text, 'a string or a list of strings')(value, field));

export function record(shape: Record<string, Reader<unknown>>): Reader<Record<string, unknown>> {
  return (value, field) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(field, 'an object', value);
    const at = (name: string) => (field === 'options' ? name : `${field}.${name}`);
    const read: Record<string, unknown> = {};
    for (const [name, one] of Object.entries(value)) {
      if (!Object.hasOwn(shape, name)) {
        throw new ConfigError(at(name), `There is no option \`${at(name)}\`: known here are ${Object.keys(shape).join(', ')}.`);
      }
      if (one !== undefined) read[name] = shape[name]!(one, at(name));
    }
    return read;
  };
}

/** One of these texts. Whatever else it is does not get into the sentence: it may be a secret. */
export function oneOf(names: readonly string[]): Reader<string> {
  const known = names.map((name) => `'${name}'`).join(', ');
  return (value, field) => {
    if (names.includes(text(value, field))) return value as string;
    throw new ConfigError(field, `\`${field}\` must be one of ${known}.`);
  };
}

/** A word of OAuth, in the spelling of the WIT. */
function word(...names: string[]): Reader<string> {
  const read = oneOf(names);
  return (value, field) => read(value, field).replaceAll('_', '-');
}

function clientKey(value: unknown, field: string): ClientKey {
  if (typeof value === 'string') return { key: value };
  const read = record({ key: json('a private key, as text or as a JWK'), kid: text, algorithm: text })(value, field);
  if (read.key === undefined) throw new ConfigError(`${field}.key`, `\`${field}\` must hold its \`key\`.`);
  return read as unknown as ClientKey;
}

function scopeHierarchy(value: unknown, field: string): [string, string[]][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(field, 'an object of lists', value);
  return Object.entries(value).map(([scope, implied]) => [scope, texts(implied, `${field}[${JSON.stringify(scope)}]`)]);
}

function keyLocation(value: unknown, field: string): KeyLocation {
  if (value === 'discovery') return { tag: 'discovery' };
  const { uri, inline } = record({ uri: text, inline: json('a JWK Set, as text or as an object') })(value, field) as { uri?: string; inline?: string };
  if ((uri === undefined) === (inline === undefined)) {
    throw new ConfigError(field, `\`${field}\` must be 'discovery', { uri } or { inline }.`);
  }
  return uri !== undefined ? { tag: 'uri', val: uri } : { tag: 'inline', val: inline! };
}

function json(wanted: string): Reader<string> {
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
  if (read.issuer === undefined) throw new ConfigError(`${field}.issuer`, `\`${field}\` must name its \`issuer\`.`);
  return read as unknown as Issuer;
}

function route(value: unknown, field: string): Route {
  const read = record({ path: text, methods: texts, public: flag, scopes: texts })(value, field) as
    { path?: string; methods?: string[]; public?: boolean; scopes?: string[] };
  if (read.path === undefined) throw new ConfigError(`${field}.path`, `\`${field}\` must name its \`path\`.`);
  if (read.public === true && read.scopes !== undefined) {
    throw new ConfigError(field, `\`${field}\` is public, so it cannot need scopes: remove one of the two.`);
  }
  return {
    path: read.path,
    methods: read.methods,
    access: read.public === true ? { tag: 'public' } : { tag: 'protected', val: read.scopes ?? [] },
  };
}
