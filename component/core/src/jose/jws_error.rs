//! Why a text is not an acceptable token.

use std::fmt::{self, Display, Formatter};

use super::limits;
use crate::json::JsonError;

/// Why a text is not an acceptable compact JWS. It contains no part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwsError {
    /// Longer than [`limits::TOKEN_BYTES`].
    TooLarge,
    /// Not three parts.
    NotThreeParts,
    /// Five parts: encrypted (RFC 7516).
    Encrypted,
    /// A part is not strict base64url.
    Base64,
    /// The header is not an acceptable JSON object.
    Header(JsonError),
    /// No `alg`.
    MissingAlgorithm,
    /// `alg` is not one of [`Algorithm::ALL`](super::Algorithm::ALL).
    UnsupportedAlgorithm,
    /// There is a `crit`. No extension is supported, and an empty list is not allowed (RFC 7515
    /// section 4.1.11).
    Critical,
    /// `b64` is not `true`: the payload is not encoded (RFC 7797, forbidden for JWTs by its
    /// section 7).
    UnencodedPayload,
    /// A header parameter is of the wrong type or too long.
    BadParameter(&'static str),
    /// The signature does not have a length of this algorithm.
    SignatureLength,
}

impl JwsError {
    /// A stable name for logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "jws-too-large",
            Self::NotThreeParts => "jws-not-three-parts",
            Self::Encrypted => "jws-encrypted",
            Self::Base64 => "jws-base64",
            Self::Header(_) => "jws-header",
            Self::MissingAlgorithm => "jws-missing-algorithm",
            Self::UnsupportedAlgorithm => "jws-unsupported-algorithm",
            Self::Critical => "jws-critical",
            Self::UnencodedPayload => "jws-unencoded-payload",
            Self::BadParameter(_) => "jws-bad-parameter",
            Self::SignatureLength => "jws-signature-length",
        }
    }
}

impl Display for JwsError {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(out, "is longer than {} bytes", limits::TOKEN_BYTES),
            Self::NotThreeParts => out.write_str("does not have three parts"),
            Self::Encrypted => out.write_str("is encrypted"),
            Self::Base64 => out.write_str("is not base64url without padding"),
            Self::Header(error) => write!(out, "has a header that {error}"),
            Self::MissingAlgorithm => out.write_str("has no algorithm"),
            Self::UnsupportedAlgorithm => out.write_str("has an algorithm that is not supported"),
            Self::Critical => out.write_str("has a critical extension"),
            Self::UnencodedPayload => out.write_str("has a payload that is not encoded"),
            Self::BadParameter(name) => write!(out, "has a bad {name} in its header"),
            Self::SignatureLength => out.write_str("has a signature of a wrong length"),
        }
    }
}

impl std::error::Error for JwsError {}
