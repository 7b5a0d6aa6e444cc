//! Private keys as PEM and JWK: whatever the text is, an answer comes, and no
//! private member is published.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_core::jose::{Algorithm, SigningKey};

fuzz_target!(|text: &str| {
    match SigningKey::from_text(text, None, None) {
        Ok(key) => {
            assert!(Algorithm::ALL.contains(&key.algorithm()));
            for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                assert!(key.public_jwk().get(private).is_none());
            }
        }
        Err(error) => {
            let sentence = error.to_string();
            assert!(!sentence.contains(['\r', '\n']));
        }
    }
});
