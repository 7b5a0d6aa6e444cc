//! Token exchange (RFC 8693) and policies.

use serde_json::{Value, json};
use tollgate_dev::issuer::{Algorithm, Options, Policy, TokenSpec};

use crate::support::{
    ACCESS_TOKEN, DEMO, EXCHANGE, Fixture, JWT, KeyHolder, part, refused, start, start_with,
};

const A: &str = "https://a.example/";
const B: &str = "https://b.example/";
const UPSTREAM: [(&str, &str); 2] = [
    ("client_id", "upstream-only"),
    ("client_secret", "upstream-only-secret"),
];
const LIMITED: [(&str, &str); 2] = [
    ("client_id", "limited"),
    ("client_secret", "limited-secret"),
];

#[tokio::test]
async fn an_application_gets_a_token_for_its_user() {
    let fixture = start().await;
    let user = fixture
        .user_token_with("alice", json!({ "sid": "s1" }))
        .await;
    let more = [("resource", A), ("scope", "read write")];
    let answer = fixture.exchange(&DEMO, &user, &more).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.body["issued_token_type"], ACCESS_TOKEN);
    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(answer.body["scope"], "read write");
    assert_eq!(answer.body["expires_in"], 600);

    let token = &answer.body["access_token"];
    assert_eq!(part(token, 0)["typ"], "at+jwt");
    let claims = part(token, 1);
    assert_eq!(claims["iss"], fixture.issuer.url());
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["client_id"], "demo");
    assert_eq!(claims["aud"], A);
    assert_eq!(claims["scope"], "read write");
    assert_eq!(claims["sid"], "s1");
    assert_eq!(claims["act"], json!({ "sub": "demo" }));
    assert!(claims["jti"].is_string());
    assert_eq!(fixture.issuer.stats().token_exchange, 1);
}

#[tokio::test]
async fn resources_audiences_and_types() {
    let fixture = start().await;
    let user = fixture.user_token("alice").await;
    let targets = [("resource", A), ("audience", "billing"), ("resource", B)];
    let answer = fixture.exchange(&DEMO, &user, &targets).await;
    let claims = part(&answer.body["access_token"], 1);
    assert_eq!(claims["aud"], json!([A, B, "billing"]));
    assert_eq!(claims.get("sid"), None);
    assert_eq!(answer.body.get("scope"), None);

    let answer = fixture.exchange(&DEMO, &user, &[]).await;
    let claims = part(&answer.body["access_token"], 1);
    assert_eq!(claims["aud"], tollgate_dev::issuer::DEFAULT_AUDIENCE);

    let more = [("requested_token_type", JWT)];
    let answer = fixture.exchange(&DEMO, &user, &more).await;
    assert_eq!(answer.body["issued_token_type"], JWT);
    let more = [(
        "requested_token_type",
        "urn:ietf:params:oauth:token-type:saml2",
    )];
    let answer = fixture.exchange(&DEMO, &user, &more).await;
    refused(&answer, 400, "invalid_request", "requested_token_type");

    for bad in ["relative", "https://a.example/#f"] {
        let answer = fixture.exchange(&DEMO, &user, &[("resource", bad)]).await;
        refused(&answer, 400, "invalid_target", "absolute URI");
    }
    let answer = fixture.exchange(&DEMO, &user, &[("scope", "a\"b")]).await;
    refused(&answer, 400, "invalid_scope", "scope");
}

#[tokio::test]
async fn chains_of_actors() {
    let fixture = start().await;
    let user = fixture.user_token("alice").await;
    let first = fixture.exchange(&DEMO, &user, &[("resource", A)]).await;
    let first = first.body["access_token"].as_str().expect("a token");
    fixture
        .issuer
        .set_policy(Policy::allowing("upstream-only", B))
        .expect("valid");
    let second = fixture.exchange(&UPSTREAM, first, &[("resource", B)]).await;
    let claims = part(&second.body["access_token"], 1);
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["client_id"], "upstream-only");
    let chain = json!({ "sub": "upstream-only", "act": { "sub": "demo" } });
    assert_eq!(claims["act"], chain);

    // With an actor token, its subject acts.
    let actor = fixture.user_token("robot").await;
    let more = [("actor_token", actor.as_str()), ("actor_token_type", JWT)];
    let third = fixture.exchange(&DEMO, first, &more).await;
    let claims = part(&third.body["access_token"], 1);
    assert_eq!(claims["client_id"], "demo");
    let chain = json!({ "sub": "robot", "act": { "sub": "demo" } });
    assert_eq!(claims["act"], chain);

    let named = json!({ "may_act": { "sub": "robot" } });
    let named = fixture.user_token_with("alice", named).await;
    assert_eq!(fixture.exchange(&DEMO, &named, &more).await.status, 200);
    let answer = fixture.exchange(&DEMO, &named, &[]).await;
    refused(&answer, 400, "invalid_request", "names another");

    let mut act = json!({ "sub": "0" });
    for _ in 0..8 {
        act = json!({ "sub": "x", "act": act });
    }
    let long = fixture
        .user_token_with("alice", json!({ "act": act }))
        .await;
    let answer = fixture.exchange(&DEMO, &long, &[]).await;
    refused(&answer, 400, "invalid_request", "too long a chain");
}

#[tokio::test]
async fn invalid_subject_tokens_are_refused() {
    let fixture = start().await;
    let foreign = KeyHolder::start().await;
    let of_issuer = json!({ "iss": fixture.issuer.url() });
    let forged = TokenSpec {
        subject: Some("alice".into()),
        claims: of_issuer.as_object().expect("an object").clone(),
        ..TokenSpec::default()
    };
    let forged = foreign.0.mint(forged).await;
    let expired = TokenSpec {
        lifetime: Some(-1),
        ..TokenSpec::default()
    };
    let expired = fixture.issuer.mint(expired).await;
    let good = fixture.user_token("alice").await;
    let mut broken = good.clone().into_bytes();
    // Within the claims.
    let middle = good.len() / 2;
    broken[middle] = if broken[middle] == b'A' { b'B' } else { b'A' };
    let broken = String::from_utf8(broken).expect("ASCII");
    let odd = |claims: Value| fixture.user_token_with("alice", claims);

    for (token, word) in [
        (foreign.0.mint(TokenSpec::default()).await, "not signed"),
        (forged, "not signed"),
        (expired, "expired"),
        (broken, "not signed"),
        ("opaque".into(), "not a signed JWT"),
        (
            odd(json!({ "iss": "https://other" })).await,
            "from another issuer",
        ),
        (odd(json!({ "sub": null })).await, "no subject"),
        (odd(json!({ "sub": "" })).await, "no subject"),
        (odd(json!({ "exp": null })).await, "never expires"),
        (
            odd(json!({ "nbf": 9_999_999_999_u64 })).await,
            "not valid yet",
        ),
    ] {
        let answer = fixture.exchange(&DEMO, &token, &[]).await;
        // RFC 8693, section 2.2.2.
        refused(&answer, 400, "invalid_request", "subject_token");
        refused(&answer, 400, "invalid_request", word);
        let more = [("actor_token", &*token), ("actor_token_type", ACCESS_TOKEN)];
        let answer = fixture.exchange(&DEMO, &good, &more).await;
        refused(&answer, 400, "invalid_request", "actor_token");
    }

    // A withdrawn key is not accepted any longer.
    assert_eq!(fixture.exchange(&DEMO, &good, &[]).await.status, 200);
    fixture.issuer.rotate(Algorithm::Es256, true).await;
    assert_eq!(fixture.exchange(&DEMO, &good, &[]).await.status, 200);
    fixture.issuer.rotate(Algorithm::Es256, false).await;
    let answer = fixture.exchange(&DEMO, &good, &[]).await;
    refused(&answer, 400, "invalid_request", "not signed");
    assert_eq!(fixture.issuer.stats().token_exchange, 2);
}

#[tokio::test]
async fn tokens_require_their_types() {
    let fixture = start().await;
    let user = fixture.user_token("alice").await;
    let grant = [("grant_type", EXCHANGE)];
    let saml = "urn:ietf:params:oauth:token-type:saml2";
    for (parameters, word) in [
        (vec![], "subject_token is missing"),
        (vec![("subject_token", &*user)], "has no token type"),
        (vec![("subject_token_type", ACCESS_TOKEN)], "is missing"),
        (
            vec![("subject_token", &*user), ("subject_token_type", saml)],
            "a token type that this issuer does not accept",
        ),
        (
            vec![
                ("subject_token", &*user),
                ("subject_token_type", JWT),
                ("actor_token_type", JWT),
            ],
            "actor_token is missing",
        ),
        (
            vec![
                ("subject_token", &*user),
                ("subject_token_type", JWT),
                ("actor_token", &*user),
            ],
            "actor_token has no token type",
        ),
    ] {
        let answer = fixture.ask(&[&DEMO, &grant, &parameters]).await;
        refused(&answer, 400, "invalid_request", word);
    }
}

#[tokio::test]
async fn tokens_never_outlive_the_users() {
    let fixture = start().await;
    let mint = |lifetime| TokenSpec {
        lifetime: Some(lifetime),
        ..TokenSpec::default()
    };
    let short = fixture.issuer.mint(mint(100)).await;
    let long = fixture.issuer.mint(mint(10_000)).await;
    let lifetime = |answer: &crate::support::Answer| answer.body["expires_in"].as_u64();
    let answer = fixture.exchange(&DEMO, &short, &[]).await;
    assert!((95..=100).contains(&lifetime(&answer).expect("seconds")));
    let claims = part(&answer.body["access_token"], 1);
    assert!(claims["exp"].as_i64() <= part(&json!(short), 1)["exp"].as_i64());
    let more = [("actor_token", &*short), ("actor_token_type", JWT)];
    let answer = fixture.exchange(&DEMO, &long, &more).await;
    assert!(lifetime(&answer).expect("seconds") <= 100);
    let policy = Policy {
        lifetime: Some(30),
        ..Policy::allowing("demo", A)
    };
    fixture.issuer.set_policy(policy).expect("valid");
    let answer = fixture.exchange(&DEMO, &long, &[("resource", A)]).await;
    assert_eq!(lifetime(&answer), Some(30));
    let answer = fixture.exchange(&DEMO, &long, &[("resource", B)]).await;
    assert_eq!(lifetime(&answer), Some(600));
}

async fn targets(fixture: &Fixture, client: &[(&str, &str)], resource: &str) -> String {
    let user = fixture.user_token("alice").await;
    let answer = fixture
        .exchange(client, &user, &[("resource", resource)])
        .await;
    let error = answer.body["error"].as_str();
    error.unwrap_or("none").to_owned()
}

#[tokio::test]
async fn policies_limit_exchanges() {
    let fixture = start_with(Options {
        policies: vec![Policy::allowing("upstream-only", A)],
        ..Options::default()
    })
    .await;
    assert_eq!(targets(&fixture, &DEMO, A).await, "none");
    assert_eq!(targets(&fixture, &UPSTREAM, A).await, "none");
    assert_eq!(targets(&fixture, &UPSTREAM, B).await, "invalid_target");
    assert_eq!(targets(&fixture, &LIMITED, A).await, "unauthorized_client");

    let set = |policy: Value| fixture.admin("policies", policy);
    let answer = set(json!({ "client": "upstream-only", "resource": B })).await;
    let shown = json!({
        "client": "upstream-only", "resource": B, "scopes": null, "lifetime": null, "allow": true,
    });
    assert_eq!(answer.body, shown);
    assert_eq!(targets(&fixture, &UPSTREAM, B).await, "none");
    set(json!({ "client": "upstream-only", "resource": A, "allow": false })).await;
    assert_eq!(targets(&fixture, &UPSTREAM, A).await, "invalid_target");
    set(json!({ "client": "demo", "resource": A, "allow": false })).await;
    assert_eq!(targets(&fixture, &DEMO, A).await, "invalid_target");
    set(json!({ "client": "limited", "resource": A })).await;
    assert_eq!(targets(&fixture, &LIMITED, A).await, "none");
    assert_eq!(targets(&fixture, &LIMITED, B).await, "invalid_target");
    let listed = fixture.admin_get("policies").await;
    assert_eq!(listed.as_array().map(Vec::len), Some(4));

    for bad in [
        json!({ "client": "nobody", "resource": A }),
        json!({ "client": "demo", "resource": "" }),
        json!({ "client": "demo" }),
        json!({ "client": "demo", "resource": A, "scopes": ["a b"] }),
        json!({ "client": "demo", "resource": A, "alow": true }),
    ] {
        assert_eq!(set(bad.clone()).await.status, 400, "{bad}");
    }

    fixture.issuer.reset();
    assert_eq!(targets(&fixture, &UPSTREAM, A).await, "none");
    assert_eq!(targets(&fixture, &UPSTREAM, B).await, "invalid_target");
    assert_eq!(targets(&fixture, &DEMO, A).await, "none");
}

#[tokio::test]
async fn granted_scopes_are_requested_and_allowed() {
    let fixture = start().await;
    let policy = Policy {
        scopes: Some(vec!["read".into(), "list".into()]),
        ..Policy::allowing("demo", A)
    };
    fixture.issuer.set_policy(policy).expect("valid");
    let user = fixture.user_token("alice").await;
    let ask = |scope| {
        let (fixture, user) = (&fixture, &user);
        async move {
            let more = [("resource", A), ("scope", scope)];
            fixture.exchange(&DEMO, user, &more).await
        }
    };
    assert_eq!(ask("read write").await.body["scope"], "read");
    assert_eq!(ask("").await.body["scope"], "read list");
    refused(&ask("write").await, 400, "invalid_scope", "scope");

    // No policy grants what the client may not have.
    let policy = Policy {
        scopes: Some(vec!["mcp:read".into(), "mcp:write".into()]),
        ..Policy::allowing("limited", A)
    };
    fixture.issuer.set_policy(policy).expect("valid");
    let answer = fixture.exchange(&LIMITED, &user, &[("resource", A)]).await;
    assert_eq!(answer.body["scope"], "mcp:read");
}

#[tokio::test]
async fn only_clients_may_exchange() {
    let fixture = start().await;
    let user = fixture.user_token("alice").await;
    for (client, challenge) in [
        (vec![], false),
        (vec![("client_id", "demo")], false),
        (
            vec![("client_id", "demo"), ("client_secret", "guess")],
            false,
        ),
        (vec![("client_id", "nobody"), ("client_secret", "x")], false),
    ] {
        let answer = fixture.exchange(&client, &user, &[]).await;
        refused(&answer, 401, "invalid_client", "unknown client");
        assert_eq!(answer.headers.contains_key("www-authenticate"), challenge);
    }
    assert_eq!(fixture.issuer.stats().refused, 4);
    assert_eq!(fixture.issuer.stats().token_exchange, 0);
}

#[tokio::test]
async fn a_public_client_exchanges_only_what_policies_name() {
    let fixture = start().await;
    let spec = json!({ "client_id": "cli", "public": true });
    assert_eq!(fixture.admin("clients", spec).await.status, 200);
    let cli = [("client_id", "cli")];
    assert_eq!(targets(&fixture, &cli, A).await, "unauthorized_client");
    fixture
        .issuer
        .set_policy(Policy::allowing("cli", A))
        .expect("valid");
    assert_eq!(targets(&fixture, &cli, A).await, "none");
    assert_eq!(targets(&fixture, &cli, B).await, "invalid_target");
    let own = fixture
        .ask(&[&cli, &[("grant_type", "client_credentials")]])
        .await;
    refused(&own, 400, "unauthorized_client", "public");
}
