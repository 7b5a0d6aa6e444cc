//! Calls to other APIs on behalf of a caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::response::Redirect;
use axum::routing::{any, get, post};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tollgate::{Client, FetchError, Gate, TokenErrorKind};
use tollgate_dev::upstream::{DevUpstream, Options};

use crate::support::{caller, client_gate, config, issuer};

fn request(url: String) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).expect("a request")
}

async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

#[tokio::test]
async fn the_api_sees_user_and_actor() {
    let issuer = issuer().await;
    let upstream = DevUpstream::start(Options::new(issuer.url())).await;
    let upstream = upstream.expect("a free port");
    let gate = client_gate(&issuer).await;
    let alice = caller(&gate, &issuer, "alice").await;
    let me = || request(format!("{}/me", upstream.url()));
    for _ in 0..2 {
        let response = gate.fetch_as(&alice, upstream.resource(), me()).await;
        let response = response.expect("an answer");
        assert_eq!(response.status(), 200);
        let body = response.into_body().bytes(10_000).await.expect("a body");
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(body["subject"], "alice");
        assert_eq!(body["actors"][0], "demo");
    }
    assert_eq!(issuer.stats().token_exchange, 1);

    let response = gate.fetch_as(&alice, upstream.resource(), me()).await;
    let body = response.expect("an answer").into_body();
    let short = body.bytes(10).await;
    assert!(matches!(short, Err(FetchError::TooLarge)), "{short:?}");
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let issuer = issuer().await;
    let upstream = DevUpstream::start(Options::new(issuer.url())).await;
    let upstream = upstream.expect("a free port");
    let gate = client_gate(&issuer).await;
    let alice = caller(&gate, &issuer, "alice").await;
    let me = || request(format!("{}/me", upstream.url()));

    upstream.reject_next(1);
    let response = gate.fetch_as(&alice, upstream.resource(), me()).await;
    assert_eq!(response.expect("an answer").status(), 200);
    assert_eq!(issuer.stats().token_exchange, 2);

    upstream.reject_next(10);
    let response = gate.fetch_as(&alice, upstream.resource(), me()).await;
    assert_eq!(response.expect("an answer").status(), 401);
    assert_eq!(issuer.stats().token_exchange, 3);
    assert_eq!(upstream.stats().rejected, 3, "{:?}", upstream.stats());
}

#[tokio::test]
async fn a_body_is_sent_twice_and_headers_are_kept() {
    let issuer = issuer().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let handler = post(async move |headers: HeaderMap, body: String| {
        let call = count.fetch_add(1, Ordering::Relaxed);
        assert_eq!(body, "a body");
        assert_eq!(headers["x-mine"], "kept");
        let authorization: Vec<_> = headers.get_all("authorization").iter().collect();
        assert_eq!(authorization.len(), 1);
        assert_ne!(authorization[0], "Bearer mine");
        assert_ne!(headers["host"], "elsewhere.example");
        if call == 0 {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::IM_A_TEAPOT
        }
    });
    let api = serve(Router::new().route("/cars", handler)).await;
    let gate = client_gate(&issuer).await;
    let alice = caller(&gate, &issuer, "alice").await;
    let request = Request::post(format!("{api}/cars?a=b"))
        .header("authorization", "Bearer mine")
        .header("host", "elsewhere.example")
        .header("x-mine", "kept")
        .body(Bytes::from("a body"))
        .expect("a request");
    let response = gate.fetch_as(&alice, &*api, request).await;
    assert_eq!(response.expect("an answer").status(), 418);
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_token_is_sent_to_no_other_origin() {
    let issuer = issuer().await;
    let caught = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&caught);
    let elsewhere = any(async move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let elsewhere = serve(Router::new().fallback(elsewhere)).await;
    let to = elsewhere.clone();
    let redirect = get(async move || Redirect::temporary(&to));
    let api = serve(Router::new().route("/", redirect)).await;
    let gate = client_gate(&issuer).await;
    let alice = caller(&gate, &issuer, "alice").await;

    let response = gate
        .fetch_as(&alice, &*api, request(format!("{api}/")))
        .await;
    assert_eq!(response.expect("an answer").status(), 307);
    for url in [
        &*elsewhere,
        "http://api.example/",
        "https://api.example/",
        "/me",
    ] {
        let error = gate.fetch_as(&alice, &*api, request(url.to_owned())).await;
        let Err(FetchError::Token(error)) = error else {
            panic!("{url}: {error:?}")
        };
        assert_eq!(error.kind, TokenErrorKind::ForbiddenDestination, "{url}");
    }
    assert_eq!(caught.load(Ordering::Relaxed), 0);
    assert_eq!(issuer.stats().token_exchange, 1);

    // Where the configuration names it, it may.
    let client = Client::new("demo").secret("demo-secret");
    let config = config(&issuer).client(client.destination(&*elsewhere));
    let gate = Gate::builder(config).build().await.expect("a gate");
    let response = gate.fetch_as(&alice, &*api, request(elsewhere)).await;
    assert_eq!(response.expect("an answer").status(), 200);
    assert_eq!(caught.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_unreachable_api_is_not_a_token_error() {
    let issuer = issuer().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let address = listener.expect("a free port").local_addr().expect("bound");
    let api = format!("http://{address}");
    let gate = client_gate(&issuer).await;
    let alice = caller(&gate, &issuer, "alice").await;
    let error = gate.fetch_as(&alice, &*api, request(api.clone())).await;
    let error = error.expect_err("nobody is there");
    assert!(matches!(error, FetchError::Unreachable), "{error:?}");
    assert_eq!(error.to_response().status(), 502);
}
