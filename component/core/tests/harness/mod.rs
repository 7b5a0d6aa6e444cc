//! A gate with a simulated host: time is a field, and the network is a table.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use tollgate_core::answer::Answer;
use tollgate_core::capability::{
    Host, HttpError, HttpRequest, HttpResponse, Pending, PrivateKeyHandle, PrivateKeySource,
    PublicKeyHandle, SignatureError,
};
use tollgate_core::config_error::ConfigError;
use tollgate_core::deployment::{
    Access, Config, Deployment, IssuerConfig, KeyLocationConfig, RouteConfig,
};
use tollgate_core::jose::Algorithm;
use tollgate_core::resource_server::{Decision, Gate, Outcome, RequestHead, Step};
use tollgate_core::task::{Progress, Task};

#[cfg(feature = "authorization-server")]
pub mod authorization;
#[cfg(feature = "authorization-server")]
pub mod browser;
pub mod signatures;
#[cfg(feature = "authorization-server")]
pub mod store;

use signatures::Signatures;

pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "https://api.example";
pub const DISCOVERY: &str = "https://issuer.example/.well-known/oauth-authorization-server";
pub const JWKS: &str = "https://issuer.example/jwks";
/// 2026-11-21T00:00:00Z.
pub const NOW: u64 = 1_795_219_200;

/// The response of a URL.
#[derive(Clone)]
pub enum Site {
    Body(u16, String, &'static str),
    /// With any headers.
    Response(HttpResponse),
    /// 429, 503 and the like, with this `Retry-After` and no body.
    Later(u16, &'static str),
    Fails(HttpError),
    Never,
    /// Depends on the request.
    Answers(fn(&HttpRequest, usize) -> Self),
}

pub struct FakeHost {
    pub now_ms: Cell<u64>,
    pub delay_ms: Cell<u64>,
    pub sites: RefCell<HashMap<String, Site>>,
    pub sent: RefCell<Vec<HttpRequest>>,
    pub signatures: Signatures,
    random: Cell<u64>,
}

impl FakeHost {
    pub fn new() -> Rc<Self> {
        Rc::new(Self {
            now_ms: Cell::new(NOW * 1000),
            delay_ms: Cell::new(20),
            sites: RefCell::default(),
            sent: RefCell::default(),
            signatures: Signatures::default(),
            random: Cell::new(0x9E37_79B9_7F4A_7C15),
        })
    }

    /// Makes this the host whose clock exchanges look at.
    pub fn install(self: &Rc<Self>) {
        HOST.with(|slot| *slot.borrow_mut() = Some(Rc::clone(self)));
    }

    pub fn advance(&self, ms: u64) {
        self.now_ms.set(self.now_ms.get() + ms);
    }

    /// Drives a task, and advances the time as it requests.
    pub fn finish<T>(&self, mut task: Task<T>) -> T {
        for _ in 0..10_000 {
            match task.poll() {
                Progress::Ready(outcome) => return outcome,
                Progress::Pending(wait) => self.advance(u64::from(wait.unwrap_or(10)).min(10)),
            }
        }
        panic!("the task never ends");
    }

    /// Runs tasks side by side: each gets one poll in turn.
    pub fn all<T>(&self, mut tasks: Vec<Task<T>>) -> Vec<T> {
        let mut results: Vec<Option<T>> = tasks.iter().map(|_| None).collect();
        for _ in 0..10_000 {
            for (task, result) in tasks.iter_mut().zip(&mut results) {
                if result.is_none()
                    && let Progress::Ready(outcome) = task.poll()
                {
                    *result = Some(outcome);
                }
            }
            if results.iter().all(Option::is_some) {
                return results.into_iter().flatten().collect();
            }
            self.advance(1);
        }
        panic!("the tasks never end");
    }

    pub fn set(&self, url: &str, site: Site) {
        self.sites.borrow_mut().insert(url.to_owned(), site);
    }

    pub fn set_json(&self, url: &str, body: &Value) {
        self.set(url, Site::Body(200, body.to_string(), ""));
    }

    pub fn fetches(&self, url: &str) -> usize {
        self.sent
            .borrow()
            .iter()
            .filter(|request| request.url == url)
            .count()
    }

    /// Publishes discovery and these keys.
    pub fn publish(&self, keys: &[&Key]) {
        self.set_json(DISCOVERY, &json!({ "issuer": ISSUER, "jwks_uri": JWKS }));
        self.set_json(JWKS, &jwks(keys));
    }

    pub fn take_down(&self) {
        for site in self.sites.borrow_mut().values_mut() {
            *site = Site::Fails(HttpError::Unreachable);
        }
    }
}

impl Host for FakeHost {
    fn now(&self) -> u64 {
        self.now_ms.get()
    }

    fn random(&self, out: &mut [u8]) {
        for byte in out {
            let mut x = self.random.get();
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            self.random.set(x);
            *byte = x as u8;
        }
    }

    fn send(&self, request: HttpRequest) -> Box<dyn Pending<Result<HttpResponse, HttpError>>> {
        let missing = Site::Body(404, String::new(), "");
        let site = self
            .sites
            .borrow()
            .get(&request.url)
            .cloned()
            .unwrap_or(missing);
        let site = match site {
            Site::Answers(answer) => answer(&request, self.sent.borrow().len()),
            site => site,
        };
        self.sent.borrow_mut().push(request);
        HOST.with(|_| ());
        Box::new(FakeExchange {
            site: Some(site),
            ready_at: self.now() + self.delay_ms.get(),
        })
    }

    fn verifying_algorithms(&self) -> Vec<Algorithm> {
        self.signatures.verifying_algorithms()
    }

    fn signing_algorithms(&self) -> Vec<Algorithm> {
        self.signatures.signing_algorithms()
    }

    fn import_verifying_key(
        &self,
        algorithm: Algorithm,
        jwk: &str,
    ) -> Result<Box<dyn PublicKeyHandle>, SignatureError> {
        self.signatures.import_verifying_key(algorithm, jwk)
    }

    fn import_signing_key(
        &self,
        key: PrivateKeySource<'_>,
    ) -> Result<Box<dyn PrivateKeyHandle>, SignatureError> {
        self.signatures.import_signing_key(key)
    }
}

thread_local! {
    /// The clock that exchanges look at; set by [`FakeHost::install`].
    static HOST: RefCell<Option<Rc<FakeHost>>> = const { RefCell::new(None) };
}

struct FakeExchange {
    site: Option<Site>,
    ready_at: u64,
}

impl Pending<Result<HttpResponse, HttpError>> for FakeExchange {
    fn poll(&mut self) -> Option<Result<HttpResponse, HttpError>> {
        let now = HOST.with(|host| host.borrow().as_ref().expect("a world exists").now());
        if now < self.ready_at || matches!(self.site, Some(Site::Never)) {
            return None;
        }
        Some(match self.site.take()? {
            Site::Never | Site::Answers(_) => return None,
            Site::Fails(error) => Err(error),
            Site::Response(response) => Ok(response),
            Site::Later(status, retry_after) => Ok(HttpResponse {
                status,
                headers: vec![("Retry-After".into(), retry_after.into())],
                body: Vec::new(),
            }),
            Site::Body(status, body, cache) => Ok(HttpResponse {
                status,
                headers: vec![("cache-control".into(), cache.into())],
                body: body.into_bytes(),
            }),
        })
    }
}

/// An ES256 key pair.
pub struct Key {
    pub kid: &'static str,
    secret: SigningKey,
}

impl Key {
    pub fn new(kid: &'static str, seed: u8) -> Self {
        Self {
            kid,
            secret: SigningKey::from_slice(&[seed; 32]).expect("in range"),
        }
    }

    pub fn jwk(&self) -> Value {
        let point = self.secret.verifying_key().to_sec1_point(false);
        json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid,
            "x": BASE64URL.encode(point.x().expect("no infinity")),
            "y": BASE64URL.encode(point.y().expect("uncompressed")),
        })
    }

    pub fn sign(&self, header: &Value, claims: &str) -> String {
        let parts = [header.to_string().as_bytes(), claims.as_bytes()].map(|p| BASE64URL.encode(p));
        let input = parts.join(".");
        let signature: Signature = self.secret.sign(input.as_bytes());
        format!("{input}.{}", BASE64URL.encode(signature.to_bytes()))
    }

    /// A valid token.
    pub fn token(&self) -> String {
        self.token_with(&json!({}))
    }

    /// A valid token with these claims changed; `null` removes one.
    pub fn token_with(&self, changes: &Value) -> String {
        self.sign(&self.header(), &claims_with(changes).to_string())
    }

    pub fn header(&self) -> Value {
        json!({ "alg": "ES256", "typ": "at+jwt", "kid": self.kid })
    }
}

pub fn claims_with(changes: &Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "client_id": "app", "jti": "1",
        "iat": NOW - 10, "exp": NOW + 3600, "scope": "mcp:read",
    });
    let members = claims.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    claims
}

pub fn jwks(keys: &[&Key]) -> Value {
    json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() })
}

pub fn issuer() -> IssuerConfig {
    IssuerConfig {
        issuer: ISSUER.into(),
        audiences: Some(vec![AUDIENCE.into()]),
        ..IssuerConfig::default()
    }
}

pub fn discovering() -> Config {
    Config {
        issuers: Some(vec![issuer()]),
        ..Config::default()
    }
}

pub fn inline(keys: &[&Key]) -> Config {
    let keys = Some(KeyLocationConfig::Inline(jwks(keys).to_string()));
    Config {
        issuers: Some(vec![IssuerConfig { keys, ..issuer() }]),
        ..Config::default()
    }
}

pub fn route(path: &str, access: Access) -> RouteConfig {
    RouteConfig {
        path: path.into(),
        methods: None,
        access,
    }
}

/// [`inline`] with public routes, a protected one, and one that needs scopes.
pub fn routed(keys: &[&Key]) -> Config {
    Config {
        routes: Some(vec![
            route("/", Access::Public),
            route("/health", Access::Public),
            route("/mcp", Access::Protected(vec![])),
            route(
                "/admin",
                Access::Protected(vec!["admin".into(), "offline_access".into()]),
            ),
        ]),
        ..inline(keys)
    }
}

pub struct World {
    pub host: Rc<FakeHost>,
    pub deployment: Deployment,
    pub gate: Gate,
}

impl World {
    pub fn new(config: Config) -> Self {
        let host = FakeHost::new();
        host.install();
        Self::on(host, config).expect("a good configuration")
    }

    /// A deployment on this host, if the configuration is valid.
    pub fn on(host: Rc<FakeHost>, config: Config) -> Result<Self, ConfigError> {
        let deployment = Deployment::new(config, Rc::<FakeHost>::clone(&host))?;
        Ok(Self {
            host,
            gate: deployment.gate().clone(),
            deployment,
        })
    }

    /// Another gate on the same host, like a new isolate.
    pub fn again(&self, config: Config) -> Self {
        Self::on(Rc::clone(&self.host), config).expect("a good configuration")
    }

    /// Drives a task, and advances the time as it requests.
    pub fn finish<T>(&self, task: Task<T>) -> T {
        self.host.finish(task)
    }

    pub fn outcome(&self, step: Step) -> Outcome {
        match step {
            Step::Done(outcome) => outcome,
            Step::Waiting(task) => self.finish(task),
        }
    }

    pub fn send(&self, head: &RequestHead) -> Outcome {
        self.outcome(self.gate.decide(head))
    }

    /// `GET https://api.example/mcp` with this token.
    pub fn get(&self, token: &str) -> Outcome {
        self.send(&bearer(token))
    }

    pub fn status(&self, token: &str) -> u16 {
        status(&self.get(token))
    }

    /// The stable code of the refusal.
    pub fn reason(&self, token: &str) -> &'static str {
        reason(&self.get(token))
    }
}

pub fn head(method: &str, url: &str) -> RequestHead {
    RequestHead {
        method: method.into(),
        url: url.into(),
        ..RequestHead::default()
    }
}

pub fn bearer(token: &str) -> RequestHead {
    RequestHead {
        authorization: vec![format!("Bearer {token}")],
        ..head("GET", "https://api.example/mcp")
    }
}

/// 200 stands for "the handler is called".
pub fn status(outcome: &Outcome) -> u16 {
    match &outcome.decision {
        Decision::Allow(_) => 200,
        Decision::Respond(answer) => answer.status,
    }
}

pub fn reason(outcome: &Outcome) -> &'static str {
    match &outcome.decision {
        Decision::Allow(_) => "allowed",
        Decision::Respond(answer) => answer.reason.unwrap_or("answered"),
    }
}

pub fn answer(outcome: Outcome) -> Answer {
    match outcome.decision {
        Decision::Respond(answer) => answer,
        Decision::Allow(allowed) => panic!("allowed: {allowed:?}"),
    }
}
