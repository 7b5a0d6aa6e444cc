//! A compact JWS against keys, whatever its payload is.

use std::fmt::{self, Display, Formatter};

use super::{CompactJws, JwkError, JwkSet, JwkSetError, JwsError, VerifyingKey, limits};
use crate::json::Object;

/// Why [`verify_compact`] does not give out a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyError {
    /// The keys are not a JWK Set.
    Keys(JwkSetError),
    /// The one key cannot be used.
    Key(JwkError),
    /// The token is malformed.
    Jws(JwsError),
    /// No key has the token's `kid` and accepts its `alg`.
    NoKey,
    /// The signature does not hold under any key that fits.
    Signature,
}

impl VerifyError {
    /// A stable name for logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Keys(error) => error.code(),
            Self::Key(error) => error.code(),
            Self::Jws(error) => error.code(),
            Self::NoKey => "no-key",
            Self::Signature => "signature-invalid",
        }
    }
}

impl Display for VerifyError {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys(error) => write!(out, "the key set {error}"),
            Self::Key(error) => write!(out, "the key {error}"),
            Self::Jws(error) => write!(out, "the token {error}"),
            Self::NoKey => out.write_str("no key fits the token"),
            Self::Signature => out.write_str("the signature is wrong"),
        }
    }
}

impl std::error::Error for VerifyError {}

/// Verifies a compact JWS by a JWK or a JWK Set (an object with `keys`) in JSON, and gives out
/// its payload. All keys that fit are tried: for trusted key sets, not for the request path.
///
/// A token's `kid` must be the key's; that is so for a single key, too, where it has one.
///
/// # Errors
/// What is wrong with keys or token.
pub fn verify_compact(keys_json: &[u8], jws: &str) -> Result<Vec<u8>, VerifyError> {
    let set = |error| VerifyError::Keys(error);
    if keys_json.len() > limits::KEY_SET_BYTES {
        return Err(set(JwkSetError::TooLarge));
    }
    let json = Object::parse(keys_json, limits::KEY_SET_DEPTH);
    let json = json.map_err(|error| set(JwkSetError::Json(error)))?;
    let jws = CompactJws::parse(jws).map_err(VerifyError::Jws)?;
    let header = jws.header();
    let mut tried = false;
    let mut holds = |key: &VerifyingKey| {
        tried = true;
        key.verify(header.algorithm, jws.signing_input(), jws.signature())
            .is_ok()
    };
    let verified = if json.get("keys").is_some() {
        let keys = JwkSet::from_json(&json).map_err(set)?;
        keys.candidates(header.algorithm, header.kid.as_deref())
            .any(|key| holds(key))
    } else {
        let key = VerifyingKey::from_jwk(&json).map_err(VerifyError::Key)?;
        let named = match (key.kid(), header.kid.as_deref()) {
            (Some(own), Some(asked)) => own == asked,
            _ => true,
        };
        named && key.accepts(header.algorithm) && holds(&key)
    };
    match (verified, tried) {
        (true, _) => Ok(jws.into_payload()),
        (false, true) => Err(VerifyError::Signature),
        (false, false) => Err(VerifyError::NoKey),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::base64url;

    /// RFC 8037 appendix A.4.
    const KEY: &str =
        r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
    const JWS: &str = concat!(
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7",
        "-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );

    fn verify(keys: &str, jws: &str) -> Result<Vec<u8>, VerifyError> {
        verify_compact(keys.as_bytes(), jws)
    }

    #[test]
    fn keys_are_one_or_a_set() {
        for keys in [
            format!("{{{KEY}}}"),
            format!(r#"{{{KEY},"kid":"any"}}"#),
            format!(r#"{{"keys":[{{{KEY}}}]}}"#),
        ] {
            assert_eq!(
                verify(&keys, JWS).as_deref(),
                Ok(&b"Example of Ed25519 signing"[..])
            );
        }
        let set = |error| VerifyError::Keys(error);
        for (keys, error) in [
            ("", set(JwkSetError::Json(crate::json::JsonError::Syntax))),
            (r#"{"keys":1}"#, set(JwkSetError::NoKeys)),
            (r#"{"keys":[]}"#, VerifyError::NoKey),
            (r#"{"kty":"oct"}"#, VerifyError::Key(JwkError::Symmetric)),
            (&format!(r#"{{{KEY},"alg":"Ed25519"}}"#), VerifyError::NoKey),
            (
                &" ".repeat(limits::KEY_SET_BYTES + 1),
                set(JwkSetError::TooLarge),
            ),
        ] {
            assert_eq!(verify(keys, JWS), Err(error), "{keys:.60}");
        }
    }

    #[test]
    fn kid_names_the_key() {
        let header = base64url::encode(br#"{"alg":"EdDSA","kid":"a"}"#);
        let jws = format!("{header}{}", &JWS[JWS.find('.').unwrap()..]);
        // The header is not the one that was signed: a key that is tried says so.
        for (keys, error) in [
            (format!("{{{KEY}}}"), VerifyError::Signature),
            (format!(r#"{{{KEY},"kid":"a"}}"#), VerifyError::Signature),
            (format!(r#"{{{KEY},"kid":"b"}}"#), VerifyError::NoKey),
            (format!(r#"{{"keys":[{{{KEY}}}]}}"#), VerifyError::NoKey),
            (
                format!(r#"{{"keys":[{{{KEY},"kid":"a"}}]}}"#),
                VerifyError::Signature,
            ),
        ] {
            assert_eq!(verify(&keys, &jws), Err(error), "{keys}");
        }
    }
}
