//! Operations with the gate's client, with JSON in and out. `conformance/src/target/operation.rs`
//! documents the members.

use serde::Deserialize;
use serde_json::{Value, json};
use tollgate_worker::{
    ExchangeTarget, FetchError, Gate, Grant, Identity, Secret, Token, TokenError, TokenTarget,
    TypedToken,
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
        TokenTarget {
            resources: self.resource.list().to_vec(),
            audiences: self.audience.list().to_vec(),
            scopes: self.scopes.clone(),
            requested_token_type: self.requested_token_type.clone(),
        }
    }

    fn actor(&self) -> Option<TypedToken> {
        let token = self.actor_token.clone()?.into();
        let token_type = self.actor_token_type.clone();
        Some(TypedToken { token, token_type })
    }

    fn exchange_target(&self) -> ExchangeTarget {
        ExchangeTarget {
            target: self.target(),
            actor: self.actor(),
            subject_token_type: self.subject_token_type.clone(),
        }
    }

    fn grant(&self) -> Grant {
        match self.grant.as_deref() {
            Some("client-credentials") => Grant::ClientCredentials,
            Some("refresh-token") => {
                Grant::RefreshToken(self.refresh_token.clone().unwrap_or_default().into())
            }
            _ => {
                let subject = TypedToken {
                    token: self.subject_token.clone().unwrap_or_default().into(),
                    token_type: self.subject_token_type.clone(),
                };
                Grant::token_exchange(subject, self.actor())
            }
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

/// Runs the operation in the body, on behalf of the caller.
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
            let assertion = operation.client_assertion.clone().map(Secret::new);
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

fn described(token: &Token) -> Value {
    let now = Date::now().as_millis();
    json!({
        "accessToken": token.access_token.expose(),
        "tokenType": token.token_type,
        "issuedTokenType": token.issued_token_type,
        "minutes": token.expires_at_ms.map(|at| at.saturating_sub(now).div_ceil(60_000)),
        "scopes": token.scopes,
        "refreshToken": token.refresh_token.as_ref().map(Secret::expose),
    })
}

fn failure(error: &TokenError) -> Result<Value> {
    let oauth = error.oauth.as_ref();
    Ok(json!({ "failure": {
        "kind": error.kind,
        "message": error.message,
        "status": error.status,
        "error": oauth.map(|oauth| &oauth.error),
        "errorDescription": oauth.and_then(|oauth| oauth.error_description.as_ref()),
        "errorUri": oauth.and_then(|oauth| oauth.error_uri.as_ref()),
        "answer": error.to_response()?.status_code(),
    } }))
}
