//! The native library: a small HTTP server behind the tower layer.

use std::collections::HashMap;
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tollgate::{AccessToken, Gate, GateLayer, Identity};
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::options::Options;

/// Gates by their options. A run has one for each check and target.
type Gates = Arc<Mutex<HashMap<String, Gate>>>;

pub(super) async fn start() -> Result<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.map_err(|error| format!("no free port: {error}"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let router = Router::new().fallback(guarded).with_state(Gates::default());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address.to_string())
}

async fn guarded(State(gates): State<Gates>, request: Request) -> Response {
    let gate = match gate(&gates, request.headers()).await {
        Ok(gate) => gate,
        Err(problem) => return (StatusCode::IM_A_TEAPOT, problem).into_response(),
    };
    let handler = service_fn(|request: Request| async move { Ok::<_, Infallible>(echo(&request)) });
    let Ok(response) = GateLayer::new(gate).layer(handler).oneshot(request).await;
    response.map(Body::new)
}

async fn gate(gates: &Gates, headers: &HeaderMap) -> Result<Gate, String> {
    let text = headers
        .get(super::GATE)
        .and_then(|value| value.to_str().ok());
    let text = text.ok_or_else(|| format!("{} is missing", super::GATE))?;
    let mut gates = gates.lock().await;
    if let Some(gate) = gates.get(text) {
        return Ok(gate.clone());
    }
    let options: Options = serde_json::from_str(text).map_err(|error| error.to_string())?;
    // One store, as a Worker's isolate is one, so that fetches can be counted alike.
    let gate = Gate::builder(options.into())
        .stores(NonZeroUsize::MIN)
        .build()
        .await
        .map_err(|error| error.to_string())?;
    gates.insert(text.to_owned(), gate.clone());
    Ok(gate)
}

/// The handler: whom the gate let through.
fn echo(request: &Request) -> Response {
    let token = request.extensions().get::<AccessToken>();
    let body: Value = match request.extensions().get::<Identity>() {
        None => json!({ "public": true }),
        Some(identity) => json!({
            "subject": identity.subject(),
            "clientId": identity.client_id(),
            "scopes": identity.scopes(),
            "issuer": identity.issuer(),
            "audience": identity.audience(),
            "expiresAt": identity.expires_at(),
            "issuedAt": identity.issued_at(),
            "claims": identity.claims(),
            "token": token.map(AccessToken::expose),
        }),
    };
    axum::Json(body).into_response()
}
