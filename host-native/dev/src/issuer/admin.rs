//! Admin commands. Every local process may use them.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tracing::info;

use super::server::Peer;
use super::signing_key::Algorithm;
use super::{AuditEvent, ClientSpec, Outage, Policy, SharedIssuer};

/// Refuses requests from other machines and from web pages: a browser sends `Origin` with each
/// POST, and `Host` reveals DNS rebinding to a loopback address.
pub(crate) async fn local_only(
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|value| value.to_str().ok());
    let local_host = host.is_some_and(is_local_authority);
    if !peer.ip().is_loopback() || request.headers().contains_key(header::ORIGIN) || !local_host {
        let text = "admin endpoints answer only programs on this machine\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    next.run(request).await
}

fn is_local_authority(authority: &str) -> bool {
    let url = url::Url::parse(&format!("http://{authority}/"));
    match url.as_ref().ok().and_then(url::Url::host) {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotate {
    alg: Option<String>,
    #[serde(default = "yes")]
    keep: bool,
}

fn yes() -> bool {
    true
}

pub(super) async fn rotate(
    State(issuer): State<SharedIssuer>,
    body: Bytes,
) -> Result<Json<Value>, AdminError> {
    let Rotate { alg, keep } = parse(&body)?;
    let algorithm: Algorithm = match alg {
        Some(name) => name
            .parse()
            .map_err(|error| AdminError(format!("{error}")))?,
        None => issuer.options.algorithm,
    };
    let kid = issuer.rotate(algorithm, keep).await;
    info!(%algorithm, kid, keep, "rotated");
    Ok(Json(
        json!({ "alg": algorithm.as_str(), "kid": kid, "keys": issuer.ring().kids() }),
    ))
}

pub(super) async fn outage(
    State(issuer): State<SharedIssuer>,
    body: Bytes,
) -> Result<Json<Value>, AdminError> {
    let outage: Outage = parse(&body)?;
    info!(?outage, "outage");
    issuer.outage.send_replace(outage.clone());
    Ok(Json(json!(outage)))
}

pub(super) async fn stats(State(issuer): State<SharedIssuer>) -> Json<Value> {
    Json(json!(issuer.stats.snapshot()))
}

pub(super) async fn reset(State(issuer): State<SharedIssuer>) -> Json<Value> {
    issuer.reset();
    Json(json!(issuer.stats.snapshot()))
}

pub(super) async fn audit(
    State(issuer): State<SharedIssuer>,
    uri: Uri,
) -> Result<Json<Vec<AuditEvent>>, AdminError> {
    let query = uri.query().unwrap_or_default().as_bytes();
    let since = form_urlencoded::parse(query).find(|(name, _)| name == "since");
    let since = match since {
        Some((_, number)) => number
            .parse()
            .map_err(|_| AdminError("since must be a sequence number".to_owned()))?,
        None => 0,
    };
    Ok(Json(issuer.audit().since(since)))
}

pub(super) async fn policies(State(issuer): State<SharedIssuer>) -> Json<Value> {
    Json(json!(issuer.policies().list()))
}

pub(super) async fn set_policy(
    State(issuer): State<SharedIssuer>,
    body: Bytes,
) -> Result<Json<Policy>, AdminError> {
    let policy: Policy = parse(&body)?;
    issuer
        .set_policy(policy.clone())
        .map_err(|error| AdminError(error.to_string()))?;
    Ok(Json(policy))
}

pub(super) async fn clients(State(issuer): State<SharedIssuer>) -> Json<Value> {
    Json(json!(issuer.clients().list()))
}

pub(super) async fn register_client(
    State(issuer): State<SharedIssuer>,
    body: Bytes,
) -> Result<Json<Value>, AdminError> {
    // A message of serde could repeat a value, and one of the values is a secret.
    let spec: ClientSpec = serde_json::from_slice(&body).map_err(|error| {
        AdminError(format!(
            "not a client: line {}, column {}",
            error.line(),
            error.column()
        ))
    })?;
    let client = issuer
        .clients()
        .add(spec)
        .map_err(|error| AdminError(error.to_string()))?;
    info!(client = client.id, "registered");
    Ok(Json(client.describe()))
}

/// What is wrong with a command's body.
pub(super) struct AdminError(String);

impl IntoResponse for AdminError {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({ "error": self.0 }))).into_response()
    }
}

/// A JSON object; an empty body is `{}`.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, AdminError> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| AdminError(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::is_local_authority;

    #[test]
    fn only_names_of_this_machine_are_local() {
        for local in ["127.0.0.1:9400", "localhost:1", "[::1]:9400", "127.9.9.9"] {
            assert!(is_local_authority(local), "{local}");
        }
        for other in [
            "example.com",
            "localhost.example.com",
            "10.0.0.1:9400",
            "",
            "a b",
            "[::2]",
        ] {
            assert!(!is_local_authority(other), "{other}");
        }
    }
}
