import type { Actor, Identity } from 'tollgate';

/** The identity in a verified token. Logs and JSON leave the token out. */
export interface AuthInfo {
  /** The raw token, for exchange. */
  token: string;
  /** `client_id`. */
  clientId: string;
  /** `scope`, split. */
  scopes: string[];
  /** `exp`, in seconds since 1970. */
  expiresAt?: number;
  /** `aud`, where it is one URL. */
  resource?: URL;
  /** `sub`. Always there when the token was verified here. */
  subject?: string;
  /** `iss`. */
  issuer?: string;
  /** The delegation chain of `act`: who acts now comes first. Only the first may count. */
  actors?: readonly Actor[];
}

export function authInfoOf(identity: Identity): AuthInfo {
  const { token, clientId = '', scopes, expiresAt, audience, subject, issuer, actors } = identity;
  const resource = audience.length === 1 ? urlOf(audience[0]!) : undefined;
  const info: AuthInfo = { token, clientId, scopes: [...scopes], expiresAt, subject, issuer, actors };
  if (resource !== undefined) info.resource = resource;
  return withoutSecrets(info, 'token');
}

function urlOf(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/** Keeps members out of `console.log` and `JSON.stringify`, not out of copies (`{ ...value }`). */
export function withoutSecrets<T extends object>(value: T, ...names: (keyof T)[]): T {
  const shown = (): Partial<T> =>
    Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name as keyof T))) as Partial<T>;
  Object.defineProperty(value, 'toJSON', { value: shown });
  Object.defineProperty(value, Symbol.for('nodejs.util.inspect.custom'), { value: shown });
  return value;
}
