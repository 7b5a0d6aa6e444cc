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
use tollgate::{AccessToken, Actor, BuildError, Config, ConfigPart, Gate, GateLayer, Identity};
use tollgate_config::snake_case;
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::operation;

/// Gates by their options. A run has one for each check and target.
type Gates = Arc<Mutex<HashMap<String, Gate>>>;

/// The maximum size of an operation.
const OPERATION_BYTES: usize = 65_536;

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
        Err(Problem::Client(message)) if request.uri().path() == "/do" => {
            return operation::misconfigured(&message);
        }
        Err(Problem::Client(problem) | Problem::Other(problem)) => {
            return (StatusCode::IM_A_TEAPOT, problem).into_response();
        }
    };
    let client = gate.clone();
    let handler = service_fn(move |request| handle(client.clone(), request));
    let Ok(response) = GateLayer::new(gate).layer(handler).oneshot(request).await;
    response.map(Body::new)
}

/// Why a gate could not be built.
enum Problem {
    /// Its client is invalid, which the other hosts report only when it is needed.
    Client(String),
    Other(String),
}

async fn gate(gates: &Gates, headers: &HeaderMap) -> Result<Gate, Problem> {
    let text = headers
        .get(super::GATE)
        .and_then(|value| value.to_str().ok());
    let text = text.ok_or_else(|| Problem::Other(format!("{} is missing", super::GATE)))?;
    let mut gates = gates.lock().await;
    if let Some(gate) = gates.get(text) {
        return Ok(gate.clone());
    }
    let config: Config = serde_json::from_str(text)
        .and_then(|options| serde_json::from_value(snake_case(options)))
        .map_err(|error| Problem::Other(error.to_string()))?;
    // One store, like the single isolate of a Worker, so that the counts of fetches are comparable.
    let gate = Gate::builder(config)
        .stores(NonZeroUsize::MIN)
        .build()
        .await
        .map_err(|error| match error {
            BuildError::Config(error) if error.part == ConfigPart::Client => {
                Problem::Client(error.to_string())
            }
            error => Problem::Other(error.to_string()),
        })?;
    gates.insert(text.to_owned(), gate.clone());
    Ok(gate)
}

async fn handle(gate: Gate, request: Request) -> Result<Response, Infallible> {
    if request.uri().path() != "/do" {
        return Ok(echo(&request));
    }
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, OPERATION_BYTES).await;
    let (identity, token) = (parts.extensions.get(), parts.extensions.get());
    let (identity, token) = (identity.cloned(), token.cloned());
    Ok(operation::perform(&gate, identity, token, &body.unwrap_or_default()).await)
}

/// The handler, which answers with the identity.
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
            "actors": identity.actors().iter().map(actor).collect::<Vec<_>>(),
            "claims": identity.claims(),
            "token": token.map(AccessToken::expose),
        }),
    };
    axum::Json(body).into_response()
}

fn actor(actor: &Actor) -> Value {
    json!({ "subject": actor.subject, "issuer": actor.issuer, "clientId": actor.client_id })
}
