//! Users sign in, clients get tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::StatusCode;
use tollgate::issuer::{MemoryStore, NoHooks, SqliteStore};

use super::support::{in_memory, serve, serve_with};

#[tokio::test(flavor = "multi_thread")]
async fn a_user_signs_in_and_the_client_uses_what_it_gets() {
    let served = in_memory().await;
    let demo = &served.demo;
    let tokens = demo.tokens("alice").await;
    assert_eq!(tokens["token_type"], "Bearer");
    let access = tokens["access_token"].as_str().expect("a token");
    let info = served.issuer.check_token(access, &served.url).await;
    let info = info.expect("checked").expect("valid");
    assert_eq!((&*info.subject, &*info.client_id), ("alice", "demo"));
    assert_eq!(info.scopes, ["read", "write"]);
    let other = served.issuer.check_token(access, "https://other.example");
    assert!(other.await.expect("checked").is_none());

    // The keys are published.
    let keys = demo.http().get(demo.url("/jwks")).send().await;
    let keys = keys.expect("an answer").text().await.expect("text");
    assert!(keys.contains("\"kty\""), "{keys}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_refreshes_at_once_get_the_same_answer() {
    let served = in_memory().await;
    let tokens = served.demo.tokens("alice").await;
    let refresh = tokens["refresh_token"].as_str().expect("a token");
    let (one, two) = tokio::join!(served.demo.refresh(refresh), served.demo.refresh(refresh));
    let (one, two) = (one.expect("an answer"), two.expect("an answer"));
    assert_eq!(one.0, StatusCode::OK, "{}", one.1);
    assert_eq!(one.1["refresh_token"], two.1["refresh_token"]);
    assert_eq!(one.1["access_token"], two.1["access_token"]);
    assert_ne!(one.1["refresh_token"], tokens["refresh_token"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_redeemed_once_and_its_reuse_revokes() {
    let served = in_memory().await;
    let code = served.demo.code("alice").await;
    let redeemed = (0..8).map(|_| {
        let (demo, code) = (served.demo.clone(), code.clone());
        tokio::spawn(async move { demo.redeem(&code).await.expect("an answer").0 })
    });
    let mut done = 0;
    for redeemed in redeemed.collect::<Vec<_>>() {
        match redeemed.await.expect("no panic") {
            StatusCode::OK => done += 1,
            other => assert_eq!(other, StatusCode::BAD_REQUEST),
        }
    }
    assert_eq!(done, 1);
    let grants = served.issuer.user_grants("alice", None).await;
    assert!(grants.expect("read").grants.is_empty(), "revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_grant_ends_refresh_and_introspection() {
    let served = serve_with(MemoryStore::new(), NoHooks, |config| {
        config["access-token"] = "opaque".into();
    })
    .await;
    let demo = &served.demo;
    let tokens = demo.tokens("bob").await;
    let text = |name: &str| tokens[name].as_str().expect("a token").to_owned();
    let (access, refresh) = (text("access_token"), text("refresh_token"));
    let introspect = || async {
        let form = [
            ("client_id", "api"),
            ("client_secret", "api-secret-api-secret-api-secret"),
            ("token", &access),
        ];
        demo.post("/introspect", &form).await.expect("an answer").1
    };
    let before = introspect().await;
    assert_eq!(before["active"], true, "{before}");
    assert_eq!(before["sub"], "bob");
    let form = [("client_id", "demo"), ("token", refresh.as_str())];
    let (status, _) = demo.post("/revoke", &form).await.expect("an answer");
    assert_eq!(status, StatusCode::OK);
    assert_eq!(introspect().await["active"], false);
    let (status, error) = demo.refresh(&refresh).await.expect("an answer");
    assert_eq!(
        (status, &error["error"]),
        (StatusCode::BAD_REQUEST, &"invalid_grant".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_in_sqlite_outlive_the_issuer() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("issuer.db");
    let first = serve(SqliteStore::open(&file).expect("a store"), NoHooks).await;
    let tokens = first.demo.tokens("alice").await;
    let refresh = tokens["refresh_token"].as_str().expect("a token");
    // A second process would have the same address, and its own connection to the file.
    let url = first.url.clone();
    let store = SqliteStore::open(&file).expect("a store");
    let second = serve_with(store, NoHooks, |config| config["issuer"] = url.into()).await;
    let (status, answer) = second.demo.refresh(refresh).await.expect("an answer");
    assert_eq!(status, StatusCode::OK, "{answer}");
    let grants = second
        .issuer
        .user_grants("alice", None)
        .await
        .expect("read");
    assert_eq!(grants.grants.len(), 1);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a time");
    assert!(grants.grants[0].expires_at > now.as_secs());
}
