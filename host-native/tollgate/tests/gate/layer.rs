//! The tower layer in a real server.

use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Router};
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, ORIGIN};
use reqwest::Response;
use tollgate::{AccessToken, GateLayer, Identity};
use tollgate_dev::issuer::DevIssuer;

use crate::support;

async fn serve(issuer: &DevIssuer) -> String {
    let gate = support::gate(issuer).await;
    let app = Router::new()
        .route(
            "/public",
            get(|identity: Option<Extension<Identity>>| async move {
                format!("{}", identity.is_some())
            }),
        )
        .route("/whoami", get(whoami))
        .route("/reports", get(whoami))
        .layer(GateLayer::new(gate));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

async fn whoami(
    Extension(identity): Extension<Identity>,
    Extension(token): Extension<AccessToken>,
    request: Request,
) -> impl IntoResponse {
    let sent = request.headers()[AUTHORIZATION]
        .to_str()
        .expect("ASCII")
        .to_owned();
    assert!(sent.ends_with(token.expose()));
    (
        [("vary", "accept")],
        identity.subject().unwrap_or_default().to_owned(),
    )
}

async fn fetch(url: String, token: Option<&str>) -> Response {
    let mut request = support::client()
        .get(url)
        .header(ORIGIN, "https://app.example.com");
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("bearer {token}"));
    }
    request.send().await.expect("an answer")
}

#[tokio::test]
async fn handlers_run_only_behind_the_gate() {
    let issuer = support::issuer().await;
    let server = serve(&issuer).await;
    let token = support::mint(&issuer, &[]).await;

    let public = fetch(format!("{server}/public"), Some(&token)).await;
    assert_eq!(public.status(), 200);
    assert_eq!(public.text().await.expect("text"), "false");

    let refused = fetch(format!("{server}/whoami"), None).await;
    assert_eq!(refused.status(), 401);
    assert!(refused.headers().contains_key("www-authenticate"));
    assert!(refused.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));

    let allowed = fetch(format!("{server}/whoami"), Some(&token)).await;
    assert_eq!(allowed.status(), 200);
    assert!(allowed.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    assert!(
        allowed
            .headers()
            .get_all("vary")
            .iter()
            .any(|value| value == "accept")
    );
    assert_eq!(allowed.text().await.expect("text"), "demo");

    assert_eq!(
        fetch(format!("{server}/reports"), Some(&token))
            .await
            .status(),
        403
    );
    let scoped = support::mint(&issuer, &["read:reports"]).await;
    assert_eq!(
        fetch(format!("{server}/reports"), Some(&scoped))
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn metadata_is_served_without_a_route_for_it() {
    let issuer = support::issuer().await;
    let server = serve(&issuer).await;
    let url = format!("{server}/.well-known/oauth-protected-resource/reports");
    let metadata = fetch(url, None).await;
    assert_eq!(metadata.status(), 200);
    let body = metadata.bytes().await.expect("a body");
    let document: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(document["authorization_servers"][0], issuer.url());
}
