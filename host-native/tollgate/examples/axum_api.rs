//! An API with a public, a protected and a scoped route.
//!
//! ```text
//! cargo run -p tollgate-cli -- dev-issuer &
//! cargo run -p tollgate --example axum_api
//!
//! TOKEN=$(curl -s -u demo:demo-secret -d grant_type=client_credentials -d scope=read:reports \
//!     -d resource=http://127.0.0.1:8080 http://127.0.0.1:9400/token | sed 's/.*access_token":"\([^"]*\).*/\1/')
//! curl -i http://127.0.0.1:8080/me
//! curl -i -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/reports
//! ```

use axum::routing::get;
use axum::{Extension, Json, Router};
use serde_json::{Value, json};
use tollgate::{Config, Gate, GateLayer, Identity, Issuer, Route};

/// What tokens are for, and what the metadata calls this API.
const RESOURCE: &str = "http://127.0.0.1:8080";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Another issuer is one environment variable away.
    let issuer = std::env::var("ISSUER").unwrap_or_else(|_| "http://127.0.0.1:9400".to_owned());
    let config = Config::new(RESOURCE)
        .issuer(Issuer::new(issuer))
        .route(Route::public("/health"))
        .route(Route::protected("/reports", ["read:reports"]));
    let gate = Gate::builder(config).build().await?;

    let app = Router::new()
        .route("/health", get(|| async { "ok" }))
        // No route of the configuration covers it, so it needs a token.
        .route("/me", get(me))
        .route("/reports", get(reports))
        .layer(GateLayer::new(gate));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    println!("listening on {RESOURCE}");
    axum::serve(listener, app).await?;
    Ok(())
}

async fn me(Extension(identity): Extension<Identity>) -> Json<Value> {
    Json(json!({
        "subject": identity.subject(),
        "client": identity.client_id(),
        "scopes": identity.scopes(),
    }))
}

async fn reports() -> Json<Value> {
    Json(json!([{ "title": "Cars counted at the gate", "value": 42 }]))
}
