//! An issuer, a client's keys, and requests to both.

use base64ct::{Base64UrlUnpadded, Encoding};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::redirect::Policy as Redirects;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tollgate_dev::issuer::{Algorithm, DevIssuer, Options, TokenSpec};
use url::form_urlencoded::Serializer;

pub(crate) const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub(crate) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
pub(crate) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub(crate) const DEMO: [(&str, &str); 2] =
    [("client_id", "demo"), ("client_secret", "demo-secret")];

pub(crate) struct Fixture {
    pub(crate) issuer: DevIssuer,
    pub(crate) http: Client,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

pub(crate) async fn start() -> Fixture {
    start_with(Options::default()).await
}

pub(crate) async fn start_with(options: Options) -> Fixture {
    let issuer = DevIssuer::start(options).await.expect("a free port");
    // Only reqwest's features ask for it; nothing here speaks TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = Client::builder().redirect(Redirects::none()).no_proxy();
    let http = http.build().expect("a client");
    Fixture { issuer, http }
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.expect("a body");
    Answer {
        status,
        headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    }
}

impl Fixture {
    pub(crate) fn token_request(&self, groups: &[&[(&str, &str)]]) -> RequestBuilder {
        let parameters = groups.iter().copied().flatten();
        let body = Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        self.http
            .post(format!("{}/token", self.issuer.url()))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body)
    }

    pub(crate) async fn ask(&self, groups: &[&[(&str, &str)]]) -> Answer {
        send(self.token_request(groups)).await
    }

    /// A token exchange by `client` for a user's token.
    pub(crate) async fn exchange(
        &self,
        client: &[(&str, &str)],
        subject_token: &str,
        more: &[(&str, &str)],
    ) -> Answer {
        let exchange = [
            ("grant_type", EXCHANGE),
            ("subject_token", subject_token),
            ("subject_token_type", ACCESS_TOKEN),
        ];
        self.ask(&[client, &exchange, more]).await
    }

    pub(crate) async fn admin(&self, path: &str, body: Value) -> Answer {
        let url = format!("{}/admin/{path}", self.issuer.url());
        send(self.http.post(url).body(body.to_string())).await
    }

    pub(crate) async fn admin_get(&self, path: &str) -> Value {
        let url = format!("{}/admin/{path}", self.issuer.url());
        send(self.http.get(url)).await.body
    }

    /// A token that lets the user call the application.
    pub(crate) async fn user_token(&self, user: &str) -> String {
        self.user_token_with(user, json!({})).await
    }

    pub(crate) async fn user_token_with(&self, user: &str, claims: Value) -> String {
        let spec = TokenSpec {
            client_id: Some("agent".into()),
            subject: Some(user.into()),
            claims: claims.as_object().expect("an object").clone(),
            ..TokenSpec::default()
        };
        self.issuer.mint(spec).await
    }
}

/// A client with its own keys: another issuer, whose key set is used as the client's.
pub(crate) struct KeyHolder(pub(crate) DevIssuer);

impl KeyHolder {
    pub(crate) async fn start() -> Self {
        let issuer = DevIssuer::start(Options::default()).await;
        Self(issuer.expect("a free port"))
    }

    pub(crate) fn jwks_uri(&self) -> String {
        format!("{}/jwks", self.0.url())
    }

    /// An assertion for one request, with these claims instead of the right ones.
    pub(crate) async fn assertion(&self, client_id: &str, audience: &str, claims: Value) -> String {
        self.assertion_by(Algorithm::Es256, client_id, audience, claims)
            .await
    }

    pub(crate) async fn assertion_by(
        &self,
        algorithm: Algorithm,
        client_id: &str,
        audience: &str,
        claims: Value,
    ) -> String {
        let mut all = json!({ "iss": client_id, "client_id": null });
        for (name, value) in claims.as_object().expect("an object") {
            all[name] = value.clone();
        }
        let spec = TokenSpec {
            subject: Some(client_id.into()),
            audiences: vec![audience.into()],
            algorithm: Some(algorithm),
            typ: Some("JWT".into()),
            lifetime: Some(60),
            claims: all.as_object().expect("an object").clone(),
            ..TokenSpec::default()
        };
        self.0.mint(spec).await
    }
}

/// The header (0) or the claims (1) of a token.
pub(crate) fn part(token: &Value, index: usize) -> Value {
    let token = token.as_str().expect("a token");
    let part = token.split('.').nth(index).expect("three parts");
    let json = Base64UrlUnpadded::decode_vec(part).expect("base64url");
    serde_json::from_slice(&json).expect("JSON")
}

#[track_caller]
pub(crate) fn refused(answer: &Answer, status: u16, error: &str, word: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.body["error"], error, "{answer:?}");
    let description = answer.body["error_description"].as_str();
    let description = description.expect("a description");
    assert!(description.contains(word), "{description}");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.body.get("access_token"), None);
}
