//! An issuer that is down, slow or wrong, and one that changes its keys.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use tollgate::{Gate, KeyPolicy};
use tollgate_dev::issuer::{Algorithm, Outage, OutageMode, TokenSpec};

use crate::support::{ask, config, gate, issuer, mint};

#[tokio::test]
async fn a_cold_gate_answers_503_while_the_issuer_is_down() {
    let issuer = issuer().await;
    let token = mint(&issuer, &[]).await;
    for mode in [
        OutageMode::Down,
        OutageMode::Error,
        OutageMode::Truncate,
        OutageMode::Html,
        OutageMode::Redirect,
        OutageMode::WrongIssuer,
        OutageMode::Huge,
    ] {
        let gate = gate(&issuer).await;
        issuer.set_outage(Outage::everywhere(mode));
        let answer = ask(&gate, "/", Some(&token)).await;
        assert_eq!(answer.status, 503, "{mode:?}: {answer:?}");
        assert!(
            answer.headers.contains_key("retry-after"),
            "{mode:?}: {answer:?}"
        );
        issuer.set_outage(Outage::default());
    }
    assert_eq!(issuer.stats().elsewhere, 0);
}

#[tokio::test]
async fn a_hanging_issuer_delays_a_request_by_the_timeout() {
    let issuer = issuer().await;
    let token = mint(&issuer, &[]).await;
    issuer.set_outage(Outage::everywhere(OutageMode::Hang));
    let mut config = config(&issuer);
    config.keys = Some(KeyPolicy {
        timeout_ms: Some(300),
        ..KeyPolicy::default()
    });
    let gate = Gate::builder(config).build().await.expect("a gate");
    let begun = Instant::now();
    assert_eq!(ask(&gate, "/", Some(&token)).await.status, 503);
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn known_keys_are_used_while_the_issuer_is_down() {
    let issuer = issuer().await;
    let gate = gate(&issuer).await;
    assert_eq!(
        ask(&gate, "/", Some(&mint(&issuer, &[]).await))
            .await
            .status,
        200
    );
    issuer.set_outage(Outage::everywhere(OutageMode::Down));
    // Many tokens, so that every store gets one.
    for _ in 0..20 {
        assert_eq!(
            ask(&gate, "/", Some(&mint(&issuer, &[]).await))
                .await
                .status,
            200
        );
    }
}

#[tokio::test]
async fn keys_outlive_a_gate() {
    let issuer = issuer().await;
    let first = gate(&issuer).await;
    assert_eq!(
        ask(&first, "/", Some(&mint(&issuer, &[]).await))
            .await
            .status,
        200
    );
    first.refresh().await;
    let keys = first.export_keys().expect("keys");
    issuer.set_outage(Outage::everywhere(OutageMode::Down));

    let second = gate(&issuer).await;
    assert_eq!(second.import_keys(&keys).expect("an export"), 1);
    for _ in 0..10 {
        assert_eq!(
            ask(&second, "/", Some(&mint(&issuer, &[]).await))
                .await
                .status,
            200
        );
    }
    assert!(second.import_keys("[]").is_err());
}

#[tokio::test]
async fn a_new_key_is_found() {
    let issuer = issuer().await;
    let gate = gate(&issuer).await;
    let before = mint(&issuer, &[]).await;
    assert_eq!(ask(&gate, "/", Some(&before)).await.status, 200);
    issuer.rotate(Algorithm::Es256, true).await;
    let after = mint(&issuer, &[]).await;
    assert_eq!(ask(&gate, "/", Some(&after)).await.status, 200);
    assert_eq!(ask(&gate, "/", Some(&before)).await.status, 200);
    assert_eq!(issuer.stats().jwks, 2);
}

#[tokio::test]
async fn stale_keys_are_refreshed_in_the_background() {
    let issuer = issuer().await;
    let mut config = config(&issuer);
    config.keys = Some(KeyPolicy {
        min_fresh: Some(1),
        max_fresh: Some(1),
        cooldown: Some(1),
        ..KeyPolicy::default()
    });
    let one = NonZeroUsize::MIN;
    let gate = Gate::builder(config)
        .stores(one)
        .build()
        .await
        .expect("a gate");
    let token = mint(&issuer, &[]).await;
    assert_eq!(ask(&gate, "/", Some(&token)).await.status, 200);
    // Past freshness and cooldown.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let begun = Instant::now();
    while issuer.stats().jwks < 2 {
        assert_eq!(
            ask(&gate, "/", Some(&mint(&issuer, &[]).await))
                .await
                .status,
            200
        );
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "no refresh: {:?}",
            issuer.stats()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_keys_cause_few_fetches() {
    let issuer = issuer().await;
    let stores = NonZeroUsize::new(4).expect("not zero");
    let gate = Gate::builder(config(&issuer))
        .stores(stores)
        .build()
        .await
        .expect("a gate");
    assert_eq!(
        ask(&gate, "/", Some(&mint(&issuer, &[]).await))
            .await
            .status,
        200
    );
    let mut requests = tokio::task::JoinSet::new();
    for index in 0..1000 {
        let header = [("kid".to_owned(), format!("unknown {index}").into())]
            .into_iter()
            .collect();
        let token = issuer
            .mint(TokenSpec {
                header,
                ..TokenSpec::default()
            })
            .await;
        let gate = gate.clone();
        requests.spawn(async move { ask(&gate, "/", Some(&token)).await.status });
    }
    for status in requests.join_all().await {
        assert_eq!(status, 401);
    }
    let stats = issuer.stats();
    assert!(stats.jwks <= 2 && stats.discovery <= 2, "{stats:?}");
}
