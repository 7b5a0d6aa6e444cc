import type { Setting } from '#glue/resource-server';
import { ConfigError } from './config-error.js';

/**
 * Every setting of the environment that is meant for us, as it is found there: which names and
 * values can be used is the component's to judge. Inherited ones count too: an `env` may be made
 * from another one by `Object.create`.
 */
export function settingsFrom(env: unknown): [string, Setting][] {
  if (env === undefined || env === null) return [];
  if (typeof env !== 'object') throw new ConfigError('env', `\`env\` must be an object, such as a Worker's \`env\` or \`process.env\`, not a ${typeof env}.`);
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
    return entries.every((entry) => typeof entry === 'string') ? { tag: 'texts', val: entries } : { tag: 'unusable', val: 'mixed-list' };
  }
  return { tag: 'unusable', val: kindOf(value) };
}

function kindOf(value: unknown): Extract<Setting, { tag: 'unusable' }>['val'] {
  switch (typeof value) {
    case 'boolean':
      return 'boolean';
    case 'number':
    case 'bigint':
      return 'number';
    case 'function':
      return 'function';
    case 'object':
      if (value === null) return 'null';
      // A secret of Cloudflare's Secrets Store is read by `get()`.
      return typeof (value as { get?: unknown }).get === 'function' ? 'binding' : 'object';
    default:
      return 'other';
  }
}
