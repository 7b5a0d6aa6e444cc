//! The endpoints.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::info;

use super::Upstream;
use super::access::Refusal;
use crate::issuer::admin::local_only;

pub(super) fn router(upstream: &Arc<Upstream>) -> Router {
    let admin = Router::new()
        .route("/admin/reject-next", post(reject_next))
        .route("/admin/stats", get(stats))
        .route("/admin/reset", post(reset))
        .layer(from_fn(local_only));
    Router::new()
        .route("/me", get(me))
        .merge(admin)
        .with_state(upstream.clone())
}

async fn me(State(upstream): State<Arc<Upstream>>, headers: HeaderMap) -> Response {
    let reject = upstream
        .to_reject
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(1)
        });
    if reject.is_ok() {
        upstream.rejected.fetch_add(1, Ordering::Relaxed);
        return challenge(Some("refused on command"));
    }
    let caller = upstream.authenticate(&headers).await;
    let counter = if caller.is_ok() {
        &upstream.accepted
    } else {
        &upstream.refused
    };
    counter.fetch_add(1, Ordering::Relaxed);
    match caller {
        Ok(caller) => {
            info!(caller = %json!(caller), "GET /me");
            ([(header::CACHE_CONTROL, "no-store")], Json(caller)).into_response()
        }
        Err(refusal) => {
            info!(?refusal, "GET /me");
            match refusal {
                Refusal::NoToken => challenge(None),
                Refusal::InvalidToken(problem) => challenge(Some(problem)),
                Refusal::NoKeys => {
                    let headers = [(header::RETRY_AFTER, "1")];
                    (StatusCode::SERVICE_UNAVAILABLE, headers).into_response()
                }
            }
        }
    }
}

/// RFC 6750, section 3: without credentials there is no error to speak of.
fn challenge(problem: Option<&'static str>) -> Response {
    let challenge = problem.map_or("Bearer".to_owned(), |problem| {
        format!("Bearer error=\"invalid_token\", error_description=\"{problem}\"")
    });
    let error =
        problem.map(|problem| json!({ "error": "invalid_token", "error_description": problem }));
    let headers = [(header::WWW_AUTHENTICATE, challenge)];
    (StatusCode::UNAUTHORIZED, headers, Json(error)).into_response()
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
