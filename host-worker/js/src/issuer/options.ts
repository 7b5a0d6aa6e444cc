import { ConfigError } from '../config-error.js';
import { func, globalFetch, isPlain, kindOf, provider } from '../options.js';
import type { IssuerSettings } from './component.js';
import type { IssuerOptions } from './types.js';

/**
 * Divides options into the configuration, which the component checks as JSON, and what JSON does not
 * have.
 */
export function settingsOf(options: IssuerOptions): IssuerSettings & Pick<IssuerOptions, 'onRefusal'> {
  if (!isPlain(options)) throw misfit('options', 'a plain object', options);
  const { store, onToken, onAudit, onRefusal, fetch, signatures, ...config } = options as IssuerOptions;
  for (const [name, value] of Object.entries({ onToken, onAudit, onRefusal, fetch }))
    if (value !== undefined) func(value, name);
  if (signatures !== undefined) provider(signatures, 'signatures');
  for (const name of ['read', 'list', 'commit'] as const) {
    if (typeof store?.[name] !== 'function')
      throw misfit('store', 'a store, such as `durableObjectStore(env.STORE)` or `memoryStore()`', store);
  }
  return {
    config: JSON.stringify(plain(config, '')),
    store,
    hooks: { onToken, onAudit },
    onRefusal,
    fetch: fetch ?? globalFetch,
    signatures,
  };
}

/** A value that JSON keeps. The component cannot see what JSON would leave out. */
function plain(value: unknown, field: string): unknown {
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value;
  if (Array.isArray(value)) return Array.from(value, (one, i) => plain(one, `${field}[${i}]`));
  if (!isPlain(value)) throw misfit(field, 'plain data', value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(
    members.map(([name, member]) => [name, plain(member, field === '' ? name : `${field}.${name}`)]),
  );
}

function misfit(field: string, wanted: string, value: unknown): ConfigError {
  return new ConfigError(field, `\`${field}\` must be ${wanted}, not ${kindOf(value)}.`, 'issuer');
}
