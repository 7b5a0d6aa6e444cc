//! Issuer metadata (RFC 8414; OpenID Connect Discovery 1.0) and the key set (RFC 7517).

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::SharedIssuer;
use super::client_assertion::ALGORITHMS;
use super::client_authentication::METHODS;
use super::signing_key::Algorithm;
use super::token_endpoint::GRANTS;

/// Scopes in the metadata. The client `demo` gets any other scope too.
const SCOPES: &[&str] = &[
    "mcp:read",
    "mcp:write",
    "mcp:tools",
    "mcp:admin",
    "read:reports",
    "write:reports",
];

/// Which metadata documents an issuer publishes. The others are 404.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Discovery {
    /// Those of RFC 8414 and of OpenID Connect.
    #[default]
    Both,
    /// RFC 8414 only.
    OAuth,
    /// OpenID Connect only.
    OpenId,
}

pub(super) async fn oauth(State(issuer): State<SharedIssuer>) -> Response {
    match issuer.options.discovery {
        Discovery::OpenId => StatusCode::NOT_FOUND.into_response(),
        Discovery::Both | Discovery::OAuth => cached(&issuer, document(&issuer)),
    }
}

pub(super) async fn openid(State(issuer): State<SharedIssuer>) -> Response {
    if issuer.options.discovery == Discovery::OAuth {
        return StatusCode::NOT_FOUND.into_response();
    }
    let mut document = document(&issuer);
    // Required by the specification. No ID token is ever issued.
    document["subject_types_supported"] = json!(["public"]);
    let algorithms: Vec<_> = Algorithm::ALL.iter().map(|alg| alg.as_str()).collect();
    document["id_token_signing_alg_values_supported"] = json!(algorithms);
    cached(&issuer, document)
}

pub(super) async fn jwks(State(issuer): State<SharedIssuer>) -> Response {
    let keys = issuer.ring().jwk_set();
    let mut response = cached(&issuer, keys);
    let media_type = HeaderValue::from_static("application/jwk-set+json");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, media_type);
    response
}

/// There is no user interaction. The endpoint is in the metadata because many clients refuse
/// metadata without it.
pub(super) async fn authorize() -> Response {
    let error = json!({
        "error": "unsupported_response_type",
        "error_description": "this issuer has no login; use client_credentials",
    });
    (StatusCode::BAD_REQUEST, Json(error)).into_response()
}

fn document(issuer: &super::Issuer) -> Value {
    let base = issuer.base();
    let jwks_uri = issuer
        .options
        .jwks_uri
        .clone()
        .unwrap_or_else(|| format!("{base}/jwks"));
    let signing: Vec<_> = ALGORITHMS.iter().map(|alg| alg.name()).collect();
    json!({
        "issuer": issuer.url,
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": issuer.token_endpoint(),
        "jwks_uri": jwks_uri,
        "response_types_supported": [],
        "grant_types_supported": GRANTS,
        "token_endpoint_auth_methods_supported": METHODS,
        "token_endpoint_auth_signing_alg_values_supported": signing,
        "scopes_supported": SCOPES,
    })
}

fn cached(issuer: &super::Issuer, document: Value) -> Response {
    let cache_control = match issuer.options.jwks_max_age {
        0 => "no-store".to_owned(),
        seconds => format!("public, max-age={seconds}"),
    };
    ([(header::CACHE_CONTROL, cache_control)], Json(document)).into_response()
}
