/** What a Worker's environment holds. */
export interface KeycardEnv {
  /** The zone's URL. */
  KEYCARD_ISSUER: string;
  KEYCARD_CLIENT_ID?: string;
  KEYCARD_CLIENT_SECRET?: string;
  /** A private key in PEM. It wins over the secret. */
  KEYCARD_PRIVATE_KEY?: string;
  /** Published beside the key, before it is used. */
  KEYCARD_PRIVATE_KEY_NEXT?: string;
  /** Published beside the key, until its last assertion has ended. */
  KEYCARD_PRIVATE_KEY_RETIRED?: string;
  /** For your own code: nothing here reads it. */
  KEYCARD_RESOURCE_URL?: string;
}
