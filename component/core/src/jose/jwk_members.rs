//! The members of a JWK (RFC 7517 section 4), of public and of private keys, and why a JWK cannot be
//! used.

use std::fmt::{self, Display, Formatter};

use super::{base64url, limits};
use crate::json::{Json, Object};

/// Why a JWK cannot be used. It contains no part of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwkError {
    /// Not a JSON object.
    NotAnObject,
    /// A member is missing.
    MissingMember(&'static str),
    /// A member has the wrong type, is too long, or has a value that its specification does not
    /// allow.
    BadMember(&'static str),
    /// The key type is not `RSA`, `EC` or `OKP`.
    UnsupportedType,
    /// The curve is not P-256, P-384, P-521 or Ed25519.
    UnsupportedCurve,
    /// A shared secret.
    Symmetric,
    /// The key has its private part, which is public if it is in a key set.
    PrivateKey,
    /// `use` or `key_ops` says that the key is not for verifying signatures.
    NotForVerifying,
    /// `alg` does not fit the key, or is not one of [`super::Algorithm::ALL`].
    Algorithm,
    /// The RSA modulus is too small or too large ([`limits::RSA_BITS`]).
    KeySize,
    /// The coordinates are not in the field. The host checks whether they satisfy the curve's
    /// equation.
    NotOnCurve,
    /// A key for which signatures can be forged: an RSA key with an even modulus, an exponent that
    /// is 1 or even, or a modulus that can be factored (CVE-2017-15361); a point of small order.
    WeakKey,
    /// The set has more than [`limits::KEYS`] keys.
    TooMany,
}

impl JwkError {
    /// A stable name for logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotAnObject => "jwk-not-an-object",
            Self::MissingMember(_) => "jwk-missing-member",
            Self::BadMember(_) => "jwk-bad-member",
            Self::UnsupportedType => "jwk-unsupported-type",
            Self::UnsupportedCurve => "jwk-unsupported-curve",
            Self::Symmetric => "jwk-symmetric",
            Self::PrivateKey => "jwk-private-key",
            Self::NotForVerifying => "jwk-not-for-verifying",
            Self::Algorithm => "jwk-algorithm",
            Self::KeySize => "jwk-key-size",
            Self::NotOnCurve => "jwk-not-on-curve",
            Self::WeakKey => "jwk-weak-key",
            Self::TooMany => "jwk-too-many",
        }
    }
}

impl JwkError {
    /// Whether the key's publisher must correct it. Other keys are for other purposes, or newer
    /// than this version.
    #[must_use]
    pub const fn is_fault(self) -> bool {
        !matches!(
            self,
            Self::UnsupportedType
                | Self::UnsupportedCurve
                | Self::NotForVerifying
                | Self::Algorithm
        )
    }
}

impl Display for JwkError {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => out.write_str("is not a JSON object"),
            Self::MissingMember(name) => write!(out, "has no {name}"),
            Self::BadMember(name) => write!(out, "has a bad {name}"),
            Self::UnsupportedType => out.write_str("is of a type that is not supported"),
            Self::UnsupportedCurve => out.write_str("is on a curve that is not supported"),
            Self::Symmetric => out.write_str("is a shared secret"),
            Self::PrivateKey => out.write_str("is private"),
            Self::NotForVerifying => out.write_str("is not for verifying signatures"),
            Self::Algorithm => out.write_str("has an alg that it does not fit"),
            Self::KeySize => write!(
                out,
                "does not have {} to {} bits",
                limits::RSA_BITS.start(),
                limits::RSA_BITS.end()
            ),
            Self::NotOnCurve => out.write_str("is not a point on its curve"),
            Self::WeakKey => out.write_str("is weak: signatures can be forged for it"),
            Self::TooMany => write!(out, "comes after {} others", limits::KEYS),
        }
    }
}

impl std::error::Error for JwkError {}

/// A required member, as text.
pub(super) fn text<'a>(jwk: &'a Object<'_>, name: &'static str) -> Result<&'a str, JwkError> {
    let value = jwk.get(name).ok_or(JwkError::MissingMember(name))?;
    value.as_str().ok_or(JwkError::BadMember(name))
}

/// A required member in base64url. The longest is a modulus of [`limits::RSA_BITS`] with a few
/// leading zeros.
pub(super) fn bytes(jwk: &Object<'_>, name: &'static str) -> Result<Vec<u8>, JwkError> {
    let text = text(jwk, name)?;
    if text.len() > limits::RSA_BITS.end() / 6 + 15 {
        return Err(JwkError::BadMember(name));
    }
    base64url::decode(text).ok_or(JwkError::BadMember(name))
}

/// Reads a whole number (RFC 7518 section 2, "Base64urlUInt"), without its leading zeros. There
/// should be none, but some issuers' libraries write the sign byte of DER. The number is the same,
/// and its thumbprint and export have no leading zeros.
pub(super) fn whole_number(jwk: &Object<'_>, name: &'static str) -> Result<Vec<u8>, JwkError> {
    let mut bytes = bytes(jwk, name)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    Ok(bytes)
}

/// RFC 7517 sections 4.2 and 4.3: the key is for signatures, and for this operation.
///
/// # Errors
/// [`JwkError::NotForVerifying`], whatever the operation is, or a malformed member.
pub(super) fn check_use(jwk: &Object<'_>, operation: &str) -> Result<(), JwkError> {
    match jwk.get("use") {
        None => {}
        Some(Json::String(value)) if value == "sig" => {}
        Some(Json::String(_)) => return Err(JwkError::NotForVerifying),
        Some(_) => return Err(JwkError::BadMember("use")),
    }
    let Some(operations) = jwk.get("key_ops") else {
        return Ok(());
    };
    let bad = JwkError::BadMember("key_ops");
    let operations = operations.as_array().ok_or(bad)?;
    if operations.len() > limits::KEY_OPERATIONS {
        return Err(bad);
    }
    for (i, own) in operations.iter().enumerate() {
        if own.as_str().is_none() || operations[..i].contains(own) {
            return Err(bad);
        }
    }
    if operations.iter().any(|own| own.as_str() == Some(operation)) {
        Ok(())
    } else {
        Err(JwkError::NotForVerifying)
    }
}
