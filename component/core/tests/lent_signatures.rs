//! Signature checks of the host that are late, missing, failing or contradictory, and those that
//! never reach it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod harness;

use std::rc::Rc;

use harness::signatures::{Answers, SignatureHost, at_once};
use harness::{
    DISCOVERY, ISSUER, JWKS, Key, Site, World, answer, bearer, claims_with, discovering, inline,
    issuer, reason, status,
};
use serde_json::{Value, json};
use tollgate_core::capability::SignatureError;
use tollgate_core::config_error::ConfigError;
use tollgate_core::deployment::{Config, IssuerConfig, KeyLocationConfig};
use tollgate_core::jose::{
    Algorithm, SigningKey, VerificationError, VerifyingKey, base64url, publish, sign_compact,
    verify_raw,
};
use tollgate_core::json::{Json, Object};
use tollgate_core::resource_server::Step;
use tollgate_core::task::{Progress, Task};

const RSA: &str = include_str!("jose_signing_keys/rsa-2048-pkcs8.pem");

fn world(keys: &[&Key]) -> World {
    World::new(inline(keys))
}

/// A token that does not name its key.
fn nameless(key: &Key, id: u32) -> String {
    let header = json!({ "alg": "ES256", "typ": "at+jwt" });
    key.sign(&header, &claims_with(&json!({ "jti": id })).to_string())
}

/// The token with another signature of the right form.
fn forged(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let mut signature = base64url::decode(signature).unwrap();
    signature[40] ^= 1;
    format!("{input}.{}", base64url::encode(&signature))
}

fn waiting(step: Step) -> Task<tollgate_core::resource_server::Outcome> {
    match step {
        Step::Waiting(task) => task,
        Step::Done(outcome) => panic!("done: {outcome:?}"),
    }
}

#[test]
fn late_verdicts_are_awaited() {
    let key = Key::new("k", 7);
    for polls in [0, 1, 2, 50] {
        let world = world(&[&key]);
        world.host.signatures.answers.set(Answers::After(polls));
        assert_eq!(world.status(&key.token()), 200, "{polls}");
        assert_eq!(world.reason(&forged(&key.token())), "token-bad-signature");
        // The verdict is kept.
        assert!(matches!(
            world.gate.decide(&bearer(&key.token())),
            Step::Done(_)
        ));
        assert_eq!(world.host.signatures.verdicts.get(), 2);
    }
}

#[test]
fn a_host_that_never_answers_fails_only_one_request() {
    let key = Key::new("k", 7);
    let world = world(&[&key]);
    let token = key.token();
    let before = world.host.now_ms.get();
    world.host.signatures.answers.set(Answers::Never);
    let hanging = waiting(world.gate.decide(&bearer(&token)));
    world.host.signatures.answers.set(Answers::AtOnce);
    let other = key.token_with(&json!({ "sub": "bob" }));
    assert_eq!(world.status(&other), 200);
    let refused = world.finish(hanging);
    assert_eq!(reason(&refused), "signatures-timed-out");
    let waited = world.host.now_ms.get() - before;
    assert!((5_000..6_000).contains(&waited), "{waited}");
    let refused = answer(refused);
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("www-authenticate"), None);
    assert_eq!(world.status(&token), 200);
}

#[test]
fn without_a_verdict_a_token_is_neither_accepted_nor_invalid() {
    let key = Key::new("k", 7);
    let world = world(&[&key]);
    for (error, code) in [
        (SignatureError::Unsupported, "signatures-unsupported"),
        (SignatureError::Failed, "signatures-failed"),
        (SignatureError::TimedOut, "signatures-timed-out"),
    ] {
        world.host.signatures.answers.set(Answers::Fails(error));
        for token in [key.token(), forged(&key.token())] {
            let refused = world.get(&token);
            assert_eq!((status(&refused), reason(&refused)), (503, code));
            let refused = answer(refused);
            assert_eq!(refused.header("www-authenticate"), None);
            assert!(!refused.body.unwrap().contains("invalid_token"));
        }
    }
    world.host.signatures.answers.set(Answers::AtOnce);
    assert_eq!(world.status(&key.token()), 200);
}

#[test]
fn a_false_verdict_is_an_invalid_signature() {
    let key = Key::new("k", 7);
    let world = world(&[&key]);
    let refused = world.get(&forged(&key.token()));
    assert_eq!(
        (status(&refused), reason(&refused)),
        (401, "token-bad-signature")
    );
}

#[test]
fn the_first_answer_counts() {
    let key = Key::new("k", 7);
    let world = world(&[&key]);
    world.host.signatures.answers.set(Answers::Twice);
    for _ in 0..3 {
        assert_eq!(world.status(&forged(&key.token())), 401);
        assert_eq!(world.status(&key.token()), 200);
    }
}

#[test]
fn one_missing_verdict_among_several_keys() {
    let keys = [Key::new("a", 7), Key::new("b", 8), Key::new("c", 9)];
    let world = world(&keys.each_ref());
    let fails = Answers::Fails(SignatureError::Failed);
    let next = |answers: &[Answers]| {
        *world.host.signatures.next.borrow_mut() = answers.to_vec().into();
    };
    // Another key has the good one.
    next(&[fails, Answers::AtOnce]);
    assert_eq!(world.status(&nameless(&keys[1], 1)), 200);
    next(&[fails, fails, Answers::AtOnce]);
    assert_eq!(world.status(&nameless(&keys[2], 2)), 200);
    // All other keys refuse: the key without a verdict might be the right one.
    for place in 0..3 {
        let mut answers = [Answers::AtOnce; 3];
        answers[place] = fails;
        next(&answers);
        let refused = world.get(&nameless(&Key::new("d", 10), 3));
        assert_eq!(
            (status(&refused), reason(&refused)),
            (503, "signatures-failed")
        );
    }
    next(&[]);
    let refused = world.get(&nameless(&Key::new("d", 10), 3));
    assert_eq!(reason(&refused), "token-bad-signature");
}

/// Keys that have the form of keys and are not on their curves, each with its algorithm.
fn off_curve() -> [(Value, Algorithm); 4] {
    let ec = |crv: &str, len: usize, alg| {
        let one = base64url::encode(&[&vec![0; len - 1][..], &[1]].concat());
        let key = json!({ "kty": "EC", "crv": crv, "x": one, "y": one, "kid": "k" });
        (key, alg)
    };
    let mut x = [0; 32];
    x[0] = 2;
    let ed25519 = json!({
        "kty": "OKP", "crv": "Ed25519", "x": base64url::encode(&x), "kid": "k",
    });
    [
        ec("P-256", 32, Algorithm::Es256),
        ec("P-384", 48, Algorithm::Es384),
        ec("P-521", 66, Algorithm::Es512),
        (ed25519, Algorithm::Ed25519),
    ]
}

#[test]
fn points_off_their_curve_are_refused() {
    for (jwk, algorithm) in off_curve() {
        let keys = json!({ "keys": [jwk] }).to_string();
        let config = Config {
            issuers: Some(vec![IssuerConfig {
                keys: Some(KeyLocationConfig::Inline(keys)),
                ..issuer()
            }]),
            ..Config::default()
        };
        let world = World::new(config);
        let header = json!({ "alg": algorithm.name(), "typ": "at+jwt", "kid": "k" });
        let len = algorithm.signature_len().unwrap();
        let signature = [&vec![0; len / 2 - 1][..], &[1], &vec![0; len / 2 - 1], &[1]].concat();
        let parts = [
            header.to_string().into_bytes(),
            claims_with(&json!({})).to_string().into_bytes(),
            signature,
        ];
        let token = parts.map(|part| base64url::encode(&part)).join(".");
        let refused = world.get(&token);
        assert_eq!(
            (status(&refused), reason(&refused)),
            (401, "token-unknown-key"),
            "{algorithm:?}"
        );
        // Known by then.
        world.get(&token);
        assert_eq!(world.host.signatures.imports.get(), 1);
        assert_eq!(world.host.signatures.verdicts.get(), 0);
    }
}

#[test]
fn a_refused_key_does_not_hide_other_keys() {
    let key = Key::new("k", 7);
    let (mut broken, _) = off_curve()[0].clone();
    broken["kid"] = json!("broken");
    let world = World::new(discovering());
    world.host.publish(&[&key]);
    let keys = json!({ "keys": [broken, key.jwk()] });
    world.host.set_json(JWKS, &keys);
    assert_eq!(world.status(&nameless(&key, 1)), 200);
    assert_eq!(
        world.reason(&forged(&nameless(&key, 2))),
        "token-bad-signature"
    );
}

#[test]
fn a_temporarily_failing_host_is_called_again() {
    let key = Key::new("k", 7);
    let world = world(&[&key]);
    let refuses = &world.host.signatures.refuses;
    refuses.set(Some(SignatureError::Failed));
    assert_eq!(world.reason(&key.token()), "signatures-failed");
    refuses.set(None);
    assert_eq!(world.status(&key.token()), 200);
}

#[test]
fn keys_are_imported_once() {
    let (key, next) = (Key::new("k", 7), Key::new("next", 8));
    let world = World::new(discovering());
    world.host.publish(&[&key]);
    let cached = Site::Body(200, harness::jwks(&[&key]).to_string(), "max-age=60");
    world.host.set(JWKS, cached);
    for id in 0..5 {
        assert_eq!(world.status(&key.token_with(&json!({ "jti": id }))), 200);
    }
    assert_eq!(world.host.signatures.imports.get(), 1);
    assert_eq!(world.host.signatures.verdicts.get(), 5);
    // The same key in another set, after a rotation.
    world.host.publish(&[&key, &next]);
    assert_eq!(world.status(&next.token()), 200);
    assert_eq!(world.host.fetches(JWKS), 2);
    assert_eq!(world.status(&key.token_with(&json!({ "jti": 6 }))), 200);
    assert_eq!(world.host.signatures.imports.get(), 2);
}

/// A token by an RSA key, with that key's public half.
fn rsa_token(algorithm: Algorithm, id: u32) -> (String, Value) {
    let key = Rc::new(SigningKey::from_text(RSA, Some("rsa"), Some(algorithm)).unwrap());
    let public = at_once(publish(Rc::clone(&key), SignatureHost::shared())).unwrap();
    let mut public: Value = serde_json::from_str(&public.to_string()).unwrap();
    public.as_object_mut().unwrap().remove("alg");
    let claims = claims_with(&json!({ "jti": id })).to_string();
    let typ = Some("at+jwt".into());
    let token = sign_compact(key, SignatureHost::shared(), typ, claims.into());
    (at_once(token).unwrap(), public)
}

#[test]
fn keys_are_imported_for_each_algorithm() {
    let world = World::new(discovering());
    let (_, public) = rsa_token(Algorithm::Rs256, 0);
    let metadata = json!({ "issuer": ISSUER, "jwks_uri": JWKS });
    world.host.set_json(DISCOVERY, &metadata);
    world.host.set_json(JWKS, &json!({ "keys": [public] }));
    for id in 0..3 {
        for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
            let (token, _) = rsa_token(algorithm, id);
            assert_eq!(world.status(&token), 200);
        }
    }
    assert_eq!(world.host.signatures.imports.get(), 2);
}

#[test]
fn malformed_signatures_never_reach_the_host() {
    let host = SignatureHost::default();
    let vectors = Json::parse(include_bytes!("jose_rfc_vectors.json"), 4).unwrap();
    let mut seen = Vec::new();
    for vector in vectors.as_array().unwrap() {
        let vector = vector.as_object().unwrap();
        let jws = vector.get("jws").and_then(Json::as_str).unwrap();
        let parts: Vec<_> = jws
            .split('.')
            .map(|part| base64url::decode(part).unwrap())
            .collect();
        let header = Object::parse(&parts[0], 4).unwrap();
        let algorithm = header.get("alg").and_then(Json::as_str).unwrap();
        let algorithm = Algorithm::from_name(algorithm).unwrap();
        seen.push(algorithm.name());
        let jwk = vector.get("jwk").unwrap().as_object().unwrap();
        let verify = |algorithm, signature: &[u8]| {
            at_once(verify_raw(
                Rc::new(host.clone()),
                VerifyingKey::from_jwk(jwk).unwrap(),
                algorithm,
                b"message".to_vec(),
                signature.to_vec(),
            ))
        };
        let good = &parts[2];
        for (signature, error) in [
            (&good[1..], VerificationError::Length),
            (&[&[0], &good[..]].concat(), VerificationError::Length),
            (&[&good[..], &[0]].concat(), VerificationError::Length),
            (b"", VerificationError::Length),
            (&vec![0xFF; good.len()], VerificationError::Invalid),
        ] {
            assert_eq!(verify(algorithm, signature), Err(error), "{algorithm:?}");
        }
        if jwk.get("crv").is_some() && algorithm != Algorithm::EdDsa {
            let (r, s) = good.split_at(good.len() / 2);
            let zero = vec![0; r.len()];
            for signature in [[&zero, s].concat(), [r, &zero].concat()] {
                let verdict = verify(algorithm, &signature);
                assert_eq!(verdict, Err(VerificationError::Invalid), "{algorithm:?}");
            }
        }
        if let Some(n) = jwk.get("n").and_then(Json::as_str) {
            let verdict = verify(algorithm, &base64url::decode(n).unwrap());
            assert_eq!(verdict, Err(VerificationError::Invalid), "{algorithm:?}");
        }
        // A key is for its own algorithms.
        let other = match algorithm {
            Algorithm::Es256 => Algorithm::Es384,
            _ => Algorithm::Es256,
        };
        assert_eq!(verify(other, good), Err(VerificationError::Algorithm));
    }
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.len() >= 4, "{seen:?}");
    assert_eq!((host.0.imports.get(), host.0.verdicts.get()), (0, 0));
}

fn restricted(algorithms: &[&str]) -> Config {
    let names = algorithms.iter().map(|name| (*name).to_owned()).collect();
    let mut config = inline(&[&Key::new("k", 7)]);
    config.issuers.as_mut().unwrap()[0].algorithms = Some(names);
    config
}

/// A gate at a host that lends only these.
fn start(lent: &'static [&'static str], config: Config) -> Result<World, ConfigError> {
    let world = World::new(inline(&[&Key::new("k", 7)]));
    world.host.signatures.verify.set(lent);
    World::on(Rc::clone(&world.host), config)
}

#[test]
fn algorithms_that_are_not_lent_fail_at_start() {
    for (lent, asked, named) in [
        (&["ES256"][..], &["RS256"][..], "RS256"),
        (&["ES256"], &["ES256", "ES512"], "ES512"),
        (&["ES256"], &["EdDSA"], "EdDSA"),
        (&[], &["ES256"], "ES256"),
    ] {
        let error = start(lent, restricted(asked)).err().unwrap();
        assert_eq!(error.field, "issuers[0].algorithms");
        for part in [
            named,
            "tollgate-gate-standalone.wasm",
            "tollgate-signatures.wasm",
        ] {
            assert!(error.message.contains(part), "{}", error.message);
        }
    }
    // Ed25519 is one algorithm with two names.
    for name in ["EdDSA", "Ed25519"] {
        assert!(start(&["Ed25519"], restricted(&[name])).is_ok());
    }
}

#[test]
fn the_default_algorithms_are_those_of_the_host() {
    let key = Key::new("k", 7);
    let world = start(&["ES256", "Ed25519"], inline(&[&key])).unwrap();
    assert_eq!(world.status(&key.token()), 200);
    let (token, _) = rsa_token(Algorithm::Rs256, 1);
    assert_eq!(world.reason(&token), "token-algorithm-not-allowed");
    let world = start(&["RS256"], inline(&[&key])).unwrap();
    assert_eq!(world.reason(&key.token()), "token-algorithm-not-allowed");
    let error = start(&[], inline(&[&key])).err().unwrap();
    assert!(error.message.contains("standalone"), "{}", error.message);
}

#[test]
fn dropping_a_task_during_a_check_is_safe() {
    let key = Key::new("k", 7);
    let world = world(&[&key]);
    world.host.signatures.answers.set(Answers::After(3));
    let mut task = waiting(world.gate.decide(&bearer(&key.token())));
    assert!(matches!(task.poll(), Progress::Pending(Some(_))));
    drop(task);
    assert_eq!(world.status(&key.token()), 200);
}
