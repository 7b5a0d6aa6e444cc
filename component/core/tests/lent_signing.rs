//! Signatures of the host that are late, missing, wrong, or need an algorithm that it lacks, and
//! keys that only the host knows.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod harness;
mod jose_signing_keys;

use harness::signatures::{Answers, SignatureHost, at_once};
use harness::{DISCOVERY, ISSUER, Key, World, answer, head, inline};
use jose_signing_keys::{jwk, with};
use serde_json::{Value, json};
use tollgate_core::answer::Answer;
use tollgate_core::capability::SignatureError;
use tollgate_core::deployment::{ClientConfig, ClientKeyConfig, ClientKeySource, Config};
use tollgate_core::jose::{SigningError, SigningKeyError, base64url, verify_compact};
use tollgate_core::secret::Secret;
use tollgate_core::token_client::{AssertionStep, Grant, TokenFailure, TokenStep, TokenTarget};

const ENDPOINT: &str = "https://issuer.example/token";
const KEYS: &str = "https://api.example/.well-known/jwks.json";
/// The thumbprint that RFC 8037 appendix A.3 prints.
const THUMBPRINT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

fn text(key: &str) -> ClientKeyConfig {
    ClientKeyConfig {
        key: ClientKeySource::Text(Secret::new(key)),
        kid: None,
        algorithm: None,
    }
}

fn named(name: &str) -> ClientKeyConfig {
    ClientKeyConfig {
        key: ClientKeySource::Named(name.into()),
        kid: None,
        algorithm: None,
    }
}

fn config(keys: Vec<ClientKeyConfig>) -> Config {
    Config {
        client: Some(ClientConfig {
            id: Some("app".into()),
            keys: Some(keys),
            ..ClientConfig::default()
        }),
        ..inline(&[&Key::new("k", 7)])
    }
}

/// A gate whose host is set up by `set_up` before.
fn world_after(set_up: impl FnOnce(&World), keys: Vec<ClientKeyConfig>) -> World {
    let before = World::new(inline(&[&Key::new("k", 7)]));
    let metadata = json!({ "issuer": ISSUER, "token_endpoint": ENDPOINT });
    before.host.set_json(DISCOVERY, &metadata);
    let token = json!({ "access_token": "t", "token_type": "Bearer" });
    before.host.set_json(ENDPOINT, &token);
    set_up(&before);
    before.again(config(keys))
}

fn world(keys: Vec<ClientKeyConfig>) -> World {
    world_after(|_| {}, keys)
}

fn answers(world: &World, answers: Answers) {
    world.host.signatures.answers.set(answers);
}

fn published(world: &World) -> Answer {
    answer(world.send(&head("GET", KEYS)))
}

fn assertion(world: &World) -> Result<Secret, TokenFailure> {
    let client = world.deployment.token_client().unwrap();
    match client.client_assertion("https://other.example") {
        AssertionStep::Done(assertion) => assertion,
        AssertionStep::Waiting(task) => world.finish(task),
    }
}

fn request(world: &World) -> Result<(), TokenFailure> {
    let client = world.deployment.token_client().unwrap();
    let step = client.request(Grant::ClientCredentials, TokenTarget::default(), None);
    let outcome = match step {
        TokenStep::Done(outcome) => outcome,
        TokenStep::Waiting(task) => world.finish(task),
    };
    outcome.map(|_| ())
}

fn check(world: &World) {
    let document = published(world);
    assert_eq!(document.status, 200);
    let assertion = assertion(world).unwrap().expose().to_owned();
    let keys = document.body.unwrap();
    at_once(verify_compact(
        SignatureHost::shared(),
        keys.into(),
        assertion,
    ))
    .unwrap();
}

/// A key with the private half of another one.
fn mixed(name: &str) -> String {
    let own = jwk(name);
    let d = own.get("d").and_then(|d| d.as_str()).unwrap();
    let mut d = base64url::decode(d).unwrap();
    *d.last_mut().unwrap() ^= 2;
    with(&own, "d", &format!("\"{}\"", base64url::encode(&d))).to_string()
}

#[test]
fn late_hosts_publish_and_sign() {
    for polls in [0, 1, 3] {
        for key in [
            text(pem!("p256-pkcs8")),
            text(pem!("rsa-2048-pkcs8")),
            named("kms-key"),
        ] {
            let world = world_after(|world| answers(world, Answers::After(polls)), vec![key]);
            check(&world);
            request(&world).unwrap();
        }
    }
}

#[test]
fn a_key_is_prepared_and_tested_once() {
    let world = world(vec![text(pem!("p256-pkcs8"))]);
    assert_eq!(world.host.signatures.signatures.get(), 1);
    for _ in 0..3 {
        assertion(&world).unwrap();
    }
    assert_eq!(published(&world).status, 200);
    assert_eq!(world.host.signatures.signatures.get(), 4);
    // Its private half, and its public half for the trial.
    assert_eq!(world.host.signatures.imports.get(), 2);
}

#[test]
fn a_host_that_does_not_sign_fails_only_the_request() {
    let world = world(vec![text(pem!("p256-pkcs8"))]);
    for (host, error) in [
        (Answers::Never, SignatureError::TimedOut),
        (
            Answers::Fails(SignatureError::Failed),
            SignatureError::Failed,
        ),
    ] {
        answers(&world, host);
        let failure = assertion(&world).unwrap_err();
        assert_eq!(failure, TokenFailure::Signing(SigningError::Host(error)));
        assert_eq!(failure.to_answer().status, 503);
        assert_eq!(request(&world).unwrap_err(), failure);
    }
    assert_eq!(world.host.fetches(ENDPOINT), 0);
    answers(&world, Answers::AtOnce);
    check(&world);
    request(&world).unwrap();
}

#[test]
fn an_outage_at_the_start_is_not_a_configuration_error() {
    for host in [Answers::Never, Answers::Fails(SignatureError::Failed)] {
        for key in [text(pem!("p256-pkcs8")), named("kms-key")] {
            let world = world_after(|world| answers(world, host), vec![key]);
            let failure = assertion(&world).unwrap_err();
            assert_eq!(failure.to_answer().status, 503);
            answers(&world, Answers::AtOnce);
            check(&world);
        }
    }
}

#[test]
fn outages_and_unusable_keys_have_different_statuses() {
    let world = world_after(
        |world| answers(world, Answers::Never),
        vec![text(pem!("p256-pkcs8"))],
    );
    for (host, status, reason) in [
        (Answers::Never, 503, "signatures-timed-out"),
        (
            Answers::Fails(SignatureError::Failed),
            503,
            "signatures-failed",
        ),
        (
            Answers::Fails(SignatureError::Unsupported),
            500,
            "client-configuration",
        ),
        (
            Answers::Fails(SignatureError::KeyRefused),
            500,
            "client-configuration",
        ),
    ] {
        answers(&world, host);
        let document = published(&world);
        assert_eq!((document.status, document.reason), (status, Some(reason)));
    }
}

#[test]
fn malformed_signatures_are_not_sent() {
    for key in [
        text(pem!("p256-pkcs8")),
        text(pem!("rsa-2048-pkcs8")),
        named("kms-key"),
    ] {
        let world = world(vec![key]);
        world.host.signatures.cuts.set(true);
        let failed = TokenFailure::Signing(SigningError::Host(SignatureError::Failed));
        assert_eq!(assertion(&world).unwrap_err(), failed);
        assert_eq!(request(&world).unwrap_err(), failed);
        assert_eq!(world.host.fetches(ENDPOINT), 0);
    }
}

#[test]
fn algorithms_that_are_not_lent_fail_at_start() {
    for (lent, key, algorithm) in [
        (&["RS256"][..], text(pem!("p256-pkcs8")), "ES256"),
        (&["RS256"], text(pem!("ed25519-pkcs8")), "EdDSA"),
        (&[], text(pem!("rsa-2048-pkcs8")), "RS256"),
        (
            &["RS256"],
            ClientKeyConfig {
                algorithm: Some("PS256".into()),
                ..text(pem!("rsa-2048-pkcs8"))
            },
            "PS256",
        ),
        (
            &["RS256"],
            ClientKeyConfig {
                algorithm: Some("EdDSA".into()),
                ..named("kms-key")
            },
            "EdDSA",
        ),
    ] {
        let world = world_after(|world| world.host.signatures.sign.set(lent), vec![key]);
        let error = world.deployment.token_client().unwrap_err();
        assert_eq!(error.field, "client.keys[0]");
        for part in [algorithm, "tollgate-gate-standalone.wasm"] {
            assert!(error.message.contains(part), "{}", error.message);
        }
        // The gate itself works.
        assert_eq!(world.status(&Key::new("k", 7).token()), 200);
        assert_eq!(published(&world).status, 500);
    }
    let lent: &[&str] = &["Ed25519"];
    let set_up = |world: &World| world.host.signatures.sign.set(lent);
    check(&world_after(set_up, vec![text(pem!("ed25519-pkcs8"))]));
}

#[test]
fn keys_known_only_to_the_host_sign() {
    let world = world(vec![named("kms-key")]);
    // Each of its signatures may cost money.
    assert_eq!(world.host.signatures.signatures.get(), 0);
    check(&world);
    assert_eq!(world.host.signatures.signatures.get(), 1);
    let document: Value = serde_json::from_str(&published(&world).body.unwrap()).unwrap();
    let key = &document["keys"][0];
    assert_eq!(key["crv"], "Ed25519");
    assert_eq!(key["alg"], "EdDSA");
    assert_eq!(key["kid"], THUMBPRINT);
    let renamed = ClientKeyConfig {
        kid: Some("mine".into()),
        algorithm: Some("Ed25519".into()),
        ..named("kms-key")
    };
    let world = self::world(vec![renamed]);
    check(&world);
    let document: Value = serde_json::from_str(&published(&world).body.unwrap()).unwrap();
    assert_eq!(document["keys"][0]["kid"], "mine");
    assert_eq!(document["keys"][0]["alg"], "Ed25519");
}

#[test]
fn unknown_key_names_fail_at_start() {
    let world = world(vec![named("other-key")]);
    let error = world.deployment.token_client().unwrap_err();
    assert_eq!(error.field, "client.keys[0]");
    assert!(error.message.contains("name"), "{}", error.message);
    assert!(!error.message.contains("copy"), "{}", error.message);
}

#[test]
fn named_keys_sign_with_their_algorithm() {
    let key = ClientKeyConfig {
        algorithm: Some("ES256".into()),
        ..named("kms-key")
    };
    let world = world(vec![key]);
    let error = world.deployment.token_client().unwrap_err();
    assert!(error.message.contains("EdDSA"), "{}", error.message);
}

#[test]
fn inconsistent_keys_fail_at_start() {
    for key in [
        mixed("p256"),
        mixed("p384"),
        mixed("ed25519"),
        mixed("rsa-2048"),
    ] {
        let world = world(vec![text(pem!("p384-pkcs8")), text(&key)]);
        let error = world.deployment.token_client().unwrap_err();
        assert_eq!(error.field, "client.keys[1]");
        let sentence = SigningKeyError::Inconsistent.to_string();
        assert!(error.message.contains(&sentence), "{}", error.message);
        assert!(!error.message.contains(&key));
    }
}

#[test]
fn late_hosts_find_inconsistent_keys_when_they_are_needed() {
    let late = |world: &World| answers(world, Answers::After(2));
    let world = world_after(late, vec![text(&mixed("ed25519"))]);
    for _ in 0..2 {
        let failure = assertion(&world).unwrap_err();
        let inconsistent = SigningError::Key(SigningKeyError::Inconsistent);
        assert_eq!(failure, TokenFailure::Signing(inconsistent));
        assert_eq!(failure.to_answer().status, 500);
    }
    assert_eq!(published(&world).status, 500);
    assert!(request(&world).is_err());
    assert_eq!(world.host.fetches(ENDPOINT), 0);
}

#[test]
fn two_keys_with_one_kid_are_not_published() {
    let twins = || vec![named("kms-key"), named("kms-key")];
    let error = world(twins()).deployment.token_client().unwrap_err();
    assert!(error.message.contains("same kid"), "{}", error.message);
    let late = world_after(|world| answers(world, Answers::After(1)), twins());
    assert_eq!(published(&late).status, 500);
}
