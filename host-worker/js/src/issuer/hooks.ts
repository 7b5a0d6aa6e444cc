import type { AuditEvent as GlueEvent, HookError, TokenDecision, TokenQuestion } from '#issuer/hooks';
import { Polled } from '../pending.js';
import { TokenRefused, TokenUnavailable } from './errors.js';
import type { IssuerCall } from './component.js';
import type { IssuerOptions } from './types.js';
import { decisionFrom, eventOf, questionOf } from './values.js';

/** A decision of the application: the component's `pending-decision`. */
class PendingDecision extends Polled<TokenDecision, HookError> {
  constructor(work: () => Promise<TokenDecision>) {
    super(work, true, errorOf);
  }
}

/** The component's import `hooks`. `call` is the call that is running. */
export function hookImports({ onToken, onAudit }: Pick<IssuerOptions, 'onToken' | 'onAudit'>, call: () => IssuerCall) {
  return {
    PendingDecision,
    decidesAboutTokens: () => onToken !== undefined,
    decideToken(question: TokenQuestion): PendingDecision {
      const decision = new PendingDecision(async () => {
        // The application's code may call the issuer, which is in the middle of a call.
        await undefined;
        return decisionFrom(await onToken?.(questionOf(question)));
      });
      call().pending.push(decision);
      return decision;
    },
    audit(event: GlueEvent): void {
      if (onAudit === undefined) return;
      const told = Promise.resolve()
        .then(() => onAudit(eventOf(event)))
        .catch((error) => console.error(error));
      call().ctx?.waitUntil(told);
    },
  };
}

function errorOf(error: unknown): HookError {
  if (error instanceof TokenRefused) return 'refused';
  if (error instanceof TokenUnavailable) return 'unavailable';
  console.error(error);
  return 'failed';
}
