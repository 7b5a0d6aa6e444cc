// Maps users to Durable Objects.

import type { UserSpace } from './user-space.ts';

/**
 * The name of a user's object.
 *
 * A subject is unique only within its issuer, so both are in the name. It is a JSON array, so that
 * no two pairs give the same text, whatever characters `sub` contains.
 */
export function ownerName(issuer: string, subject: string): string {
  return JSON.stringify([issuer, subject]);
}

/**
 * The object of the user of a *verified* token.
 *
 * Throws if the token has no subject. The gate's defaults require `sub`, so this happens only if
 * its `requiredClaims` were changed.
 */
export function spaceOf(
  namespace: DurableObjectNamespace<UserSpace>,
  identity: { issuer: string; subject: string | undefined },
): DurableObjectStub<UserSpace> {
  if (!identity.subject) throw new Error('The access token names no subject');
  return namespace.getByName(ownerName(identity.issuer, identity.subject));
}
