//! Private keys as PEM and JWK: any text gives a result, and the host can read an accepted key.
#![no_main]

mod signatures;

use std::rc::Rc;

use libfuzzer_sys::fuzz_target;
use tollgate_core::capability::SignatureError;
use tollgate_core::jose::{Algorithm, SigningError, SigningKey, publish};

fuzz_target!(|text: &str| {
    let sentence = match SigningKey::from_text(text, None, None) {
        Ok(key) => {
            let algorithm = key.algorithm().expect("a text decides");
            assert!(Algorithm::ALL.contains(&algorithm));
            // The host reads and tests every accepted key, or refuses it.
            let refused = signatures::at_once(publish(Rc::new(key), signatures::host()));
            let error = refused.expect_err("this host makes no signature");
            let known = [SignatureError::Failed, SignatureError::KeyRefused];
            assert!(!matches!(error, SigningError::Host(error) if !known.contains(&error)));
            error.to_string()
        }
        Err(error) => error.to_string(),
    };
    assert!(!sentence.contains(['\r', '\n']));
});
