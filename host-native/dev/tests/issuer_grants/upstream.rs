//! The API that accepts exchanged tokens.

use reqwest::header::AUTHORIZATION;
use serde_json::json;
use tollgate::BuildError;
use tollgate_dev::issuer::{Algorithm, Options, Outage, OutageMode, TokenSpec};
use tollgate_dev::upstream::{self, DevUpstream, StartError};

use crate::support::{Answer, DEMO, Fixture, KeyHolder, send, start, start_with};

async fn upstream(fixture: &Fixture) -> DevUpstream {
    let options = upstream::Options::new(fixture.issuer.url());
    DevUpstream::start(options).await.expect("a free port")
}

async fn me(fixture: &Fixture, upstream: &DevUpstream, token: &str) -> Answer {
    let request = fixture.http.get(format!("{}/me", upstream.url()));
    send(request.header(AUTHORIZATION, format!("Bearer {token}"))).await
}

async fn exchanged(fixture: &Fixture, upstream: &DevUpstream) -> String {
    let user = fixture.user_token("alice").await;
    let more = [("resource", upstream.resource()), ("scope", "read")];
    let answer = fixture.exchange(&DEMO, &user, &more).await;
    answer.body["access_token"]
        .as_str()
        .expect("a token")
        .to_owned()
}

#[tokio::test]
async fn it_returns_the_identity_in_a_token() {
    let fixture = start_with(Options {
        issuer: "/tenant".parse().expect("a path"),
        ..Options::default()
    })
    .await;
    // The admin endpoints are at the root, wherever the issuer is.
    let upstream = upstream(&fixture).await;
    let user = fixture.user_token("alice").await;
    let more = [("resource", upstream.resource()), ("scope", "read")];
    let answer = fixture.exchange(&DEMO, &user, &more).await;
    let token = answer.body["access_token"].as_str().expect("a token");
    let answer = me(&fixture, &upstream, token).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        answer.body,
        json!({
            "subject": "alice",
            "client_id": "demo",
            "actors": ["demo"],
            "scopes": ["read"],
            "audience": [upstream.resource()],
        })
    );
    assert_eq!(upstream.stats().accepted, 1);
}

#[tokio::test]
async fn it_accepts_only_tokens_with_its_audience() {
    let fixture = start().await;
    let upstream = upstream(&fixture).await;
    let foreign = KeyHolder::start().await;
    let forged = json!({ "iss": fixture.issuer.url() });
    let own = |spec: TokenSpec| TokenSpec {
        audiences: vec![upstream.resource().to_owned()],
        ..spec
    };
    let forged = own(TokenSpec {
        claims: forged.as_object().expect("an object").clone(),
        ..TokenSpec::default()
    });
    for (token, words) in [
        (
            fixture.user_token("alice").await,
            "meant for another resource",
        ),
        (
            foreign.0.mint(own(TokenSpec::default())).await,
            "token's issuer is not accepted",
        ),
        (foreign.0.mint(forged).await, "key that signed the token"),
        (
            fixture
                .issuer
                .mint(own(TokenSpec {
                    lifetime: Some(-1),
                    ..TokenSpec::default()
                }))
                .await,
            "expired",
        ),
        (
            fixture
                .issuer
                .mint(own(TokenSpec {
                    typ: Some("JWT".into()),
                    ..TokenSpec::default()
                }))
                .await,
            "not an access token",
        ),
        ("opaque".into(), "token is malformed"),
    ] {
        let answer = me(&fixture, &upstream, &token).await;
        assert_eq!(answer.status, 401, "{words}");
        let challenge = answer.headers["www-authenticate"].to_str().expect("ASCII");
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        assert!(challenge.contains(words), "{challenge}");
    }
    let url = format!("{}/me", upstream.url());
    let answer = send(fixture.http.get(&url)).await;
    assert_eq!(answer.status, 401);
    let metadata = format!("{}/.well-known/oauth-protected-resource/me", upstream.url());
    assert_eq!(
        answer.headers["www-authenticate"],
        format!("Bearer resource_metadata=\"{metadata}\"")
    );
    let good = fixture.issuer.mint(own(TokenSpec::default())).await;
    let basic = fixture.http.get(&url);
    let basic = basic.header(AUTHORIZATION, format!("Basic {good}"));
    assert_eq!(send(basic).await.status, 401);
    let bearer = format!("Bearer {good}");
    let twice = fixture.http.get(&url).header(AUTHORIZATION, &bearer);
    let twice = send(twice.header(AUTHORIZATION, &bearer)).await;
    assert_eq!(twice.status, 400);
    assert_eq!(
        (upstream.stats().accepted, upstream.stats().refused),
        (0, 9)
    );
}

#[tokio::test]
async fn it_rejects_valid_tokens_on_command() {
    let fixture = start().await;
    let upstream = upstream(&fixture).await;
    let token = exchanged(&fixture, &upstream).await;
    let admin = |path: &str| format!("{}/admin/{path}", upstream.url());
    let command = fixture.http.post(admin("reject-next"));
    assert_eq!(send(command.body(r#"{"count":2}"#)).await.status, 200);
    for status in [401, 401, 200, 200] {
        assert_eq!(me(&fixture, &upstream, &token).await.status, status);
    }
    let stats = send(fixture.http.get(admin("stats"))).await.body;
    assert_eq!(stats, json!({ "accepted": 2, "refused": 0, "rejected": 2 }));
    upstream.reject_next(1);
    assert_eq!(send(fixture.http.post(admin("reset"))).await.status, 200);
    assert_eq!(me(&fixture, &upstream, &token).await.status, 200);
    let command = fixture.http.post(admin("reject-next"));
    assert_eq!(send(command.body("{}")).await.status, 400);
    let page = fixture
        .http
        .get(admin("stats"))
        .header("origin", "https://a.example");
    assert_eq!(send(page).await.status, 403);
}

#[tokio::test]
async fn it_follows_the_issuers_keys() {
    let fixture = start().await;
    let upstream = upstream(&fixture).await;
    let old = exchanged(&fixture, &upstream).await;
    assert_eq!(me(&fixture, &upstream, &old).await.status, 200);
    fixture.issuer.rotate(Algorithm::Es256, false).await;
    let new = exchanged(&fixture, &upstream).await;
    assert_eq!(me(&fixture, &upstream, &new).await.status, 200);
    assert_eq!(me(&fixture, &upstream, &old).await.status, 401);
}

#[tokio::test]
async fn an_unreachable_issuer_is_not_an_invalid_token() {
    let fixture = start().await;
    for mode in [OutageMode::Down, OutageMode::WrongIssuer, OutageMode::Html] {
        let upstream = upstream(&fixture).await;
        let token = exchanged(&fixture, &upstream).await;
        fixture.issuer.set_outage(Outage::everywhere(mode));
        assert_eq!(
            me(&fixture, &upstream, &token).await.status,
            503,
            "{mode:?}"
        );
        fixture.issuer.set_outage(Outage::default());
    }
}

#[tokio::test]
async fn it_needs_a_valid_issuer_url() {
    for issuer in ["http://login.example.com", "login", ""] {
        let refused = DevUpstream::start(upstream::Options::new(issuer)).await;
        assert!(
            matches!(refused, Err(StartError::Gate(BuildError::Config(_)))),
            "{issuer}"
        );
    }
}
