//! Operations with the native gate's client: `POST /do`, with JSON in and out. `workers/` has the
//! same in JavaScript and in Rust.

use std::fmt::Debug;
use std::time::SystemTime;

use axum::body::Bytes;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tollgate::{
    AccessToken, Credentials, ExchangeTarget, FetchError, Gate, Grant, Identity, Secret, Token,
    TokenError, TokenTarget, TypedToken,
};

/// `{ "op": "exchange", "resource": "https://…", … }`
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Operation {
    op: Kind,
    /// The target or, for `invalidate`, the filter.
    #[serde(default)]
    resource: OneOrMany,
    #[serde(default)]
    audience: OneOrMany,
    #[serde(default)]
    scopes: Vec<String>,
    requested_token_type: Option<String>,
    actor_token: Option<String>,
    actor_token_type: Option<String>,
    subject_token_type: Option<String>,
    /// Of `fetch-as`.
    url: Option<String>,
    method: Option<String>,
    body: Option<String>,
    /// Of `request`.
    grant: Option<GrantName>,
    subject_token: Option<String>,
    refresh_token: Option<String>,
    client_assertion: Option<String>,
    /// Of `invalidate`.
    subject: Option<String>,
    /// Whether a failure is answered with the response for the application's own caller.
    #[serde(default)]
    respond: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Exchange,
    FetchAs,
    OwnToken,
    Request,
    Invalidate,
    Assertion,
    /// An exchange. Answers with the token as a log would show it.
    Show,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum GrantName {
    TokenExchange,
    ClientCredentials,
    RefreshToken,
}

#[derive(Default, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Vec<String> {
    fn from(given: OneOrMany) -> Self {
        match given {
            OneOrMany::None => Self::new(),
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        }
    }
}

/// The result of an operation.
enum Failed {
    Token(TokenError),
    Fetch(FetchError),
    /// The check itself is wrong.
    Check(String),
}

impl From<TokenError> for Failed {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl From<FetchError> for Failed {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Token(error) => Self::Token(error),
            error => Self::Fetch(error),
        }
    }
}

/// Runs the operation in the body, on behalf of the caller.
pub(super) async fn perform(
    gate: &Gate,
    identity: Option<Identity>,
    token: Option<AccessToken>,
    body: &[u8],
) -> Response {
    let operation: Operation = match serde_json::from_slice(body) {
        Ok(operation) => operation,
        Err(error) => return axum::Json(json!({ "problem": error.to_string() })).into_response(),
    };
    let caller = identity
        .zip(token)
        .map(|(identity, token)| Credentials { identity, token });
    let respond = operation.respond;
    match answer(gate, caller, operation).await {
        Ok(answer) => axum::Json(answer).into_response(),
        Err(Failed::Token(error)) if respond => error.to_response().into_response(),
        Err(Failed::Token(error)) => axum::Json(failure(&error)).into_response(),
        Err(Failed::Fetch(error)) => {
            let kind = kebab(&error);
            axum::Json(json!({ "failure": { "kind": kind } })).into_response()
        }
        Err(Failed::Check(problem)) => axum::Json(json!({ "problem": problem })).into_response(),
    }
}

/// The answer for an application whose client's configuration prevents its start.
pub(super) fn misconfigured(message: &str) -> Response {
    let failure = json!({ "failure": { "kind": "configuration", "message": message } });
    axum::Json(failure).into_response()
}

async fn answer(
    gate: &Gate,
    caller: Option<Credentials>,
    operation: Operation,
) -> Result<Value, Failed> {
    let caller = || caller.ok_or_else(|| Failed::Check("nobody calls".to_owned()));
    let target = TokenTarget {
        resources: operation.resource.into(),
        audiences: operation.audience.into(),
        scopes: operation.scopes,
        requested_token_type: operation.requested_token_type,
    };
    let actor = operation.actor_token.map(|token| TypedToken {
        token: token.into(),
        token_type: operation.actor_token_type,
    });
    let exchange_target = |target| ExchangeTarget {
        target,
        actor: actor.clone(),
        subject_token_type: operation.subject_token_type.clone(),
    };
    match operation.op {
        Kind::Exchange => {
            let token = gate.exchange(&caller()?, exchange_target(target)).await?;
            Ok(described(&token))
        }
        Kind::Show => {
            let token = gate.exchange(&caller()?, exchange_target(target)).await?;
            Ok(json!({ "shown": format!("{token:?} {token:#?}") }))
        }
        Kind::FetchAs => {
            let request = http::Request::builder()
                .method(operation.method.as_deref().unwrap_or("GET"))
                .uri(operation.url.unwrap_or_default())
                .body(Bytes::from(operation.body.unwrap_or_default()))
                .map_err(|error| Failed::Check(error.to_string()))?;
            let caller = caller()?;
            let response = gate.fetch_as(&caller, exchange_target(target), request);
            let (parts, body) = response.await?.into_parts();
            let body = body.bytes(65_536).await?;
            let body = String::from_utf8_lossy(&body);
            Ok(json!({ "status": parts.status.as_u16(), "body": body }))
        }
        Kind::OwnToken => Ok(described(&gate.own_token(target).await?)),
        Kind::Request => {
            let missing = |what: &str| Failed::Check(format!("{what} is missing"));
            let grant = match operation.grant.ok_or_else(|| missing("grant"))? {
                GrantName::ClientCredentials => Grant::ClientCredentials,
                GrantName::RefreshToken => {
                    let token = operation.refresh_token;
                    Grant::RefreshToken(token.ok_or_else(|| missing("refreshToken"))?.into())
                }
                GrantName::TokenExchange => {
                    let subject = TypedToken {
                        token: operation.subject_token.unwrap_or_default().into(),
                        token_type: operation.subject_token_type.clone(),
                    };
                    Grant::token_exchange(subject, actor.clone())
                }
            };
            let assertion = operation.client_assertion.map(Secret::from);
            let token = gate.token_request(grant, target, assertion.as_ref()).await;
            Ok(described(&token?))
        }
        Kind::Invalidate => {
            let resource = target.resources.first().map(String::as_str);
            let forgotten = gate.invalidate(operation.subject.as_deref(), resource);
            Ok(json!({ "forgotten": forgotten }))
        }
        Kind::Assertion => {
            let audience = target.audiences.first().map_or("", String::as_str);
            let assertion = gate.client_assertion(audience).await?;
            Ok(json!({ "assertion": assertion.expose() }))
        }
    }
}

fn described(token: &Token) -> Value {
    let left = token
        .expires_at()
        .and_then(|at| at.duration_since(SystemTime::now()).ok());
    json!({
        "accessToken": token.access_token.expose(),
        "tokenType": token.token_type,
        "issuedTokenType": token.issued_token_type,
        "minutes": left.map(|left| left.as_secs().div_ceil(60)),
        "scopes": token.scopes,
        "refreshToken": token.refresh_token.as_ref().map(Secret::expose),
    })
}

fn failure(error: &TokenError) -> Value {
    let oauth = error.oauth.as_deref();
    json!({ "failure": {
        "kind": error.kind,
        "message": error.message,
        "status": error.status,
        "error": oauth.map(|oauth| &oauth.error),
        "errorDescription": oauth.and_then(|oauth| oauth.error_description.as_ref()),
        "errorUri": oauth.and_then(|oauth| oauth.error_uri.as_ref()),
        "answer": error.to_response().status().as_u16(),
    } })
}

/// `TimedOut` as `timed-out`.
fn kebab(name: &impl Debug) -> String {
    let mut text = String::new();
    for letter in format!("{name:?}").chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}
