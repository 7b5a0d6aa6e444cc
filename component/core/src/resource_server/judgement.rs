//! The judgement about a token: at once where everything is at hand, else after a fetch.

use std::rc::Rc;

use super::answer::Answer;
use super::credentials::check_token68;
use super::gate::{Allowed, Decision, Inner, Outcome, Place, Step, respond};
use super::metadata::location;
use super::rejection::{ChallengeContext, Rejection};
use crate::access_token::{
    self, Identity, Target, TokenDigest, TokenError, Verified, verify_signature,
};
use crate::jose::{JwkSet, VerifyingKey};
use crate::keys::Unavailable;
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

/// A token that holds.
struct Granted {
    verified: Verified,
    refresh_due: bool,
}

/// Why a token cannot be judged at once.
enum Hurdle {
    Refused(Rejection),
    /// No usable keys; or these keys do not do, and newer ones might.
    NeedsKeys(Option<(Rc<JwkSet>, TokenError)>),
}

impl Inner {
    /// The decision about a token: at once where everything is at hand.
    pub(super) fn judge(self: &Rc<Self>, token: &str, case: Case) -> Step {
        if token.len() > limits::AUTHORIZATION_BYTES {
            return respond(self.answer(&Rejection::CredentialsTooLarge, &case));
        }
        let digest = TokenDigest::of(token);
        match self.judge_now(token, digest, &case) {
            Ok(granted) => Step::Done(self.decide(granted, &case)),
            Err(Hurdle::Refused(rejection)) => respond(self.answer(&rejection, &case)),
            Err(Hurdle::NeedsKeys(seen)) => {
                let inner = Rc::clone(self);
                let token = token.to_owned();
                self.run(async move {
                    let judged = inner.judge_with_fetched_keys(&token, digest, &case, seen);
                    match judged.await {
                        Ok(granted) => inner.decide(granted, &case),
                        Err(rejection) => Outcome {
                            decision: Decision::Respond(inner.answer(&rejection, &case)),
                            refresh_due: false,
                        },
                    }
                })
            }
        }
    }

    fn judge_now(&self, token: &str, digest: TokenDigest, case: &Case) -> Result<Granted, Hurdle> {
        let refused = |error| Hurdle::Refused(Rejection::Token(error));
        let now = self.scheduler.now();
        let found = self.tokens.borrow_mut().find(&digest, now);
        if let Some(verified) = found
            && let Some(keys) = self.compiled.sources[verified.issuer].ready(now)
        {
            let policy = &self.compiled.policies[verified.issuer];
            policy
                .check_request(&verified.identity, now, case.target())
                .map_err(refused)?;
            self.tokens.borrow_mut().note(&verified);
            return Ok(Granted {
                verified,
                refresh_due: keys.refresh_due,
            });
        }
        // A bare token is no header: it is refused for its form.
        if case.place.is_some() {
            check_token68(token).map_err(Hurdle::Refused)?;
        }
        let policies = &self.compiled.policies;
        let unsigned = access_token::read(token, policies, now, case.target()).map_err(refused)?;
        let issuer = unsigned.issuer;
        let Some(keys) = self.compiled.sources[issuer].ready(now) else {
            return Err(Hurdle::NeedsKeys(None));
        };
        match verify_signature(unsigned, &keys.set) {
            Ok((identity, key)) => {
                let mut tokens = self.tokens.borrow_mut();
                let verified = tokens.insert(digest, identity, issuer, &key, now);
                Ok(Granted {
                    verified,
                    refresh_due: keys.refresh_due,
                })
            }
            Err(error) => {
                let source = &self.compiled.sources[issuer];
                Err(match source.news_at_once(now, &keys.set) {
                    Some(Ok(news)) if Rc::ptr_eq(&news, &keys.set) => refused(error),
                    Some(Err(unavailable)) => Hurdle::Refused(without_news(error, unavailable)),
                    _ => Hurdle::NeedsKeys(Some((keys.set, error))),
                })
            }
        }
    }

    async fn judge_with_fetched_keys(
        &self,
        token: &str,
        digest: TokenDigest,
        case: &Case,
        seen: Option<(Rc<JwkSet>, TokenError)>,
    ) -> Result<Granted, Rejection> {
        // Read again: the first reading borrowed from a request that is gone by now, and time may
        // have passed.
        let read = || {
            let now = self.scheduler.now();
            access_token::read(token, &self.compiled.policies, now, case.target())
                .map_err(Rejection::Token)
        };
        let issuer = read()?.issuer;
        let source = &self.compiled.sources[issuer];
        let (set, error) = match seen {
            Some(seen) => seen,
            None => {
                let set = source
                    .read(&self.scheduler)
                    .await
                    .map_err(Rejection::KeysUnavailable)?;
                match verify_signature(read()?, &set) {
                    Ok(found) => return Ok(self.keep(digest, found, issuer)),
                    Err(error) => (set, error),
                }
            }
        };
        match (source.read_news(&self.scheduler, &set).await, error) {
            (Ok(news), error) if Rc::ptr_eq(&news, &set) => Err(Rejection::Token(error)),
            (Ok(news), error) => {
                let token = read()?;
                // A signature is checked once by each key.
                if token.has_same_keys(&set, &news) {
                    return Err(Rejection::Token(error));
                }
                match verify_signature(token, &news) {
                    Ok(found) => Ok(self.keep(digest, found, issuer)),
                    Err(error) => Err(Rejection::Token(error)),
                }
            }
            (Err(unavailable), error) => Err(without_news(error, unavailable)),
        }
    }

    fn keep(
        &self,
        digest: TokenDigest,
        (identity, key): (Identity, Rc<VerifyingKey>),
        issuer: usize,
    ) -> Granted {
        let now = self.scheduler.now();
        let verified = self
            .tokens
            .borrow_mut()
            .insert(digest, identity, issuer, &key, now);
        Granted {
            verified,
            refresh_due: false,
        }
    }

    /// The last question, asked of cached and of new tokens alike: is it enough?
    fn decide(&self, granted: Granted, case: &Case) -> Outcome {
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

/// The refusal of a token that the known keys do not verify, while newer ones are not to be had.
fn without_news(error: TokenError, unavailable: Unavailable) -> Rejection {
    match error {
        // The key is known and the signature is wrong: that an issuer would reuse a `kid` just
        // while it cannot be reached is not worth a 503 for every forgery.
        TokenError::Signature => Rejection::Token(error),
        _ => Rejection::KeysUnavailable(unavailable),
    }
}
