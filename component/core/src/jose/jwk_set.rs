//! A set of public keys (RFC 7517 section 5).

use std::fmt::{self, Display, Formatter};
use std::rc::Rc;

use super::{Algorithm, JwkError, VerifyingKey, limits};
use crate::json::{Json, JsonError, Object};

/// The usable keys of a JWK Set, in its order. Keys that cannot be used are skipped, and are never
/// an error: an issuer may publish other keys too (RFC 7517 section 5).
#[derive(Debug, Default)]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<Rc<VerifyingKey>>,
    /// The first skipped keys, with the reasons: at most [`limits::KEYS`].
    pub skipped: Vec<SkippedKey>,
}

/// A key of a set that is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its index in `keys`.
    pub index: usize,
    /// Why.
    pub reason: JwkError,
}

/// Why a text is not a JWK Set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwkSetError {
    /// Longer than [`limits::KEY_SET_BYTES`].
    TooLarge,
    /// Not an acceptable JSON object.
    Json(JsonError),
    /// There is no `keys` array.
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
    /// Reads a set. A set without a usable key is not an error.
    ///
    /// # Errors
    /// The text is not a set.
    pub fn parse(bytes: &[u8]) -> Result<Self, JwkSetError> {
        if bytes.len() > limits::KEY_SET_BYTES {
            return Err(JwkSetError::TooLarge);
        }
        let set = Object::parse(bytes, limits::KEY_SET_DEPTH).map_err(JwkSetError::Json)?;
        Self::from_json(&set)
    }

    /// [`JwkSet::parse`] for an object that was already parsed.
    ///
    /// # Errors
    /// [`JwkSetError::NoKeys`].
    pub fn from_json(set: &Object<'_>) -> Result<Self, JwkSetError> {
        let keys = set
            .get("keys")
            .and_then(Json::as_array)
            .ok_or(JwkSetError::NoKeys)?;
        let mut parsed = Self::default();
        for (index, jwk) in keys.iter().enumerate() {
            let key = match jwk.as_object() {
                _ if parsed.keys.len() == limits::KEYS => Err(JwkError::TooMany),
                None => Err(JwkError::NotAnObject),
                Some(jwk) => VerifyingKey::from_jwk(jwk),
            };
            match key {
                Ok(key) => parsed.keys.push(Rc::new(key)),
                // A set of half a megabyte can have 200 000 entries that are no keys.
                Err(_) if parsed.skipped.len() == limits::KEYS => {}
                Err(reason) => parsed.skipped.push(SkippedKey { index, reason }),
            }
        }
        Ok(parsed)
    }

    /// The keys that may have signed a token with this `alg` and `kid`. With a `kid`, only keys
    /// with exactly this `kid`; without one, all keys that accept the algorithm.
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

#[cfg(test)]
mod tests {
    use super::*;

    const EC: &str = concat!(
        r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","#,
        r#""y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#
    );
    const OKP: &str =
        r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

    fn parse(json: &str) -> Result<JwkSet, JwkSetError> {
        JwkSet::parse(json.as_bytes())
    }

    #[test]
    fn texts_that_are_not_key_sets_are_refused() {
        let deep = format!(r#"{{"keys":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        for (json, error) in [
            ("", JwkSetError::Json(JsonError::Syntax)),
            ("<html>", JwkSetError::Json(JsonError::Syntax)),
            ("[]", JwkSetError::Json(JsonError::NotAnObject)),
            (
                r#"{"keys":[],"keys":[]}"#,
                JwkSetError::Json(JsonError::DuplicateMember),
            ),
            (
                r#"{"keys":[{"kty":"EC","kty":"RSA"}]}"#,
                JwkSetError::Json(JsonError::DuplicateMember),
            ),
            (&deep, JwkSetError::Json(JsonError::TooDeep)),
            ("{}", JwkSetError::NoKeys),
            (r#"{"keys":{}}"#, JwkSetError::NoKeys),
            (r#"{"keys":null}"#, JwkSetError::NoKeys),
        ] {
            assert_eq!(parse(json).err(), Some(error), "{json:.60}");
        }
        let largest = format!("{{\"keys\":[]{}}}", " ".repeat(limits::KEY_SET_BYTES - 11));
        assert!(parse(&largest).is_ok());
        let larger = largest + " ";
        assert_eq!(parse(&larger).err(), Some(JwkSetError::TooLarge));
    }

    #[test]
    fn unusable_keys_are_skipped() {
        let json = format!(
            r#"{{"keys":[1,{{}},{{"kty":"oct","k":"AA"}},{{{EC},"use":"enc"}},{{{EC}}},
            {{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}},{{{OKP},"d":"AA"}},{{{OKP}}}]}}"#
        );
        let set = parse(&json).unwrap();
        assert_eq!(set.keys.len(), 2);
        let reasons: Vec<_> = set
            .skipped
            .iter()
            .map(|key| (key.index, key.reason))
            .collect();
        assert_eq!(
            reasons,
            [
                (0, JwkError::NotAnObject),
                (1, JwkError::MissingMember("kty")),
                (2, JwkError::Symmetric),
                (3, JwkError::NotForVerifying),
                (5, JwkError::UnsupportedType),
                (6, JwkError::PrivateKey),
            ]
        );
        assert!(parse(r#"{"keys":[]}"#).unwrap().keys.is_empty());
    }

    #[test]
    fn keys_are_counted() {
        let keys = vec![format!("{{{OKP}}}"); limits::KEYS + 2].join(",");
        let set = parse(&format!(r#"{{"keys":[{keys}]}}"#)).unwrap();
        assert_eq!(set.keys.len(), limits::KEYS);
        assert_eq!(set.skipped.len(), 2);
        assert!(
            set.skipped
                .iter()
                .all(|key| key.reason == JwkError::TooMany)
        );
        let entries = vec!["1"; limits::KEYS + 2].join(",");
        let set = parse(&format!(r#"{{"keys":[{entries}]}}"#)).unwrap();
        assert_eq!(set.skipped.len(), limits::KEYS);
    }

    #[test]
    fn candidates_have_the_kid_and_accept_the_algorithm() {
        let json = format!(
            r#"{{"keys":[{{{EC},"kid":"a"}},{{{EC}}},{{{OKP},"kid":"a"}},
            {{{OKP},"kid":"b","alg":"Ed25519"}}]}}"#
        );
        let set = parse(&json).unwrap();
        let places = |algorithm, kid| -> Vec<usize> {
            let found = set.candidates(algorithm, kid);
            found
                .map(|key| {
                    set.keys
                        .iter()
                        .position(|own| Rc::ptr_eq(own, key))
                        .unwrap()
                })
                .collect()
        };
        assert_eq!(places(Algorithm::Es256, Some("a")), [0]);
        assert_eq!(places(Algorithm::Es256, None), [0, 1]);
        assert_eq!(places(Algorithm::Es256, Some("A")), [0; 0]);
        assert_eq!(places(Algorithm::Es256, Some("")), [0; 0]);
        assert_eq!(places(Algorithm::EdDsa, None), [2]);
        assert_eq!(places(Algorithm::Ed25519, None), [2, 3]);
        assert_eq!(places(Algorithm::EdDsa, Some("b")), [0; 0]);
        assert_eq!(places(Algorithm::Rs256, None), [0; 0]);
    }
}
