//! Weak keys of the kinds in Project Wycheproof's `json_web_key` and `json_web_crypto`: they are
//! skipped when a key set is read, with a reason for the operator. The keys are made for these
//! tests.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod harness;
mod jose_signing_keys;

use harness::signatures::{SignatureHost, at_once};
use harness::{ISSUER, Key, World, inline, issuer, status};
use jose_signing_keys::{PRIVATE, jwk, without};
use serde_json::{Value, json};
use tollgate_core::deployment::{Config, Deployment, IssuerConfig, KeyLocationConfig};
use tollgate_core::jose::{JwkSet, VerifyError, base64url, verify_compact};

/// The product of two primes that have the form k * M + (65537^a mod M), where M is the product of
/// the first 126 primes (CVE-2017-15361).
const ROCA_MODULUS: &str = concat!(
    "p5XRHJ6aZ5IIqzd5gVgQvhDwGeH-h78LE1TrwJtOR12x2OxF7Zut2xgbb7xQXpgr5Ecu1Vodea7FTYdZnJ2iYI",
    "62X__v_AYak6gFcJU342BmElOl_hmYPAJNsZM1heWUTBIERH3eipObXhvTpq_kea5KJuL6MotI-iGygvTPwY8b",
    "niNAjDFfyTG9xu5hMIP0sCNSN1k48WcxEFkgbu2N6Q-lpLAyZP2lVEU9k8eduehZNuVW4k1seBHtAvPG1Ktgtt",
    "C6o0qGBNLMdu3lhipU7l6-iFrEg9NIRwas4inpVvKOr6xE1eoejaK7ZZJtczB-Ghe8nNULtP932dHl-KKuWw",
);

fn value(jwk: impl ToString) -> Value {
    serde_json::from_str(&jwk.to_string()).unwrap()
}

/// A good key of `keys.json` with members of another value.
fn key(name: &str, changes: Value) -> Value {
    let mut key = value(without(&jwk(name), &PRIVATE));
    for (name, value) in changes.as_object().unwrap() {
        key[name] = value.clone();
    }
    key
}

/// The RSA key with this modulus.
fn with_modulus(change: impl FnOnce(&mut Vec<u8>)) -> Value {
    let good = key("rsa-2048", json!({}));
    let mut n = base64url::decode(good["n"].as_str().unwrap()).unwrap();
    change(&mut n);
    key("rsa-2048", json!({ "n": base64url::encode(&n) }))
}

fn unusable_keys() -> Vec<(&'static str, Value, &'static str)> {
    let short = with_modulus(|n| n.truncate(128));
    let even = with_modulus(|n| n[255] &= 0xFE);
    let point = key("p256", json!({}));
    let neutral = base64url::encode(&[&[1][..], &[0; 31]].concat());
    let prime = base64url::encode(&[&[0xED][..], &[0xFF; 30], &[0x7F]].concat());
    let beyond = base64url::encode(&[&[0xF0][..], &[0xFF; 30], &[0x7F]].concat());
    vec![
        (
            "shared secret",
            json!({ "kty": "oct", "k": "AAAA" }),
            "jwk-symmetric",
        ),
        ("private key", value(jwk("p256")), "jwk-private-key"),
        (
            "ROCA",
            key("rsa-2048", json!({ "n": ROCA_MODULUS })),
            "jwk-weak-key",
        ),
        ("1024 bits", short, "jwk-key-size"),
        ("even modulus", even, "jwk-weak-key"),
        (
            "exponent 1",
            key("rsa-2048", json!({ "e": "AQ" })),
            "jwk-weak-key",
        ),
        (
            "exponent 0",
            key("rsa-2048", json!({ "e": "AA" })),
            "jwk-weak-key",
        ),
        (
            "exponent 2",
            key("rsa-2048", json!({ "e": "Ag" })),
            "jwk-weak-key",
        ),
        (
            "for encryption",
            key("rsa-2048", json!({ "use": "enc" })),
            "jwk-not-for-verifying",
        ),
        (
            "RSA1_5",
            key("rsa-2048", json!({ "alg": "RSA1_5" })),
            "jwk-algorithm",
        ),
        (
            "HS256",
            key("rsa-2048", json!({ "alg": "HS256" })),
            "jwk-algorithm",
        ),
        (
            "unknown algorithm",
            key("p256", json!({ "alg": "ES224" })),
            "jwk-algorithm",
        ),
        (
            "misspelt algorithm",
            key("p256", json!({ "alg": "ES521" })),
            "jwk-algorithm",
        ),
        (
            "other curve's algorithm",
            key("p256", json!({ "alg": "ES384" })),
            "jwk-algorithm",
        ),
        (
            "other curve",
            key("p256", json!({ "crv": "P-384" })),
            "jwk-bad-member",
        ),
        (
            "other type",
            key("p256", json!({ "kty": "RSA" })),
            "jwk-missing-member",
        ),
        (
            "short point",
            key("p256", json!({ "x": "AAAA" })),
            "jwk-bad-member",
        ),
        (
            "zero point",
            key("p256", json!({ "x": zeros(32), "y": zeros(32) })),
            "jwk-not-on-curve",
        ),
        (
            "coordinate beyond the field",
            json!({
                "kty": "EC", "crv": "P-256", "y": point["y"],
                "x": base64url::encode(&[0xFF; 32]),
            }),
            "jwk-not-on-curve",
        ),
        (
            "neutral point",
            key("ed25519", json!({ "x": neutral })),
            "jwk-weak-key",
        ),
        (
            "point of order 4",
            key("ed25519", json!({ "x": zeros(32) })),
            "jwk-weak-key",
        ),
        (
            "the same beyond the field",
            key("ed25519", json!({ "x": prime })),
            "jwk-weak-key",
        ),
        (
            "beyond the field",
            key("ed25519", json!({ "x": beyond })),
            "jwk-not-on-curve",
        ),
        (
            "X25519",
            key("ed25519", json!({ "crv": "X25519" })),
            "jwk-unsupported-curve",
        ),
    ]
}

fn zeros(len: usize) -> String {
    base64url::encode(&vec![0; len])
}

#[test]
fn unusable_keys_are_skipped_for_a_reason() {
    let kinds = unusable_keys();
    let mut keys: Vec<Value> = kinds.iter().map(|(_, key, _)| key.clone()).collect();
    for name in ["rsa-2048", "p256", "p384", "ed25519"] {
        keys.push(key(name, json!({})));
    }
    let set = JwkSet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
    assert_eq!(set.keys.len(), 4);
    assert_eq!(set.skipped.len(), kinds.len());
    for (skipped, (kind, _, code)) in set.skipped.iter().zip(kinds) {
        assert_eq!(skipped.reason.code(), code, "{kind}");
    }
}

#[test]
fn a_forgery_for_exponent_1_is_refused() {
    // Under e = 1 a message that is padded is its own signature.
    let weak = key("rsa-2048", json!({ "e": "AQ" }));
    let token = format!(
        "{}.{}.{}",
        base64url::encode(br#"{"alg":"RS256"}"#),
        base64url::encode(b"{}"),
        base64url::encode(&[&[0, 1][..], &[0xFF; 202], &[0; 52]].concat()),
    );
    let refused = at_once(verify_compact(
        SignatureHost::shared(),
        json!({ "keys": [weak] }).to_string().into(),
        token,
    ));
    assert_eq!(refused, Err(VerifyError::NoKey));
}

#[test]
fn a_set_of_only_weak_keys_fails_at_start() {
    for (kind, key, _) in unusable_keys() {
        let keys = Some(KeyLocationConfig::Inline(
            json!({ "keys": [key] }).to_string(),
        ));
        let config = Config {
            issuers: Some(vec![IssuerConfig { keys, ..issuer() }]),
            ..Config::default()
        };
        let host = harness::FakeHost::new();
        let error = Deployment::new(config, host).unwrap_err();
        assert_eq!(error.field, "issuers[0].keys", "{kind}");
    }
}

#[test]
fn good_keys_are_used_beside_weak_ones() {
    let good = Key::new("good", 7);
    let mut keys: Vec<Value> = unusable_keys().into_iter().map(|(_, key, _)| key).collect();
    keys.push(good.jwk());
    let inline_keys = KeyLocationConfig::Inline(json!({ "keys": keys }).to_string());
    let world = World::new(Config {
        issuers: Some(vec![IssuerConfig {
            issuer: ISSUER.into(),
            keys: Some(inline_keys),
            ..issuer()
        }]),
        ..inline(&[&good])
    });
    assert_eq!(status(&world.get(&good.token())), 200);
}

#[cfg(feature = "token-client")]
#[test]
fn weak_keys_do_not_sign() {
    use tollgate_core::jose::{SigningKey, SigningKeyError};

    let rsa = |changes: Value| {
        let mut key = value(jwk("rsa-2048"));
        for (name, value) in changes.as_object().unwrap() {
            key[name] = value.clone();
        }
        SigningKey::from_text(&key.to_string(), None, None).err()
    };
    for changes in [
        json!({ "n": ROCA_MODULUS }),
        json!({ "e": "AQ" }),
        json!({ "e": "Ag" }),
    ] {
        assert_eq!(rsa(changes), Some(SigningKeyError::Weak));
    }
}
