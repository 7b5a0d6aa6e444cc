//! Faults of issuers: each is reported once, with what to do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod harness;

use harness::*;
use serde_json::json;
use tollgate_core::capability::{HttpError, SignatureError};
use tollgate_core::config_error::Naming;
use tollgate_core::deployment::{Config, IssuerConfig, KeyLocationConfig};
use tollgate_core::issuers::IssuerFault;
use tollgate_core::jose::base64url;

fn codes(world: &World) -> Vec<&'static str> {
    world
        .gate
        .new_faults()
        .iter()
        .map(|fault| fault.code)
        .collect()
}

#[test]
fn an_outage_is_reported_once_and_again_when_it_returns() {
    let key = Key::new("k1", 7);
    let world = World::new(discovering());
    assert_eq!(codes(&world), [""; 0]);
    world
        .host
        .set(DISCOVERY, Site::Fails(HttpError::Unreachable));
    assert_eq!(world.status(&key.token()), 503);
    let [fault] = &world.gate.new_faults()[..] else {
        panic!("one fault");
    };
    assert_eq!(fault.issuer, ISSUER);
    assert_eq!(fault.code, "issuer-unreachable");
    assert!(fault.message.contains(ISSUER), "{}", fault.message);
    world.host.advance(60_000);
    assert_eq!(world.status(&key.token()), 503);
    assert_eq!(codes(&world), [""; 0]);

    world.host.publish(&[&key]);
    world.host.advance(60_000);
    assert_eq!(world.status(&key.token()), 200);
    assert_eq!(codes(&world), [""; 0]);
    world.host.take_down();
    world.host.advance(30 * 3_600_000);
    assert_eq!(
        world.status(&key.token_with(&json!({ "exp": 4_000_000_000_u64 }))),
        503
    );
    assert_eq!(codes(&world), ["issuer-unreachable"]);
}

#[test]
fn another_fault_of_the_same_issuer_is_reported_with_its_option() {
    let key = Key::new("k1", 7);
    let world = World::new(Config {
        naming: Some(Naming::CamelCase),
        ..discovering()
    });
    world.host.set(DISCOVERY, Site::Fails(HttpError::TimedOut));
    assert_eq!(world.status(&key.token()), 503);
    let [fault] = &world.gate.new_faults()[..] else {
        panic!("one fault");
    };
    assert_eq!(fault.code, "issuer-timed-out");
    assert!(
        fault.message.contains("`keys.timeoutMs`"),
        "{}",
        fault.message
    );
    let elsewhere = json!({ "issuer": ISSUER, "jwks_uri": "https://keys.example/jwks" });
    world.host.set_json(DISCOVERY, &elsewhere);
    world.host.advance(60_000);
    assert_eq!(world.status(&key.token()), 503);
    let [fault] = &world.gate.new_faults()[..] else {
        panic!("one fault");
    };
    assert_eq!(fault.code, "issuer-cross-origin-keys");
    assert!(
        fault.message.contains("`crossOriginKeys`"),
        "{}",
        fault.message
    );
}

#[test]
fn bad_keys_are_reported_and_keys_for_other_purposes_are_not() {
    let key = Key::new("k1", 7);
    let world = World::new(discovering());
    world.host.publish(&[&key]);
    let even = base64url::encode(&[0xFE; 256]);
    let weak = json!({ "kty": "RSA", "n": even, "e": "AQAB" });
    let set = json!({ "keys": [
        key.jwk(),
        { "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA" },
        { "kty": "RSA", "use": "enc", "n": "AQAB", "e": "AQAB" },
        weak,
    ] });
    world.host.set_json(JWKS, &set);
    assert_eq!(world.status(&key.token()), 200);
    let faults = world.gate.new_faults();
    let [IssuerFault { code, message, .. }] = &faults[..] else {
        panic!("one fault: {faults:?}");
    };
    assert_eq!(*code, "jwk-weak-key");
    assert!(message.contains("key at index 3"), "{message}");
    assert_eq!(codes(&world), [""; 0]);
}

#[test]
fn bad_inline_keys_are_reported_at_the_start() {
    let key = Key::new("k1", 7);
    let set = json!({ "keys": [key.jwk(), { "kty": "RSA", "n": "AQAB" }] });
    let world = World::new(Config {
        issuers: Some(vec![IssuerConfig {
            keys: Some(KeyLocationConfig::Inline(set.to_string())),
            ..issuer()
        }]),
        ..discovering()
    });
    assert_eq!(codes(&world), ["jwk-missing-member"]);
    assert_eq!(codes(&world), [""; 0]);
}

#[test]
fn a_key_that_the_host_refuses_is_reported() {
    let (good, bad) = (Key::new("good", 7), Key::new("bad", 8));
    let world = World::new(discovering());
    world.host.publish(&[&good, &bad]);
    world
        .host
        .signatures
        .refuses
        .set(Some(SignatureError::KeyRefused));
    world.status(&bad.token());
    let faults = world.gate.new_faults();
    let [IssuerFault { code, message, .. }] = &faults[..] else {
        panic!("one fault: {faults:?}");
    };
    assert_eq!(*code, "signatures-key-refused");
    assert!(message.contains("key at index 1"), "{message}");
}

#[test]
fn reported_faults_are_limited() {
    let key = Key::new("k1", 7);
    let world = World::new(discovering());
    world.host.publish(&[&key]);
    let mut keys = vec![json!({ "kty": "RSA" }); 50];
    keys.push(key.jwk());
    world.host.set_json(JWKS, &json!({ "keys": keys }));
    assert_eq!(world.status(&key.token()), 200);
    assert_eq!(world.gate.new_faults().len(), 8);
}
