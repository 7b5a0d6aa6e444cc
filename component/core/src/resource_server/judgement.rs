//! The judgement about a token: at once where everything is at hand, else after a fetch.

use std::rc::Rc;

use super::answer::Answer;
use super::credentials::check_token68;
use super::gate::{Allowed, Decision, Inner, Outcome, Place, Step, respond};
use super::metadata::location;
use super::rejection::{ChallengeContext, Rejection};
use crate::access_token::{self, NotVerified, Target, TokenDigest, TokenError, Verified};
use crate::jose::JwkSet;
use crate::keys::{KeySource, Unavailable};
use crate::limits;

/// One judgement: what is needed, and what an answer must know.
pub(super) struct Case {
    /// All scopes, of gate, route and operation.
    pub(super) required: Vec<String>,
    pub(super) place: Option<Place>,
    pub(super) origin: Option<String>,
    pub(super) token_start: usize,
}

impl Case {
    fn target(&self) -> Option<Target<'_>> {
        let place = self.place.as_ref()?;
        Some(Target {
            origin: &place.origin,
            paths: place.readings(),
        })
    }
}

/// A token that is verified.
struct Granted {
    verified: Verified,
    refresh_due: bool,
}

impl Inner {
    /// The decision about a token: at once where everything is at hand.
    pub(super) fn judge(self: &Rc<Self>, token: &str, case: Case) -> Step {
        if token.len() > limits::AUTHORIZATION_BYTES {
            return respond(self.answer(&Rejection::CredentialsTooLarge, &case));
        }
        let digest = TokenDigest::of(token);
        if let Some(judged) = self.find_verified(digest, &case) {
            return Step::Done(self.conclude(judged, &case));
        }
        let inner = Rc::clone(self);
        let token = token.to_owned();
        self.run(async move {
            let judged = inner.judge_unseen(&token, digest, &case).await;
            inner.conclude(judged, &case)
        })
    }

    fn conclude(&self, judged: Result<Granted, Rejection>, case: &Case) -> Outcome {
        match judged {
            Ok(granted) => self.check_scopes(granted, case),
            Err(rejection) => Outcome {
                decision: Decision::Respond(self.answer(&rejection, case)),
                refresh_due: false,
            },
        }
    }

    /// The judgement about a token that was verified before, by keys that still serve.
    fn find_verified(
        &self,
        digest: TokenDigest,
        case: &Case,
    ) -> Option<Result<Granted, Rejection>> {
        let now = self.scheduler.now();
        let verified = self.tokens.borrow_mut().find(&digest, now)?;
        let keys = self.compiled.sources[verified.issuer].ready(now)?;
        let policy = &self.compiled.policies[verified.issuer];
        if let Err(error) = policy.check_request(&verified.identity, now, case.target()) {
            return Some(Err(Rejection::Token(error)));
        }
        self.tokens.borrow_mut().note(&verified);
        Some(Ok(Granted {
            verified,
            refresh_due: keys.refresh_due,
        }))
    }

    async fn judge_unseen(
        &self,
        token: &str,
        digest: TokenDigest,
        case: &Case,
    ) -> Result<Granted, Rejection> {
        // A bare token is no header: it is refused for its form.
        if case.place.is_some() {
            check_token68(token)?;
        }
        let started = self.scheduler.now();
        let policies = &self.compiled.policies;
        let unverified = access_token::read(token, policies, started, case.target())
            .map_err(Rejection::Token)?;
        let issuer = unverified.issuer;
        let source = &self.compiled.sources[issuer];
        let (set, refresh_due) = match source.ready(started) {
            Some(keys) => (keys.set, keys.refresh_due),
            None => {
                let set = source.read(&self.scheduler).await;
                (set.map_err(Rejection::KeysUnavailable)?, false)
            }
        };
        let key = match unverified.verify(&set, &self.scheduler).await {
            Ok(key) => key,
            Err(NotVerified::Refused(error)) => {
                let newer = self.newer_keys(source, &set, &error).await?;
                // A signature is checked once by each key.
                if unverified.has_same_keys(&set, &newer) {
                    return Err(Rejection::Token(error));
                }
                unverified.verify(&newer, &self.scheduler).await?
            }
            Err(no_verdict) => return Err(no_verdict.into()),
        };
        let identity = unverified.into_identity();
        let now = self.scheduler.now();
        if now != started {
            // Time has passed while the keys or the verdict were awaited.
            policies[issuer]
                .check_request(&identity, now, case.target())
                .map_err(Rejection::Token)?;
        }
        let mut tokens = self.tokens.borrow_mut();
        let verified = tokens.insert(digest, identity, issuer, &key, now);
        Ok(Granted {
            verified,
            refresh_due,
        })
    }

    /// Keys that are newer than those by which a token was refused, if there are any.
    async fn newer_keys(
        &self,
        source: &KeySource,
        seen: &Rc<JwkSet>,
        error: &TokenError,
    ) -> Result<Rc<JwkSet>, Rejection> {
        let newer = source.refetch(&self.scheduler, seen).await;
        newer.map_err(|unavailable| without_newer_keys(error, unavailable))
    }

    /// The last question, asked of cached and of new tokens alike: is it enough?
    fn check_scopes(&self, granted: Granted, case: &Case) -> Outcome {
        let Granted {
            verified,
            refresh_due,
        } = granted;
        let scopes = &verified.identity.scopes;
        let decision = if self.compiled.hierarchy.covers(scopes, case.required.iter()) {
            Decision::Allow(Allowed {
                identity: Some(verified.id),
                token_start: case.token_start,
                headers: self.compiled.cors.headers(case.origin.as_deref()),
            })
        } else {
            Decision::Respond(self.answer(&Rejection::InsufficientScope, case))
        };
        Outcome {
            decision,
            refresh_due,
        }
    }

    /// The answer to a refusal of this case.
    pub(super) fn answer(&self, rejection: &Rejection, case: &Case) -> Answer {
        let metadata = case.place.as_ref().map(|place| {
            let whole = self.compiled.single_resource;
            location(&place.origin, if whole { "/" } else { place.url.path() })
        });
        let mut answer = rejection.to_answer(&ChallengeContext {
            realm: self.compiled.realm.as_deref(),
            scopes: &case.required,
            resource_metadata: metadata.as_deref(),
        });
        answer
            .headers
            .extend(self.compiled.cors.headers(case.origin.as_deref()));
        answer
    }
}

impl From<NotVerified> for Rejection {
    fn from(error: NotVerified) -> Self {
        match error {
            NotVerified::Refused(error) => Self::Token(error),
            NotVerified::NoVerdict(error) => Self::NoVerdict(error),
        }
    }
}

/// The refusal of a token that the known keys do not verify, while newer keys cannot be fetched.
fn without_newer_keys(error: &TokenError, unavailable: Unavailable) -> Rejection {
    match error {
        // The key is known and the signature is wrong: that an issuer would reuse a `kid` just
        // while it cannot be reached is not worth a 503 for every forgery.
        TokenError::Signature => Rejection::Token(TokenError::Signature),
        _ => Rejection::KeysUnavailable(unavailable),
    }
}
