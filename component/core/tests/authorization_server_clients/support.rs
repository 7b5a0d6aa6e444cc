//! An authorization server on a simulated host, with a store that fails when it is told to.

use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tollgate_core::answer::Answer;
use tollgate_core::authorization_server::{AuthorizationServer, Config, NoHooks, Request};
use tollgate_core::capability::HttpResponse;
use tollgate_core::secret::Secret;
use tollgate_core::task::Task;

use crate::harness::store::TestStore;
use crate::harness::{FakeHost, Site};

pub const ISSUER: &str = "https://auth.example";
pub const TOKEN: &str = "https://auth.example/token";
pub const REGISTER: &str = "https://auth.example/register";
/// The only one of most tests.
pub const CALLBACK: &str = "https://app.example/callback";

pub struct World {
    pub host: Rc<FakeHost>,
    pub store: Rc<TestStore>,
    pub server: AuthorizationServer,
}

pub fn config() -> Config {
    Config {
        issuer: ISSUER.into(),
        secrets: vec![Secret::new("a deployment secret of 32 bytes!")],
        ..Config::default()
    }
}

impl World {
    pub fn new(config: &Config) -> Self {
        let host = FakeHost::new();
        host.install();
        Self::on(host, Rc::default(), config)
    }

    fn on(host: Rc<FakeHost>, store: Rc<TestStore>, config: &Config) -> Self {
        let server = AuthorizationServer::new(
            config,
            Rc::<FakeHost>::clone(&host),
            Rc::<TestStore>::clone(&store),
            Rc::new(NoHooks),
        );
        Self {
            server: server.expect("a good configuration"),
            host,
            store,
        }
    }

    /// Another instance with the same store, like a new isolate.
    pub fn again(&self, config: &Config) -> Self {
        Self::on(Rc::clone(&self.host), Rc::clone(&self.store), config)
    }

    /// Drives a task, and advances the time as it requests.
    pub fn finish<T>(&self, task: Task<T>) -> T {
        self.host.finish(task)
    }

    pub fn respond(&self, request: Request) -> Answer {
        self.finish(self.server.respond(request))
    }

    pub fn advance_seconds(&self, seconds: u64) {
        self.host.advance(seconds * 1000);
    }

    pub fn now(&self) -> u64 {
        self.host.now_ms.get() / 1000
    }

    /// A token request. Its grant fails, so the reason says whether the client was accepted.
    pub fn token(&self, headers: &[(&str, &str)], form: &[(&str, &str)]) -> Answer {
        let mut fields = vec![("grant_type", EXCHANGE)];
        fields.extend(form);
        self.respond(post(TOKEN, headers, &form_encoded(&fields)))
    }

    /// The reason for which a token request is refused; [`ACCEPTED`] if its client is accepted.
    pub fn reason(&self, headers: &[(&str, &str)], form: &[(&str, &str)]) -> &'static str {
        outcome(&self.token(headers, form))
    }

    pub fn register(&self, metadata: &Value) -> Answer {
        self.respond(json_post(&[], &metadata.to_string()))
    }

    /// Publishes a client ID metadata document.
    pub fn publish(&self, url: &str, document: &Value, cache: &str) {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        self.host.set(
            url,
            Site::Response(HttpResponse {
                status: 200,
                headers: vec![
                    header("content-type", "application/json"),
                    header("cache-control", cache),
                ],
                body: document.to_string().into_bytes(),
            }),
        );
    }
}

pub const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The client was authenticated.
pub const ACCEPTED: &str = "accepted";

pub fn outcome(answer: &Answer) -> &'static str {
    match answer.reason {
        // The clients of these tests do not exchange tokens.
        Some("unauthorized-client") if answer.status == 400 => ACCEPTED,
        Some(reason) => reason,
        None => panic!("a token for nothing: {answer:?}"),
    }
}

pub fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Request {
    let headers = headers.iter();
    Request {
        method: method.into(),
        url: url.into(),
        headers: headers.map(|(n, v)| ((*n).into(), (*v).into())).collect(),
        body: body.into(),
    }
}

pub fn post(url: &str, headers: &[(&str, &str)], form: &str) -> Request {
    let mut all = vec![("Content-Type", "application/x-www-form-urlencoded")];
    all.extend(headers);
    request("POST", url, &all, form)
}

/// A registration request.
pub fn json_post(headers: &[(&str, &str)], body: &str) -> Request {
    let mut all = vec![("content-type", "application/json; charset=utf-8")];
    all.extend(headers);
    request("POST", REGISTER, &all, body)
}

pub fn form_encoded(fields: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.finish()
}

pub fn basic(id: &str, secret: &str) -> String {
    let encode = |text: &str| -> String {
        let encoded = form_urlencoded::byte_serialize(text.as_bytes());
        encoded.collect()
    };
    let text = format!("{}:{}", encode(id), encode(secret));
    format!("Basic {}", STANDARD.encode(text))
}

pub fn body(answer: &Answer) -> Value {
    serde_json::from_str(answer.body.as_deref().expect("a body")).expect("JSON")
}

pub fn error(answer: &Answer) -> String {
    body(answer)["error"].as_str().expect("an error").to_owned()
}

/// A text in a JSON object.
pub fn text(object: &Value, name: &str) -> String {
    object[name].as_str().expect("a text").to_owned()
}

/// The least that a client registers.
pub fn least() -> Value {
    json!({ "redirect_uris": [CALLBACK] })
}

/// [`least`] with these members changed; `null` removes one.
pub fn metadata_with(changes: &Value) -> Value {
    with(least(), changes)
}

pub fn with(mut object: Value, changes: &Value) -> Value {
    let members = object.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    object
}
