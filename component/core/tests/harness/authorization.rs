//! An authorization server with a simulated host and a store for tests.

use std::rc::Rc;

use serde_json::Value;
use tollgate_core::answer::Answer;
use tollgate_core::authorization_server::{
    Approval, AuthorizationRequest, AuthorizationServer, ClientConfig, Config, GrantType, Hooks,
    NoHooks, Prompt, Request,
};
use tollgate_core::secret::Secret;
use tollgate_core::task::Task;

use super::FakeHost;
use super::store::TestStore;

pub const AS: &str = "https://auth.example";
pub const APP: &str = "app";
pub const REDIRECT: &str = "https://app.example/callback";
pub const MCP: &str = "https://mcp.example/mcp";
/// RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub struct Issuer {
    pub host: Rc<FakeHost>,
    pub store: Rc<TestStore>,
    pub server: AuthorizationServer,
    config: Config,
    hooks: Rc<dyn Hooks>,
}

pub fn config() -> Config {
    Config {
        issuer: AS.into(),
        secrets: vec![Secret::new("0123456789abcdef0123456789abcdef")],
        scopes: Some(vec!["read".into(), "write".into(), "admin".into()]),
        resources: Some(vec![MCP.into(), "https://other.example".into()]),
        clients: vec![
            ClientConfig {
                id: APP.into(),
                redirect_uris: vec![REDIRECT.into()],
                ..ClientConfig::default()
            },
            ClientConfig {
                id: "service".into(),
                secrets: vec![Secret::new("service secret 1")],
                grant_types: Some(vec![GrantType::ClientCredentials, GrantType::TokenExchange]),
                scopes: Some(vec!["read".into()]),
                serves: vec![MCP.into()],
                ..ClientConfig::default()
            },
        ],
        ..Config::default()
    }
}

impl Issuer {
    pub fn new(config: Config) -> Self {
        Self::on(FakeHost::new(), Rc::default(), config)
    }

    pub fn with_hooks(config: Config, hooks: Rc<dyn Hooks>) -> Self {
        Self::start_with(FakeHost::new(), Rc::default(), config, hooks)
    }

    pub fn on(host: Rc<FakeHost>, store: Rc<TestStore>, config: Config) -> Self {
        Self::start_with(host, store, config, Rc::new(NoHooks))
    }

    fn start_with(
        host: Rc<FakeHost>,
        store: Rc<TestStore>,
        config: Config,
        hooks: Rc<dyn Hooks>,
    ) -> Self {
        super::HOST.with(|slot| *slot.borrow_mut() = Some(Rc::clone(&host)));
        let (own_host, own_store) = (Rc::clone(&host), Rc::clone(&store));
        let server = AuthorizationServer::new(&config, own_host, own_store, Rc::clone(&hooks));
        Self {
            host,
            store,
            server: server.expect("a good configuration"),
            config,
            hooks,
        }
    }

    /// Another instance on the same store, without anything in memory.
    pub fn again(&self) -> Self {
        let (host, store) = (Rc::clone(&self.host), Rc::clone(&self.store));
        Self::start_with(host, store, self.config.clone(), Rc::clone(&self.hooks))
    }

    pub fn finish<T>(&self, task: Task<T>) -> T {
        self.host.finish(task)
    }

    /// See [`FakeHost::all`].
    pub fn all<T>(&self, tasks: Vec<Task<T>>) -> Vec<T> {
        self.host.all(tasks)
    }

    pub fn start(&self, path: &str, form: &[(&str, &str)]) -> Task<Answer> {
        self.server.respond(post(path, form))
    }

    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.finish(self.start(path, form))
    }

    pub fn token(&self, form: &[(&str, &str)]) -> Answer {
        self.post("/token", form)
    }

    /// A code for alice.
    pub fn code(&self) -> String {
        self.code_for(&request(), approval())
    }

    pub fn code_for(&self, request: &AuthorizationRequest, approval: Approval) -> String {
        let task = self
            .server
            .complete_authorization(request.clone(), approval);
        let url = self.finish(task).expect("a code");
        let (_, code) = url.split_once("code=").expect("a code");
        code.split('&').next().expect("a code").to_owned()
    }

    pub fn redeem(&self, code: &str) -> Answer {
        self.token(&redemption(code))
    }

    /// The tokens of a new grant.
    pub fn tokens(&self) -> Value {
        body(&self.redeem(&self.code()))
    }

    pub fn refresh(&self, token: &str) -> Answer {
        self.token(&refreshing(token))
    }

    pub fn is_active(&self, token: &str) -> bool {
        let answer = self.post(
            "/introspect",
            &[
                ("client_id", "service"),
                ("client_secret", "service secret 1"),
                ("token", token),
            ],
        );
        assert_eq!(answer.status, 200, "{answer:?}");
        body(&answer)["active"].as_bool().expect("a truth value")
    }
}

pub fn request() -> AuthorizationRequest {
    AuthorizationRequest {
        client_id: APP.into(),
        redirect_uri: REDIRECT.into(),
        redirect_uri_given: true,
        scopes: vec!["read".into(), "write".into()],
        state: None,
        code_challenge: Some(CHALLENGE.into()),
        resources: vec![MCP.into()],
        prompt: Prompt::default(),
        login_hint: None,
        max_age: None,
    }
}

pub fn approval() -> Approval {
    Approval {
        user_id: "alice".into(),
        scopes: vec!["read".into(), "write".into()],
        props: Some(r#"{"name":"Alice"}"#.into()),
        metadata: None,
        replaces_others: false,
        upstream: None,
    }
}

pub fn redemption(code: &str) -> [(&str, &str); 5] {
    [
        ("grant_type", "authorization_code"),
        ("client_id", APP),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ]
}

pub fn refreshing(token: &str) -> [(&str, &str); 3] {
    [
        ("grant_type", "refresh_token"),
        ("client_id", APP),
        ("refresh_token", token),
    ]
}

pub fn post(path: &str, form: &[(&str, &str)]) -> Request {
    let mut body = String::new();
    for (name, value) in form {
        if !body.is_empty() {
            body.push('&');
        }
        body.push_str(name);
        body.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
                body.push(char::from(byte));
            } else {
                body.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    let form_type = "application/x-www-form-urlencoded";
    Request {
        method: "POST".into(),
        url: format!("{AS}{path}"),
        headers: vec![("content-type".into(), form_type.into())],
        body: body.into_bytes(),
    }
}

pub fn body(answer: &Answer) -> Value {
    let body = answer.body.as_deref().expect("a body");
    serde_json::from_str(body).expect("JSON")
}

pub fn text(value: &Value, name: &str) -> String {
    let text = value[name].as_str();
    text.unwrap_or_else(|| panic!("{name} in {value}"))
        .to_owned()
}

/// The `error` of a refusal.
pub fn error(answer: &Answer) -> String {
    text(&body(answer), "error")
}
