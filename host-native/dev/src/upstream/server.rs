//! The endpoints.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Bytes;
use axum::extract::{Extension, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tollgate::{Actor, Gate, GateLayer, Identity, Refusal};
use tracing::info;

use super::Upstream;
use crate::issuer::admin::local_only;

pub(super) fn router(upstream: &Arc<Upstream>, gate: Gate) -> Router {
    let protected = Router::new()
        .route(ME, get(me))
        // The gate answers its own endpoints, such as its metadata.
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(GateLayer::new(gate))
        .layer(from_fn_with_state(upstream.clone(), count_or_reject));
    let admin = Router::new()
        .route("/admin/reject-next", post(reject_next))
        .route("/admin/stats", get(stats))
        .route("/admin/reset", post(reset))
        .layer(from_fn(local_only))
        .with_state(upstream.clone());
    protected.merge(admin)
}

/// Returns the identity in a token.
const ME: &str = "/me";

/// A layer before the gate that counts the responses of [`ME`] and rejects on command.
async fn count_or_reject(
    State(upstream): State<Arc<Upstream>>,
    request: Request,
    next: Next,
) -> Response {
    if request.uri().path() != ME || request.method() == Method::OPTIONS {
        return next.run(request).await;
    }
    let reject = upstream
        .to_reject
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(1)
        });
    if reject.is_ok() {
        upstream.rejected.fetch_add(1, Ordering::Relaxed);
        info!("GET /me: refused on command");
        return refused_on_command();
    }
    let response = next.run(request).await;
    let counter = if response.status().is_success() {
        &upstream.accepted
    } else {
        &upstream.refused
    };
    counter.fetch_add(1, Ordering::Relaxed);
    if let Some(Refusal(reason)) = response.extensions().get() {
        info!(reason, "GET /me: refused");
    }
    response
}

/// As for a token that was revoked (RFC 6750, section 3.1).
fn refused_on_command() -> Response {
    const DESCRIPTION: &str = "refused on command";
    let challenge = format!(r#"Bearer error="invalid_token", error_description="{DESCRIPTION}""#);
    let error = json!({ "error": "invalid_token", "error_description": DESCRIPTION });
    let headers = [(header::WWW_AUTHENTICATE, challenge)];
    (StatusCode::UNAUTHORIZED, headers, Json(error)).into_response()
}

async fn me(Extension(identity): Extension<Identity>) -> Response {
    let subject = |actor: &Actor| actor.subject.clone();
    let actors: Vec<_> = identity.actors().iter().map(subject).collect();
    let caller = json!({
        "subject": identity.subject(),
        "client_id": identity.client_id(),
        "actors": actors,
        "scopes": identity.scopes(),
        "audience": identity.audience(),
    });
    info!(%caller, "GET /me");
    ([(header::CACHE_CONTROL, "no-store")], Json(caller)).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RejectNext {
    count: u64,
}

async fn reject_next(State(upstream): State<Arc<Upstream>>, body: Bytes) -> Response {
    match serde_json::from_slice(&body) {
        Ok(RejectNext { count }) => {
            upstream.to_reject.store(count, Ordering::Relaxed);
            Json(json!({ "count": count })).into_response()
        }
        Err(error) => {
            let error = json!({ "error": error.to_string() });
            (StatusCode::BAD_REQUEST, Json(error)).into_response()
        }
    }
}

async fn stats(State(upstream): State<Arc<Upstream>>) -> Json<Value> {
    Json(json!(upstream.stats()))
}

async fn reset(State(upstream): State<Arc<Upstream>>) -> Json<Value> {
    upstream.reset();
    Json(json!(upstream.stats()))
}
