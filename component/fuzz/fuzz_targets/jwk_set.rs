//! A key set of any bytes, and a signature of any bytes under each of its keys.
#![no_main]

mod signatures;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tollgate_core::jose::{Algorithm, JwkSet, VerifyingKey, verify_raw};

const ALGORITHMS: [&str; 11] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    "Ed25519",
];

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    algorithm: u8,
    kid: Option<&'a str>,
    message: &'a [u8],
    signature: &'a [u8],
    set: &'a [u8],
}

fuzz_target!(|data: &[u8]| {
    // A set alone, as in a response. The seeds are such sets.
    read(data);
    let Ok(input) = Input::arbitrary_take_rest(arbitrary::Unstructured::new(data)) else {
        return;
    };
    let Some(set) = read(input.set) else { return };
    let name = ALGORITHMS[usize::from(input.algorithm) % ALGORITHMS.len()];
    let algorithm = Algorithm::from_name(name).expect("a known name");
    for key in set.candidates(algorithm, input.kid).take(2) {
        // A valid signature cannot be found by chance.
        let key = VerifyingKey::from_jwk(&key.to_jwk()).expect("what was written can be read");
        let (message, signature) = (input.message.to_vec(), input.signature.to_vec());
        let task = verify_raw(signatures::host(), key, algorithm, message, signature);
        assert!(signatures::at_once(task).is_err());
    }
});

fn read(text: &[u8]) -> Option<JwkSet> {
    let set = JwkSet::parse(text).ok()?;
    for key in &set.keys {
        // No private member is kept, and an exported key equals the parsed key.
        let written = key.to_jwk().to_string();
        let again = JwkSet::parse(format!("{{\"keys\":[{written}]}}").as_bytes());
        let again = again.expect("what was written can be read");
        assert_eq!(again.keys.len(), 1, "{written}");
        assert!(again.keys[0].is_same(key), "{written}");
        assert!(!written.contains("\"d\":"));
    }
    Some(set)
}
