//! `private_key_jwt` (RFC 7523), with keys inline and at a URL.

use serde_json::{Value, json};
use tollgate_core::authorization_server::{ClientConfig, Config};
use tollgate_core::capability::{HttpError, SignatureError};

use crate::harness::signatures::Answers;
use crate::harness::{Key, NOW, Site, jwks};
use crate::support::{ACCEPTED, CALLBACK, ISSUER, TOKEN, World, config, error, outcome, with};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const JWKS: &str = "https://app.example/jwks";

fn key() -> Key {
    Key::new("one", 1)
}

fn client(inline: bool) -> Config {
    let set = jwks(&[&key()]).to_string();
    Config {
        clients: vec![
            ClientConfig {
                id: "app".into(),
                jwks: inline.then_some(set),
                jwks_uri: (!inline).then(|| JWKS.into()),
                redirect_uris: vec![CALLBACK.into()],
                ..ClientConfig::default()
            },
            ClientConfig {
                id: "public".into(),
                redirect_uris: vec![CALLBACK.into()],
                ..ClientConfig::default()
            },
        ],
        ..config()
    }
}

fn world(inline: bool) -> World {
    let world = World::new(&client(inline));
    world.host.set_json(JWKS, &jwks(&[&key()]));
    world
}

fn claims(changes: &Value) -> String {
    let claims = json!({
        "iss": "app", "sub": "app", "aud": ISSUER, "jti": "1", "iat": NOW, "exp": NOW + 60,
    });
    with(claims, changes).to_string()
}

/// An assertion with these claims changed.
fn assertion(changes: &Value) -> String {
    typed("JWT", changes)
}

fn typed(typ: &str, changes: &Value) -> String {
    let header = json!({ "alg": "ES256", "typ": typ, "kid": "one" });
    key().sign(&header, &claims(changes))
}

fn reason(world: &World, assertion: &str) -> &'static str {
    let form = [
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
    ];
    world.reason(&[], &form)
}

#[test]
fn an_assertion_is_accepted_once() {
    let world = world(true);
    let once = assertion(&json!({}));
    assert_eq!(reason(&world, &once), ACCEPTED);
    assert_eq!(reason(&world, &once), "client-assertion-replayed");
    // Another instance knows it as well.
    let other = world.again(&client(true));
    assert_eq!(reason(&other, &once), "client-assertion-replayed");
    // The `jti` counts, whatever else differs.
    let same_id = assertion(&json!({ "exp": NOW + 61 }));
    assert_eq!(reason(&world, &same_id), "client-assertion-replayed");
    assert_eq!(reason(&world, &assertion(&json!({ "jti": "2" }))), ACCEPTED);
}

#[test]
fn a_used_assertion_is_remembered_until_it_has_expired() {
    let world = world(true);
    let once = assertion(&json!({ "exp": NOW as f64 + 60.5 }));
    assert_eq!(reason(&world, &once), ACCEPTED);
    // A minute of tolerance follows `exp`.
    world.host.now_ms.set((NOW + 120) * 1000);
    assert_eq!(reason(&world, &once), "client-assertion-replayed");
    world.host.now_ms.set((NOW + 121) * 1000);
    assert_eq!(reason(&world, &once), "client-assertion-expired");
}

#[test]
fn a_lost_answer_of_the_store_does_not_use_an_assertion_up() {
    let world = world(true);
    assert_eq!(reason(&world, &assertion(&json!({ "jti": "0" }))), ACCEPTED);
    world.store.lose_answer.set(true);
    assert_eq!(reason(&world, &assertion(&json!({}))), ACCEPTED);
}

#[test]
fn the_form_may_name_the_client_too() {
    let world = world(true);
    let assertion = assertion(&json!({}));
    let with_id = |id| {
        let form = [
            ("client_assertion_type", TYPE),
            ("client_assertion", &*assertion),
            ("client_id", id),
        ];
        world.token(&[], &form)
    };
    assert_eq!(with_id("other").reason, Some("bad-parameter"));
    assert_eq!(outcome(&with_id("app")), ACCEPTED);
}

#[test]
fn both_parameters_are_needed() {
    let world = world(true);
    let assertion = assertion(&json!({}));
    for form in [
        [("client_id", "app"), ("client_assertion", &*assertion)],
        [("client_id", "app"), ("client_assertion_type", TYPE)],
    ] {
        let refused = world.token(&[], &form);
        assert_eq!(refused.reason, Some("missing-parameter"));
        let text = refused.body.unwrap();
        assert!(text.contains("client_assertion"), "{text}");
    }
    let form = [
        ("client_assertion", &*assertion),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        ),
    ];
    assert_eq!(world.reason(&[], &form), "client-assertion-type");
}

#[test]
fn only_its_own_method_authenticates_a_client() {
    let world = world(true);
    let missing = world.reason(&[], &[("client_id", "app")]);
    assert_eq!(missing, "client-authentication-missing");
    let of_public = assertion(&json!({ "iss": "public", "sub": "public" }));
    assert_eq!(reason(&world, &of_public), "client-authentication-method");
    let of_nobody = assertion(&json!({ "iss": "nobody", "sub": "nobody" }));
    assert_eq!(reason(&world, &of_nobody), "unknown-client");
}

#[test]
fn claims_are_checked_before_any_key() {
    let world = world(false);
    for (changes, expected) in [
        (json!({ "iss": "other" }), "client-assertion-issuer"),
        (json!({ "sub": null }), "client-assertion-issuer"),
        (
            json!({ "aud": "https://other.example" }),
            "client-assertion-audience",
        ),
        (json!({ "exp": NOW - 60 }), "client-assertion-expired"),
        (json!({ "exp": NOW + 3661 }), "client-assertion-too-long"),
        (json!({ "jti": null }), "client-assertion-claim"),
    ] {
        let refused = reason(&world, &assertion(&changes));
        assert_eq!(refused, expected, "{changes}");
    }
    assert_eq!(world.host.fetches(JWKS), 0);
    let refused = world.token(
        &[],
        &[("client_assertion_type", TYPE), ("client_assertion", "x")],
    );
    assert_eq!(outcome(&refused), "client-assertion-malformed");
    assert_eq!(
        (refused.status, error(&refused).as_str()),
        (401, "invalid_client")
    );
}

#[test]
fn the_token_endpoint_is_an_audience_unless_the_assertion_is_typed() {
    let world = world(true);
    let endpoint = json!({ "aud": TOKEN });
    assert_eq!(reason(&world, &assertion(&endpoint)), ACCEPTED);
    let typed_endpoint = typed("client-authentication+jwt", &endpoint);
    assert_eq!(reason(&world, &typed_endpoint), "client-assertion-audience");
    let typed_issuer = typed("client-authentication+jwt", &json!({ "jti": "2" }));
    assert_eq!(reason(&world, &typed_issuer), ACCEPTED);
}

#[test]
fn signatures_and_keys_are_checked() {
    let world = world(true);
    let header = json!({ "alg": "ES256", "kid": "one" });
    let forged = Key::new("one", 2).sign(&header, &claims(&json!({})));
    assert_eq!(reason(&world, &forged), "client-assertion-signature");
    let header = json!({ "alg": "ES256", "kid": "two" });
    let unknown = key().sign(&header, &claims(&json!({})));
    assert_eq!(reason(&world, &unknown), "client-assertion-unknown-key");
    // Neither of them used the id up.
    assert_eq!(reason(&world, &assertion(&json!({}))), ACCEPTED);
}

#[test]
fn without_a_verdict_the_client_is_not_blamed() {
    let world = world(true);
    world.host.signatures.answers.set(Answers::Never);
    let answer = world.token(
        &[],
        &[
            ("client_assertion_type", TYPE),
            ("client_assertion", &assertion(&json!({}))),
        ],
    );
    assert_eq!(outcome(&answer), "client-assertion-no-verdict");
    assert_eq!(answer.status, 503);
    world.host.signatures.answers.set(Answers::AtOnce);
    world.host.now_ms.set(NOW * 1000);
    assert_eq!(reason(&world, &assertion(&json!({}))), ACCEPTED);
}

#[test]
fn a_key_without_a_verdict_might_be_the_right_one() {
    let set = jwks(&[&key(), &Key::new("two", 2)]).to_string();
    let mut config = client(true);
    config.clients[0].jwks = Some(set);
    let world = World::new(&config);
    let forged = Key::new("one", 3).sign(&json!({ "alg": "ES256" }), &claims(&json!({})));
    let mut next = world.host.signatures.next.borrow_mut();
    next.push_back(Answers::Fails(SignatureError::Failed));
    drop(next);
    assert_eq!(reason(&world, &forged), "client-assertion-no-verdict");
    assert_eq!(reason(&world, &forged), "client-assertion-signature");
    // Only so many keys are tried.
    let many: Vec<Key> = (1..=5).map(|seed| Key::new("many", seed)).collect();
    let many_keys: Vec<&Key> = many.iter().collect();
    config.clients[0].jwks = Some(jwks(&many_keys).to_string());
    let world = World::new(&config);
    let by = |key: &Key, jti: &str| {
        let claims = claims(&json!({ "jti": jti }));
        reason(&world, &key.sign(&json!({ "alg": "ES256" }), &claims))
    };
    assert_eq!(by(&many[3], "1"), ACCEPTED);
    assert_eq!(by(&many[4], "2"), "client-assertion-signature");
}

#[test]
fn a_key_that_the_host_cannot_use_is_no_key() {
    let world = world(true);
    world
        .host
        .signatures
        .refuses
        .set(Some(SignatureError::Unsupported));
    let refused = reason(&world, &assertion(&json!({})));
    assert_eq!(refused, "client-assertion-unknown-key");
}

#[test]
fn keys_are_fetched_once_and_again_for_a_new_key() {
    let world = world(false);
    for jti in ["1", "2", "3"] {
        let assertion = assertion(&json!({ "jti": jti }));
        assert_eq!(reason(&world, &assertion), ACCEPTED);
    }
    assert_eq!(world.host.fetches(JWKS), 1);
    let new = Key::new("two", 2);
    let by_new = |jti: &str| {
        let header = json!({ "alg": "ES256", "kid": "two" });
        let now = world.now();
        new.sign(
            &header,
            &claims(&json!({ "jti": jti, "iat": now, "exp": now + 60 })),
        )
    };
    assert_eq!(reason(&world, &by_new("4")), "client-assertion-unknown-key");
    assert_eq!(world.host.fetches(JWKS), 2);
    world.host.set_json(JWKS, &jwks(&[&key(), &new]));
    // Unknown keys cause one fetch per half minute.
    assert_eq!(reason(&world, &by_new("5")), "client-assertion-unknown-key");
    assert_eq!(world.host.fetches(JWKS), 2);
    world.advance_seconds(31);
    assert_eq!(reason(&world, &by_new("6")), ACCEPTED);
    assert_eq!(world.host.fetches(JWKS), 3);
}

#[test]
fn a_key_server_that_is_down_is_an_outage() {
    let world = world(false);
    for site in [
        Site::Fails(HttpError::Unreachable),
        Site::Never,
        Site::Later(503, "1"),
        Site::Body(200, "<html>".into(), ""),
    ] {
        world.host.set(JWKS, site);
        let now = world.now();
        let assertion = assertion(&json!({ "iat": now, "exp": now + 60 }));
        let form = [
            ("client_assertion_type", TYPE),
            ("client_assertion", &*assertion),
        ];
        let answer = world.token(&[], &form);
        assert_eq!(outcome(&answer), "client-keys-unavailable");
        assert_eq!(answer.status, 503);
        assert_eq!(error(&answer), "temporarily_unavailable");
        let retry: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=30).contains(&retry), "{retry}");
        world.advance_seconds(31);
    }
}

#[test]
fn known_keys_are_used_during_an_outage() {
    let world = world(false);
    assert_eq!(reason(&world, &assertion(&json!({}))), ACCEPTED);
    world.host.take_down();
    world.advance_seconds(3 * 3600);
    let now = world.now();
    let later = assertion(&json!({ "jti": "2", "iat": now, "exp": now + 60 }));
    assert_eq!(reason(&world, &later), ACCEPTED);
}

#[test]
fn a_key_set_that_is_too_large_is_not_read() {
    let world = world(false);
    let body = jwks(&[&key()]).to_string() + &" ".repeat(64 * 1024);
    world.host.set(JWKS, Site::Body(200, body, ""));
    let refused = reason(&world, &assertion(&json!({})));
    assert_eq!(refused, "client-keys-unavailable");
}
