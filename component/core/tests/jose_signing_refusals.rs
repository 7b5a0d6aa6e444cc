//! Texts that are not usable private keys: each rule, and damage of every byte.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod harness;
mod jose_signing_keys;

use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use harness::signatures::{SignatureHost, at_once};
use jose_signing_keys::{jwk, with, without};
use tollgate_core::capability::SignatureError;
use tollgate_core::jose::{
    Algorithm, SigningError, SigningKey, SigningKeyError, base64url, limits, publish,
};
use tollgate_core::json::JsonError;

fn refusal(text: &str) -> SigningKeyError {
    SigningKey::from_text(text, None, None).expect_err(text)
}

/// The reason why a parsed key is refused when it is tested.
fn refusal_when_tried(text: &str) -> Result<(), SigningError> {
    let key = SigningKey::from_text(text, None, None).map_err(SigningError::Key)?;
    at_once(publish(Rc::new(key), SignatureHost::shared())).map(|_| ())
}

/// Whether an error says that the numbers of a key do not match each other, found by core or by the
/// host.
const fn is_inconsistent(error: SigningError) -> bool {
    matches!(
        error,
        SigningError::Key(SigningKeyError::Inconsistent)
            | SigningError::Host(SignatureError::KeyRefused)
    )
}

#[test]
fn bad_pem_is_refused() {
    let good = pem!("p256-pkcs8");
    let block = &good[good.find("-----BEGIN").unwrap()..];
    for (text, error) in [
        ("", SigningKeyError::Empty),
        (" \r\n\t", SigningKeyError::Empty),
        ("\"\"", SigningKeyError::Empty),
        (
            &" ".repeat(limits::PRIVATE_KEY_BYTES + 1),
            SigningKeyError::TooLong,
        ),
        ("./key.pem", SigningKeyError::NotAKey),
        ("[]", SigningKeyError::NotAKey),
        ("MIGHAgEAMBMGByqGSM49", SigningKeyError::NotAKey),
        (pem!("refused-pkcs8-encrypted"), SigningKeyError::Encrypted),
        (pem!("refused-pkcs1-encrypted"), SigningKeyError::Encrypted),
        (pem!("refused-public"), SigningKeyError::PublicKey),
        (pem!("refused-certificate"), SigningKeyError::Certificate),
        (pem!("refused-openssh"), SigningKeyError::OpenSsh),
        (&format!("{block}{block}"), SigningKeyError::SeveralBlocks),
        (
            &format!("{block}{}", pem!("refused-certificate")),
            SigningKeyError::SeveralBlocks,
        ),
        (&block[..block.len() - 20], SigningKeyError::Truncated),
        (
            &block.replace("END ", "END EC "),
            SigningKeyError::Truncated,
        ),
        ("-----BEGIN PRIVATE KEY", SigningKeyError::Truncated),
        (&block.replacen("\nM", "\n*", 1), SigningKeyError::Base64),
        (
            &block.replacen("\nM", "\nX-Header: 1\n\nM", 1),
            SigningKeyError::Base64,
        ),
        (
            &block.replace("PRIVATE KEY", "RSA PRIVATE KEY"),
            SigningKeyError::Der,
        ),
        (
            &block.replace("PRIVATE KEY", "EC PRIVATE KEY"),
            SigningKeyError::Der,
        ),
        (
            &block.replace("PRIVATE KEY", "DSA PRIVATE KEY"),
            SigningKeyError::UnsupportedType,
        ),
        (
            "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----",
            SigningKeyError::NotAKey,
        ),
        (pem!("refused-secp256k1"), SigningKeyError::UnsupportedCurve),
        (pem!("refused-p521"), SigningKeyError::UnsupportedCurve),
        (
            pem!("refused-explicit-curve"),
            SigningKeyError::UnsupportedCurve,
        ),
        (pem!("refused-ed448"), SigningKeyError::UnsupportedType),
        (pem!("refused-rsa-pss"), SigningKeyError::UnsupportedType),
        (
            pem!("refused-rsa-three-primes"),
            SigningKeyError::UnsupportedType,
        ),
        (pem!("refused-rsa-1024"), SigningKeyError::KeySize),
        (pem!("refused-rsa-4104"), SigningKeyError::KeySize),
    ] {
        assert_eq!(refusal(text), error, "{text}");
    }
}

#[test]
fn bad_private_jwks_are_refused() {
    let (rsa, p256, ed25519) = (jwk("rsa-2048"), jwk("p256"), jwk("ed25519"));
    let text = |value: &str| format!("\"{value}\"");
    let one = text("AQ");
    let other_point = text(jwk("p384").get("x").unwrap().as_str().unwrap());
    let zeros = text(&base64url::encode(&[0; 32]));
    let ones = text(&base64url::encode(&[0xFF; 32]));
    let bad = SigningKeyError::BadMember;
    let json = SigningKeyError::Json;
    for (text, error) in [
        ("{".to_owned(), json(JsonError::Syntax)),
        (
            "{\"kty\":\"EC\",\"kty\":\"EC\"}".to_owned(),
            json(JsonError::DuplicateMember),
        ),
        ("{\"a\":[[[[[1]]]]]}".to_owned(), json(JsonError::TooDeep)),
        (format!("{{\"keys\":[{p256}]}}"), SigningKeyError::KeySet),
        ("{}".to_owned(), SigningKeyError::MissingMember("kty")),
        (
            "{\"kty\":\"oct\",\"k\":\"AAAA\"}".to_owned(),
            SigningKeyError::Symmetric,
        ),
        (
            with(&p256, "kty", "\"new\"").to_string(),
            SigningKeyError::UnsupportedType,
        ),
        (with(&p256, "kty", "1").to_string(), bad("kty")),
        (
            without(&p256, &["d"]).to_string(),
            SigningKeyError::PublicKey,
        ),
        (
            without(&rsa, &["d"]).to_string(),
            SigningKeyError::PublicKey,
        ),
        (
            with(&p256, "use", "\"enc\"").to_string(),
            SigningKeyError::NotForSigning,
        ),
        (with(&p256, "use", "1").to_string(), bad("use")),
        (
            with(&p256, "key_ops", "[\"verify\"]").to_string(),
            SigningKeyError::NotForSigning,
        ),
        (
            with(&p256, "alg", "\"ES999\"").to_string(),
            SigningKeyError::UnsupportedAlgorithm,
        ),
        (with(&p256, "alg", "1").to_string(), bad("alg")),
        (with(&p256, "kid", "1").to_string(), SigningKeyError::KeyId),
        (
            with(&p256, "kid", "\"\"").to_string(),
            SigningKeyError::KeyId,
        ),
        (
            with(&p256, "crv", "\"P-521\"").to_string(),
            SigningKeyError::UnsupportedCurve,
        ),
        (with(&p256, "crv", "\"P-384\"").to_string(), bad("x")),
        (
            with(&p256, "d", &zeros).to_string(),
            SigningKeyError::Inconsistent,
        ),
        (
            with(&p256, "d", &ones).to_string(),
            SigningKeyError::Inconsistent,
        ),
        (with(&p256, "d", &one).to_string(), bad("d")),
        (with(&p256, "d", "\"*\"").to_string(), bad("d")),
        (with(&p256, "x", &other_point).to_string(), bad("x")),
        (with(&p256, "y", &other_point).to_string(), bad("y")),
        (
            without(&p256, &["x"]).to_string(),
            SigningKeyError::MissingMember("x"),
        ),
        (
            with(&ed25519, "crv", "\"X25519\"").to_string(),
            SigningKeyError::UnsupportedCurve,
        ),
        (with(&ed25519, "d", &one).to_string(), bad("d")),
        (
            with(&ed25519, "x", &ones).to_string(),
            SigningKeyError::Inconsistent,
        ),
        (
            with(&rsa, "oth", "[]").to_string(),
            SigningKeyError::UnsupportedType,
        ),
        (with(&rsa, "n", &one).to_string(), SigningKeyError::KeySize),
        (with(&rsa, "e", "\"Ag\"").to_string(), SigningKeyError::Weak),
    ] {
        assert_eq!(refusal(&text), error, "{text}");
    }
    for name in ["n", "e", "p", "q", "dp", "dq", "qi"] {
        let missing = without(&rsa, &[name]).to_string();
        assert_eq!(refusal(&missing), SigningKeyError::MissingMember(name));
        // Short, long, and one bit off.
        let mut bytes = base64url::decode(rsa.get(name).unwrap().as_str().unwrap()).unwrap();
        *bytes.last_mut().unwrap() ^= 2;
        let off = text(&base64url::encode(&bytes));
        let long = text(&base64url::encode(&[&[1][..], &bytes].concat()));
        for value in [&one, &off, &long] {
            let damaged = with(&rsa, name, value).to_string();
            let refused = match refusal_when_tried(&damaged) {
                // This host computes them itself; the signature that was tried is valid.
                Ok(()) if matches!(name, "dp" | "dq" | "qi") && *value != long => continue,
                refused => refused.expect_err(&damaged),
            };
            let of_public = match name {
                "n" => refused == SigningError::Key(SigningKeyError::KeySize),
                "e" => matches!(
                    refused,
                    SigningError::Key(SigningKeyError::Weak | SigningKeyError::BadMember("e"))
                ),
                _ => false,
            };
            assert!(of_public || is_inconsistent(refused), "{name}: {refused:?}");
        }
    }
}

#[test]
fn numbers_longer_than_half_the_modulus_are_refused_when_read() {
    let rsa = jwk("rsa-2048");
    for name in ["p", "q", "dp", "dq", "qi"] {
        let half = [0xFF; 128];
        let longer = [&[1][..], &half].concat();
        let with = |number: &[u8]| {
            let text = format!("\"{}\"", base64url::encode(number));
            with(&rsa, name, &text).to_string()
        };
        assert_eq!(refusal(&with(&longer)), SigningKeyError::Inconsistent);
        assert!(SigningKey::from_text(&with(&half), None, None).is_ok());
    }
}

#[test]
fn a_text_has_a_largest_size() {
    let good = pem!("p256-pkcs8");
    let padding = " ".repeat(limits::PRIVATE_KEY_BYTES - good.len());
    let largest = format!("{good}{padding}");
    assert!(SigningKey::from_text(&largest, None, None).is_ok());
    assert_eq!(refusal(&format!("{largest} ")), SigningKeyError::TooLong);
}

#[test]
fn unfit_algorithms_and_kids_are_refused() {
    let read = |text: &str, kid, algorithm| {
        SigningKey::from_text(text, kid, Some(algorithm)).expect_err(text)
    };
    let rsa: &[_] = &[Algorithm::Rs256, Algorithm::Ps256];
    for (text, algorithm, fitting) in [
        (pem!("rsa-2048-pkcs8"), Algorithm::Es256, rsa),
        (pem!("rsa-2048-pkcs8"), Algorithm::Rs384, rsa),
        (pem!("p256-pkcs8"), Algorithm::Es384, &[Algorithm::Es256]),
        (pem!("p384-pkcs8"), Algorithm::Es256, &[Algorithm::Es384]),
        (
            pem!("ed25519-pkcs8"),
            Algorithm::Rs256,
            &[Algorithm::EdDsa, Algorithm::Ed25519],
        ),
    ] {
        let error = SigningKeyError::Algorithm { fitting };
        assert_eq!(read(text, None, algorithm), error);
        let own = with(&jwk("p256"), "alg", "\"RS256\"").to_string();
        assert!(matches!(refusal(&own), SigningKeyError::Algorithm { .. }));
    }
    let two = with(&jwk("rsa-2048"), "alg", "\"PS256\"").to_string();
    assert_eq!(
        read(&two, None, Algorithm::Rs256),
        SigningKeyError::TwoAlgorithms
    );
    let long = "k".repeat(limits::KEY_ID_BYTES + 1);
    for kid in ["", &long] {
        let error = SigningKey::from_text(pem!("p256-pkcs8"), Some(kid), None).err();
        assert_eq!(error, Some(SigningKeyError::KeyId));
    }
    let longest = &long[1..];
    assert!(SigningKey::from_text(pem!("p256-pkcs8"), Some(longest), None).is_ok());
}

#[test]
fn errors_say_what_to_do_and_quote_nothing() {
    let shown = refusal(pem!("refused-pkcs8-encrypted")).to_string();
    assert!(
        shown.contains("openssl pkey -in key.pem -out plain.pem"),
        "{shown}"
    );
    let rsa = SigningKey::from_text(pem!("rsa-2048-pkcs8"), None, Some(Algorithm::Es256));
    let shown = rsa.unwrap_err().to_string();
    assert!(shown.ends_with("use RS256 or PS256"), "{shown}");
    let marked = with(&jwk("p256"), "crv", "\"SECRET\"").to_string();
    let error = refusal(&marked);
    assert!(!format!("{error} {error:?}").contains("SECRET"));
}

/// A PEM block and what it has inside.
fn taken_apart(pem: &str) -> (&str, Vec<u8>) {
    let block = pem.rsplit_once("-----BEGIN ").unwrap().1;
    let (label, rest) = block.split_once("-----").unwrap();
    let body: String = rest
        .split_once("-----")
        .unwrap()
        .0
        .split_whitespace()
        .collect();
    (label, STANDARD.decode(body).unwrap())
}

fn put_together(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

#[test]
fn damaged_small_keys_are_refused() {
    for pem in [
        pem!("p256-pkcs8"),
        pem!("p256-sec1-parameters"),
        pem!("p384-pkcs8"),
    ] {
        let (label, der) = taken_apart(pem);
        assert_eq!(refusal_when_tried(&put_together(label, &der)), Ok(()));
        for len in 0..der.len() {
            refusal(&put_together(label, &der[..len]));
        }
        refusal(&put_together(label, &[&der[..], &[0]].concat()));
        for i in 0..der.len() {
            // Every bit of one key; of the others, one of each byte.
            let bits = if pem == pem!("p256-pkcs8") {
                0..8
            } else {
                i % 8..i % 8 + 1
            };
            for bit in bits {
                let mut damaged = der.clone();
                damaged[i] ^= 1 << bit;
                let damaged = put_together(label, &damaged);
                refusal_when_tried(&damaged).expect_err(&damaged);
            }
        }
    }
}

#[test]
fn damaged_keys_never_panic_nor_sign_wrongly() {
    // Ed25519 has no public half in it, so that another seed is another key; and a compressed
    // point is not compared.
    for pem in [
        pem!("ed25519-pkcs8"),
        pem!("p256-sec1-compressed"),
        pem!("rsa-2048-pkcs1"),
        pem!("rsa-2048-pkcs8"),
    ] {
        let (label, der) = taken_apart(pem);
        for len in 0..der.len() {
            refusal(&put_together(label, &der[..len]));
        }
        for i in 0..der.len() {
            let mut damaged = der.clone();
            damaged[i] ^= 1 << (i % 8);
            let damaged = put_together(label, &damaged);
            let Ok(key) = SigningKey::from_text(&damaged, None, None) else {
                continue;
            };
            // To try an RSA key takes a while.
            if der.len() > 1000 && i % 16 != 0 {
                continue;
            }
            // Its signature was checked by its public half.
            let tried = at_once(publish(Rc::new(key), SignatureHost::shared()));
            assert!(tried.is_ok() || tried.is_err_and(is_inconsistent), "{i}");
        }
    }
}
