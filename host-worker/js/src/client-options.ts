import type { Client, ClientKey } from '#glue/resource-server';
import type { PrivateKey } from '#glue/signatures';
import { ConfigError } from './config-error.js';
import { json, listOf, oneOf, record, settingsOf, text, texts, u32, type Reader, type Settings } from './options.js';
import { Operation } from './pending.js';
import { SigningKey, importSigningKey } from './signing-key.js';
import type { GateOptions, KeyPair, Signer } from './types.js';

/** As `settingsOf`, with a client. */
export function settingsWithClient(options: GateOptions | undefined): Settings {
  const signers = new Map<string, Signer | KeyPair>();
  const client = record({
    issuer: text,
    id: text,
    secret: text,
    keys: listOf(clientKeyReader(signers), 'a list of private keys'),
    authentication: word('client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'),
    assertionAudience: word('issuer', 'token_endpoint'),
    tokenEndpoint: text,
    destinations: texts,
    timeoutMs: u32,
    cache: record({ maxEntries: u32, maxBytes: u32, skew: u32, maxAge: u32, defaultLifetime: u32 }),
  });
  return settingsOf(options, client as Reader<Client>, (track) => ({
    SigningKey,
    PendingPublicKey: Operation,
    PendingSignature: Operation,
    importSigningKey: (key: PrivateKey) => importSigningKey(key, signers, track),
  }));
}

/** A name of OAuth, in the spelling of the WIT. */
function word(...names: string[]): Reader<string> {
  const read = oneOf(names);
  return (value, field) => read(value, field).replaceAll('_', '-');
}

/** Keys that the component cannot read get a name, which it uses to request signatures. */
function clientKeyReader(signers: Map<string, Signer | KeyPair>): Reader<ClientKey> {
  const keyText = json('a private key: text, a JWK, a key pair or { publicJwk, sign }');
  const source: Reader<ClientKey['key']> = (value, field) => {
    if (!isSigner(value)) return { tag: 'text', val: keyText(value, field) };
    const name = `signer ${signers.size}`;
    signers.set(name, value);
    return { tag: 'named', val: name };
  };
  return (value, field) => {
    if (typeof value === 'string' || isSigner(value)) return { key: source(value, field) } as ClientKey;
    const read = record({ key: source, kid: text, algorithm: text })(value, field);
    if (read.key === undefined) throw new ConfigError(`${field}.key`, `\`${field}\` must have a \`key\`.`);
    return read as unknown as ClientKey;
  };
}

function isSigner(value: unknown): value is Signer | KeyPair {
  if (typeof value !== 'object' || value === null) return false;
  const { privateKey, publicKey, publicJwk, sign } = value as Partial<KeyPair & Signer>;
  return (
    (privateKey !== undefined && publicKey !== undefined) ||
    (typeof sign === 'function' && typeof publicJwk === 'object')
  );
}
