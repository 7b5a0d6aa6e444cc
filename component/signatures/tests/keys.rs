//! Signatures from RFCs, and keys that are refused.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::convert::Infallible;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64URL};
use rand_core::utils::next_word_via_fill;
use rand_core::{TryCryptoRng, TryRng};
use serde_json::Value;
use tollgate_signatures::{Error, SIGN, SigningKey, VERIFY, VerifyingKey};

/// Each byte one more than that before.
struct Counting(u8);

impl TryRng for Counting {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        next_word_via_fill(self)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        next_word_via_fill(self)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for byte in out {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
        Ok(())
    }
}

impl TryCryptoRng for Counting {}

/// The content of a PEM block.
fn der(pem: &str) -> Vec<u8> {
    let block = pem.split_once("-----BEGIN ").unwrap().1;
    let body = block.split_once("-----").unwrap().1;
    let body: String = body
        .split_once("-----")
        .unwrap()
        .0
        .split_whitespace()
        .collect();
    STANDARD.decode(body).unwrap()
}

macro_rules! key {
    ($name:literal) => {
        der(include_str!(concat!(
            "../../core/tests/jose_signing_keys/",
            $name,
            ".pem"
        )))
    };
}

fn sign(key: &SigningKey, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, Error> {
    key.sign(algorithm, message, &mut Counting(7))
}

fn vectors() -> Vec<Value> {
    let vectors = include_str!("../../core/tests/jose_rfc_vectors.json");
    serde_json::from_str(vectors).unwrap()
}

#[test]
fn signatures_in_rfcs_are_valid() {
    for vector in vectors() {
        let (message, signature) = vector["jws"].as_str().unwrap().rsplit_once('.').unwrap();
        let header = BASE64URL
            .decode(message.split_once('.').unwrap().0)
            .unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        let algorithm = match header["alg"].as_str().unwrap() {
            "EdDSA" => "Ed25519",
            name => name,
        };
        let key = VerifyingKey::from_jwk(algorithm, &vector["jwk"].to_string()).unwrap();
        let mut signature = BASE64URL.decode(signature).unwrap();
        assert!(key.verify(message.as_bytes(), &signature), "{algorithm}");
        assert!(!key.verify(b"another message", &signature), "{algorithm}");
        assert!(
            !key.verify(message.as_bytes(), &signature[1..]),
            "{algorithm}"
        );
        signature[20] ^= 1;
        assert!(!key.verify(message.as_bytes(), &signature), "{algorithm}");
    }
}

#[test]
fn the_ed25519_signature_of_rfc_8037_is_reproduced() {
    // RFC 8037 appendix A.1: the seed, in PKCS#8.
    let seed = BASE64URL
        .decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
        .unwrap();
    let prefix = [
        0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
    ];
    let key = SigningKey::from_pkcs8(&[&prefix[..], &seed].concat()).unwrap();
    let public =
        r#"{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    assert_eq!(key.public_jwk(), public);
    let vectors = vectors();
    let jws = vectors
        .iter()
        .find(|vector| vector["jwk"]["crv"] == "Ed25519")
        .unwrap();
    let (message, signature) = jws["jws"].as_str().unwrap().rsplit_once('.').unwrap();
    let made = sign(&key, "Ed25519", message.as_bytes()).unwrap();
    assert_eq!(BASE64URL.encode(made), signature);
}

#[test]
fn keys_sign_by_their_own_algorithms_only() {
    let rsa = &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"][..];
    for (der, own) in [
        (key!("rsa-2048-pkcs8"), rsa),
        (key!("p256-pkcs8"), &["ES256"]),
        (key!("p384-pkcs8"), &["ES384"]),
        (key!("ed25519-pkcs8"), &["Ed25519"]),
    ] {
        let key = SigningKey::from_pkcs8(&der).unwrap();
        for algorithm in SIGN {
            let signature = sign(&key, algorithm, b"m");
            if own.contains(&algorithm) {
                let public = VerifyingKey::from_jwk(algorithm, &key.public_jwk()).unwrap();
                assert!(public.verify(b"m", &signature.unwrap()), "{algorithm}");
            } else {
                assert_eq!(signature, Err(Error::Unsupported), "{algorithm}");
            }
        }
        for algorithm in ["EdDSA", "HS256", "none", ""] {
            assert_eq!(sign(&key, algorithm, b"m"), Err(Error::Unsupported));
        }
    }
}

#[test]
fn only_salts_make_signatures_differ() {
    let rsa = SigningKey::from_pkcs8(&key!("rsa-2048-pkcs8")).unwrap();
    for (algorithm, differs) in [("RS256", false), ("PS256", true)] {
        let [one, other] = [1, 2].map(|seed| rsa.sign(algorithm, b"m", &mut Counting(seed)));
        assert_eq!(one != other, differs, "{algorithm}");
    }
}

#[test]
fn keys_of_another_type_are_refused() {
    let rsa = SigningKey::from_pkcs8(&key!("rsa-2048-pkcs8"))
        .unwrap()
        .public_jwk();
    let p256 = SigningKey::from_pkcs8(&key!("p256-pkcs8"))
        .unwrap()
        .public_jwk();
    let ed25519 = SigningKey::from_pkcs8(&key!("ed25519-pkcs8"))
        .unwrap()
        .public_jwk();
    for algorithm in VERIFY {
        let own = match &algorithm[..2] {
            "RS" | "PS" => &rsa,
            "ES" => &p256,
            _ => &ed25519,
        };
        for jwk in [&rsa, &p256, &ed25519] {
            let key = VerifyingKey::from_jwk(algorithm, jwk);
            // P-256 is the curve of one of the three.
            let fits = jwk == own && !matches!(algorithm, "ES384" | "ES512");
            // The members of an Ed25519 key are among those of P-256; core asks for no such pair.
            if algorithm != "Ed25519" || jwk != &p256 {
                assert_eq!(key.is_ok(), fits, "{algorithm} {jwk}");
            }
        }
    }
    for algorithm in ["EdDSA", "HS256", "none"] {
        let refused = VerifyingKey::from_jwk(algorithm, &ed25519).err();
        assert_eq!(refused, Some(Error::Unsupported));
    }
    for jwk in ["", "{}", "[]", r#"{"x":"*","y":"*"}"#] {
        let refused = VerifyingKey::from_jwk("ES256", jwk).err();
        assert_eq!(refused, Some(Error::KeyRefused), "{jwk}");
    }
}

#[test]
fn points_off_their_curve_are_refused() {
    let one = |len: usize| BASE64URL.encode([&vec![0; len - 1][..], &[1]].concat());
    for (algorithm, len) in [("ES256", 32), ("ES384", 48), ("ES512", 66)] {
        let jwk = format!(r#"{{"x":"{0}","y":"{0}"}}"#, one(len));
        let refused = VerifyingKey::from_jwk(algorithm, &jwk).err();
        assert_eq!(refused, Some(Error::KeyRefused), "{algorithm}");
    }
    let mut y = [0; 32];
    y[0] = 2;
    let jwk = format!(r#"{{"x":"{}"}}"#, BASE64URL.encode(y));
    let refused = VerifyingKey::from_jwk("Ed25519", &jwk).err();
    assert_eq!(refused, Some(Error::KeyRefused));
}

#[test]
fn elliptic_curve_keys_may_lack_their_public_half() {
    let whole = key!("p256-pkcs8");
    // The context tag [1] and the point in it end the structure.
    let public = 4 + 66;
    let cut = |at: usize, less: u8, der: &mut Vec<u8>| der[at] -= less;
    let mut bare = whole[..whole.len() - public].to_vec();
    // The lengths of the outer sequence (long form), the octet string, and the inner sequence.
    assert_eq!((bare[1], bare[2]), (0x81, 0x87));
    cut(2, public as u8, &mut bare);
    bare.remove(1);
    let octets = bare.iter().position(|byte| *byte == 0x6D).unwrap();
    cut(octets, public as u8, &mut bare);
    cut(octets + 2, public as u8, &mut bare);
    let [whole_key, bare] = [&whole, &bare].map(|der| SigningKey::from_pkcs8(der).unwrap());
    assert_eq!(whole_key.public_jwk(), bare.public_jwk());
    // The public half of another key.
    let mut mixed = whole.clone();
    let scalar = octets + 10;
    mixed[scalar] ^= 1;
    assert_eq!(
        SigningKey::from_pkcs8(&mixed).err(),
        Some(Error::KeyRefused)
    );
}

#[test]
fn damaged_rsa_keys_are_refused() {
    let good = key!("rsa-2048-pkcs8");
    for at in [60, 150, 250, 320, 400, 480, 560, 640, 700, 740] {
        let mut damaged = good.clone();
        damaged[at] ^= 4;
        // Numbers of the modulus, the exponents and the primes.
        let refused = SigningKey::from_pkcs8(&damaged).err();
        assert_eq!(refused, Some(Error::KeyRefused), "{at}");
    }
    for der in [&[][..], &[0x30, 0], &good[..good.len() - 1]] {
        assert_eq!(SigningKey::from_pkcs8(der).err(), Some(Error::KeyRefused));
    }
}
