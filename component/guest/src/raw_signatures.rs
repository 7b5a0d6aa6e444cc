//! The export `raw-signatures`, for test vectors.

use tollgate_core::jose::{self, Algorithm, VerifyError, VerifyingKey};
use tollgate_core::json::Object;

use crate::Component;
use crate::bindings::exports::tollgate::auth::raw_signatures::{Failure, Guest};

/// A JWK is flat.
const JWK_DEPTH: usize = 4;

impl Guest for Component {
    fn verify_raw(
        algorithm: String,
        jwk: String,
        message: Vec<u8>,
        signature: Vec<u8>,
    ) -> Result<(), Failure> {
        let algorithm = Algorithm::from_name(&algorithm).ok_or(Failure::BadAlgorithm)?;
        let bad_key = |code: &str| Failure::BadKey(code.to_owned());
        let jwk = Object::parse(jwk.as_bytes(), JWK_DEPTH).map_err(|_| bad_key("jwk-not-json"))?;
        let key = VerifyingKey::from_jwk(&jwk).map_err(|error| bad_key(error.code()))?;
        if !key.accepts(algorithm) {
            return Err(bad_key("jwk-other-algorithm"));
        }
        key.verify(algorithm, &message, &signature)
            .map_err(|_| Failure::Invalid("bad-signature".to_owned()))
    }

    fn verify_jws(keys: String, jws: String) -> Result<Vec<u8>, Failure> {
        jose::verify_compact(keys.as_bytes(), &jws).map_err(|error| match error {
            VerifyError::Keys(_) => Failure::BadKey(error.code().to_owned()),
            _ => Failure::Invalid(error.code().to_owned()),
        })
    }
}
