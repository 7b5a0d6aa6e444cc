import type { Actor, Identity } from 'tollgate';

/** The identity in a verified token. Logs and JSON leave the token out. */
export interface AuthInfo {
  /** The raw token, for a token exchange. */
  token: string;
  /** `client_id`. */
  clientId: string;
  /** `scope`, split. */
  scopes: string[];
  /** `exp`, in seconds since 1970. */
  expiresAt?: number;
  /** `aud`, if it is a single URL. */
  resource?: URL;
  /** `sub`. Always present if the token was verified here. */
  subject?: string;
  /** `iss`. */
  issuer?: string;
  /**
   * The delegation chain of `act`: the current actor, then prior actors. Only the first may count
   * in a decision.
   */
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

/** Hides members from `console.log` and `JSON.stringify`, but not from copies (`{ ...value }`). */
export function withoutSecrets<T extends object>(value: T, ...names: (keyof T)[]): T {
  const shown = (): Partial<T> =>
    Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name as keyof T))) as Partial<T>;
  Object.defineProperty(value, 'toJSON', { value: shown });
  Object.defineProperty(value, Symbol.for('nodejs.util.inspect.custom'), { value: shown });
  return value;
}
