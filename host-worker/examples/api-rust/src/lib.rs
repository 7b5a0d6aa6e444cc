//! An API on Workers in Rust, behind Tollgate: a public, a protected and a scoped route.

use serde::{Deserialize, Serialize};
use tollgate_worker::{Config, Gate, Identity, Route};
use worker::{Context, Env, Method, Request, Response, Result, event};

thread_local! {
    /// Which issuer, resource and audience: the TOLLGATE_* variables in wrangler.jsonc.
    static GATE: Gate = Gate::new(
        Config::default()
            .route(Route::public("/health"))
            .route(Route::protected("/reports", ["reports:read"]))
            // Paths without a route, such as `/me`, need a valid token.
    );
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let gate = GATE.with(Gate::clone);
    gate.protect(request, env, context, api).await
}

/// Called only for allowed requests. The identity is none only on public routes.
async fn api(
    mut request: Request,
    _env: Env,
    _context: Context,
    identity: Option<Identity>,
) -> Result<Response> {
    match (request.method(), request.path().as_str(), identity) {
        (Method::Get, "/health", _) => Response::from_json(&Health { status: "ok" }),
        (Method::Get, "/me", Some(me)) => Response::from_json(&Me {
            subject: me.subject(),
            client_id: me.client_id(),
            scopes: me.scopes(),
            expires_at: me.expires_at(),
            // Another claim, if the issuer includes it.
            name: me.claims::<Profile>()?.name,
        }),
        (Method::Get, "/reports", Some(me)) => Response::from_json(&Reports {
            reports: [],
            requested_by: me.subject(),
        }),
        (Method::Post, "/reports", Some(me)) => {
            let Ok(draft) = request.json::<Draft>().await else {
                return Response::error("A report has a title", 400);
            };
            // Scopes that depend on the body cannot be in a route. The refusal is a 403 with a
            // challenge that names all scopes of the request, so that one new token is enough.
            if draft.published
                && let Some(refusal) = me.require(&["reports:read", "reports:publish"])?
            {
                return Ok(refusal);
            }
            let report = Report {
                title: draft.title,
                author: me.subject(),
            };
            Ok(Response::from_json(&report)?.with_status(201))
        }
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
    expires_at: u64,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Profile {
    name: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reports<'a> {
    reports: [&'static str; 0],
    requested_by: Option<&'a str>,
}

#[derive(Deserialize)]
struct Draft {
    title: String,
    #[serde(default)]
    published: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    title: String,
    author: Option<&'a str>,
}
