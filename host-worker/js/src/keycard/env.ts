/** The settings in a Worker's environment. */
export interface KeycardEnv {
  /** The zone's URL. */
  KEYCARD_ISSUER: string;
  KEYCARD_CLIENT_ID?: string;
  KEYCARD_CLIENT_SECRET?: string;
  /** A private key in PEM. It takes precedence over the secret. */
  KEYCARD_PRIVATE_KEY?: string;
  /** The next key, published before it is used. */
  KEYCARD_PRIVATE_KEY_NEXT?: string;
  /** The previous key, published until its last assertion has expired. */
  KEYCARD_PRIVATE_KEY_RETIRED?: string;
  /** For your own code. It is not used here. */
  KEYCARD_RESOURCE_URL?: string;
}
