//! A store that does not answer, clients that go away, instances that fail.

use std::time::Duration;

use reqwest::StatusCode;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tollgate::issuer::{IssuerError, NoHooks, StoreError};

use super::support::{Switched, in_memory, serve};

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_store_is_a_503_and_ends_no_session() {
    let store = Switched::default();
    let served = serve(store.clone(), NoHooks).await;
    let demo = &served.demo;
    let tokens = demo.tokens("alice").await;
    let code = demo.code("alice").await;
    let refresh = tokens["refresh_token"].as_str().expect("a token");
    assert!(served.issuer.check_store().await.is_ok());

    store.kill();
    assert_eq!(
        served.issuer.check_store().await,
        Err(StoreError::Unavailable)
    );
    for (status, body) in [
        demo.refresh(refresh).await.expect("an answer"),
        demo.redeem(&code).await.expect("an answer"),
    ] {
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
        assert_eq!(body["error"], "temporarily_unavailable");
    }
    let unavailable = served.issuer.user_grants("alice", None).await;
    assert!(matches!(unavailable, Err(IssuerError::Unavailable(_))));
    let page = demo
        .http()
        .get(demo.authorization_url())
        .send()
        .await
        .expect("a page");
    assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE);

    store.revive();
    assert_eq!(
        demo.redeem(&code).await.expect("an answer").0,
        StatusCode::OK
    );
    assert_eq!(
        demo.refresh(refresh).await.expect("an answer").0,
        StatusCode::OK
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_loses_no_session() {
    let served = in_memory().await;
    let tokens = served.demo.tokens("alice").await;
    let refresh = tokens["refresh_token"].as_str().expect("a token");
    let address = served.url.strip_prefix("http://").expect("a URL");
    let body = format!("grant_type=refresh_token&client_id=demo&refresh_token={refresh}");
    for cut in [20, body.len()] {
        let head = format!(
            "POST /token HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\n\r\n",
            body.len()
        );
        for _ in 0..20 {
            let mut stream = TcpStream::connect(address).await.expect("a connection");
            let request = [head.as_bytes(), &body.as_bytes()[..cut]].concat();
            stream.write_all(&request).await.expect("sent");
            tokio::task::yield_now().await;
            drop(stream);
        }
    }
    let (status, answer) = served.demo.refresh(refresh).await.expect("an answer");
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(served.issuer.stats().failures, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_ends_the_wait() {
    let store = Switched::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("bound");
    let config = super::support::configuration(&format!("http://{address}"));
    let issuer = tollgate::issuer::Issuer::builder(config, store)
        .body_timeout(Duration::from_millis(200))
        .build()
        .await
        .expect("an issuer");
    let router = axum::Router::new().fallback_service(issuer.into_service());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let request = "POST /token HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf";
    let answer = super::requests::raw(&address.to_string(), request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}
