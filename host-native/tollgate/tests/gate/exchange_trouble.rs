//! A token endpoint that is down, slow or wrong, and one that refuses.

use std::time::{Duration, Instant};

use tollgate::{Client, Gate, TokenErrorKind};
use tollgate_dev::issuer::{Endpoint, Outage, OutageMode, Policy};

use crate::support::{caller, client_config, client_gate, config, issuer};

const CARS: &str = "https://cars.example.com";

fn at_the_token_endpoint(mode: OutageMode) -> Outage {
    Outage {
        endpoints: vec![Endpoint::Token],
        ..Outage::everywhere(mode)
    }
}

#[tokio::test]
async fn each_failure_has_its_kind_and_is_temporary() {
    let issuer = issuer().await;
    for (mode, kind, status) in [
        (OutageMode::Down, TokenErrorKind::Unreachable, 503),
        (OutageMode::Truncate, TokenErrorKind::Unreachable, 503),
        (OutageMode::Error, TokenErrorKind::UnexpectedStatus, 502),
        (OutageMode::Html, TokenErrorKind::NotJson, 502),
        (OutageMode::Redirect, TokenErrorKind::Redirected, 502),
        (OutageMode::Huge, TokenErrorKind::TooLarge, 502),
        (OutageMode::NoAccessToken, TokenErrorKind::BadResponse, 502),
    ] {
        let gate = client_gate(&issuer).await;
        let alice = caller(&gate, &issuer, "alice").await;
        issuer.set_outage(at_the_token_endpoint(mode));
        let begun = Instant::now();
        let error = gate.exchange(&alice, CARS).await.expect_err("an outage");
        assert!(begun.elapsed() < Duration::from_secs(2), "{mode:?}");
        assert_eq!(error.kind, kind, "{mode:?}: {error:?}");
        assert_eq!(error.to_response().status(), status, "{mode:?}: {error:?}");
        issuer.set_outage(Outage::default());
        gate.exchange(&alice, CARS).await.expect("it is over");
    }
    assert_eq!(issuer.stats().elsewhere, 0);
}

#[tokio::test]
async fn unavailable_metadata_is_fetched_again() {
    let issuer = issuer().await;
    let mut config = client_config(&issuer);
    // So that no metadata is needed before a token request.
    let keys = format!("{}/jwks", issuer.url());
    let issuers = config.issuers.as_mut().expect("one");
    issuers[0].keys = Some(tollgate::KeyLocation::Uri(keys));
    config.keys = Some(tollgate::KeyPolicy {
        cooldown: Some(1),
        timeout_ms: Some(1000),
        ..Default::default()
    });
    let gate = Gate::builder(config).build().await.expect("a gate");
    let alice = caller(&gate, &issuer, "alice").await;
    issuer.set_outage(Outage {
        endpoints: vec![Endpoint::Discovery],
        ..Outage::everywhere(OutageMode::Down)
    });
    let error = gate.exchange(&alice, CARS).await.expect_err("an outage");
    assert_eq!(error.kind, TokenErrorKind::IssuerUnavailable, "{error:?}");
    assert_eq!(error.to_response().status(), 503);
    issuer.set_outage(Outage::default());
    let begun = Instant::now();
    while gate.exchange(&alice, CARS).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_hanging_token_endpoint_delays_a_request_by_the_timeout() {
    let issuer = issuer().await;
    let mut client = Client::new("demo").secret("demo-secret");
    client.timeout_ms = Some(300);
    let config = config(&issuer).client(client);
    let gate = Gate::builder(config).build().await.expect("a gate");
    let alice = caller(&gate, &issuer, "alice").await;
    issuer.set_outage(at_the_token_endpoint(OutageMode::Hang));
    let begun = Instant::now();
    let error = gate.exchange(&alice, CARS).await.expect_err("an outage");
    assert_eq!(error.kind, TokenErrorKind::TimedOut, "{error:?}");
    assert_eq!(error.to_response().status(), 504);
    assert!(begun.elapsed() < Duration::from_secs(2));
    issuer.set_outage(Outage::default());
    gate.exchange(&alice, CARS).await.expect("it is over");
}

#[tokio::test]
async fn a_refusal_has_the_issuers_text_in_its_own_members() {
    let issuer = issuer().await;
    let gate = client_gate(&issuer).await;
    let alice = caller(&gate, &issuer, "alice").await;
    let policy = Policy::refusing("demo", CARS);
    issuer.set_policy(policy).expect("a policy");
    let error = gate.exchange(&alice, CARS).await.expect_err("refused");
    assert_eq!(error.kind, TokenErrorKind::Refused);
    assert_eq!(error.status, Some(400));
    let oauth = error.oauth.as_ref().expect("an OAuth error");
    assert_eq!(oauth.error, "invalid_target");
    assert_eq!(error.to_response().status(), 403);

    issuer.set_outage(at_the_token_endpoint(OutageMode::HostileError));
    let other = gate.exchange(&alice, "https://b.example").await;
    let error = other.expect_err("refused");
    let response = error.to_response();
    let shown = format!("{error} {error:?} {:?}", response.headers());
    assert!(!shown.contains(['\r', '\n']), "{shown}");
    assert!(!response.body().contains('\n'), "{response:?}");
}
