// Which Durable Object is whose.

import type { UserSpace } from './user-space.ts';

/**
 * The name of a user's object.
 *
 * A subject is unique only within its issuer, so both are in the name; as a JSON array, so that no
 * two pairs can give the same text, whatever characters an issuer puts into `sub`.
 */
export function ownerName(issuer: string, subject: string): string {
  return JSON.stringify([issuer, subject]);
}

/**
 * The one object that belongs to the user of a *verified* token.
 *
 * Throws where the token has no subject: without one there is nobody to keep data for. The gate's
 * defaults require `sub`, so this is reached only when its `requiredClaims` were loosened.
 */
export function spaceOf(
  namespace: DurableObjectNamespace<UserSpace>,
  identity: { issuer: string; subject: string | undefined },
): DurableObjectStub<UserSpace> {
  if (!identity.subject) throw new Error('The access token names no subject');
  return namespace.getByName(ownerName(identity.issuer, identity.subject));
}
