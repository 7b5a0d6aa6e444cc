//! Concurrent requests, cancelled requests, and instances that fail.

use std::num::NonZeroUsize;
use std::time::Duration;

use tollgate::{Gate, Issuer, TokenCache};
use tollgate_dev::issuer::{DevIssuer, Endpoint, Outage, OutageMode, TokenSpec};

use crate::support::{ask, config, gate, issuer, mint};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_cold_requests_make_one_fetch() {
    let issuer = issuer().await;
    let stores = NonZeroUsize::new(4).expect("not zero");
    let gate = Gate::builder(config(&issuer))
        .stores(stores)
        .build()
        .await
        .expect("a gate");
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (gate, token) = (gate.clone(), mint(&issuer, &[]).await);
        requests.spawn(async move { ask(&gate, "/", Some(&token)).await.status });
    }
    for status in requests.join_all().await {
        assert_eq!(status, 200);
    }
    assert_eq!((issuer.stats().discovery, issuer.stats().jwks), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disconnecting_clients_do_not_affect_others() {
    let issuer = issuer().await;
    issuer.set_outage(Outage {
        mode: OutageMode::Slow,
        delay_ms: 300,
        endpoints: vec![Endpoint::Discovery, Endpoint::Jwks],
    });
    let gate = gate(&issuer).await;
    let mut leaving = Vec::new();
    let mut staying = tokio::task::JoinSet::new();
    for index in 0..100 {
        let (gate, token) = (gate.clone(), mint(&issuer, &[]).await);
        let request = async move { ask(&gate, "/", Some(&token)).await.status };
        // The first request, which fetches for all, is one of the cancelled ones.
        if index % 2 == 0 {
            leaving.push(tokio::spawn(request));
        } else {
            staying.spawn(request);
        }
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    leaving.iter().for_each(tokio::task::JoinHandle::abort);
    for status in staying.join_all().await {
        assert_eq!(status, 200);
    }
    assert!(issuer.stats().discovery <= 2, "{:?}", issuer.stats());
    assert!(issuer.stats().jwks <= 2, "{:?}", issuer.stats());
}

/// A token with a claim of this many bytes.
async fn long_token(issuer: &DevIssuer, bytes: usize) -> String {
    let padding = ("padding".to_owned(), "x".repeat(bytes).into());
    let claims = [padding].into_iter().collect();
    issuer
        .mint(TokenSpec {
            claims,
            ..TokenSpec::default()
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_instance_fails_only_one_request() {
    let away = issuer().await;
    let issuer = issuer().await;
    let mut config = config(&issuer).issuer(Issuer::new(away.url()));
    // More than the store may have, so that filling the cache ends in a failure.
    config.token_cache = Some(TokenCache {
        max_entries: Some(1_000_000),
        max_bytes: Some(u32::MAX),
        max_age: None,
    });
    let max_memory = 6 << 20;
    let gate = Gate::builder(config)
        .stores(NonZeroUsize::MIN)
        .max_memory(max_memory)
        .build()
        .await
        .expect("6 MiB are enough to start");
    let small = mint(&issuer, &[]).await;
    assert_eq!(ask(&gate, "/", Some(&small)).await.status, 200);

    // One request waits in the same instance while another one makes it fail.
    away.set_outage(Outage {
        mode: OutageMode::Slow,
        delay_ms: 1500,
        endpoints: vec![Endpoint::Discovery],
    });
    let waiting = {
        let (gate, token) = (gate.clone(), mint(&away, &[]).await);
        tokio::spawn(async move { ask(&gate, "/", Some(&token)).await })
    };
    while away.stats().discovery == 0 {
        tokio::task::yield_now().await;
    }

    issuer.set_outage(Outage::everywhere(OutageMode::Down));
    let mut failed = None;
    for _ in 0..4000 {
        let answer = ask(&gate, "/", Some(&long_token(&issuer, 4000).await)).await;
        assert!(gate.stats().memory <= max_memory);
        if answer.status != 200 {
            failed = Some(answer);
            break;
        }
    }
    let failed = failed.expect("the memory is bounded");
    assert_eq!(
        (failed.status.as_u16(), failed.reason.as_deref()),
        (500, Some("gate-failed"))
    );
    assert_eq!(gate.stats().failures, 1);
    // The next instance has the keys, although the issuer is down.
    let answer = ask(&gate, "/", Some(&small)).await;
    assert_eq!(answer.status, 200, "{answer:?} {:?}", gate.stats());
    assert_eq!(gate.stats().failures, 1);
    assert_eq!(waiting.await.expect("no panic").status, 200);
}

#[tokio::test]
async fn ten_thousand_tokens_stay_inside_the_memory() {
    let issuer = issuer().await;
    let max_memory = 24 << 20;
    let gate = Gate::builder(config(&issuer))
        .stores(NonZeroUsize::MIN)
        .max_memory(max_memory)
        .build()
        .await
        .expect("a gate");
    for _ in 0..10_000 {
        let token = mint(&issuer, &["read:reports"]).await;
        assert_eq!(ask(&gate, "/", Some(&token)).await.status, 200);
    }
    let stats = gate.stats();
    assert_eq!(stats.failures, 0);
    assert!(stats.memory <= max_memory, "{stats:?}");
}
