//! An API on Workers in Rust, behind Tollgate: a public, a protected and a scoped route.

use serde::Serialize;
use tollgate_worker::{Access, Gate, Identity, Options, Route};
use worker::{Context, Env, Request, Response, Result, event};

thread_local! {
    /// Which issuer, resource and audience: the TOLLGATE_* variables in wrangler.jsonc.
    static GATE: Gate = Gate::new(
        Options::new()
            .route(Route::new("/health", Access::Public))
            .route(Route::new("/reports", Access::scopes(["reports:read"])))
            // What no route names needs a valid token: `/me` here, and whatever comes later.
    );
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let gate = GATE.with(Gate::clone);
    gate.protect(request, env, context, api).await
}

/// Runs only for requests that may go on.
async fn api(
    request: Request,
    _env: Env,
    _context: Context,
    identity: Option<Identity>,
) -> Result<Response> {
    match (request.path().as_str(), identity) {
        ("/health", _) => Response::from_json(&Health { status: "ok" }),
        ("/me", Some(me)) => Response::from_json(&Me {
            subject: me.subject(),
            client_id: me.client_id(),
            scopes: me.scopes(),
        }),
        ("/reports", Some(me)) => Response::from_json(&Reports {
            reports: [],
            requested_by: me.subject(),
        }),
        _ => Response::error("Not found", 404),
    }
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Me<'a> {
    subject: Option<&'a str>,
    client_id: Option<&'a str>,
    scopes: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reports<'a> {
    reports: [&'static str; 0],
    requested_by: Option<&'a str>,
}
