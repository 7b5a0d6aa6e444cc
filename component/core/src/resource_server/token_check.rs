//! Checks whether a token gives access: at once if everything is cached, otherwise after a fetch.

use std::rc::Rc;

use super::credentials::check_token68;
use super::decision::{Allowed, Decision, Outcome, Step, respond};
use super::gate::Inner;
use super::metadata::location;
use super::rejection::{ChallengeContext, Rejection};
use super::request_target::RequestTarget;
use crate::access_token::{self, Target, TokenDigest, Verified};
use crate::answer::Answer;
use crate::capability::UnixMillis;
use crate::issuers::SignatureRefusal;
use crate::limits;

/// The requirements for a token, and the context of the response.
pub(super) struct TokenCheck {
    /// All scopes, of gate, route and operation.
    pub(super) required: Vec<String>,
    pub(super) target: Option<RequestTarget>,
    pub(super) origin: Option<String>,
    pub(super) token_start: usize,
}

impl TokenCheck {
    fn target(&self) -> Option<Target<'_>> {
        let target = self.target.as_ref()?;
        Some(Target {
            origin: &target.origin,
            paths: target.readings(),
        })
    }
}

/// A verified token whose scopes are not checked yet.
struct CheckedToken {
    verified: Verified,
    refresh_due: bool,
}

impl Inner {
    /// Decides about a token, at once if everything is cached.
    pub(super) fn check_token(self: &Rc<Self>, token: &str, check: TokenCheck) -> Step {
        if token.len() > limits::AUTHORIZATION_BYTES {
            return respond(self.answer(&Rejection::CredentialsTooLarge, &check));
        }
        let digest = TokenDigest::of(token);
        let now = self.issuers.scheduler.now();
        if let Some(checked) = self.find_verified(digest, &check, now) {
            return Step::Done(self.outcome_of(checked, &check));
        }
        let inner = Rc::clone(self);
        let token = token.to_owned();
        self.run(async move {
            let checked = inner.verify_unseen(&token, digest, &check, now).await;
            inner.outcome_of(checked, &check)
        })
    }

    fn outcome_of(&self, checked: Result<CheckedToken, Rejection>, check: &TokenCheck) -> Outcome {
        match checked {
            Ok(token) => self.check_scopes(token, check),
            Err(rejection) => Outcome {
                decision: Decision::Respond(self.answer(&rejection, check)),
                refresh_due: false,
            },
        }
    }

    /// The result for a token that was verified before, with keys that may still be used.
    fn find_verified(
        &self,
        digest: TokenDigest,
        check: &TokenCheck,
        now: UnixMillis,
    ) -> Option<Result<CheckedToken, Rejection>> {
        let verified = self.tokens.borrow_mut().find(&digest, now)?;
        let keys = self.issuers.sources[verified.issuer].ready(now)?;
        let policy = &self.rules.policies[verified.issuer];
        if let Err(error) = policy.check_request(&verified.identity, now, check.target()) {
            return Some(Err(Rejection::Token(error)));
        }
        self.tokens.borrow_mut().note(&verified);
        Some(Ok(CheckedToken {
            verified,
            refresh_due: keys.refresh_due,
        }))
    }

    async fn verify_unseen(
        &self,
        token: &str,
        digest: TokenDigest,
        check: &TokenCheck,
        started: UnixMillis,
    ) -> Result<CheckedToken, Rejection> {
        // A token without a header is refused for its own form.
        if check.target.is_some() {
            check_token68(token)?;
        }
        let policies = &self.rules.policies;
        let unverified =
            access_token::read(token, &self.headers, policies, started, check.target())
                .map_err(Rejection::Token)?;
        let issuer = unverified.issuer;
        let source = &self.issuers.sources[issuer];
        let (set, refresh_due) = match source.ready(started) {
            Some(keys) => (keys.set, keys.refresh_due),
            None => {
                let set = source.read(&self.issuers.scheduler).await;
                (set.map_err(Rejection::KeysUnavailable)?, false)
            }
        };
        let key = source
            .verify(&self.issuers.scheduler, &unverified, &set)
            .await?;
        let identity = unverified.into_identity(&self.headers);
        let now = self.issuers.scheduler.now();
        if now != started {
            // Time has passed while waiting for the keys or the verdict.
            policies[issuer]
                .check_request(&identity, now, check.target())
                .map_err(Rejection::Token)?;
        }
        let mut tokens = self.tokens.borrow_mut();
        let verified = tokens.insert(digest, identity, issuer, &key, now);
        Ok(CheckedToken {
            verified,
            refresh_due,
        })
    }

    /// The last check, for cached and new tokens: whether the scopes suffice.
    fn check_scopes(&self, token: CheckedToken, check: &TokenCheck) -> Outcome {
        let CheckedToken {
            verified,
            refresh_due,
        } = token;
        let scopes = &verified.identity.scopes;
        let decision = if self.rules.hierarchy.covers(scopes, check.required.iter()) {
            Decision::Allow(Allowed {
                identity: Some(verified.id),
                token_start: check.token_start,
                headers: self.rules.cors.headers(check.origin.as_deref()),
            })
        } else {
            Decision::Respond(self.answer(&Rejection::InsufficientScope, check))
        };
        Outcome {
            decision,
            refresh_due,
        }
    }

    /// The response if this check fails.
    pub(super) fn answer(&self, rejection: &Rejection, check: &TokenCheck) -> Answer {
        let metadata = check.target.as_ref().map(|target| {
            let whole = self.rules.single_resource;
            location(&target.origin, if whole { "/" } else { target.url.path() })
        });
        let mut answer = rejection.to_answer(&ChallengeContext {
            realm: self.rules.realm.as_deref(),
            scopes: &check.required,
            resource_metadata: metadata.as_deref(),
        });
        answer
            .headers
            .extend(self.rules.cors.headers(check.origin.as_deref()));
        answer
    }
}

impl From<SignatureRefusal> for Rejection {
    fn from(error: SignatureRefusal) -> Self {
        match error {
            SignatureRefusal::Refused(error) => Self::Token(error),
            SignatureRefusal::Unavailable(unavailable) => Self::KeysUnavailable(unavailable),
            SignatureRefusal::NoVerdict(error) => Self::NoVerdict(error),
        }
    }
}
