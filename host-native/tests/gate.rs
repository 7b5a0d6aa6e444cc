//! The gate against a real issuer over real HTTP.

#![cfg(all(feature = "gate", feature = "dev-issuer"))]

mod support;

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use http::Method;
use tollgate::dev_issuer::{Algorithm, Endpoint, Outage, OutageMode, TokenSpec};
use tollgate::{
    BuildError, Config, Decision, Gate, Issuer, KeyPolicy, RequestOrigin, Route, TokenCache,
};

use support::{RESOURCE, ask, config, gate, get, issuer, mint, seen};

#[tokio::test]
async fn a_good_token_passes_and_says_whose_it_is() {
    let issuer = issuer().await;
    let gate = gate(&issuer).await;
    let token = issuer
        .mint(TokenSpec {
            subject: Some("alice".into()),
            scopes: vec!["read:reports".into(), "other".into()],
            ..TokenSpec::default()
        })
        .await;
    for _ in 0..2 {
        let Decision::Allow(allowed) = gate.handle(&get("/reports/1", Some(&token))).await else {
            panic!("refused");
        };
        let credentials = allowed.credentials.expect("a protected route");
        assert_eq!(credentials.token.expose(), token);
        let identity = credentials.identity;
        assert_eq!(identity.subject(), Some("alice"));
        assert_eq!(identity.client_id(), Some("demo"));
        assert_eq!(identity.scopes(), ["read:reports", "other"]);
        assert_eq!(identity.issuer(), issuer.url());
        assert_eq!(identity.audience(), [RESOURCE]);
        assert_eq!(identity.claims()["exp"], identity.expires_at());
        assert_eq!(identity.claims()["iat"].as_u64(), identity.issued_at());
    }
    assert_eq!((issuer.stats().discovery, issuer.stats().jwks), (1, 1));
}

#[tokio::test]
async fn every_algorithm_passes() {
    let issuer = issuer().await;
    for algorithm in [
        Algorithm::Rs256,
        Algorithm::Ps256,
        Algorithm::EdDsa,
        Algorithm::Es512,
    ] {
        issuer.rotate(algorithm, true).await;
    }
    let gate = gate(&issuer).await;
    for algorithm in [
        Algorithm::Es256,
        Algorithm::Rs256,
        Algorithm::Ps256,
        Algorithm::EdDsa,
        Algorithm::Es512,
    ] {
        let spec = TokenSpec {
            algorithm: Some(algorithm),
            ..TokenSpec::default()
        };
        let token = issuer.mint(spec).await;
        assert_eq!(
            ask(&gate, "/", Some(&token)).await.status,
            200,
            "{algorithm}"
        );
    }
    assert_eq!(issuer.stats().jwks, 1);
}

#[tokio::test]
async fn bad_tokens_are_refused() {
    let issuer = issuer().await;
    let gate = gate(&issuer).await;
    let good = mint(&issuer, &[]).await;
    let with = |spec| issuer.mint(spec);
    let tampered = {
        let (head, signature) = good.rsplit_once('.').expect("three parts");
        let first = if signature.starts_with('A') { "B" } else { "A" };
        format!("{head}.{first}{}", &signature[1..])
    };
    let other = TokenSpec {
        audiences: vec!["https://other.example".into()],
        ..Default::default()
    };
    for (what, token) in [
        ("tampered", tampered),
        ("audience", with(other).await),
        (
            "expired",
            with(TokenSpec {
                lifetime: Some(-60),
                ..Default::default()
            })
            .await,
        ),
        (
            "type",
            with(TokenSpec {
                typ: Some("JWT".into()),
                ..Default::default()
            })
            .await,
        ),
        ("nonsense", "abc.def.ghi".to_owned()),
    ] {
        let answer = ask(&gate, "/", Some(&token)).await;
        assert_eq!(answer.status, 401, "{what}: {answer:?}");
        assert!(
            answer.challenge().contains("error=\"invalid_token\""),
            "{what}: {answer:?}"
        );
        assert!(answer.reason.is_some(), "{what}");
    }
    assert_eq!(ask(&gate, "/", Some(&good)).await.status, 200);
}

#[tokio::test]
async fn no_token_gets_a_challenge_that_leads_to_the_metadata() {
    let issuer = issuer().await;
    let gate = gate(&issuer).await;
    let answer = ask(&gate, "/reports", None).await;
    assert_eq!(answer.status, 401);
    let url = format!("{RESOURCE}/.well-known/oauth-protected-resource/reports");
    assert!(answer.challenge().contains(&url), "{answer:?}");
    assert!(!answer.challenge().contains("error="), "{answer:?}");

    let path = url.strip_prefix(RESOURCE).expect("same origin");
    let metadata = ask(&gate, path, None).await;
    assert_eq!(metadata.status, 200);
    let document: serde_json::Value = serde_json::from_str(&metadata.body).expect("JSON");
    assert_eq!(document["resource"], format!("{RESOURCE}/reports"));
    assert_eq!(document["authorization_servers"][0], issuer.url());

    let same = gate
        .metadata(&get(path, None))
        .await
        .expect("a metadata path");
    assert_eq!(same.response.into_body(), metadata.body);
    assert!(gate.metadata(&get("/reports", None)).await.is_none());
    assert_eq!(issuer.stats().jwks, 0);
}

#[tokio::test]
async fn a_missing_scope_is_forbidden() {
    let issuer = issuer().await;
    let gate = gate(&issuer).await;
    let token = mint(&issuer, &["other"]).await;
    let answer = ask(&gate, "/reports", Some(&token)).await;
    assert_eq!(answer.status, 403);
    assert!(
        answer.challenge().contains("error=\"insufficient_scope\""),
        "{answer:?}"
    );
    assert!(answer.challenge().contains("read:reports"), "{answer:?}");

    let request = get("/public", Some(&token));
    let (credentials, _) = gate
        .authenticate(&request, &[])
        .await
        .expect("a good token");
    let identity = credentials.identity;
    assert!(
        gate.require_scopes(&request, &identity, &["other"])
            .is_none()
    );
    let answer = gate
        .require_scopes(&request, &identity, &["mcp:write"])
        .expect("refused");
    assert_eq!(answer.response.status(), 403);
    assert!(gate.authenticate(&request, &["mcp:write"]).await.is_err());
    assert!(gate.verify(&token, &["other"]).await.is_ok());
    let refused = gate
        .verify(&token, &["mcp:write"])
        .await
        .expect_err("refused");
    assert_eq!(refused.response.status(), 403);
}

#[tokio::test]
async fn a_public_route_looks_at_no_token() {
    let issuer = issuer().await;
    let gate = gate(&issuer).await;
    let Decision::Allow(allowed) = gate.handle(&get("/public", Some("rubbish"))).await else {
        panic!("refused");
    };
    assert!(allowed.credentials.is_none());
    assert_eq!(issuer.stats().discovery, 0);
}

#[tokio::test]
async fn preflights_are_answered() {
    let issuer = issuer().await;
    let gate = gate(&issuer).await;
    let mut request = get("/reports", None);
    request.method = Method::OPTIONS;
    request
        .headers
        .insert("origin", "https://app.example.com".parse().expect("valid"));
    request.headers.insert(
        "access-control-request-method",
        "GET".parse().expect("valid"),
    );
    let answer = seen(gate.handle(&request).await);
    assert!(answer.status.is_success(), "{answer:?}");
    assert!(answer.headers.contains_key("access-control-allow-methods"));
}

#[tokio::test]
async fn a_cold_gate_says_that_the_issuer_is_away() {
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
async fn a_hanging_issuer_costs_the_timeout() {
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
async fn known_keys_serve_while_the_issuer_is_away() {
    let issuer = issuer().await;
    let gate = gate(&issuer).await;
    assert_eq!(
        ask(&gate, "/", Some(&mint(&issuer, &[]).await))
            .await
            .status,
        200
    );
    issuer.set_outage(Outage::everywhere(OutageMode::Down));
    // Many, so that every store gets one.
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
    // What was fetched just now is shared between stores for some seconds.
    tokio::time::sleep(Duration::from_millis(5200)).await;
    assert_eq!(ask(&gate, "/", Some(&after)).await.status, 200);
    assert_eq!(ask(&gate, "/", Some(&before)).await.status, 200);
    assert_eq!(issuer.stats().jwks, 2);
}

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
async fn half_of_the_clients_going_away_harms_no_other() {
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
        // The first one, which fetches for all, is among those that leave.
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
    // Past freshness, and past the time in which a document is shared.
    tokio::time::sleep(Duration::from_millis(5200)).await;
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

/// A token with a claim of so many bytes.
async fn long_token(issuer: &tollgate::dev_issuer::DevIssuer, bytes: usize) -> String {
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
async fn a_failing_instance_costs_one_request() {
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
    // The next instance has the keys, though the issuer is away.
    assert_eq!(ask(&gate, "/", Some(&small)).await.status, 200);
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

#[tokio::test]
async fn the_host_header_counts_only_without_a_resource() {
    let issuer = issuer().await;
    let config = Config {
        issuers: Some(vec![Issuer::new(issuer.url()).audience(RESOURCE)]),
        routes: Some(vec![Route::public("/public")]),
        ..Config::default()
    };
    let host = Gate::builder(config.clone()).build().await.expect("a gate");
    let answer = ask(&host, "/", None).await;
    assert!(
        answer
            .challenge()
            .contains("\"http://api.example.com/.well-known/"),
        "{answer:?}"
    );
    let origin = RequestOrigin::Host {
        scheme: "https".into(),
    };
    let https = Gate::builder(config)
        .request_origin(origin)
        .build()
        .await
        .expect("a gate");
    let answer = ask(&https, "/", None).await;
    assert!(
        answer
            .challenge()
            .contains("\"https://api.example.com/.well-known/"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_configuration_that_cannot_work_fails_at_the_start() {
    let broken = Config::new(RESOURCE).issuer(Issuer::new("http://login.example.com"));
    let error = Gate::builder(broken).build().await.expect_err("plain http");
    let BuildError::Config(error) = error else {
        panic!("{error}")
    };
    assert!(error.field.starts_with("issuers[0]"), "{error}");
    assert!(!error.message.is_empty());

    let tiny = Gate::builder(Config::default()).max_memory(1).build().await;
    assert!(matches!(tiny, Err(BuildError::Start(_))), "{tiny:?}");
}

#[test]
fn a_gate_needs_a_runtime() {
    let build = std::pin::pin!(Gate::builder(Config::default()).build());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let outcome = build.poll(&mut context);
    assert!(matches!(
        outcome,
        std::task::Poll::Ready(Err(BuildError::NoRuntime))
    ));
}
