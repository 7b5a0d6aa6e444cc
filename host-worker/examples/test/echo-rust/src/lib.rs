//! A Worker for tests: a gate with the options in the variable `OPTIONS`, and an answer that says
//! what the gate said. `../echo-js` is the same in JavaScript.

use std::cell::OnceCell;

use serde::Serialize;
use tollgate_worker::{Gate, Identity};
use worker::{Context, Env, Request, Response, Result, event};

thread_local! {
    static GATE: OnceCell<Gate> = const { OnceCell::new() };
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let options = env.var("OPTIONS")?.to_string();
    let gate = GATE.with(|gate| gate.get_or_init(|| Gate::from_json(options)).clone());
    gate.protect(request, env, context, echo).await
}

/// With `?require=a%20b`, asks for these scopes as a handler would that has read a body.
async fn echo(
    request: Request,
    _env: Env,
    _context: Context,
    identity: Option<Identity>,
) -> Result<Response> {
    let required = request
        .url()?
        .query_pairs()
        .find_map(|(name, value)| (name == "require").then(|| value.into_owned()));
    if let (Some(required), Some(identity)) = (required, &identity) {
        let scopes: Vec<&str> = required.split(' ').collect();
        if let Some(refusal) = identity.require(&scopes)? {
            return Ok(refusal);
        }
    }
    let identity = identity.as_ref().map(Echo::of).transpose()?;
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
    claims: serde_json::Value,
    token: String,
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
            claims: identity.claims()?,
            token: identity.token().expose().to_owned(),
        })
    }
}
