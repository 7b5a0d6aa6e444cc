//! An issuer and a gate in front of nothing.

use http::request::Parts;
use http::{HeaderMap, Request, StatusCode};
use tollgate::dev_issuer::{DevIssuer, Options, TokenSpec};
use tollgate::{Config, Decision, Gate, Issuer, KeyPolicy, Route};

pub const RESOURCE: &str = "https://api.example.com";

pub async fn issuer() -> DevIssuer {
    DevIssuer::start(Options {
        audience: RESOURCE.to_owned(),
        ..Options::default()
    })
    .await
    .expect("a free port")
}

/// `/public` is open, `/reports` needs `read:reports`, the rest needs a token.
pub fn config(issuer: &DevIssuer) -> Config {
    let mut config = Config::new(RESOURCE)
        .issuer(Issuer::new(issuer.url()))
        .route(Route::public("/public"))
        .route(Route::protected("/reports", ["read:reports"]));
    config.keys = Some(KeyPolicy {
        timeout_ms: Some(2000),
        ..KeyPolicy::default()
    });
    config
}

pub async fn gate(issuer: &DevIssuer) -> Gate {
    Gate::builder(config(issuer)).build().await.expect("a gate")
}

pub fn get(path: &str, token: Option<&str>) -> Parts {
    let mut request = Request::get(path).header("host", "api.example.com");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(()).expect("a request").into_parts().0
}

pub async fn mint(issuer: &DevIssuer, scopes: &[&str]) -> String {
    let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
    issuer
        .mint(TokenSpec {
            scopes,
            ..TokenSpec::default()
        })
        .await
}

/// What a client would see: 200 where the request would go on.
#[derive(Debug)]
pub struct Seen {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
    pub reason: Option<String>,
}

impl Seen {
    pub fn challenge(&self) -> &str {
        self.headers
            .get("www-authenticate")
            .map_or("", |value| value.to_str().expect("ASCII"))
    }
}

pub fn seen(decision: Decision) -> Seen {
    match decision {
        Decision::Allow(allowed) => Seen {
            status: StatusCode::OK,
            headers: allowed.headers,
            body: String::new(),
            reason: None,
        },
        Decision::Respond(answer) => Seen {
            status: answer.response.status(),
            headers: answer.response.headers().clone(),
            body: answer.response.into_body(),
            reason: answer.reason,
        },
    }
}

pub async fn ask(gate: &Gate, path: &str, token: Option<&str>) -> Seen {
    seen(gate.handle(&get(path, token)).await)
}
