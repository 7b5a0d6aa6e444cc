//! JWT access tokens (RFC 9068) under the advice of RFC 8725.
//!
//! Order of work: what needs no key first (form, algorithm, issuer, type, dates, audience), then
//! the key, then the signature. Nothing that is learnt before the signature holds leaves this
//! module but the reason for a refusal.

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

/// Why a token is refused. Every case is the token's fault, none the issuer's or the network's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenError {
    /// Not a compact JWS that may be verified at all.
    Form(JwsError),
    /// The payload is not a JSON object, or has members twice.
    Claims,
    /// No `iss`, or one that no configured issuer has.
    Issuer,
    /// `alg` is not one that this issuer may use (RFC 8725 section 3.1).
    Algorithm,
    /// `typ` says that it is another kind of token (RFC 9068 section 4).
    Type,
    /// A claim that must be present is not. The name comes from the configuration.
    MissingClaim(String),
    /// A claim has a value of another kind than its specification says.
    BadClaim(&'static str),
    /// `exp` has passed.
    Expired,
    /// `nbf` has not come.
    NotYetValid,
    /// `iat` has not come.
    IssuedInFuture,
    /// `iat` is further back than the configuration allows.
    TooOld,
    /// `aud` does not name this resource.
    Audience,
    /// `cnf` binds the token to a key that a bearer does not prove (RFC 9449 section 7.2).
    SenderConstrained,
    /// No key of the issuer has this `kid` and algorithm.
    UnknownKey,
    /// The signature is not one by the issuer's keys.
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

    /// `error_description`: nothing of the token stands in it.
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
