//! Checks a token's signature with the keys of its issuer, which are fetched if necessary.

use std::rc::Rc;

use super::{KeySource, Unavailable};
use crate::access_token::{NotVerified, TokenError, UnverifiedToken};
use crate::capability::SignatureError;
use crate::jose::{JwkSet, VerifyingKey};
use crate::task::Scheduler;

/// Why a signature was not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SignatureRefusal {
    /// No key of the issuer made it.
    Refused(TokenError),
    /// The issuer's keys cannot be fetched: nothing is known about the token.
    Unavailable(Unavailable),
    /// The host gave no verdict: nothing is known about the token.
    NoVerdict(SignatureError),
}

impl KeySource {
    /// Checks a signature with `set`, and with newer keys if none of these made it. Returns the key
    /// that did.
    pub(crate) async fn verify(
        &self,
        scheduler: &Scheduler,
        token: &UnverifiedToken<'_>,
        set: &Rc<JwkSet>,
    ) -> Result<Rc<VerifyingKey>, SignatureRefusal> {
        let error = match token.verify(set, scheduler).await {
            Ok(key) => return Ok(key),
            Err(NotVerified::Refused(error)) => error,
            Err(NotVerified::NoVerdict(error)) => return Err(SignatureRefusal::NoVerdict(error)),
        };
        let newer = self.refetch(scheduler, set).await;
        let newer = newer.map_err(|unavailable| without_newer_keys(&error, unavailable))?;
        // Each key checks a signature only once.
        if token.has_same_keys(set, &newer) {
            return Err(SignatureRefusal::Refused(error));
        }
        Ok(token.verify(&newer, scheduler).await?)
    }
}

impl From<NotVerified> for SignatureRefusal {
    fn from(error: NotVerified) -> Self {
        match error {
            NotVerified::Refused(error) => Self::Refused(error),
            NotVerified::NoVerdict(error) => Self::NoVerdict(error),
        }
    }
}

/// The refusal of a token that the known keys did not verify, while newer keys cannot be fetched.
fn without_newer_keys(error: &TokenError, unavailable: Unavailable) -> SignatureRefusal {
    match error {
        // The key is known and the signature is wrong. An issuer could have reused the `kid`, but
        // that is too unlikely to answer every forgery with a 503.
        TokenError::Signature => SignatureRefusal::Refused(TokenError::Signature),
        _ => SignatureRefusal::Unavailable(unavailable),
    }
}
