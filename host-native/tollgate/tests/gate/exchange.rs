//! Users' tokens exchanged for tokens of other APIs.

use std::num::NonZeroUsize;
use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;
use tollgate::{
    AccessToken, Credentials, ExchangeTarget, Gate, Grant, TokenErrorKind, TokenTarget,
};
use tollgate_dev::issuer::{DevIssuer, Endpoint, Outage, OutageMode, TokenSpec};

use crate::support::{
    RESOURCE, caller, caller_with, claims, client_config, client_gate, gate, get, issuer,
    user_token,
};

const CARS: &str = "https://cars.example.com";

fn slow_token_endpoint(issuer: &DevIssuer, delay_ms: u64) {
    issuer.set_outage(Outage {
        mode: OutageMode::Slow,
        delay_ms,
        endpoints: vec![Endpoint::Token],
    });
}

#[tokio::test]
async fn a_token_is_exchanged_once_and_cached() {
    let issuer = issuer().await;
    let gate = client_gate(&issuer).await;
    let alice = caller(&gate, &issuer, "alice").await;
    let target = || TokenTarget::resource(CARS).scopes(["cars:read"]);
    let token = gate.exchange(&alice, target()).await.expect("a token");
    let again = gate.exchange(&alice, target()).await.expect("a token");
    assert_eq!(again, token);
    assert_eq!(issuer.stats().token_exchange, 1);

    let claims = claims(&token.access_token);
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["aud"], CARS);
    assert_eq!(claims["act"]["sub"], "demo");
    assert_eq!(token.token_type, "Bearer");
    let exp = token.expires_at().expect("the issuer says");
    assert!(exp > SystemTime::now() && exp < SystemTime::now() + Duration::from_secs(3600));
    assert!(!format!("{token:?}").contains(token.access_token.expose()));

    // Another target is another token.
    let other = gate.exchange(&alice, CARS).await.expect("a token");
    assert_ne!(other, token);
    assert_eq!(issuer.stats().token_exchange, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_requests_of_one_user_make_one_exchange() {
    let issuer = issuer().await;
    slow_token_endpoint(&issuer, 300);
    let gate = client_gate(&issuer).await;
    let token = user_token(&issuer, "alice").await;
    let mut requests = JoinSet::new();
    for _ in 0..100 {
        let (gate, token) = (gate.clone(), token.clone());
        requests.spawn(async move {
            let alice = caller_with(&gate, &token).await;
            gate.exchange(&alice, CARS).await.expect("a token")
        });
    }
    let tokens = requests.join_all().await;
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    let stats = issuer.stats();
    assert_eq!((stats.token_exchange, stats.token), (1, 1), "{stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_users_get_a_token_each() {
    let issuer = issuer().await;
    slow_token_endpoint(&issuer, 1000);
    let max_memory = 24 << 20;
    let stores = NonZeroUsize::new(4).expect("not zero");
    let builder = Gate::builder(client_config(&issuer)).stores(stores);
    let gate = builder
        .max_memory(max_memory)
        .build()
        .await
        .expect("a gate");
    let mut requests = JoinSet::new();
    for user in 0..1000 {
        let gate = gate.clone();
        let name = format!("user {user}");
        let token = user_token(&issuer, &name).await;
        requests.spawn(async move {
            let user = caller_with(&gate, &token).await;
            let token = gate.exchange(&user, CARS).await.expect("a token");
            assert_eq!(claims(&token.access_token)["sub"], name);
        });
    }
    requests.join_all().await;
    assert_eq!(issuer.stats().token_exchange, 1000);
    let stats = gate.stats();
    assert_eq!(stats.failures, 0);
    assert!(stats.memory <= 4 * max_memory, "{stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_the_first_request_does_not_affect_others() {
    let issuer = issuer().await;
    slow_token_endpoint(&issuer, 400);
    let gate = client_gate(&issuer).await;
    let alice = caller(&gate, &issuer, "alice").await;
    let ask = || {
        let (gate, alice) = (gate.clone(), alice.clone());
        async move { gate.exchange(&alice, CARS).await.map(drop) }
    };
    let first = tokio::spawn(ask());
    while issuer.stats().token == 0 {
        tokio::task::yield_now().await;
    }
    let mut others = JoinSet::new();
    for _ in 0..50 {
        others.spawn(ask());
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    first.abort();
    for outcome in others.join_all().await {
        outcome.expect("a token");
    }
    let stats = issuer.stats();
    assert!(stats.token <= 2, "{stats:?}");
}

#[tokio::test]
async fn two_tokens_of_one_user_are_cached_separately() {
    let issuer = issuer().await;
    let gate = client_gate(&issuer).await;
    let session = |id: &str| TokenSpec {
        subject: Some("alice".into()),
        claims: [("sid".to_owned(), id.into())].into_iter().collect(),
        ..TokenSpec::default()
    };
    for id in ["one", "two", "one"] {
        let alice = caller_with(&gate, &issuer.mint(session(id)).await).await;
        let token = gate.exchange(&alice, CARS).await.expect("a token");
        assert_eq!(claims(&token.access_token)["sid"], id);
    }
    assert_eq!(issuer.stats().token_exchange, 3);
}

#[tokio::test]
async fn the_actor_chain_is_readable() {
    let issuer = issuer().await;
    let gate = client_gate(&issuer).await;
    let alice = caller(&gate, &issuer, "alice").await;
    assert!(alice.identity.actors().is_empty());

    let robot = user_token(&issuer, "robot").await;
    let target = ExchangeTarget::from(RESOURCE).actor(robot.into());
    let token = gate.exchange(&alice, target).await.expect("a token");
    let delegated = caller_with(&gate, token.access_token.expose()).await;
    assert_eq!(delegated.identity.subject(), Some("alice"));
    let actors = delegated.identity.actors();
    assert_eq!(actors[0].subject.as_deref(), Some("robot"), "{actors:?}");

    // A second exchange: the current actor comes first.
    let token = gate.exchange(&delegated, RESOURCE).await.expect("a token");
    let twice = caller_with(&gate, token.access_token.expose()).await;
    let names: Vec<_> = twice
        .identity
        .actors()
        .iter()
        .map(|actor| actor.subject.as_deref())
        .collect();
    assert_eq!(names, [Some("demo"), Some("robot")]);
}

#[tokio::test]
async fn invalidation_reaches_every_store() {
    let issuer = issuer().await;
    let gate = client_gate(&issuer).await;
    let mut callers = Vec::new();
    for user in 0..20 {
        let user = caller(&gate, &issuer, &format!("user {user}")).await;
        gate.exchange(&user, CARS).await.expect("a token");
        callers.push(user);
    }
    assert_eq!(
        gate.invalidate(Some("user 3"), Some("https://other.example")),
        0
    );
    assert_eq!(gate.invalidate(Some("user 3"), Some(CARS)), 1);
    assert_eq!(gate.invalidate(None, None), 19);
    for user in &callers {
        gate.exchange(user, CARS).await.expect("a token");
    }
    assert_eq!(issuer.stats().token_exchange, 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_applications_own_token_is_shared() {
    let issuer = issuer().await;
    slow_token_endpoint(&issuer, 200);
    let gate = client_gate(&issuer).await;
    let mut requests = JoinSet::new();
    for _ in 0..50 {
        let gate = gate.clone();
        requests.spawn(async move { gate.own_token(CARS).await.expect("a token") });
    }
    for token in requests.join_all().await {
        assert_eq!(claims(&token.access_token)["sub"], "demo");
    }
    assert_eq!(issuer.stats().client_credentials, 1);

    // The token of a raw request is not cached.
    for _ in 0..2 {
        let token = gate
            .token_request(Grant::ClientCredentials, CARS, None)
            .await;
        assert_eq!(claims(&token.expect("a token").access_token)["aud"], CARS);
    }
    assert_eq!(issuer.stats().client_credentials, 3);
}

#[tokio::test]
async fn a_token_from_elsewhere_is_exchanged_too() {
    let issuer = issuer().await;
    let gate = client_gate(&issuer).await;
    let token = user_token(&issuer, "alice").await;
    let identity = gate.verify(&token, &[]).await.expect("a good token");
    let alice = Credentials {
        identity,
        token: AccessToken::new(token),
    };
    let token = gate.exchange(&alice, CARS).await.expect("a token");
    assert_eq!(claims(&token.access_token)["sub"], "alice");
}

#[tokio::test]
async fn a_gate_without_a_client_says_what_to_set() {
    let issuer = issuer().await;
    let gate = gate(&issuer).await;
    let alice = caller(&gate, &issuer, "alice").await;
    let error = gate.exchange(&alice, CARS).await.expect_err("no client");
    assert_eq!(error.kind, TokenErrorKind::Configuration);
    assert!(error.to_string().contains("TOLLGATE_CLIENT_ID"), "{error}");
    assert_eq!(error.to_response().status(), 500);
    assert!(gate.client_assertion("https://a.example").await.is_err());
    assert_eq!(gate.invalidate(None, None), 0);
    assert!(
        gate.metadata(&get("/.well-known/jwks.json", None))
            .await
            .is_none()
    );
}
