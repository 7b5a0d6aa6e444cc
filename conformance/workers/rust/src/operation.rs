//! What a check has the gate's client do: JSON in and out. `conformance/src/target/operation.rs`
//! says what the members are.

use std::fmt::Debug;

use serde::Deserialize;
use serde_json::{Value, json};
use tollgate_worker::{
    ExchangeTarget, FetchError, Gate, Grant, Identity, IssuedToken, Token, TokenError, TokenTarget,
};
use worker::{Context, Date, Env, Method, Request, RequestInit, Response, Result};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Operation {
    op: String,
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
    url: Option<String>,
    method: Option<String>,
    body: Option<String>,
    grant: Option<String>,
    subject_token: Option<String>,
    refresh_token: Option<String>,
    client_assertion: Option<String>,
    subject: Option<String>,
    #[serde(default)]
    respond: bool,
}

#[derive(Clone, Default, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn list(&self) -> &[String] {
        match self {
            Self::None => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl Operation {
    fn target(&self) -> TokenTarget {
        let mut target = TokenTarget::new().scopes(self.scopes.clone());
        for resource in self.resource.list() {
            target = target.resource(resource.clone());
        }
        for audience in self.audience.list() {
            target = target.audience(audience.clone());
        }
        match &self.requested_token_type {
            Some(wanted) => target.requested_token_type(wanted.clone()),
            None => target,
        }
    }

    fn exchange_target(&self) -> ExchangeTarget {
        let mut target = ExchangeTarget::from(self.target());
        if let Some(actor) = &self.actor_token {
            target = target.actor(actor.clone(), self.actor_token_type.as_deref());
        }
        match &self.subject_token_type {
            Some(kind) => target.subject_token_type(kind.clone()),
            None => target,
        }
    }

    fn grant(&self) -> Grant {
        match self.grant.as_deref() {
            Some("client-credentials") => Grant::ClientCredentials,
            Some("refresh-token") => Grant::RefreshToken {
                refresh_token: self.refresh_token.clone().unwrap_or_default().into(),
            },
            _ => Grant::TokenExchange {
                subject_token: self.subject_token.clone().unwrap_or_default().into(),
                subject_token_type: self.subject_token_type.clone(),
                actor_token: self.actor_token.clone().map(Into::into),
                actor_token_type: self.actor_token_type.clone(),
            },
        }
    }
}

/// Where an operation takes place.
pub(crate) struct Place<'a> {
    pub(crate) gate: &'a Gate,
    pub(crate) caller: Option<&'a Identity>,
    pub(crate) env: &'a Env,
    pub(crate) context: &'a Context,
}

/// Does what the body says, on behalf of the caller.
pub(crate) async fn perform(place: Place<'_>, body: &str) -> Result<Response> {
    let operation: Operation = serde_json::from_str(body)?;
    match answer(&place, &operation).await {
        Ok(answer) => Response::from_json(&answer),
        Err(FetchError::Token(error)) if operation.respond => error.to_response(),
        Err(FetchError::Token(error)) => Response::from_json(&failure(&error)?),
        Err(error) => Response::from_json(
            &json!({ "failure": { "kind": "unreachable", "message": error.to_string() } }),
        ),
    }
}

async fn answer(
    place: &Place<'_>,
    operation: &Operation,
) -> std::result::Result<Value, FetchError> {
    let Place {
        gate,
        caller,
        env,
        context,
    } = place;
    let Some(caller) = caller else {
        return Ok(json!({ "problem": "nobody calls" }));
    };
    Ok(match operation.op.as_str() {
        "exchange" => described(&gate.exchange(caller, operation.exchange_target()).await?),
        "show" => {
            let token = gate.exchange(caller, operation.exchange_target()).await?;
            json!({ "shown": format!("{token:?} {token:#?}") })
        }
        "fetch-as" => {
            let problem = |error: worker::Error| FetchError::NoResponse(error.to_string());
            let request = outgoing(operation).map_err(problem)?;
            let response = gate.fetch_as(caller, operation.exchange_target(), request);
            let mut response = response.await?;
            let body = response.text().await.map_err(problem)?;
            json!({ "status": response.status_code(), "body": body })
        }
        "own-token" => described(&gate.own_token(operation.target(), env, context).await?),
        "request" => {
            let assertion = operation.client_assertion.clone().map(Token::new);
            let (grant, target) = (operation.grant(), operation.target());
            let token = gate.token_request(&grant, target, assertion.as_ref(), env, context);
            described(&token.await?)
        }
        "invalidate" => {
            let resource = operation.resource.list().first().map(String::as_str);
            let forgotten = gate.invalidate(operation.subject.as_deref(), resource, env);
            json!({ "forgotten": forgotten.map_err(TokenError::from)? })
        }
        "assertion" => {
            let audience = operation.audience.list().first().map_or("", String::as_str);
            let assertion = gate.client_assertion(audience, env).await?;
            json!({ "assertion": assertion.expose() })
        }
        other => json!({ "problem": format!("there is no {other}") }),
    })
}

fn outgoing(operation: &Operation) -> Result<Request> {
    let method = operation.method.as_deref().unwrap_or("GET").to_owned();
    let mut init = RequestInit::new();
    init.with_method(Method::from(method));
    if let Some(body) = &operation.body {
        init.with_body(Some(body.as_str().into()));
    }
    Request::new_with_init(operation.url.as_deref().unwrap_or_default(), &init)
}

fn described(token: &IssuedToken) -> Value {
    let now = Date::now().as_millis();
    json!({
        "accessToken": token.access_token.expose(),
        "tokenType": token.token_type,
        "issuedTokenType": token.issued_token_type,
        "minutes": token.expires_at_ms.map(|at| at.saturating_sub(now).div_ceil(60_000)),
        "scopes": token.scopes,
        "refreshToken": token.refresh_token.as_ref().map(Token::expose),
    })
}

fn failure(error: &TokenError) -> Result<Value> {
    let oauth = error.oauth.as_ref();
    Ok(json!({ "failure": {
        "kind": kebab(&error.kind),
        "message": error.message,
        "status": error.status,
        "error": oauth.map(|oauth| &oauth.error),
        "errorDescription": oauth.and_then(|oauth| oauth.description.as_ref()),
        "errorUri": oauth.and_then(|oauth| oauth.uri.as_ref()),
        "answer": error.to_response()?.status_code(),
    } }))
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
