//! The audit log.

use serde_json::{Value, json};

use crate::support::{DEMO, EXCHANGE, KeyHolder, part, start};

const A: &str = "https://a.example/";

#[tokio::test]
async fn an_event_names_the_whole_chain() {
    let fixture = start().await;
    let user = fixture.user_token("alice").await;
    let first = fixture.exchange(&DEMO, &user, &[("resource", A)]).await;
    let first = first.body["access_token"].as_str().expect("a token");
    let actor = fixture.user_token("robot").await;
    let more = [
        ("actor_token", &*actor),
        ("actor_token_type", crate::support::JWT),
        ("resource", A),
        ("audience", "billing"),
        ("scope", "read write"),
    ];
    let answer = fixture.exchange(&DEMO, first, &more).await;
    let events = fixture.admin_get("audit").await;
    let mut event = events[1].clone();
    let time = event["time"].take();
    assert!(time.as_u64().is_some_and(|time| time > 1_700_000_000));
    assert_eq!(
        event,
        json!({
            "sequence": 2,
            "time": null,
            "event": "credentials:issue",
            "grant": EXCHANGE,
            "subject": "alice",
            "client_id": "demo",
            "client_authentication": "client_secret_post",
            "actors": ["robot", "demo"],
            "resources": [A, "billing"],
            "scopes": ["read", "write"],
            "token_id": part(&answer.body["access_token"], 1)["jti"],
            "error": null,
            "reason": null,
        })
    );
    let kept = fixture.issuer.audit(1);
    assert_eq!(json!(kept), json!([events[1]]));
}

#[tokio::test]
async fn a_refusal_is_logged_with_user_and_reason() {
    let fixture = start().await;
    let user = fixture.user_token("alice").await;
    let limited = [
        ("client_id", "limited"),
        ("client_secret", "limited-secret"),
    ];
    let more = [("resource", A), ("scope", "read")];
    fixture.exchange(&limited, &user, &more).await;
    let guess = [("client_id", "demo"), ("client_secret", "guess\n")];
    fixture.exchange(&guess, &user, &more).await;
    fixture.ask(&[&DEMO, &[("grant_type", "password")]]).await;

    let events = fixture.admin_get("audit").await;
    let event = &events[0];
    assert_eq!(event["event"], "credentials:refuse");
    assert_eq!(event["subject"], "alice");
    assert_eq!(event["client_id"], "limited");
    assert_eq!(event["client_authentication"], "client_secret_post");
    assert_eq!(event["actors"], json!(["limited"]));
    assert_eq!(event["resources"], json!([A]));
    assert_eq!(event["scopes"], json!(["read"]));
    assert_eq!(event["error"], "unauthorized_client");
    assert_eq!(event["token_id"], Value::Null);
    // An unauthenticated client appears without a user.
    let event = &events[1];
    assert_eq!(event["client_id"], "demo");
    assert_eq!(event["client_authentication"], Value::Null);
    assert_eq!(event["subject"], Value::Null);
    assert_eq!(event["error"], "invalid_client");
    assert_eq!(events[2]["error"], "unsupported_grant_type");
    assert_eq!(events[2]["grant"], "password");
}

#[tokio::test]
async fn the_audit_log_contains_no_secret() {
    let (fixture, keys) = (start().await, KeyHolder::start().await);
    let spec = json!({ "client_id": "worker-key", "jwks_uri": keys.jwks_uri() });
    fixture.admin("clients", spec).await;
    let user = fixture.user_token("alice").await;
    let assertion = keys
        .assertion("worker-key", fixture.issuer.url(), json!({}))
        .await;
    let proof = [
        ("client_assertion_type", crate::support::JWT_BEARER),
        ("client_assertion", &*assertion),
    ];
    let mut secrets = vec!["demo-secret".to_owned(), user.clone(), assertion.clone()];
    for client in [&proof[..], &proof[..], &DEMO[..]] {
        let answer = fixture.exchange(client, &user, &[]).await;
        let token = answer.body["access_token"].as_str();
        secrets.extend(token.map(str::to_owned));
    }
    let more = [
        ("grant_type", "client_credentials"),
        ("subject", "alice"),
        ("issue_refresh", "true"),
    ];
    let answer = fixture.ask(&[&DEMO, &more]).await;
    let refresh = answer.body["refresh_token"].as_str().expect("a token");
    secrets.push(refresh.to_owned());
    for _ in 0..2 {
        let grant = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        fixture.ask(&[&DEMO, &grant]).await;
    }
    let events = fixture.admin_get("audit").await;
    let methods = events.as_array().expect("events").iter();
    let methods: Vec<_> = methods
        .map(|event| {
            (
                event["client_authentication"].clone(),
                event["error"].clone(),
            )
        })
        .collect();
    let expected = [
        (json!("private_key_jwt"), Value::Null),
        (Value::Null, json!("invalid_client")),
        (json!("client_secret_post"), Value::Null),
        (json!("client_secret_post"), Value::Null),
        (json!("client_secret_post"), Value::Null),
        (json!("client_secret_post"), json!("invalid_grant")),
    ];
    assert_eq!(methods, expected);
    let text = events.to_string();
    for secret in &secrets {
        assert!(!text.contains(secret.as_str()));
        // Nor the part of a token that makes it one.
        let last = secret.rsplit('.').next().expect("a part");
        assert!(!text.contains(last));
    }
}

#[tokio::test]
async fn later_events_can_be_requested() {
    let fixture = start().await;
    let grant = [("grant_type", "client_credentials")];
    for _ in 0..3 {
        fixture.ask(&[&DEMO, &grant]).await;
    }
    let numbers = |events: Value| -> Vec<u64> {
        let events = events.as_array().expect("events").clone();
        let number = |event: &Value| event["sequence"].as_u64().expect("a number");
        events.iter().map(number).collect()
    };
    assert_eq!(numbers(fixture.admin_get("audit").await), [1, 2, 3]);
    assert_eq!(numbers(fixture.admin_get("audit?since=2").await), [3]);
    assert!(fixture.admin_get("audit?since=x").await["error"].is_string());
    fixture.admin("reset", json!({})).await;
    assert_eq!(numbers(fixture.admin_get("audit").await), [0; 0]);
    fixture.ask(&[&DEMO, &grant]).await;
    assert_eq!(numbers(fixture.admin_get("audit").await), [4]);
}

#[tokio::test]
async fn stats_count_what_was_issued() {
    let fixture = start().await;
    let user = fixture.user_token("alice").await;
    fixture.exchange(&DEMO, &user, &[]).await;
    fixture.exchange(&DEMO, &user, &[]).await;
    fixture.exchange(&DEMO, "broken", &[]).await;
    let more = [("grant_type", "client_credentials")];
    fixture.ask(&[&DEMO, &more]).await;
    let stats = fixture.admin_get("stats").await;
    assert_eq!(stats["token"], 4);
    assert_eq!(stats["token_exchange"], 2);
    assert_eq!(stats["client_credentials"], 1);
    assert_eq!(stats["refresh_token"], 0);
    assert_eq!(stats["refused"], 1);
    fixture.issuer.reset();
    let stats = fixture.admin_get("stats").await;
    let zero = |value: &Value| value == 0;
    assert!(stats.as_object().expect("counts").values().all(zero));
}

#[tokio::test]
async fn metadata_lists_the_supported_features() {
    let fixture = start().await;
    let url = format!(
        "{}/.well-known/oauth-authorization-server",
        fixture.issuer.url()
    );
    let metadata = crate::support::send(fixture.http.get(url)).await.body;
    assert_eq!(
        metadata["grant_types_supported"],
        json!(["client_credentials", "refresh_token", EXCHANGE])
    );
    assert_eq!(
        metadata["token_endpoint_auth_methods_supported"],
        json!([
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
            "none"
        ])
    );
    assert_eq!(
        metadata["token_endpoint_auth_signing_alg_values_supported"],
        json!(["ES256", "ES384", "EdDSA", "PS256", "RS256"])
    );
}
