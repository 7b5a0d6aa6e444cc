//! A set of public keys (RFC 7517 section 5).

use std::fmt::{self, Display, Formatter};
use std::rc::Rc;

use super::{Algorithm, JwkError, VerifyingKey, limits};
use crate::json::{Json, JsonError, Object};

/// The usable keys of a JWK Set, in its order. Keys that cannot be used are skipped, never fatal:
/// an issuer may publish keys for others too (RFC 7517 section 5).
#[derive(Debug, Default)]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<Rc<VerifyingKey>>,
    /// What was left out and why.
    pub skipped: Vec<SkippedKey>,
}

/// A key of a set that is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its place in `keys`, from 0.
    pub index: usize,
    /// Why.
    pub reason: JwkError,
}

/// Why a text is not a JWK Set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwkSetError {
    /// Longer than [`limits::KEY_SET_BYTES`].
    TooLarge,
    /// Not a JSON object of the accepted kind.
    Json(JsonError),
    /// There is no array `keys`.
    NoKeys,
}

impl JwkSetError {
    /// A stable name for logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "jwk-set-too-large",
            Self::Json(_) => "jwk-set-json",
            Self::NoKeys => "jwk-set-no-keys",
        }
    }
}

impl Display for JwkSetError {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(out, "is longer than {} bytes", limits::KEY_SET_BYTES),
            Self::Json(error) => error.fmt(out),
            Self::NoKeys => out.write_str("has no array `keys`"),
        }
    }
}

impl std::error::Error for JwkSetError {}

impl JwkSet {
    /// Reads a set. One without any usable key is a set too.
    ///
    /// # Errors
    /// Where the text as a whole is not a set.
    pub fn parse(bytes: &[u8]) -> Result<Self, JwkSetError> {
        if bytes.len() > limits::KEY_SET_BYTES {
            return Err(JwkSetError::TooLarge);
        }
        let set = Object::parse(bytes, limits::KEY_SET_DEPTH).map_err(JwkSetError::Json)?;
        Self::from_json(&set)
    }

    /// [`JwkSet::parse`] of what is parsed already.
    ///
    /// # Errors
    /// [`JwkSetError::NoKeys`].
    pub fn from_json(set: &Object) -> Result<Self, JwkSetError> {
        let keys = set
            .get("keys")
            .and_then(Json::as_array)
            .ok_or(JwkSetError::NoKeys)?;
        let (mut parsed, tables) = (Self::default(), Rc::default());
        for (index, jwk) in keys.iter().enumerate() {
            let key = match jwk.as_object() {
                _ if parsed.keys.len() == limits::KEYS => Err(JwkError::TooMany),
                None => Err(JwkError::NotAnObject),
                Some(jwk) => VerifyingKey::from_jwk_with(jwk, &tables),
            };
            match key {
                Ok(key) => parsed.keys.push(Rc::new(key)),
                Err(reason) => parsed.skipped.push(SkippedKey { index, reason }),
            }
        }
        Ok(parsed)
    }

    /// The keys that a token with this `alg` and `kid` may have been signed with. With a `kid`,
    /// only keys of exactly this `kid`; without one, all that accept the algorithm.
    pub fn candidates<'a>(
        &'a self,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> impl Iterator<Item = &'a Rc<VerifyingKey>> {
        self.keys
            .iter()
            .filter(move |key| (kid.is_none() || key.kid() == kid) && key.accepts(algorithm))
    }
}
