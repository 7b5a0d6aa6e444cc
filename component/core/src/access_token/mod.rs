//! JWT access tokens (RFC 9068), verified as RFC 8725 advises.
//!
//! The order of checks: first those that need no key (form, algorithm, issuer, type, dates,
//! audience), then the key, then the signature. Before the signature is verified, only the reason
//! for a refusal leaves this module.

mod audience;
mod claims;
mod scope;
mod verified_tokens;
mod verify;

pub(crate) use audience::is_path_prefix;
pub use audience::{Audiences, Target};
pub use claims::{Actor, Dates, Identity, Tolerance};
pub use scope::{ScopeHierarchy, is_scope_token};
pub use verified_tokens::{TokenCacheLimits, TokenDigest, Verified, VerifiedTokens};
pub(crate) use verify::NotVerified;
pub use verify::{IssuerPolicy, TypeRule, UnverifiedToken, read};

use crate::jose::JwsError;

/// Why a token is refused. Failures of the issuer or the network are not among these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenError {
    /// Not an acceptable compact JWS.
    Form(JwsError),
    /// The payload is not a JSON object, or has duplicate members.
    Claims,
    /// There is no `iss`, or it is not a configured issuer.
    Issuer,
    /// `alg` is not accepted for this issuer (RFC 8725 section 3.1).
    Algorithm,
    /// `typ` is that of another kind of token (RFC 9068 section 4).
    Type,
    /// A required claim is missing. Its name comes from the configuration.
    MissingClaim(String),
    /// A claim's value does not have the form that its specification requires.
    BadClaim(&'static str),
    /// `exp` has passed.
    Expired,
    /// `nbf` is in the future.
    NotYetValid,
    /// `iat` is in the future.
    IssuedInFuture,
    /// `iat` is longer ago than the configuration allows.
    TooOld,
    /// `aud` does not name this resource.
    Audience,
    /// `cnf` binds the token to a key, so it is not a bearer token (RFC 9449 section 7.2).
    SenderConstrained,
    /// No key of the issuer has this `kid` and algorithm.
    UnknownKey,
    /// The signature was not made with the issuer's keys.
    Signature,
}

impl TokenError {
    /// A stable name for logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Form(error) => error.code(),
            Self::Claims => "token-claims-not-json",
            Self::Issuer => "token-unknown-issuer",
            Self::Algorithm => "token-algorithm-not-allowed",
            Self::Type => "token-wrong-type",
            Self::MissingClaim(_) => "token-missing-claim",
            Self::BadClaim(_) => "token-bad-claim",
            Self::Expired => "token-expired",
            Self::NotYetValid => "token-not-yet-valid",
            Self::IssuedInFuture => "token-issued-in-future",
            Self::TooOld => "token-too-old",
            Self::Audience => "token-wrong-audience",
            Self::SenderConstrained => "token-sender-constrained",
            Self::UnknownKey => "token-unknown-key",
            Self::Signature => "token-bad-signature",
        }
    }

    /// The `error_description`. It contains no part of the token.
    #[must_use]
    pub fn description(&self) -> String {
        match self {
            Self::Form(_) => "The token is malformed, or its form is not accepted".into(),
            Self::Claims => "The token's claims are not a well-formed JSON object".into(),
            Self::Issuer => "The token's issuer is not accepted".into(),
            Self::Algorithm => "The token's signature algorithm is not accepted".into(),
            Self::Type => "The token is not an access token".into(),
            Self::MissingClaim(name) => format!("The token has no {name} claim"),
            Self::BadClaim(name) => format!("The token's {name} claim is malformed"),
            Self::Expired => "The token has expired".into(),
            Self::NotYetValid => "The token is not valid yet".into(),
            Self::IssuedInFuture => "The token's issue time is in the future".into(),
            Self::TooOld => "The token is too old".into(),
            Self::Audience => "The token is meant for another resource".into(),
            Self::SenderConstrained => {
                "The token is bound to a key and cannot be used as a bearer token".into()
            }
            Self::UnknownKey => "The key that signed the token is unknown".into(),
            Self::Signature => "The token's signature is invalid".into(),
        }
    }
}
