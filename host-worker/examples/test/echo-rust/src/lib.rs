//! A Worker for tests: a gate with the options in the variable `OPTIONS`, which answers with the
//! gate's result. `../echo-js` is the same in JavaScript.

use std::cell::OnceCell;

use serde::Serialize;
use serde_json::{Value, json};
use tollgate_worker::{
    Actor, FetchError, Gate, Grant, Identity, Refused, Secret, Token, TokenError, TokenTarget,
};
use worker::{Context, Env, Method, Request, RequestInit, Response, Result, event};

thread_local! {
    static GATE: OnceCell<Gate> = const { OnceCell::new() };
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let options = env.var("OPTIONS")?.to_string();
    let gate = GATE.with(|gate| gate.get_or_init(|| Gate::from_json(options)).clone());
    gate.protect(request, env, context, answer).await
}

async fn answer(
    request: Request,
    env: Env,
    context: Context,
    identity: Option<Identity>,
) -> Result<Response> {
    let gate = GATE.with(|gate| gate.get().cloned()).ok_or("no gate")?;
    let url = request.url()?;
    let query = |wanted: &str| {
        url.query_pairs()
            .find_map(|(name, value)| (name == wanted).then(|| value.into_owned()))
    };
    let mut target = query("resource").map_or_else(TokenTarget::default, TokenTarget::from);
    if let Some(scopes) = query("scopes") {
        target = target.scopes(scopes.split(' ').map(str::to_owned));
    }
    let caller = || identity.as_ref().ok_or("a public route");
    match url.path() {
        "/exchange" => issued(gate.exchange(caller()?, target).await),
        "/fetch-as" => {
            let url = query("url").ok_or("no url")?;
            let mut init = RequestInit::new();
            init.with_method(request.method())
                .with_headers(request.headers().clone());
            init.body = request.inner().body().map(Into::into);
            let request = Request::new_with_init(&url, &init)?;
            match gate.fetch_as(caller()?, target, request).await {
                Ok(response) => Ok(response),
                Err(FetchError::Token(error)) => refused(&error),
                Err(error) => Err(error.into()),
            }
        }
        "/own-token" => issued(gate.own_token(target, &env, &context).await),
        "/token-request" => {
            let grant = Grant::ClientCredentials;
            let token = gate
                .token_request(&grant, target, None, &env, &context)
                .await;
            issued(token)
        }
        "/invalidate" => {
            let (subject, resource) = (query("subject"), query("resource"));
            let forgotten = gate.invalidate(subject.as_deref(), resource.as_deref(), &env)?;
            Response::from_json(&json!({ "forgotten": forgotten }))
        }
        "/open/authenticate" => {
            let scopes = query("scopes").unwrap_or_default();
            let scopes: Vec<&str> = scopes.split_whitespace().collect();
            match gate.authenticate(&request, &scopes, &env, &context).await? {
                Ok(known) => verdict(&known.headers, &known.identity),
                Err(refused) => refusal(refused),
            }
        }
        "/open/verify" => {
            let token = query("token").ok_or("no token")?;
            let scopes = query("scopes").unwrap_or_default();
            let scopes: Vec<&str> = scopes.split_whitespace().collect();
            match gate.verify(&token, &scopes, &env, &context).await? {
                Ok(identity) => verdict(&[], &identity),
                Err(refused) => refusal(refused),
            }
        }
        "/open/metadata" => {
            let url = query("url").ok_or("no url")?;
            let request = Request::new(&url, Method::Get)?;
            match gate.metadata(&request, &env, &context).await? {
                Some(response) => Ok(response),
                None => Response::from_json(&Value::Null),
            }
        }
        "/open/keys" => {
            let taken = match query("state") {
                Some(given) => gate.import_keys(&given, &env)?,
                None => 0,
            };
            let state = gate.export_keys(&env)?;
            Response::from_json(&json!({ "state": state, "taken": taken }))
        }
        _ => echo(query("require").as_deref(), identity.as_ref()),
    }
}

fn verdict(headers: &[(String, String)], identity: &Identity) -> Result<Response> {
    Response::from_json(&json!({ "headers": headers, "identity": Echo::of(identity)? }))
}

fn refusal(refused: Refused) -> Result<Response> {
    let Refused {
        mut response,
        reason,
    } = refused;
    response.headers_mut().set("x-reason", &reason)?;
    Ok(response)
}

fn issued(token: std::result::Result<Token, TokenError>) -> Result<Response> {
    match token {
        Ok(token) => Response::from_json(&json!({
            "accessToken": token.access_token.expose(),
            "tokenType": token.token_type,
            "issuedTokenType": token.issued_token_type,
            "expiresAt": token.expires_at_ms,
            "scopes": token.scopes,
            "refreshToken": token.refresh_token.as_ref().map(Secret::expose),
        })),
        Err(error) => refused(&error),
    }
}

fn refused(error: &TokenError) -> Result<Response> {
    let said = json!({
        "kind": error.kind,
        "message": error.message,
        "oauth": error.oauth.as_ref().map(|oauth| &oauth.error),
        "status": error.status,
    });
    let mut response = error.to_response()?;
    response.headers_mut().set("x-error", &said.to_string())?;
    Ok(response)
}

/// With `?require=a%20b`, asks for these scopes as a handler would that has read a body.
fn echo(required: Option<&str>, identity: Option<&Identity>) -> Result<Response> {
    if let (Some(required), Some(identity)) = (required, identity) {
        let scopes: Vec<&str> = required.split(' ').collect();
        if let Some(refusal) = identity.require(&scopes)? {
            return Ok(refusal);
        }
    }
    let identity = identity.map(Echo::of).transpose()?;
    Response::from_json(&Answer { identity })
}

#[derive(Serialize)]
struct Answer<'a> {
    identity: Option<Echo<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Echo<'a> {
    subject: Option<&'a str>,
    client_id: Option<&'a str>,
    scopes: &'a [String],
    issuer: &'a str,
    audience: &'a [String],
    expires_at: u64,
    issued_at: Option<u64>,
    actors: Vec<Value>,
    claims: Value,
    token: String,
}

fn actor(actor: &Actor) -> Value {
    json!({
        "subject": actor.subject,
        "issuer": actor.issuer,
        "clientId": actor.client_id,
    })
}

impl<'a> Echo<'a> {
    fn of(identity: &'a Identity) -> Result<Self> {
        Ok(Self {
            subject: identity.subject(),
            client_id: identity.client_id(),
            scopes: identity.scopes(),
            issuer: identity.issuer(),
            audience: identity.audience(),
            expires_at: identity.expires_at(),
            issued_at: identity.issued_at(),
            actors: identity.actors().iter().map(actor).collect(),
            claims: identity.claims()?,
            token: identity.token().expose().to_owned(),
        })
    }
}
