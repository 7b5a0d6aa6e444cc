//! An API on Workers in Rust that calls another API on behalf of the user. The caller's token is
//! valid only here. It is exchanged for one that the other API accepts, which names the user and
//! this Worker as actor.

use serde::{Deserialize, Serialize};
use tollgate_worker::{Config, Gate, Identity, TokenTarget};
use worker::{Context, Env, Method, Request, Response, Result, console_warn, event};

thread_local! {
    /// Issuer, resource and this Worker's client come from the TOLLGATE_* variables and secrets.
    /// With a private key, the gate also answers at /.well-known/jwks.json.
    static GATE: Gate = Gate::new(Config {
        scopes: Some(vec!["profile".to_owned()]),
        ..Config::default()
    });
}

/// The scopes that are requested at the upstream API: only those that are needed.
const UPSTREAM_SCOPES: [&str; 1] = ["profile:read"];

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let gate = GATE.with(Gate::clone);
    gate.protect(request, env, context, api).await
}

/// No route is public, so there is always a caller.
async fn api(
    request: Request,
    env: Env,
    _context: Context,
    caller: Option<Identity>,
) -> Result<Response> {
    // The upstream's origin, which is also its resource identifier.
    let upstream = env.var("UPSTREAM_URL")?.to_string();
    match (request.method(), request.path().as_str(), caller) {
        (Method::Get, "/profile", Some(caller)) => profile(&caller, &upstream).await,
        (Method::Get, "/access", Some(caller)) => access(&caller, &upstream).await,
        _ => Response::error("Not found", 404),
    }
}

/// The caller's profile from the upstream API.
async fn profile(caller: &Identity, upstream: &str) -> Result<Response> {
    let gate = GATE.with(Gate::clone);
    let request = Request::new(&format!("{upstream}/me"), Method::Get)?;
    // Exchanges the caller's token, or uses a cached token. After a 401 of the upstream API, it
    // gets a new token and repeats the call once.
    match gate.fetch_as(caller, target(upstream), request).await {
        Ok(mut response) if response.status_code() == 200 => {
            Response::from_json(&response.json::<Profile>().await?)
        }
        // The upstream's status is about this Worker's call, not about the caller's.
        Ok(response) => {
            let status = response.status_code();
            let description = format!("The profile API answered with HTTP {status}");
            Ok(Response::from_json(&Failure::new(description))?.with_status(502))
        }
        Err(error) => {
            console_warn!("no answer of the upstream API: {error}");
            error.to_response()
        }
    }
}

/// Whether this Worker may act for the caller at the upstream API, and until when.
async fn access(caller: &Identity, upstream: &str) -> Result<Response> {
    let gate = GATE.with(Gate::clone);
    match gate.exchange(caller, target(upstream)).await {
        Ok(token) => Response::from_json(&Access {
            // An issuer may omit the scopes if it grants the requested ones.
            scopes: token
                .scopes
                .unwrap_or_else(|| UPSTREAM_SCOPES.map(str::to_owned).into()),
            expires_at: token.expires_at_ms,
        }),
        Err(error) => {
            console_warn!("no token for the upstream API: {error}");
            error.to_response()
        }
    }
}

fn target(upstream: &str) -> TokenTarget {
    TokenTarget::from(upstream).scopes(UPSTREAM_SCOPES)
}

/// The response of the upstream API.
#[derive(Deserialize, Serialize)]
struct Profile {
    subject: String,
    client_id: Option<String>,
    /// The actors: the current one, then prior ones.
    actors: Vec<String>,
    scopes: Vec<String>,
    audience: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Access {
    scopes: Vec<String>,
    /// In milliseconds since 1970.
    expires_at: Option<u64>,
}

/// A refusal in the same form as the gate's.
#[derive(Serialize)]
struct Failure {
    error: &'static str,
    error_description: String,
}

impl Failure {
    fn new(error_description: String) -> Self {
        Self {
            error: "bad_gateway",
            error_description,
        }
    }
}
