//! A client that authenticates by its private keys, and publishes the public halves.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use harness::signatures::{SignatureHost, at_once};
use harness::{DISCOVERY, ISSUER, Key, NOW, Site, World, answer, head, inline};
use serde_json::{Value, json};
use tollgate_core::deployment::{
    AssertionAudience, ClientConfig, ClientKeyConfig, ClientKeySource, Config, Setting,
};
use tollgate_core::jose::verify_compact;
use tollgate_core::secret::Secret;
use tollgate_core::token_client::{
    AssertionStep, Grant, TokenClient, TokenFailure, TokenStep, TokenTarget,
};

const ENDPOINT: &str = "https://issuer.example/token";
const KEYS: &str = "https://api.example/.well-known/jwks.json";
const RSA: &str = include_str!("jose_signing_keys/rsa-2048-pkcs8.pem");
const P256: &str = include_str!("jose_signing_keys/p256-sec1-parameters.pem");

fn key(text: &str) -> ClientKeyConfig {
    ClientKeyConfig {
        key: ClientKeySource::Text(Secret::new(text)),
        kid: None,
        algorithm: None,
    }
}

fn client(keys: Vec<ClientKeyConfig>) -> ClientConfig {
    ClientConfig {
        id: Some("app".into()),
        keys: Some(keys),
        ..ClientConfig::default()
    }
}

fn world(client: ClientConfig) -> World {
    let world = World::new(Config {
        client: Some(client),
        ..inline(&[&Key::new("k", 7)])
    });
    let metadata = json!({ "issuer": ISSUER, "token_endpoint": ENDPOINT });
    world.host.set_json(DISCOVERY, &metadata);
    let token = json!({ "access_token": "t", "token_type": "Bearer" });
    world.host.set_json(ENDPOINT, &token);
    world
}

fn published(world: &World) -> String {
    let answer = answer(world.send(&head("GET", KEYS)));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.body.unwrap()
}

/// The form of the only request to the token endpoint, for the client's own grant.
fn form(world: &World) -> Vec<(String, String)> {
    let client = world.deployment.token_client().unwrap();
    let step = client.request(Grant::ClientCredentials, TokenTarget::default(), None);
    let outcome = match step {
        TokenStep::Done(outcome) => outcome,
        TokenStep::Waiting(task) => world.finish(task),
    };
    outcome.unwrap();
    let sent = world.host.sent.borrow();
    let request = sent
        .iter()
        .rfind(|request| request.url == ENDPOINT)
        .unwrap();
    assert!(!request.headers.iter().any(|(n, _)| n == "authorization"));
    let body = String::from_utf8(request.body.clone().unwrap()).unwrap();
    let pairs = body.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(n, v)| (n.into(), v.into())).collect()
}

fn assertion(world: &World) -> String {
    let form = form(world);
    let value = |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    assert_eq!(
        value("client_assertion_type").as_deref(),
        Some("urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer")
    );
    assert_eq!(value("client_secret"), None);
    value("client_assertion").unwrap()
}

/// An assertion for an audience, however long the host takes.
fn signed(world: &World, client: &TokenClient, audience: &str) -> Result<Secret, TokenFailure> {
    match client.client_assertion(audience) {
        AssertionStep::Done(assertion) => assertion,
        AssertionStep::Waiting(task) => world.finish(task),
    }
}

fn part(jws: &str, index: usize) -> Value {
    let part = jws.split('.').nth(index).unwrap();
    serde_json::from_slice(&BASE64URL.decode(part).unwrap()).unwrap()
}

#[test]
fn an_assertion_verifies_by_the_published_keys() {
    for (first, second, algorithm) in [(RSA, P256, "RS256"), (P256, RSA, "ES256")] {
        let world = world(client(vec![key(first), key(second)]));
        let assertion = assertion(&world);
        at_once(verify_compact(
            SignatureHost::shared(),
            published(&world).into(),
            assertion.clone(),
        ))
        .unwrap();
        let header = part(&assertion, 0);
        assert_eq!(header["alg"], algorithm);
        let claims = part(&assertion, 1);
        assert_eq!(claims["iss"], "app");
        assert_eq!(claims["sub"], "app");
        assert_eq!(claims["aud"], ISSUER);
        assert_eq!(claims["iat"], NOW);
        assert_eq!(claims["exp"], NOW + 60);
        assert!(claims["jti"].as_str().unwrap().len() >= 20);
        let again = self::assertion(&world);
        assert_ne!(part(&again, 1)["jti"], claims["jti"], "a new one each time");
    }
}

#[test]
fn the_audience_may_be_the_token_endpoint() {
    let world = world(ClientConfig {
        assertion_audience: Some(AssertionAudience::TokenEndpoint),
        ..client(vec![key(P256)])
    });
    assert_eq!(part(&assertion(&world), 1)["aud"], ENDPOINT);
    let client = world.deployment.token_client().unwrap();
    let given = signed(&world, &client, "https://other.example").unwrap();
    assert_eq!(part(given.expose(), 1)["aud"], "https://other.example");
}

#[test]
fn several_keys_are_published_without_their_private_halves() {
    let named = ClientKeyConfig {
        kid: Some("retired".into()),
        algorithm: Some("PS256".into()),
        ..key(RSA)
    };
    let world = world(client(vec![key(P256), named]));
    let document: Value = serde_json::from_str(&published(&world)).unwrap();
    let keys = document["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0]["alg"], "ES256");
    assert_eq!(keys[0]["kid"].as_str().unwrap().len(), 43, "a thumbprint");
    assert_eq!(keys[1]["kid"], "retired");
    assert_eq!(keys[1]["alg"], "PS256");
    for jwk in keys {
        assert_eq!(jwk["use"], "sig");
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(jwk.get(private).is_none(), "{private}");
        }
    }
}

#[test]
fn a_client_has_up_to_eight_keys() {
    let named = |n| ClientKeyConfig {
        kid: Some(format!("k{n}")),
        ..key(P256)
    };
    let world = world(client((0..8).map(named).collect()));
    let document: Value = serde_json::from_str(&published(&world)).unwrap();
    assert_eq!(document["keys"].as_array().unwrap().len(), 8);
}

#[test]
fn keys_come_from_settings_in_any_order() {
    let settings = [
        ("TOLLGATE_PRIVATE_KEY_RETIRED", RSA.replace('\n', "\\n")),
        ("TOLLGATE_PRIVATE_KEY", P256.replace('\n', "\\n")),
        ("TOLLGATE_CLIENT_ID", "app".into()),
    ];
    let world = World::new(Config {
        env: Some(
            settings
                .map(|(n, v): (&str, String)| (n.to_owned(), Setting::Text(v)))
                .into(),
        ),
        ..inline(&[&Key::new("k", 7)])
    });
    let document: Value = serde_json::from_str(&published(&world)).unwrap();
    assert_eq!(document["keys"].as_array().unwrap().len(), 2);
    let client = world.deployment.token_client().unwrap();
    let assertion = signed(&world, &client, ISSUER).unwrap();
    assert_eq!(part(assertion.expose(), 0)["alg"], "ES256");
}

#[test]
fn without_keys_there_is_no_document() {
    let world = World::new(inline(&[&Key::new("k", 7)]));
    assert!(world.gate.metadata(&head("GET", KEYS)).is_none());
    let secret = ClientConfig {
        id: Some("app".into()),
        secret: Some(Secret::new("s")),
        ..ClientConfig::default()
    };
    let broken = ClientConfig {
        id: None,
        ..secret.clone()
    };
    let world = self::world(broken);
    assert!(world.deployment.token_client().is_err());
    assert!(world.gate.metadata(&head("GET", KEYS)).is_none());
    let world = self::world(secret);
    assert!(world.gate.metadata(&head("GET", KEYS)).is_none());
    let client = world.deployment.token_client().unwrap();
    let failure = signed(&world, &client, ISSUER).unwrap_err();
    assert!(matches!(failure, TokenFailure::InvalidRequest(_)));
}

#[test]
fn a_broken_key_leaves_the_gate_working() {
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----";
    for (keys, field, word) in [
        (vec![key(encrypted)], "client.keys[0]", "passphrase"),
        (vec![key(P256), key("hunter2")], "client.keys[1]", "PEM"),
        (vec![key(P256), key(P256)], "client.keys[1]", "same kid"),
        (
            vec![ClientKeyConfig {
                algorithm: Some("RS256".into()),
                ..key(P256)
            }],
            "client.keys[0]",
            "ES256",
        ),
        (
            vec![ClientKeyConfig {
                algorithm: Some("HS256".into()),
                ..key(P256)
            }],
            "client.keys[0].algorithm",
            "not supported",
        ),
        (vec![key(P256); 9], "client.keys", "more than 8"),
    ] {
        let world = world(client(keys));
        let error = world.deployment.token_client().unwrap_err();
        assert_eq!(error.field, field);
        assert!(error.message.contains(word), "{}", error.message);
        assert!(!error.message.contains("hunter2"));
        let broken = answer(world.send(&head("GET", KEYS)));
        assert_eq!(
            (broken.status, broken.reason),
            (500, Some("client-configuration"))
        );
        let metadata = "https://api.example/.well-known/oauth-protected-resource";
        assert_eq!(answer(world.send(&head("GET", metadata))).status, 200);
        assert_eq!(world.status(&Key::new("k", 7).token()), 200);
    }
}

#[test]
fn no_assertion_is_signed_while_the_issuer_is_down() {
    let world = world(client(vec![key(P256)]));
    world.host.set(DISCOVERY, Site::Never);
    let client = world.deployment.token_client().unwrap();
    let step = client.request(Grant::ClientCredentials, TokenTarget::default(), None);
    let TokenStep::Waiting(task) = step else {
        panic!("discovery takes time");
    };
    let failure = world.finish(task).unwrap_err();
    assert!(matches!(failure, TokenFailure::IssuerUnavailable(_)));
}
