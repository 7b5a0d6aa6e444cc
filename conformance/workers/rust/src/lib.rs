//! The Rust crate behind the runner: gates by the options that a request names, and a handler that
//! answers with the caller's identity and, on `POST /do`, runs the operation in the body with the
//! gate's client. `../js` is the same in JavaScript.

mod operation;

use std::cell::RefCell;
use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Value, json};
use tollgate_worker::{Actor, Gate, Identity};
use worker::{Context, Env, Request, Response, Result, event};

thread_local! {
    /// A run has one for each check.
    static GATES: RefCell<HashMap<String, Gate>> = RefCell::default();
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let options = request
        .headers()
        .get("x-conformance-gate")?
        .unwrap_or_default();
    let gate = GATES.with_borrow_mut(|gates| {
        let made = || Gate::from_json(options.clone());
        gates.entry(options.clone()).or_insert_with(made).clone()
    });
    let client = gate.clone();
    let handler = async move |request, env, context, identity| {
        handle(&client, request, &env, &context, identity).await
    };
    gate.protect(request, env, context, handler).await
}

async fn handle(
    gate: &Gate,
    mut request: Request,
    env: &Env,
    context: &Context,
    identity: Option<Identity>,
) -> Result<Response> {
    if request.path() == "/do" {
        let body = request.text().await?;
        let caller = identity.as_ref();
        let place = operation::Place {
            gate,
            caller,
            env,
            context,
        };
        return operation::perform(place, &body).await;
    }
    match identity {
        None => Response::from_json(&json!({ "public": true })),
        Some(identity) => Response::from_json(&Echo::of(&identity)?),
    }
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

fn actor(actor: &Actor) -> Value {
    json!({ "subject": actor.subject, "issuer": actor.issuer, "clientId": actor.client_id })
}
