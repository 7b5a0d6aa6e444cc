import type { Setting } from '#glue/resource-server';
import { ConfigError } from './config-error.js';

/**
 * All `TOLLGATE_` settings of the environment, unchanged: the component checks names and values.
 * Inherited members count too, because an `env` may be made from another one by `Object.create`.
 */
export function settingsFrom(env: unknown): [string, Setting][] {
  if (env === undefined || env === null) return [];
  if (typeof env !== 'object')
    throw new ConfigError('env', `\`env\` must be an object that holds the settings, not a ${typeof env}.`);
  const found: [string, Setting][] = [];
  for (const name in env) {
    if (!name.startsWith('TOLLGATE_')) continue;
    const value = (env as Record<string, unknown>)[name];
    if (value !== undefined) found.push([name, settingOf(value)]);
  }
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

function settingOf(value: unknown): Setting {
  if (typeof value === 'string') return { tag: 'text', val: value };
  if (Array.isArray(value)) {
    const entries = Array.from(value);
    return entries.every((entry) => typeof entry === 'string')
      ? { tag: 'texts', val: entries }
      : { tag: 'unusable', val: 'mixed-list' };
  }
  return { tag: 'unusable', val: kindOf(value) };
}

type Kind = Extract<Setting, { tag: 'unusable' }>['val'];

const KINDS: { readonly [type: string]: Kind } = {
  boolean: 'boolean',
  number: 'number',
  bigint: 'number',
  function: 'function',
};

function kindOf(value: unknown): Kind {
  if (value === null) return 'null';
  if (typeof value !== 'object') return KINDS[typeof value] ?? 'other';
  // A secret of Cloudflare's Secrets Store is read by `get()`.
  return typeof (value as { get?: unknown }).get === 'function' ? 'binding' : 'object';
}
