//! `private_key_jwt` (RFC 7523) against keys that a client publishes.

use serde_json::{Value, json};
use tollgate_dev::issuer::{Algorithm, ClientSpec, Options, Outage, OutageMode, TokenSpec};

use crate::support::{Answer, Fixture, JWT_BEARER, KeyHolder, part, refused, start, start_with};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

async fn registered() -> (Fixture, KeyHolder) {
    let (fixture, keys) = (start().await, KeyHolder::start().await);
    let spec = json!({ "client_id": "worker-key", "jwks_uri": keys.jwks_uri() });
    let answer = fixture.admin("clients", spec).await;
    assert_eq!(answer.body["methods"], json!(["private_key_jwt"]));
    (fixture, keys)
}

async fn ask(fixture: &Fixture, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let proof = [
        GRANT,
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ];
    fixture.ask(&[&proof, more]).await
}

impl KeyHolder {
    async fn good(&self, fixture: &Fixture) -> String {
        let issuer = fixture.issuer.url();
        self.assertion("worker-key", issuer, json!({})).await
    }
}

#[tokio::test]
async fn a_client_is_known_by_its_published_keys() {
    let (fixture, keys) = registered().await;
    for algorithm in [
        Algorithm::Rs256,
        Algorithm::Ps256,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::EdDsa,
    ] {
        for audience in [
            fixture.issuer.url().to_owned(),
            format!("{}/token", fixture.issuer.url()),
        ] {
            let assertion = keys
                .assertion_by(algorithm, "worker-key", &audience, json!({}))
                .await;
            let answer = ask(&fixture, &assertion, &[]).await;
            assert_eq!(answer.status, 200, "{algorithm} {answer:?}");
            let claims = part(&answer.body["access_token"], 1);
            assert_eq!(claims["client_id"], "worker-key");
        }
    }
    // The keys were not fetched for each.
    assert!(keys.0.stats().jwks <= 5, "{:?}", keys.0.stats());
    let assertion = keys.good(&fixture).await;
    let more = [("client_id", "worker-key")];
    assert_eq!(ask(&fixture, &assertion, &more).await.status, 200);
}

#[tokio::test]
async fn a_client_of_the_command_line_outlives_a_reset() {
    let keys = KeyHolder::start().await;
    let text = format!("worker-key={}", keys.jwks_uri());
    let client: ClientSpec = text.parse().expect("valid");
    let fixture = start_with(Options {
        clients: vec![client],
        ..Options::default()
    })
    .await;
    assert_eq!(
        ask(&fixture, &keys.good(&fixture).await, &[]).await.status,
        200
    );
    fixture.issuer.reset();
    assert_eq!(
        ask(&fixture, &keys.good(&fixture).await, &[]).await.status,
        200
    );
    assert_eq!(keys.0.stats().jwks, 2);

    let (fixture, keys) = registered().await;
    fixture.issuer.reset();
    let answer = ask(&fixture, &keys.good(&fixture).await, &[]).await;
    refused(&answer, 401, "invalid_client", "no such client");
}

#[tokio::test]
async fn keys_may_be_given_inline() {
    let (fixture, keys) = (start().await, KeyHolder::start().await);
    let jwks = crate::support::send(fixture.http.get(keys.jwks_uri())).await;
    let client = ClientSpec {
        client_id: "worker-key".into(),
        jwks: Some(jwks.body),
        ..ClientSpec::default()
    };
    fixture.issuer.register_client(client).expect("valid");
    assert_eq!(
        ask(&fixture, &keys.good(&fixture).await, &[]).await.status,
        200
    );
    assert_eq!(keys.0.stats().jwks, 1);
}

#[tokio::test]
async fn every_claim_is_checked() {
    let (fixture, keys) = registered().await;
    let issuer = fixture.issuer.url().to_owned();
    let now = part(&json!(keys.good(&fixture).await), 1)["iat"].clone();
    let now = now.as_i64().expect("seconds");
    for (claims, word) in [
        (json!({ "iss": "other" }), "differ"),
        (json!({ "sub": "other" }), "differ"),
        (json!({ "iss": null }), "no iss"),
        (
            json!({ "iss": "nobody", "sub": "nobody" }),
            "no such client",
        ),
        (json!({ "aud": "https://other.example" }), "aud is neither"),
        (json!({ "aud": format!("{issuer}/") }), "aud is neither"),
        (json!({ "aud": null }), "no aud"),
        (json!({ "exp": null }), "no exp"),
        (json!({ "exp": now - 1 }), "expired"),
        (json!({ "exp": now + 700 }), "10 minutes"),
        (json!({ "iat": now + 100 }), "in the future"),
        (json!({ "nbf": now + 100 }), "not valid yet"),
        (json!({ "jti": null }), "no jti"),
    ] {
        let assertion = keys.assertion("worker-key", &issuer, claims.clone()).await;
        let answer = ask(&fixture, &assertion, &[]).await;
        refused(&answer, 401, "invalid_client", word);
        assert!(!answer.headers.contains_key("www-authenticate"));
    }
    // None of these caused a fetch of keys.
    assert_eq!(keys.0.stats().jwks, 0);
    assert_eq!(fixture.issuer.stats().client_credentials, 0);
}

#[tokio::test]
async fn an_assertion_is_accepted_once() {
    let (fixture, keys) = registered().await;
    let assertion = keys.good(&fixture).await;
    assert_eq!(ask(&fixture, &assertion, &[]).await.status, 200);
    let answer = ask(&fixture, &assertion, &[]).await;
    refused(&answer, 401, "invalid_client", "used before");

    // Also under another signature, and at the same time.
    let id = json!({ "jti": "one" });
    let issuer = fixture.issuer.url();
    let one = keys.assertion("worker-key", issuer, id.clone()).await;
    let other = keys
        .assertion_by(Algorithm::EdDsa, "worker-key", issuer, id)
        .await;
    let answers = tokio::join!(ask(&fixture, &one, &[]), ask(&fixture, &other, &[]));
    let mut statuses = [answers.0.status.as_u16(), answers.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);

    fixture.issuer.reset();
    let spec = json!({ "client_id": "worker-key", "jwks_uri": keys.jwks_uri() });
    fixture.admin("clients", spec).await;
    assert_eq!(ask(&fixture, &assertion, &[]).await.status, 200);
}

#[tokio::test]
async fn a_forged_assertion_does_not_use_up_its_id() {
    let (fixture, keys) = registered().await;
    let mallory = KeyHolder::start().await;
    let issuer = fixture.issuer.url();
    let id = json!({ "jti": "one" });
    let forged = mallory.assertion("worker-key", issuer, id.clone()).await;
    let answer = ask(&fixture, &forged, &[]).await;
    refused(&answer, 401, "invalid_client", "no key that fits");
    let good = keys.assertion("worker-key", issuer, id).await;
    assert_eq!(ask(&fixture, &good, &[]).await.status, 200);
}

#[tokio::test]
async fn the_signature_is_checked() {
    let (fixture, keys) = registered().await;
    let assertion = keys.good(&fixture).await;
    let (signed, _) = assertion.rsplit_once('.').expect("three parts");
    let other = keys.good(&fixture).await;
    let (_, signature) = other.rsplit_once('.').expect("three parts");
    let answer = ask(&fixture, &format!("{signed}.{signature}"), &[]).await;
    refused(&answer, 401, "invalid_client", "signature is invalid");

    let issuer = fixture.issuer.url();
    for algorithm in [Algorithm::Es512, Algorithm::Rs384] {
        let assertion = keys
            .assertion_by(algorithm, "worker-key", issuer, json!({}))
            .await;
        let answer = ask(&fixture, &assertion, &[]).await;
        refused(&answer, 401, "invalid_client", "another algorithm");
    }
    let none = json!({ "alg": "none" });
    let spec = TokenSpec {
        header: none.as_object().expect("an object").clone(),
        ..TokenSpec::default()
    };
    let answer = ask(&fixture, &keys.0.mint(spec).await, &[]).await;
    refused(&answer, 401, "invalid_client", "not a signed JWT");
}

#[tokio::test]
async fn requests_agree_with_their_assertion() {
    let (fixture, keys) = registered().await;
    let assertion = keys.good(&fixture).await;
    let answer = ask(&fixture, &assertion, &[("client_id", "demo")]).await;
    refused(&answer, 401, "invalid_client", "client_id is not that of");
    // RFC 7521, section 4.2.1.
    let answer = ask(&fixture, &assertion, &[("client_secret", "demo-secret")]).await;
    refused(&answer, 401, "invalid_client", "two kinds");

    let proof = [GRANT, ("client_assertion", &*assertion)];
    let answer = fixture.ask(&[&proof]).await;
    refused(&answer, 401, "invalid_client", "client_assertion_type");
    let kind = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
    let answer = fixture
        .ask(&[&proof, &[("client_assertion_type", kind)]])
        .await;
    refused(&answer, 401, "invalid_client", "client_assertion_type");
    let answer = fixture
        .ask(&[&[GRANT, ("client_assertion_type", JWT_BEARER)]])
        .await;
    refused(&answer, 401, "invalid_client", "not a signed JWT");

    // A client without keys cannot assert anything, nor one with keys go without.
    let demo = keys
        .assertion("demo", fixture.issuer.url(), json!({}))
        .await;
    let answer = ask(&fixture, &demo, &[]).await;
    refused(&answer, 401, "invalid_client", "no keys are registered");
    let answer = fixture.ask(&[&[GRANT, ("client_id", "worker-key")]]).await;
    refused(&answer, 401, "invalid_client", "unknown client");
    // Nothing of this used the assertion up.
    assert_eq!(ask(&fixture, &assertion, &[]).await.status, 200);
}

#[tokio::test]
async fn rotated_keys_are_found_at_once_and_invented_ones_cause_few_fetches() {
    let (fixture, keys) = registered().await;
    let ok = async || ask(&fixture, &keys.good(&fixture).await, &[]).await.status;
    assert_eq!(ok().await, 200);
    keys.0.rotate(Algorithm::Es256, true).await;
    assert_eq!(ok().await, 200);
    keys.0.rotate(Algorithm::Es256, false).await;
    assert_eq!(ok().await, 200);
    assert_eq!(keys.0.stats().jwks, 3);

    let mallory = KeyHolder::start().await;
    for _ in 0..5 {
        let answer = ask(&fixture, &mallory.good(&fixture).await, &[]).await;
        refused(&answer, 401, "invalid_client", "no key that fits");
    }
    assert_eq!(keys.0.stats().jwks, 4);
    assert_eq!(ok().await, 200);
}

#[tokio::test]
async fn concurrent_requests_share_one_fetch() {
    let (fixture, keys) = registered().await;
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let assertion = keys.good(&fixture).await;
        let proof = [
            GRANT,
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", &*assertion),
        ];
        requests.spawn(crate::support::send(fixture.token_request(&[&proof])));
    }
    let answers = requests.join_all().await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(keys.0.stats().jwks, 1);
}

#[tokio::test]
async fn unavailable_keys_authenticate_no_client() {
    for mode in [
        OutageMode::Down,
        OutageMode::Error,
        OutageMode::Html,
        OutageMode::Redirect,
        OutageMode::Huge,
        OutageMode::Truncate,
    ] {
        let (fixture, keys) = registered().await;
        keys.0.set_outage(Outage::everywhere(mode));
        let answer = ask(&fixture, &keys.good(&fixture).await, &[]).await;
        refused(&answer, 401, "invalid_client", "cannot be fetched");
        assert_eq!(keys.0.stats().elsewhere, 0);
        // After the cooldown, it works.
        keys.0.reset();
        tokio::time::sleep(std::time::Duration::from_millis(550)).await;
        let answer = ask(&fixture, &keys.good(&fixture).await, &[]).await;
        assert_eq!(answer.status, 200, "{mode:?} {answer:?}");
    }
}

#[tokio::test]
async fn keys_in_an_error_page_are_not_published() {
    let (fixture, keys) = (start().await, KeyHolder::start().await);
    let jwks = crate::support::send(fixture.http.get(keys.jwks_uri())).await;
    let page = (reqwest::StatusCode::NOT_FOUND, axum::Json(jwks.body));
    let app = axum::Router::new().fallback(move || async { page });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async { axum::serve(listener, app).await });

    let uri = format!("http://{address}/jwks");
    let spec = json!({ "client_id": "worker-key", "jwks_uri": uri });
    assert_eq!(fixture.admin("clients", spec).await.status, 200);
    let answer = ask(&fixture, &keys.good(&fixture).await, &[]).await;
    refused(&answer, 401, "invalid_client", "cannot be fetched");
}

#[tokio::test]
async fn registration_errors_contain_no_secret() {
    let fixture = start().await;
    let register = |spec: Value| fixture.admin("clients", spec);
    for spec in [
        json!({ "client_id": "a" }),
        json!({ "client_id": "a", "jwks_uri": "https://a.example/" }),
        json!({ "client_id": "a", "jwks": { "keys": [] } }),
        json!({ "client_id": "a", "secret": "hidden", "public": true }),
        json!({ "client_id": "a", "secret": "hidden", "scopes": "hidden" }),
        json!({ "client_id": "a", "secret": ["hidden"] }),
        json!("hidden"),
    ] {
        let answer = register(spec.clone()).await;
        assert_eq!(answer.status, 400, "{spec}");
        assert!(!answer.body.to_string().contains("hidden"), "{answer:?}");
    }
    let spec = json!({ "client_id": "a", "secret": "hidden", "scopes": ["read"] });
    let answer = register(spec).await;
    assert_eq!(
        answer.body,
        json!({
            "client_id": "a",
            "methods": ["client_secret_basic", "client_secret_post"],
            "jwks_uri": null,
            "scopes": ["read"],
            "exchange": "any",
        })
    );
    let all = fixture.admin_get("clients").await;
    assert!(!all.to_string().contains("hidden"));
    assert_eq!(all.as_array().map(Vec::len), Some(5));

    let client = [("client_id", "a"), ("client_secret", "hidden")];
    let answer = fixture.ask(&[&client, &[GRANT, ("scope", "read")]]).await;
    assert_eq!(answer.status, 200);
    let answer = fixture.ask(&[&client, &[GRANT, ("scope", "write")]]).await;
    refused(&answer, 400, "invalid_scope", "scope");
}
