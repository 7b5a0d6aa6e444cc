//! An issuer, and a gate without a handler.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tollgate::{Client, Config, Credentials, Decision, Gate, Issuer, KeyPolicy, Route, Secret};
use tollgate_dev::issuer::{DevIssuer, Options, TokenSpec};

pub(crate) const RESOURCE: &str = "https://api.example.com";

pub(crate) async fn issuer() -> DevIssuer {
    DevIssuer::start(Options {
        audience: RESOURCE.to_owned(),
        ..Options::default()
    })
    .await
    .expect("a free port")
}

/// `/public` is open, `/reports` needs `read:reports`, the rest needs a token.
pub(crate) fn config(issuer: &DevIssuer) -> Config {
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

pub(crate) async fn gate(issuer: &DevIssuer) -> Gate {
    Gate::builder(config(issuer)).build().await.expect("a gate")
}

/// The same, with the issuer's client `demo`.
pub(crate) fn client_config(issuer: &DevIssuer) -> Config {
    config(issuer).client(Client::new("demo").secret("demo-secret"))
}

pub(crate) async fn client_gate(issuer: &DevIssuer) -> Gate {
    let stores = std::num::NonZeroUsize::new(4).expect("not zero");
    let builder = Gate::builder(client_config(issuer)).stores(stores);
    builder.build().await.expect("a gate")
}

pub(crate) async fn user_token(issuer: &DevIssuer, subject: &str) -> String {
    let subject = Some(subject.to_owned());
    issuer
        .mint(TokenSpec {
            subject,
            ..TokenSpec::default()
        })
        .await
}

/// A caller that the gate has just allowed with this token.
pub(crate) async fn caller_with(gate: &Gate, token: &str) -> Credentials {
    let verified = gate.authenticate(&get("/", Some(token)), &[]).await;
    verified.expect("a good token").0
}

pub(crate) async fn caller(gate: &Gate, issuer: &DevIssuer, subject: &str) -> Credentials {
    caller_with(gate, &user_token(issuer, subject).await).await
}

/// The claims of a token, whoever signed it.
pub(crate) fn claims(token: &Secret) -> Value {
    let payload = token.expose().split('.').nth(1).expect("a JWT");
    let payload = Base64UrlUnpadded::decode_vec(payload).expect("base64url");
    serde_json::from_slice(&payload).expect("JSON")
}

pub(crate) fn get(path: &str, token: Option<&str>) -> Parts {
    let mut request = Request::get(path).header("host", "api.example.com");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(()).expect("a request").into_parts().0
}

pub(crate) async fn mint(issuer: &DevIssuer, scopes: &[&str]) -> String {
    let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
    issuer
        .mint(TokenSpec {
            scopes,
            ..TokenSpec::default()
        })
        .await
}

/// The status that a client would see: 200 if the request is allowed.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) reason: Option<String>,
}

impl Seen {
    pub(crate) fn challenge(&self) -> &str {
        self.headers
            .get("www-authenticate")
            .map_or("", |value| value.to_str().expect("ASCII"))
    }
}

pub(crate) fn seen(decision: Decision) -> Seen {
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

pub(crate) async fn ask(gate: &Gate, path: &str, token: Option<&str>) -> Seen {
    seen(gate.handle(&get(path, token)).await)
}

pub(crate) fn client() -> reqwest::Client {
    // The gate's own client brings its TLS along; reqwest's default looks for one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
}

/// The bytes of a PEM file, which may have comments around them.
pub(crate) fn der(pem: &str) -> Vec<u8> {
    let (_, body) = pem.split_once("-----\n").expect("a first line");
    let (body, _) = body.split_once("-----END").expect("a last line");
    Base64::decode_vec(&body.replace('\n', "")).expect("base64")
}
