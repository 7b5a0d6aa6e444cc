//! A token endpoint that fails on command.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tollgate_dev::issuer::{Endpoint, Outage, OutageMode};

use crate::support::{DEMO, Fixture, send, start};

const GRANT: [(&str, &str); 1] = [("grant_type", "client_credentials")];

async fn ask(fixture: &Fixture, mode: &str) -> crate::support::Answer {
    let outage = json!({ "mode": mode, "endpoints": ["token"] });
    assert_eq!(fixture.admin("outage", outage).await.status, 200, "{mode}");
    fixture.ask(&[&DEMO, &GRANT]).await
}

#[tokio::test]
async fn malformed_answers() {
    let fixture = start().await;
    let answer = ask(&fixture, "no-access-token").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body,
        json!({ "token_type": "Bearer", "expires_in": 600 })
    );
    let answer = ask(&fixture, "no-token-type").await;
    assert_eq!(answer.body.get("token_type"), None);
    assert!(answer.body["access_token"].is_string());
    let answer = ask(&fixture, "string-expires-in").await;
    assert_eq!(answer.body["expires_in"], "600");
    let answer = ask(&fixture, "hostile-error").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.body["error"], "invalid_grant");
    let description = answer.body["error_description"].as_str();
    assert!(description.is_some_and(|text| text.contains("\r\n")));
    assert!(answer.body["error_uri"].is_string());
    let answer = ask(&fixture, "html").await;
    assert_eq!((answer.status.as_u16(), answer.body), (200, Value::Null));
    let answer = ask(&fixture, "error").await;
    assert_eq!(answer.status, 500);
    let answer = ask(&fixture, "off").await;
    assert_eq!(answer.body["expires_in"], 600);
}

#[tokio::test]
async fn other_endpoints_keep_working() {
    let fixture = start().await;
    for mode in [
        OutageMode::NoAccessToken,
        OutageMode::NoTokenType,
        OutageMode::StringExpiresIn,
        OutageMode::HostileError,
    ] {
        fixture.issuer.set_outage(Outage::everywhere(mode));
        let keys = fixture.http.get(format!("{}/jwks", fixture.issuer.url()));
        let keys = send(keys).await;
        assert!(keys.body["keys"].is_array(), "{mode:?}");
    }
}

#[tokio::test]
async fn incomplete_answers() {
    let fixture = start().await;
    let set = |mode| {
        fixture.issuer.set_outage(Outage {
            endpoints: vec![Endpoint::Token],
            ..Outage::everywhere(mode)
        });
    };
    let request = || fixture.token_request(&[&DEMO, &GRANT]);
    set(OutageMode::Down);
    assert!(request().send().await.is_err());
    set(OutageMode::Truncate);
    let response = request().send().await.expect("a head");
    assert!(response.bytes().await.is_err());
    set(OutageMode::Huge);
    let response = request().send().await.expect("a head");
    assert!(response.bytes().await.expect("a body").len() > 20 << 20);
    fixture.issuer.set_outage(Outage {
        delay_ms: 150,
        ..Outage::everywhere(OutageMode::Slow)
    });
    let begun = Instant::now();
    assert_eq!(send(request()).await.status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn following_a_redirect_is_counted() {
    let fixture = start().await;
    let answer = ask(&fixture, "redirect").await;
    assert_eq!(answer.status, 302);
    let location = answer.headers["location"].to_str().expect("ASCII");
    assert_eq!(fixture.issuer.stats().elsewhere, 0);
    // With the method kept and without.
    let request = fixture.token_request(&[&DEMO, &GRANT]).build();
    let mut request = request.expect("a request");
    *request.url_mut() = location.parse().expect("a URL");
    let followed = fixture.http.execute(request).await.expect("an answer");
    assert_eq!(followed.status(), 200);
    let followed = send(fixture.http.get(location)).await;
    assert_eq!(followed.status, 400);
    assert_eq!(fixture.issuer.stats().elsewhere, 2);
}
