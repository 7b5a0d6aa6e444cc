//! Verifies a token (RFC 9068 section 4, RFC 8725 section 3).

use std::rc::Rc;

use super::TokenError;
use super::audience::{Audiences, Target};
use super::claims::{Identity, Tolerance};
use crate::capability::{SignatureError, UnixMillis};
use crate::jose::{Algorithm, CompactJws, JwkSet, KnownHeaders, VerificationError, VerifyingKey};
use crate::json::{Json, Object};
use crate::limits;
use crate::task::Scheduler;

/// The accepted `typ` values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeRule {
    /// One of these, in lower case and without `application/`; `typ` must be present.
    OneOf(Vec<String>),
    /// One of these, as above, or none: of ID tokens, which need no `typ` (OpenID Connect Core
    /// section 2).
    OneOfOrNone(Vec<String>),
    /// Any value or none. Only the audience then distinguishes an access token from an ID token.
    Any,
}

/// The rules for tokens of one issuer.
#[derive(Debug, Clone)]
pub struct IssuerPolicy {
    /// The exact `iss`.
    pub issuer: String,
    /// Accepted `aud`.
    pub audiences: Audiences,
    /// Accepted `alg`.
    pub algorithms: Vec<Algorithm>,
    /// Accepted `typ`.
    pub types: TypeRule,
    /// Claims that must be present besides `iss`, `exp` and `aud`.
    pub required_claims: Vec<String>,
    /// The tolerated clock difference.
    pub tolerance: Tolerance,
    /// The maximum age since `iat`, in seconds.
    pub max_age: Option<u32>,
}

impl IssuerPolicy {
    /// Checks the properties whose result may change between two requests with the same token.
    ///
    /// # Errors
    /// The dates or the audience are refused.
    pub fn check_request(
        &self,
        identity: &Identity,
        now: UnixMillis,
        target: Option<Target<'_>>,
    ) -> Result<(), TokenError> {
        identity.dates.check(now, self.tolerance, self.max_age)?;
        if !self.audiences.accept(&identity.audience, target) {
            return Err(TokenError::Audience);
        }
        Ok(())
    }

    fn check_type(&self, typ: Option<&str>) -> Result<(), TokenError> {
        let accepted = match (&self.types, typ) {
            (TypeRule::Any, _) | (TypeRule::OneOfOrNone(_), None) => return Ok(()),
            (TypeRule::OneOf(accepted) | TypeRule::OneOfOrNone(accepted), _) => accepted,
        };
        // RFC 7515 section 4.1.9: media types are compared without case, and `application/` may be
        // omitted.
        let typ = typ.unwrap_or_default().to_ascii_lowercase();
        let typ = typ.strip_prefix("application/").unwrap_or(&typ);
        if accepted.iter().any(|accepted| accepted == typ) {
            Ok(())
        } else {
            Err(TokenError::Type)
        }
    }

    fn check_presence(&self, claims: &Object<'_>) -> Result<(), TokenError> {
        let absent = |name: &&String| matches!(claims.get(name), None | Some(Json::Null));
        match self.required_claims.iter().find(absent) {
            Some(name) => Err(TokenError::MissingClaim(name.clone())),
            None => Ok(()),
        }
    }
}

/// A token of which everything except the signature was checked. Its identity is not available
/// before the signature is verified.
#[derive(Debug)]
pub struct UnverifiedToken<'a> {
    jws: CompactJws<'a>,
    identity: Identity,
    /// The index of its issuer in the list of policies.
    pub issuer: usize,
}

/// Parses a token, and makes all checks that need no key, cheapest first.
///
/// # Errors
/// The first rule that the token breaks.
pub fn read<'a>(
    token: &'a str,
    known: &KnownHeaders,
    policies: &[IssuerPolicy],
    now: UnixMillis,
    target: Option<Target<'_>>,
) -> Result<UnverifiedToken<'a>, TokenError> {
    let mut jws = CompactJws::parse_with(token, known).map_err(TokenError::Form)?;
    let text = String::from_utf8(jws.take_payload()).map_err(|_| TokenError::Claims)?;
    let claims = Object::parse_text(&text, limits::JSON_DEPTH);
    let claims = claims.map_err(|_| TokenError::Claims)?;
    let iss = claims
        .get("iss")
        .and_then(Json::as_str)
        .ok_or(TokenError::Issuer)?;
    let issuer = policies.iter().position(|policy| policy.issuer == iss);
    let issuer = issuer.ok_or(TokenError::Issuer)?;
    let policy = &policies[issuer];
    if !policy.algorithms.contains(&jws.header().algorithm) {
        return Err(TokenError::Algorithm);
    }
    policy.check_type(jws.header().typ.as_deref())?;
    policy.check_presence(&claims)?;
    if let Some(cnf) = claims.get("cnf") {
        return Err(confirmation_error(cnf));
    }
    let mut identity = Identity::read(iss, &claims)?;
    identity.claims = text;
    policy.check_request(&identity, now, target)?;
    Ok(UnverifiedToken {
        jws,
        identity,
        issuer,
    })
}

/// Why a token with `cnf` is refused: proof of possession is not checked here, so a token that is
/// bound to a key must not be accepted as a bearer token (RFC 9449 section 7.2, RFC 8705 section
/// 3). An empty `cnf`, or one that is not an object, is malformed (RFC 7800 section 3.1).
fn confirmation_error(cnf: &Json<'_>) -> TokenError {
    match cnf {
        Json::Object(members) if !members.is_empty() => TokenError::SenderConstrained,
        _ => TokenError::BadClaim("cnf"),
    }
}

/// Why a key set did not verify a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotVerified {
    /// [`TokenError::UnknownKey`] or [`TokenError::Signature`]. Newer keys may verify the token.
    Refused(TokenError),
    /// The host gave no verdict, so nothing is known about the token.
    NoVerdict(SignatureError),
}

impl UnverifiedToken<'_> {
    /// Whether two key sets have the same candidate keys for this token, so that a signature which
    /// the first set refused need not be checked with the second.
    #[must_use]
    pub fn has_same_keys(&self, one: &JwkSet, other: &JwkSet) -> bool {
        let header = self.jws.header();
        let keys = |set: &JwkSet| -> Vec<*const VerifyingKey> {
            let found = set.candidates(header.algorithm, header.kid.as_deref());
            found.take(limits::KEYS_TRIED).map(Rc::as_ptr).collect()
        };
        keys(one) == keys(other)
    }

    /// Checks the signature with the keys that fit, at most [`limits::KEYS_TRIED`]. Returns the key
    /// that made it.
    pub(crate) async fn verify(
        &self,
        keys: &JwkSet,
        scheduler: &Scheduler,
    ) -> Result<Rc<VerifyingKey>, NotVerified> {
        let header = self.jws.header();
        let mut error = NotVerified::Refused(TokenError::UnknownKey);
        let candidates = keys.candidates(header.algorithm, header.kid.as_deref());
        for key in candidates.take(limits::KEYS_TRIED) {
            let message = self.jws.signing_input();
            let signature = self.jws.signature();
            let checked = key.verify(scheduler, header.algorithm, message, signature);
            error = match checked.await {
                Ok(()) => return Ok(Rc::clone(key)),
                // The key is skipped, as if the issuer had not published it.
                Err(VerificationError::NoVerdict(SignatureError::KeyRefused)) => error,
                Err(VerificationError::NoVerdict(error)) => NotVerified::NoVerdict(error),
                // The key without a verdict might be the right one.
                Err(_) if matches!(error, NotVerified::NoVerdict(_)) => error,
                Err(_) => NotVerified::Refused(TokenError::Signature),
            };
        }
        Err(error)
    }

    /// The identity, once the token is verified. Its header is known from then on.
    pub(crate) fn into_identity(self, known: &KnownHeaders) -> Identity {
        self.jws.keep_header(known);
        self.identity
    }
}
