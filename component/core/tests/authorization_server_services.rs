//! Tokens for clients themselves, and tokens for tokens.

mod harness;

use harness::authorization::{Issuer, MCP, body, config, error, text};
use serde_json::Value;
use tollgate_core::authorization_server::{AccessTokenFormat, Config};

const CLIENT: [(&str, &str); 2] = [
    ("client_id", "service"),
    ("client_secret", "service secret 1"),
];
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

fn form<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&CLIENT, more].concat()
}

fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).expect("a JWT");
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload);
    serde_json::from_slice(&payload.expect("base64url")).expect("JSON")
}

#[test]
fn a_client_gets_a_token_for_itself() {
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let issuer = Issuer::new(Config {
            access_token: Some(format),
            ..config()
        });
        let answer = issuer.token(&form(&[("grant_type", "client_credentials")]));
        assert_eq!(answer.status, 200, "{answer:?}");
        let tokens = body(&answer);
        assert_eq!(tokens.get("refresh_token"), None);
        assert_eq!(tokens["scope"], "read");
        let token = text(&tokens, "access_token");
        assert!(issuer.is_active(&token));
        issuer.post("/revoke", &form(&[("token", &token)]));
        assert!(!issuer.is_active(&token));
    }
}

#[test]
fn a_client_gets_only_its_scopes_and_the_servers_resources() {
    let issuer = Issuer::new(config());
    for (name, value, reason) in [
        ("scope", "write", "scope-not-for-client"),
        ("scope", "unknown", "scope-unknown"),
        ("resource", "https://third.example", "target-beyond-grant"),
    ] {
        let answer = issuer.token(&form(&[
            ("grant_type", "client_credentials"),
            (name, value),
        ]));
        assert_eq!(answer.reason, Some(reason), "{value}");
    }
    let wrong = [
        ("client_id", "service"),
        ("client_secret", "another secret 1"),
        ("grant_type", "client_credentials"),
    ];
    let answer = issuer.token(&wrong);
    assert_eq!(
        (answer.status, error(&answer)),
        (401, "invalid_client".into())
    );
    let not_its_grant = [("client_id", "app"), ("grant_type", "client_credentials")];
    assert_eq!(
        issuer.token(&not_its_grant).reason,
        Some("unauthorized-client")
    );
}

/// An issuer whose service may exchange the tokens of others.
fn exchanging(format: AccessTokenFormat) -> Issuer {
    let mut config = config();
    config.access_token = Some(format);
    config.clients[1].exchanges_tokens_of_others = true;
    Issuer::new(config)
}

fn exchange<'a>(token: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let exchange = [
        ("grant_type", EXCHANGE),
        ("subject_token", token),
        ("subject_token_type", ACCESS_TOKEN),
    ];
    form(&[&exchange, more].concat())
}

#[test]
fn a_token_is_exchanged_for_less_and_ends_with_its_grant() {
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let issuer = exchanging(format);
        let tokens = issuer.tokens();
        let token = text(&tokens, "access_token");
        issuer.host.advance(600_000);
        let answer = issuer.token(&exchange(&token, &[("scope", "read")]));
        assert_eq!(answer.status, 200, "{answer:?}");
        let new = body(&answer);
        assert_eq!(new["issued_token_type"], ACCESS_TOKEN);
        assert_eq!(new["scope"], "read");
        assert_eq!(new["expires_in"], 3000);
        let new = text(&new, "access_token");
        assert!(issuer.is_active(&new));
        let refresh_token = text(&tokens, "refresh_token");
        issuer.post(
            "/revoke",
            &[("client_id", "app"), ("token", &refresh_token)],
        );
        assert!(!issuer.is_active(&new));
        assert_eq!(
            issuer.token(&exchange(&new, &[])).reason,
            Some("grant-unknown")
        );
    }
}

#[test]
fn exchanges_beyond_the_grant_are_refused() {
    let issuer = exchanging(AccessTokenFormat::Jwt);
    let token = text(&issuer.tokens(), "access_token");
    let refresh = text(&issuer.tokens(), "refresh_token");
    for (form, reason) in [
        (
            exchange(&token, &[("scope", "write")]),
            "scope-not-for-client",
        ),
        (
            exchange(&token, &[("scope", "admin")]),
            "scope-beyond-grant",
        ),
        (exchange(&token, &[]), "scope-not-for-client"),
        (
            exchange(
                &token,
                &[("scope", "read"), ("audience", "https://other.example")],
            ),
            "target-beyond-grant",
        ),
        (exchange("a.b.c", &[]), "grant-unknown"),
        (exchange(&refresh, &[]), "grant-unknown"),
        (
            exchange(&token, &[("requested_token_type", "urn:x")]),
            "bad-parameter",
        ),
        (
            exchange(&token, &[("actor_token", &token)]),
            "missing-parameter",
        ),
        (
            exchange(&token, &[("actor_token_type", ACCESS_TOKEN)]),
            "missing-parameter",
        ),
        (
            exchange(
                &token,
                &[("actor_token", &token), ("actor_token_type", ACCESS_TOKEN)],
            ),
            "unauthorized-client",
        ),
    ] {
        assert_eq!(issuer.token(&form).reason, Some(reason), "{form:?}");
    }
    // Without the policy, a token is only its client's.
    let strict = Issuer::new(config());
    let token = text(&strict.tokens(), "access_token");
    let answer = strict.token(&exchange(&token, &[("scope", "read")]));
    assert_eq!(answer.reason, Some("unauthorized-client"));
}

#[test]
fn an_actor_stands_in_the_new_token_before_the_earlier_ones() {
    let issuer = exchanging(AccessTokenFormat::Jwt);
    let own = issuer.token(&form(&[("grant_type", "client_credentials")]));
    let own = text(&body(&own), "access_token");
    let mut token = text(&issuer.tokens(), "access_token");
    let actor = [
        ("scope", "read"),
        ("actor_token", own.as_str()),
        ("actor_token_type", ACCESS_TOKEN),
    ];
    for _ in 0..8 {
        let answer = issuer.token(&exchange(&token, &actor));
        assert_eq!(answer.status, 200, "{answer:?}");
        token = text(&body(&answer), "access_token");
    }
    let claims = claims(&token);
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["aud"], MCP);
    assert_eq!(claims["act"]["sub"], "service");
    assert_eq!(claims["act"]["act"]["client_id"], "service");
    let answer = issuer.token(&exchange(&token, &actor));
    assert_eq!(answer.reason, Some("bad-parameter"));
}
