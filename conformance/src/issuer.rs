//! An issuer over HTTP on a loopback address, with metadata, keys, tokens and an API that accepts
//! them, all configured by a check.
//!
//! One server has many issuers, one for each check: `http://127.0.0.1:PORT/i/7`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use crate::signing;
use crate::token::{elsewhere, replace_texts};
use crate::token_endpoint::{Call, Received, TokenAnswer, TokenRequest};

/// Differences of an issuer from the default one, which publishes `es256` and RFC 8414 metadata.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Behaviour {
    /// Names of the keys that it publishes.
    keys: Option<Vec<String>>,
    /// Members to set in published keys, by the key's name.
    jwk: Option<Map<String, Value>>,
    /// Entries of the key set before the published keys.
    foreign_keys: Option<Vec<Value>>,
    /// The key set, as text.
    jwks_text: Option<String>,
    /// `Cache-Control` of the key set.
    cache_control: Option<String>,
    /// Members to set in the metadata.
    metadata: Option<Map<String, Value>>,
    /// Members to remove from the metadata.
    without_metadata: Option<Vec<String>>,
    /// The path of the metadata. Default: that of RFC 8414.
    metadata_at: Option<Place>,
    /// How it fails, and at which endpoints. Default: it does not fail; all endpoints.
    fails: Option<Failure>,
    fails_at: Option<Endpoint>,
    /// The delay of its responses, in milliseconds.
    delay_ms: Option<u64>,
    /// The behaviour of its token endpoint.
    #[serde(default)]
    token: TokenAnswer,
    /// How many calls its API answers with 401 before it accepts one.
    api_refuses: Option<usize>,
    /// Whether its API redirects callers to another origin.
    api_redirects: Option<bool>,
}

/// The paths of metadata (RFC 8414 section 3.1, OpenID Connect Discovery section 4).
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    Oauth,
    OpenidAppended,
    OpenidInserted,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Failure {
    /// It does not fail, which ends an outage.
    No,
    ServerError,
    NotFound,
    /// A redirect to a working copy.
    Redirect,
    Html,
    /// JSON that ends in the middle.
    Truncated,
    /// 20 MB of white space before the JSON.
    Huge,
    /// Arrays in arrays, ten thousand deep.
    Deep,
    /// No answer within any timeout.
    Hang,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Endpoint {
    All,
    Metadata,
    Jwks,
    Token,
}

impl Behaviour {
    /// Applies the differences in `other`.
    pub(crate) fn change(&mut self, other: &Self) {
        macro_rules! take { ($($field:ident),*) => { $(
            if other.$field.is_some() { self.$field.clone_from(&other.$field); }
        )* } }
        take!(
            keys,
            jwk,
            foreign_keys,
            jwks_text,
            cache_control,
            metadata,
            without_metadata,
            metadata_at,
            fails,
            fails_at,
            delay_ms,
            api_refuses,
            api_redirects
        );
        self.token.change(&other.token);
    }

    fn place(&self) -> Place {
        self.metadata_at.unwrap_or(Place::Oauth)
    }

    fn key_set(&self) -> String {
        if let Some(text) = &self.jwks_text {
            return text.clone();
        }
        let default = ["es256".to_owned()];
        let names = self.keys.as_deref().unwrap_or(&default);
        let mut keys = self.foreign_keys.clone().unwrap_or_default();
        for name in names {
            let mut jwk = signing::key(name).map_or(Value::Null, signing::Key::jwk);
            let over = self.jwk.as_ref().and_then(|jwk| jwk.get(name));
            for (member, value) in over.and_then(Value::as_object).into_iter().flatten() {
                match value.as_str() {
                    Some("-") => drop(jwk.as_object_mut().map(|jwk| jwk.remove(member))),
                    _ => jwk[member] = value.clone(),
                }
            }
            keys.push(jwk);
        }
        json!({ "keys": keys }).to_string()
    }

    fn metadata(&self, issuer: &str) -> String {
        let mut document = json!({
            "issuer": issuer,
            "jwks_uri": format!("{issuer}/jwks"),
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
        });
        for (name, value) in self.metadata.iter().flatten() {
            let mut value = value.clone();
            replace_texts(&mut value, issuer);
            document[name] = value;
        }
        if let Some(members) = document.as_object_mut() {
            for name in self.without_metadata.iter().flatten() {
                members.remove(name);
            }
        }
        document.to_string()
    }
}

/// Counts of requests to an issuer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) metadata: usize,
    pub(crate) jwks: usize,
}

#[derive(Default)]
struct Issuer {
    behaviour: Behaviour,
    asked: Asked,
    received: Received,
}

/// All issuers of a run.
#[derive(Clone)]
pub(crate) struct Issuers {
    origin: String,
    all: Arc<Mutex<HashMap<String, Issuer>>>,
}

impl Issuers {
    /// Listens on two consecutive free ports. The second one serves as another origin.
    pub(crate) async fn start() -> std::io::Result<Self> {
        let (listener, next) = loop {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let Some(next) = listener.local_addr()?.port().checked_add(1) else {
                continue;
            };
            if let Ok(next) = TcpListener::bind(("127.0.0.1", next)).await {
                break (listener, next);
            }
        };
        let issuers = Self {
            origin: format!("http://{}", listener.local_addr()?),
            all: Arc::default(),
        };
        let router = Router::new().fallback(answer).with_state(issuers.clone());
        let elsewhere = router.clone();
        tokio::spawn(async move { axum::serve(listener, router).await });
        tokio::spawn(async move { axum::serve(next, elsewhere).await });
        Ok(issuers)
    }

    /// Creates an issuer, and returns its URL.
    pub(crate) fn add(&self, behaviour: Behaviour) -> String {
        let mut all = self.lock();
        let path = format!("/i/{}", all.len());
        let issuer = Issuer {
            behaviour,
            ..Issuer::default()
        };
        all.insert(path.clone(), issuer);
        format!("{}{path}", self.origin)
    }

    /// Changes an issuer from now on.
    pub(crate) fn change(&self, url: &str, change: &Behaviour) {
        if let Some(issuer) = self.lock().get_mut(&url[self.origin.len()..]) {
            issuer.behaviour.change(change);
        }
    }

    /// The counts of its requests since it was created.
    pub(crate) fn asked(&self, url: &str) -> Asked {
        let all = self.lock();
        all.get(&url[self.origin.len()..])
            .map_or_else(Asked::default, |issuer| issuer.asked)
    }

    /// The requests to its token endpoint and its API since it was created.
    pub(crate) fn received(&self, url: &str) -> Received {
        let all = self.lock();
        all.get(&url[self.origin.len()..])
            .map_or_else(Received::default, |issuer| issuer.received.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Issuer>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The maximum size of a request.
const BODY_BYTES: usize = 1024 * 1024;
const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

/// The endpoint of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part<'a> {
    Metadata(Place),
    Jwks,
    Token,
    /// The path below the API's.
    Api(&'a str),
}

fn part(path: &str) -> Option<(&str, Part<'_>)> {
    for (prefix, place) in [(OAUTH, Place::Oauth), (OPENID, Place::OpenidInserted)] {
        if let Some(issuer) = path.strip_prefix(prefix) {
            return Some((issuer, Part::Metadata(place)));
        }
    }
    let suffixes = [
        (OPENID, Part::Metadata(Place::OpenidAppended)),
        ("/jwks", Part::Jwks),
        ("/token", Part::Token),
    ];
    for (suffix, part) in suffixes {
        if let Some(issuer) = path.strip_suffix(suffix) {
            return Some((issuer, part));
        }
    }
    let (issuer, below) = path.split_once("/api")?;
    Some((issuer, Part::Api(below)))
}

async fn answer(State(issuers): State<Issuers>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_BYTES).await;
    let body = body.unwrap_or_default();
    let path = parts.uri.path();
    // The target of `Failure::Redirect`.
    let path = path.strip_prefix("/elsewhere").map_or(path, |rest| rest);
    let redirected = path.len() != parts.uri.path().len();
    let Some((issuer, part)) = part(path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let url = format!("{}{issuer}", issuers.origin);
    let mut issued = (StatusCode::OK, String::new());
    let behaviour = {
        let mut all = issuers.lock();
        let Some(found) = all.get_mut(issuer) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        match part {
            Part::Metadata(place) if place == found.behaviour.place() => found.asked.metadata += 1,
            Part::Metadata(_) => {}
            Part::Jwks => found.asked.jwks += 1,
            Part::Token => {
                let query = parts.uri.query().map(|query| format!("?{query}"));
                let to = format!("/token{}", query.unwrap_or_default());
                let request = TokenRequest::new(&to, &parts.headers, &body);
                let token = found.received.token_request(request.clone());
                issued = found.behaviour.token.to(&request, &token, &url);
            }
            Part::Api(below) => {
                let call = Call::new(parts.method.as_str(), below, &parts.headers, &body);
                let refusals = found.behaviour.api_refuses.unwrap_or(0);
                let on = format!("{}/api", elsewhere(&url));
                let on = found.behaviour.api_redirects.unwrap_or(false).then_some(on);
                return found.received.call(call, refusals, on.as_deref());
            }
        }
        found.behaviour.clone()
    };
    let token_delay = behaviour.token.delay_ms.filter(|_| part == Part::Token);
    if let Some(delay) = token_delay.or(behaviour.delay_ms) {
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    let (status, body) = match part {
        Part::Metadata(place) if place != behaviour.place() => {
            return StatusCode::NOT_FOUND.into_response();
        }
        Part::Metadata(_) => (StatusCode::OK, behaviour.metadata(&url)),
        Part::Jwks => (StatusCode::OK, behaviour.key_set()),
        Part::Token | Part::Api(_) => issued,
    };
    let fails = match behaviour.fails_at.unwrap_or(Endpoint::All) {
        Endpoint::All => true,
        Endpoint::Metadata => matches!(part, Part::Metadata(_)),
        Endpoint::Jwks => part == Part::Jwks,
        Endpoint::Token => part == Part::Token,
    };
    let failure = behaviour.fails.filter(|_| fails && !redirected);
    let mut response = match failure.unwrap_or(Failure::No) {
        Failure::No => (status, json_type(), body).into_response(),
        Failure::ServerError => (StatusCode::INTERNAL_SERVER_ERROR, "no").into_response(),
        Failure::NotFound => StatusCode::NOT_FOUND.into_response(),
        Failure::Redirect => {
            let to = format!("{}/elsewhere{path}", issuers.origin);
            // 307 makes a client send the body again.
            let status = match part {
                Part::Token => StatusCode::TEMPORARY_REDIRECT,
                _ => StatusCode::FOUND,
            };
            (status, [(header::LOCATION, to)]).into_response()
        }
        Failure::Html => "<!doctype html><title>Please sign in</title>".into_response(),
        Failure::Truncated => (json_type(), body[..body.len() / 2].to_owned()).into_response(),
        Failure::Huge => (json_type(), format!("{}{body}", " ".repeat(20_000_000))).into_response(),
        Failure::Deep => (json_type(), "[".repeat(10_000) + &"]".repeat(10_000)).into_response(),
        Failure::Hang => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            StatusCode::NO_CONTENT.into_response()
        }
    };
    let cache = behaviour.cache_control.as_deref();
    let cache = cache.filter(|_| part == Part::Jwks);
    if let Some(Ok(value)) = cache.map(HeaderValue::from_str) {
        response.headers_mut().insert(header::CACHE_CONTROL, value);
    }
    response
}

fn json_type() -> [(header::HeaderName, &'static str); 1] {
    [(header::CONTENT_TYPE, "application/json")]
}
