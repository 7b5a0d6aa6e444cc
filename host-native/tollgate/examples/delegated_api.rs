//! An API that calls another one as the user who calls it.
//!
//! ```text
//! cargo run -p tollgate-cli -- dev-issuer &
//! cargo run -p tollgate-cli -- dev-upstream &
//! cargo run -p tollgate --example delegated_api
//!
//! TOKEN=$(curl -s -u demo:demo-secret -d grant_type=client_credentials -d subject=alice \
//!     -d resource=http://127.0.0.1:8080 http://127.0.0.1:9400/token | sed 's/.*access_token":"\([^"]*\).*/\1/')
//! curl -i -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/me
//! ```

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use http::Request;
use tollgate::{Client, Config, Credentials, Gate, GateLayer, Issuer};

/// What tokens of users are for.
const RESOURCE: &str = "http://127.0.0.1:8080";
/// The API that is called for them, and what its tokens are for.
const UPSTREAM: &str = "http://127.0.0.1:9500";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::new(RESOURCE)
        .issuer(Issuer::new("http://127.0.0.1:9400"))
        // Public knowledge, as everything of the development issuer; yours comes from outside.
        .client(Client::new("demo").secret("demo-secret"));
    let gate = Gate::builder(config).build().await?;

    let app = Router::new()
        .route("/me", get(me))
        .layer(Extension(gate.clone()))
        .layer(GateLayer::new(gate));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    println!("listening on {RESOURCE}");
    axum::serve(listener, app).await?;
    Ok(())
}

/// Whom the other API takes the caller for.
async fn me(
    Extension(gate): Extension<Gate>,
    Extension(caller): Extension<Credentials>,
) -> Response {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = http::Uri::from_static("http://127.0.0.1:9500/me");
    match gate.fetch_as(&caller, UPSTREAM, request).await {
        Ok(response) => {
            let (parts, body) = response.into_parts();
            (parts.status, Body::new(body)).into_response()
        }
        // 401 or 403 where the user must do something, 5xx else; none of the issuer's words.
        Err(error) => error.to_response().into_response(),
    }
}
