//! Private keys in every encoding that OpenSSL writes (keys of its making, and of Node's for JWKs),
//! what is refused, and signatures: those that RFCs print, and round trips.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use tollgate_core::jose::{
    Algorithm, CompactJws, SigningError, SigningKey, SigningKeyError, VerifyingKey, base64url,
    verify_compact,
};
use tollgate_core::json::{Json, JsonError, Object};

macro_rules! pem {
    ($name:literal) => {
        include_str!(concat!("jose_signing_keys/", $name, ".pem"))
    };
}

/// Encodings, the key's name in `keys.json`, and its algorithm.
const PEMS: &[(&str, &str, Algorithm)] = &[
    (pem!("rsa-2048-pkcs8"), "rsa-2048", Algorithm::Rs256),
    (pem!("rsa-2048-pkcs1"), "rsa-2048", Algorithm::Rs256),
    (pem!("p256-pkcs8"), "p256", Algorithm::Es256),
    (pem!("p256-sec1-parameters"), "p256", Algorithm::Es256),
    (pem!("p256-sec1-compressed"), "p256", Algorithm::Es256),
    (pem!("p384-pkcs8"), "p384", Algorithm::Es384),
    (pem!("p384-sec1-parameters"), "p384", Algorithm::Es384),
    (pem!("ed25519-pkcs8"), "ed25519", Algorithm::EdDsa),
];

const PRIVATE: [&str; 6] = ["d", "p", "q", "dp", "dq", "qi"];

fn jwk(name: &str) -> Object {
    let list = Json::parse(include_bytes!("jose_signing_keys/keys.json"), 4).unwrap();
    let entries = list.as_array().unwrap().iter();
    let mut entries = entries.map(|entry| entry.as_object().unwrap());
    let named = |entry: &&Object| entry.get("name").and_then(Json::as_str) == Some(name);
    let entry = entries.find(named).unwrap();
    entry.get("jwk").unwrap().as_object().unwrap().clone()
}

fn public_half(jwk: &Object) -> Object {
    let mut half = Object::default();
    for (name, value) in jwk.iter().filter(|(name, _)| !PRIVATE.contains(name)) {
        half.insert(name, value.clone());
    }
    half
}

fn with(mut jwk: Object, name: &str, value: &str) -> String {
    jwk.insert(name, Json::String(value.to_owned()));
    jwk.to_string()
}

fn without(jwk: &Object, name: &str) -> String {
    let mut rest = Object::default();
    for (own, value) in jwk.iter().filter(|(own, _)| *own != name) {
        rest.insert(own, value.clone());
    }
    rest.to_string()
}

fn read(text: &str) -> Result<SigningKey, SigningKeyError> {
    SigningKey::from_text(text, None, None)
}

/// Bytes that are good enough for a test.
fn random() -> impl FnMut(&mut [u8]) {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    move |out| {
        for byte in out {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state.to_le_bytes()[3];
        }
    }
}

#[test]
fn every_encoding_of_a_key_is_the_same_key() {
    for (pem, name, algorithm) in PEMS {
        let jwk = jwk(name);
        let public = VerifyingKey::from_jwk(&public_half(&jwk)).unwrap();
        for text in [*pem, &jwk.to_string()] {
            let key = read(text).unwrap();
            assert_eq!(key.algorithm(), *algorithm);
            assert_eq!(key.kid(), base64url::encode(&public.thumbprint()), "{name}");
            let published = VerifyingKey::from_jwk(&key.public_jwk()).unwrap();
            assert_eq!(published.thumbprint(), public.thumbprint(), "{name}");
            let jws = key.sign_compact(None, b"{}", &mut random()).unwrap();
            let verified = verify_compact(key.public_jwk().to_string().as_bytes(), &jws);
            assert_eq!(verified.as_deref(), Ok(&b"{}"[..]), "{name}");
        }
    }
}
