import { ConfigError, createGate, type ClientOptions, type Gate } from 'tollgate';
import { BadRequestError, errorFor } from './errors.js';
import { NO_ENV } from './gates.js';
import type { KeycardEnv } from './env.js';
import type { ClientSecretAuth, TokenExchangeRequest } from './token-exchange.js';

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** `kid` of a Worker's key if it has only one. */
const KEY_ID = 'worker-key';
/** Signing and publishing keys needs no issuer, but a gate must have one. */
const NOWHERE = 'https://tollgate.invalid';

/**
 * A gate's client that authenticates with this credential's key. `undefined` for any other
 * credential.
 */
export let clientOf: (credential: unknown) => ClientOptions | undefined;

/** Options of a prepared token request. */
export interface PrepareOptions {
  /** The zone's token endpoint: `aud` of an assertion. */
  tokenEndpoint?: string;
  /** `resource_client_id`: the subject of the assertion, in place of the credential's client. */
  authInfo?: Record<string, string>;
}

/** How an application authenticates. */
export interface ApplicationCredential {
  /** For a {@link TokenExchangeClient}; `null` if each request carries its own assertion. */
  getAuth(): ClientSecretAuth | null;
  /** A request that exchanges a user's token for one for `resource`. */
  prepareTokenExchangeRequest(
    subjectToken: string,
    resource: string,
    options?: PrepareOptions,
  ): Promise<TokenExchangeRequest>;
}

/** A client id with its secret, which logs do not show. */
export class WorkersClientSecret implements ApplicationCredential {
  readonly #id: string;
  readonly #secret: string;

  constructor(clientId: string, clientSecret: string) {
    this.#id = clientId;
    this.#secret = clientSecret;
  }

  /** The client id and its secret. */
  getAuth(): ClientSecretAuth {
    return { clientId: this.#id, clientSecret: this.#secret };
  }

  async prepareTokenExchangeRequest(subjectToken: string, resource: string): Promise<TokenExchangeRequest> {
    return { subjectToken, resource, subjectTokenType: ACCESS_TOKEN };
  }
}

/** Options of a {@link WorkersWebIdentity}. */
export interface WebIdentityOptions {
  /** The client id at the zone. Default: the key id. */
  clientId?: string;
  /** Further private keys whose public halves are published: the next one, a retired one. */
  otherKeys?: readonly string[];
}

/** A private key, for client assertions in place of a secret (RFC 7523). */
export class WorkersWebIdentity implements ApplicationCredential {
  readonly #pem: string;
  readonly #keyId: string | null;
  readonly #clientId: string;
  readonly #otherKeys: readonly string[];
  /** The gates that sign, by the client id that they sign for. */
  #signer: { gate: Gate; id: string } | undefined;

  /**
   * @param pem PKCS#8, PKCS#1 or SEC1; line ends real or written as `\n`. Read when first needed.
   * @param keyId `kid`; `null` is the thumbprint (RFC 7638)
   */
  constructor(pem: string, keyId: string | null = KEY_ID, options: WebIdentityOptions = {}) {
    this.#pem = pem;
    this.#keyId = keyId;
    this.#clientId = options.clientId || (keyId ?? KEY_ID);
    this.#otherKeys = options.otherKeys ?? [];
  }

  getAuth(): null {
    return null;
  }

  /** Prepares a request with an assertion for one use. `options.tokenEndpoint` must be given. */
  async prepareTokenExchangeRequest(
    subjectToken: string,
    resource: string,
    options: PrepareOptions = {},
  ): Promise<TokenExchangeRequest> {
    const { tokenEndpoint, authInfo } = options;
    if (!tokenEndpoint) {
      throw new BadRequestError(
        '`tokenEndpoint` is missing, and an assertion is valid for one token endpoint only: pass it, or use IsolateSafeTokenCache, which finds it.',
      );
    }
    const gate = this.#gate(authInfo?.resource_client_id || this.#clientId);
    try {
      const clientAssertion = await gate.clientAssertion(tokenEndpoint, NO_ENV);
      return {
        subjectToken,
        resource,
        subjectTokenType: ACCESS_TOKEN,
        clientAssertion,
        clientAssertionType: JWT_BEARER,
      };
    } catch (error) {
      throw errorFor(error);
    }
  }

  /** The public halves of its keys, as a JWK Set. */
  async getPublicJwks(): Promise<{ keys: Record<string, unknown>[] }> {
    const gate = this.#gate(this.#clientId);
    gate.check(NO_ENV); // throws the error of an invalid key; otherwise the document would just be missing
    const response = await gate.metadata(new Request(`${NOWHERE}/.well-known/jwks.json`), NO_ENV);
    return (await response!.json()) as { keys: Record<string, unknown>[] };
  }

  #gate(id: string): Gate {
    if (this.#signer?.id !== id) {
      const gate = createGate({ issuers: [{ issuer: NOWHERE }], resourceFromRequest: true, client: this.#client(id) });
      this.#signer = { gate, id };
    }
    return this.#signer.gate;
  }

  #client(id: string): ClientOptions {
    const [first, ...others] = [
      { key: this.#pem, kid: this.#keyId ?? undefined },
      ...this.#otherKeys.map((key) => ({ key })),
    ];
    return { id, keys: [first!, ...others], assertionAudience: 'token_endpoint' };
  }

  static {
    clientOf = (credential) =>
      isObject(credential) && #pem in credential ? credential.#client(credential.#clientId) : undefined;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/**
 * The credential in the environment.
 *
 * @throws ConfigError if there is none
 */
export function resolveCredential(env: KeycardEnv): WorkersWebIdentity | WorkersClientSecret {
  const { KEYCARD_CLIENT_ID: id, KEYCARD_CLIENT_SECRET: secret } = env;
  const identity = webIdentity(env);
  if (identity !== undefined) return identity;
  if (id && secret) return new WorkersClientSecret(id, secret);
  throw new ConfigError(
    'KEYCARD_CLIENT_ID',
    'Missing Keycard credentials in env. Set either KEYCARD_PRIVATE_KEY (WebIdentity) or KEYCARD_CLIENT_ID + KEYCARD_CLIENT_SECRET (ClientSecret).',
  );
}

/** The private keys in the environment. If there are several, their ids are their thumbprints. */
export function webIdentity(env: KeycardEnv): WorkersWebIdentity | undefined {
  if (!env.KEYCARD_PRIVATE_KEY) return undefined;
  const otherKeys = [env.KEYCARD_PRIVATE_KEY_NEXT, env.KEYCARD_PRIVATE_KEY_RETIRED].filter(
    (key) => typeof key === 'string' && key !== '',
  ) as string[];
  const keyId = otherKeys.length === 0 ? KEY_ID : null;
  return new WorkersWebIdentity(env.KEYCARD_PRIVATE_KEY, keyId, { clientId: env.KEYCARD_CLIENT_ID, otherKeys });
}
