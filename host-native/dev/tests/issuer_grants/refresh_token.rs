//! Refresh tokens (RFC 6749, section 6; RFC 9700, section 4.14.2).

use serde_json::Value;

use crate::support::{Answer, DEMO, Fixture, part, refused, start};

const A: &str = "https://a.example/";

async fn first(fixture: &Fixture) -> String {
    let more = [
        ("grant_type", "client_credentials"),
        ("subject", "alice"),
        ("scope", "read write"),
        ("resource", A),
        ("resource", "urn:b"),
        ("claims", r#"{"sid":"s1"}"#),
        ("issue_refresh", "true"),
    ];
    let answer = fixture.ask(&[&DEMO, &more]).await;
    assert_eq!(answer.status, 200);
    text(&answer.body["refresh_token"])
}

fn text(value: &Value) -> String {
    value.as_str().expect("a token").to_owned()
}

async fn refresh(fixture: &Fixture, token: &str, more: &[(&str, &str)]) -> Answer {
    let grant = [("grant_type", "refresh_token"), ("refresh_token", token)];
    fixture.ask(&[&DEMO, &grant, more]).await
}

#[tokio::test]
async fn refreshed_tokens_have_the_same_claims() {
    let fixture = start().await;
    let answer = refresh(&fixture, &first(&fixture).await, &[]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["scope"], "read write");
    let claims = part(&answer.body["access_token"], 1);
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["client_id"], "demo");
    assert_eq!(claims["sid"], "s1");
    assert_eq!(claims["aud"], serde_json::json!([A, "urn:b"]));
    assert_eq!(fixture.issuer.stats().refresh_token, 1);
}

#[tokio::test]
async fn a_refresh_token_is_used_once() {
    let fixture = start().await;
    let one = first(&fixture).await;
    let two = text(&refresh(&fixture, &one, &[]).await.body["refresh_token"]);
    let three = text(&refresh(&fixture, &two, &[]).await.body["refresh_token"]);
    // An old one used again ends the family, the newest included.
    let answer = refresh(&fixture, &one, &[]).await;
    refused(&answer, 400, "invalid_grant", "unknown or was used");
    let answer = refresh(&fixture, &three, &[]).await;
    refused(&answer, 400, "invalid_grant", "unknown or was used");
}

#[tokio::test]
async fn fewer_scopes_may_be_requested_but_not_more() {
    let fixture = start().await;
    let one = first(&fixture).await;
    let answer = refresh(&fixture, &one, &[("scope", "read admin")]).await;
    refused(&answer, 400, "invalid_scope", "scope");
    let answer = refresh(&fixture, &one, &[("resource", "urn:c")]).await;
    refused(&answer, 400, "invalid_target", "not for this resource");
    // A refusal does not use the token up.
    let less = [("scope", "read"), ("resource", A)];
    let answer = refresh(&fixture, &one, &less).await;
    assert_eq!(answer.body["scope"], "read");
    assert_eq!(part(&answer.body["access_token"], 1)["aud"], A);
    // The next one has all scopes again.
    let two = text(&answer.body["refresh_token"]);
    let answer = refresh(&fixture, &two, &[]).await;
    assert_eq!(answer.body["scope"], "read write");
}

#[tokio::test]
async fn a_refresh_token_belongs_to_one_client_and_ends_with_a_reset() {
    let fixture = start().await;
    let one = first(&fixture).await;
    let limited = [
        ("client_id", "limited"),
        ("client_secret", "limited-secret"),
    ];
    let grant = [("grant_type", "refresh_token"), ("refresh_token", &*one)];
    let answer = fixture.ask(&[&limited, &grant]).await;
    refused(&answer, 400, "invalid_grant", "another client");
    let answer = refresh(&fixture, "guess", &[]).await;
    refused(&answer, 400, "invalid_grant", "unknown");
    let answer = fixture
        .ask(&[&DEMO, &[("grant_type", "refresh_token")]])
        .await;
    refused(&answer, 400, "invalid_request", "missing");
    fixture.issuer.reset();
    let answer = refresh(&fixture, &one, &[]).await;
    refused(&answer, 400, "invalid_grant", "unknown");
}

#[tokio::test]
async fn a_refresh_token_is_issued_only_on_request_and_for_a_user() {
    let fixture = start().await;
    let grant = [("grant_type", "client_credentials"), ("subject", "alice")];
    let answer = fixture.ask(&[&DEMO, &grant]).await;
    assert_eq!(answer.body.get("refresh_token"), None);
    let nobody = [
        ("grant_type", "client_credentials"),
        ("issue_refresh", "true"),
    ];
    let answer = fixture.ask(&[&DEMO, &nobody]).await;
    refused(&answer, 400, "invalid_request", "needs a subject");
    let answer = fixture
        .ask(&[&DEMO, &grant, &[("issue_refresh", "1")]])
        .await;
    refused(&answer, 400, "invalid_request", "true or false");
}
