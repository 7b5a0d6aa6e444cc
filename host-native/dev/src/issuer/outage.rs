//! Failures on command: an issuer that is down, slow or sends wrong answers.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::SharedIssuer;

/// A group of public endpoints.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// Both kinds of issuer metadata.
    Discovery,
    /// The key set.
    Jwks,
    /// The token endpoint.
    Token,
}

/// How the issuer fails.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutageMode {
    /// It does not fail.
    #[default]
    Off,
    /// Closes the connection without an answer.
    Down,
    /// Answers 500.
    Error,
    /// Answers after a delay.
    Slow,
    /// Never answers: holds the connection until the outage ends, then closes it.
    Hang,
    /// Promises the whole body, sends half and closes the connection.
    Truncate,
    /// Answers 200 with an HTML page.
    Html,
    /// Answers 302, with the real answer at the redirect's target on this server.
    Redirect,
    /// The metadata names another issuer; the other endpoints work.
    WrongIssuer,
    /// Streams a valid answer of 20 MB and more, without saying how long it is.
    Huge,
    /// Tokens come without `access_token`; the other endpoints work, as they do in the modes
    /// below.
    NoAccessToken,
    /// Tokens come without `token_type`.
    NoTokenType,
    /// Tokens come with an `expires_in` that is a string of digits, as some issuers send it.
    StringExpiresIn,
    /// The token endpoint answers 400 with an OAuth error that contains hostile text.
    HostileError,
}

/// An outage: which endpoints fail, and how.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// How.
    pub mode: OutageMode,
    /// The delay of [`OutageMode::Slow`], in milliseconds.
    #[serde(default = "default_delay")]
    pub delay_ms: u64,
    /// The endpoints. Default in JSON: all.
    #[serde(default = "everywhere")]
    pub endpoints: Vec<Endpoint>,
}

fn default_delay() -> u64 {
    1000
}

fn everywhere() -> Vec<Endpoint> {
    vec![Endpoint::Discovery, Endpoint::Jwks, Endpoint::Token]
}

impl Outage {
    /// An outage of every public endpoint.
    #[must_use]
    pub fn everywhere(mode: OutageMode) -> Self {
        Self {
            mode,
            delay_ms: default_delay(),
            endpoints: everywhere(),
        }
    }
}

impl Default for Outage {
    fn default() -> Self {
        Self::everywhere(OutageMode::Off)
    }
}

/// An extension of a response that makes the server close the connection instead.
#[derive(Clone, Copy, Debug)]
pub(super) struct BreakConnection;

/// Bytes that [`OutageMode::Huge`] puts before the real members: more than any gate reads.
const HUGE_BYTES: usize = 20 << 20;

/// The text of [`OutageMode::HostileError`], which could end a log line or a quoted string.
const HOSTILE: &str = "\"expired\"\r\nSet-Cookie: a=b\u{1b}[31m \u{202e}<script>";

/// The issuer that [`OutageMode::WrongIssuer`] claims to be.
const WRONG_ISSUER: &str = "https://wrong-issuer.example";

/// Counts a request to an endpoint, and makes it fail during an outage.
pub(super) async fn fail_on_command(
    State((issuer, endpoint)): State<(SharedIssuer, Endpoint)>,
    request: Request,
    next: Next,
) -> Response {
    issuer.stats.count(endpoint);
    let mut watch = issuer.outage.subscribe();
    let outage = watch.borrow_and_update().clone();
    if !outage.endpoints.contains(&endpoint) {
        return next.run(request).await;
    }
    match outage.mode {
        OutageMode::Off => next.run(request).await,
        OutageMode::Down => broken(),
        OutageMode::Error => {
            (StatusCode::INTERNAL_SERVER_ERROR, "an error on command\n").into_response()
        }
        OutageMode::Slow => {
            tokio::time::sleep(Duration::from_millis(outage.delay_ms)).await;
            next.run(request).await
        }
        OutageMode::Hang => {
            // An error means that the issuer was dropped, which ends the outage too.
            let _ = watch.changed().await;
            broken()
        }
        OutageMode::Truncate => truncate(next.run(request).await).await,
        OutageMode::Html => {
            axum::response::Html("<!doctype html><title>Down for maintenance</title>\n")
                .into_response()
        }
        OutageMode::Redirect => {
            let location = format!("{}/elsewhere{}", issuer.base(), request.uri().path());
            (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
        }
        OutageMode::WrongIssuer if endpoint == Endpoint::Discovery => {
            let change = |document: &mut Value| document["issuer"] = WRONG_ISSUER.into();
            edit(next.run(request).await, change).await
        }
        OutageMode::Huge => enlarge(next.run(request).await).await,
        OutageMode::NoAccessToken if endpoint == Endpoint::Token => {
            edit(next.run(request).await, |answer| {
                take(answer, "access_token")
            })
            .await
        }
        OutageMode::NoTokenType if endpoint == Endpoint::Token => {
            edit(next.run(request).await, |answer| take(answer, "token_type")).await
        }
        OutageMode::StringExpiresIn if endpoint == Endpoint::Token => {
            let change = |answer: &mut Value| {
                if let Some(seconds) = answer["expires_in"].as_u64() {
                    answer["expires_in"] = seconds.to_string().into();
                }
            };
            edit(next.run(request).await, change).await
        }
        OutageMode::HostileError if endpoint == Endpoint::Token => {
            let error = serde_json::json!({
                "error": "invalid_grant",
                "error_description": HOSTILE,
                "error_uri": "https://issuer.example/errors#invalid_grant",
            });
            (StatusCode::BAD_REQUEST, axum::Json(error)).into_response()
        }
        OutageMode::WrongIssuer
        | OutageMode::NoAccessToken
        | OutageMode::NoTokenType
        | OutageMode::StringExpiresIn
        | OutageMode::HostileError => next.run(request).await,
    }
}

fn broken() -> Response {
    let mut response = StatusCode::BAD_GATEWAY.into_response();
    response.extensions_mut().insert(BreakConnection);
    response
}

/// The issuer's own documents, which are small.
async fn whole_body(body: Body) -> Bytes {
    to_bytes(body, 1 << 20).await.unwrap_or_default()
}

async fn truncate(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    let body = whole_body(body).await;
    head.headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    let half = body.slice(..body.len() / 2);
    let parts = stream::unfold(Some(half), |half| async {
        match half {
            Some(half) if !half.is_empty() => Some((Ok(half), Some(Bytes::new()))),
            Some(_) => {
                // So that the first half is sent before the connection is closed.
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Err(io::Error::from(io::ErrorKind::ConnectionAborted)), None))
            }
            None => None,
        }
    });
    Response::from_parts(head, Body::from_stream(parts))
}

/// Changes one of the issuer's documents.
async fn edit(response: Response, change: impl FnOnce(&mut Value)) -> Response {
    let (mut head, body) = response.into_parts();
    let mut document: Value =
        serde_json::from_slice(&whole_body(body).await).unwrap_or(Value::Null);
    change(&mut document);
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, Body::from(document.to_string()))
}

fn take(document: &mut Value, member: &str) {
    if let Some(document) = document.as_object_mut() {
        document.remove(member);
    }
}

async fn enlarge(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    let body = whole_body(body).await;
    head.headers.remove(header::CONTENT_LENGTH);
    // Every document here is an object with members, so it stays valid JSON.
    let rest = body.slice(body.len().min(1)..);
    let filling = Bytes::from(vec![b'x'; 64 << 10]);
    let fillings = HUGE_BYTES / filling.len();
    let parts = std::iter::once(Bytes::from_static(b"{\"padding\":\""))
        .chain(std::iter::repeat_n(filling, fillings))
        .chain([Bytes::from_static(b"\","), rest])
        .map(Ok::<_, io::Error>);
    Response::from_parts(head, Body::from_stream(stream::iter(parts)))
}
