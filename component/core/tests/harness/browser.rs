//! Browsers, and an authorization server whose users sign in on its own pages.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};
use tollgate_core::answer::Answer;
use tollgate_core::authorization_server::{
    AuthorizationServer, ClientConfig, Config, GrantType, NoHooks, ProviderConfig, ProviderKind,
    Request, SignInConfig,
};
use tollgate_core::capability::HttpRequest;
use tollgate_core::config_error::ConfigError;
use tollgate_core::secret::Secret;
use tollgate_core::task::Task;

use super::store::TestStore;
use super::{FakeHost, Key, NOW, Site, jwks};

pub const AUTH: &str = "https://auth.example";
pub const CALLBACK: &str = "https://app.example/callback";
pub const RESOURCE: &str = "https://mcp.example";
/// RFC 7636 appendix B.
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An OpenID provider.
pub const ID: &str = "https://id.example";
pub const ID_DISCOVERY: &str = "https://id.example/.well-known/openid-configuration";
pub const ID_TOKEN: &str = "https://id.example/token";
pub const ID_JWKS: &str = "https://id.example/jwks";

pub struct Server {
    pub host: Rc<FakeHost>,
    pub store: Rc<TestStore>,
    pub server: AuthorizationServer,
}

fn client(id: &str, redirect_uri: &str) -> ClientConfig {
    ClientConfig {
        id: id.into(),
        redirect_uris: vec![redirect_uri.into()],
        name: Some(format!("The {id}")),
        ..ClientConfig::default()
    }
}

/// A configuration without sign-in.
pub fn config() -> Config {
    Config {
        issuer: AUTH.into(),
        secrets: vec![Secret::new("0123456789abcdef0123456789abcdef")],
        scopes: Some(vec!["read".into(), "write".into()]),
        resources: Some(vec![RESOURCE.into(), "https://other.example/mcp".into()]),
        clients: vec![
            client("app", CALLBACK),
            client("program", "http://127.0.0.1/callback"),
            ClientConfig {
                secrets: vec![Secret::new("a secret of 16 bytes")],
                scopes: Some(vec!["read".into()]),
                redirect_uris: vec![CALLBACK.into(), "https://app.example/other".into()],
                ..client("confidential", CALLBACK)
            },
            ClientConfig {
                secrets: vec![Secret::new("a secret of 16 bytes")],
                grant_types: Some(vec![GrantType::ClientCredentials]),
                ..client("service", CALLBACK)
            },
        ],
        ..Config::default()
    }
}

pub fn provider(id: &str) -> ProviderConfig {
    ProviderConfig {
        id: id.into(),
        name: Some(format!("Provider {id}")),
        kind: ProviderKind::OpenId {
            issuer: ID.into(),
            cross_origin: false,
        },
        client_id: "tollgate".into(),
        client_secret: Some(Secret::new("upstream secret")),
        scopes: None,
        parameters: Vec::new(),
        user_id: None,
        user_id_prefix: None,
        rules: Vec::new(),
        email_domains: Vec::new(),
        unverified_email: false,
        claims: None,
    }
}

/// [`config`] with these ways to sign in.
pub fn signing_in(sign_in: SignInConfig) -> Config {
    Config {
        sign_in: Some(sign_in),
        ..config()
    }
}

/// [`config`] with an OpenID provider.
pub fn with_provider(provider: ProviderConfig) -> Config {
    signing_in(SignInConfig {
        providers: vec![provider],
        ..SignInConfig::default()
    })
}

impl Server {
    pub fn new(config: &Config) -> Self {
        Self::try_new(config).expect("a good configuration")
    }

    pub fn try_new(config: &Config) -> Result<Self, ConfigError> {
        let host = FakeHost::new();
        super::HOST.with(|slot| *slot.borrow_mut() = Some(Rc::clone(&host)));
        let store = Rc::new(TestStore::default());
        let (own_host, own_store) = (Rc::clone(&host), Rc::clone(&store));
        let server = AuthorizationServer::new(config, own_host, own_store, Rc::new(NoHooks))?;
        host.set_json(ID_DISCOVERY, &discovery());
        host.set_json(ID_JWKS, &jwks(&[&Key::new("k", 7)]));
        host.set(ID_TOKEN, Site::Answers(issue));
        Ok(Self {
            host,
            store,
            server,
        })
    }

    pub fn finish<T>(&self, task: Task<T>) -> T {
        self.host.finish(task)
    }

    /// See [`FakeHost::all`].
    pub fn all<T>(&self, tasks: Vec<Task<T>>) -> Vec<T> {
        self.host.all(tasks)
    }

    pub fn send(&self, request: Request) -> Answer {
        self.finish(self.server.respond(request))
    }
}

/// What the provider says about itself.
pub fn discovery() -> Value {
    json!({
        "issuer": ID, "authorization_endpoint": "https://id.example/authorize",
        "token_endpoint": ID_TOKEN, "jwks_uri": ID_JWKS,
        "authorization_response_iss_parameter_supported": true,
    })
}

/// The provider's code: the claims of the ID token that it gives.
pub fn upstream_code(claims: &Value) -> String {
    BASE64URL.encode(claims.to_string())
}

/// Redeems [`upstream_code`]. A claim `no_id_token` leaves it out; `header` changes the header.
fn issue(request: &HttpRequest, _: usize) -> Site {
    let form = String::from_utf8(request.body.clone().expect("a body")).expect("text");
    let form = parameters(&form);
    let code = BASE64URL.decode(&form["code"]).expect("base64url");
    let mut claims: Value = serde_json::from_slice(&code).expect("JSON");
    let members = claims.as_object_mut().expect("an object");
    let header = members.remove("header");
    let leaves_out = members.remove("no_id_token").is_some();
    let key = Key::new("k", 7);
    let header = header.unwrap_or_else(|| json!({ "alg": "ES256", "kid": "k", "typ": "JWT" }));
    let mut body = json!({
        "access_token": "upstream-access", "token_type": "Bearer", "expires_in": 3600,
        "refresh_token": "upstream-refresh", "scope": "openid email",
    });
    if !leaves_out {
        body["id_token"] = json!(key.sign(&header, &claims.to_string()));
    }
    Site::Body(200, body.to_string(), "")
}

/// The claims of alice for a request, with these changed; `null` removes one.
pub fn id_claims(nonce: &str, changes: &Value) -> Value {
    let mut claims = json!({
        "iss": ID, "sub": "alice", "aud": "tollgate", "nonce": nonce, "iat": NOW,
        "exp": NOW + 3600, "email": "alice@example.com", "email_verified": true, "name": "Alice",
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

/// The provider signs alice in, and sends the browser to this URL.
pub fn upstream_signs_in(url: &str) -> String {
    upstream_signs_in_with(url, &json!({}))
}

pub fn upstream_signs_in_with(url: &str, changes: &Value) -> String {
    let asked = query(url);
    let code = upstream_code(&id_claims(&asked["nonce"], changes));
    let (redirect_uri, state) = (&asked["redirect_uri"], &asked["state"]);
    let iss = encode(ID);
    format!("{redirect_uri}?code={code}&state={state}&iss={iss}")
}

/// A browser: it keeps cookies.
pub struct Browser<'a> {
    pub server: &'a Server,
    pub cookies: RefCell<BTreeMap<String, String>>,
    pub headers: RefCell<Vec<(String, String)>>,
}

impl<'a> Browser<'a> {
    pub fn new(server: &'a Server) -> Self {
        Self {
            server,
            cookies: RefCell::default(),
            headers: RefCell::default(),
        }
    }

    pub fn get(&self, url: &str) -> Answer {
        self.keep(self.server.send(self.request("GET", url)))
    }

    /// Presses a button in the form of a page.
    pub fn press(&self, page: &Answer, name: &str, value: &str) -> Answer {
        self.keep(self.server.send(self.pressing(page, name, value)))
    }

    pub fn pressing(&self, page: &Answer, name: &str, value: &str) -> Request {
        let html = html(page);
        let action = between(html, "<form method=\"post\" action=\"", "\"");
        let handle = between(html, "name=\"flow\" value=\"", "\"");
        assert!(html.contains(&format!("name=\"{name}\" value=\"{value}\"")));
        self.form(action, &[("flow", handle), (name, value)])
    }

    /// A form that a page of the server sends.
    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> Request {
        let mut request = self.request("POST", &format!("{AUTH}{path}"));
        for (name, value) in [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Origin", AUTH),
            ("Sec-Fetch-Site", "same-origin"),
        ] {
            request.headers.push((name.into(), value.into()));
        }
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        request.body = fields.join("&").into_bytes();
        request
    }

    pub fn request(&self, method: &str, url: &str) -> Request {
        let cookies = self.cookies.borrow();
        let cookies: Vec<_> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut headers = self.headers.borrow().clone();
        if !cookies.is_empty() {
            headers.push(("Cookie".into(), cookies.join("; ")));
        }
        Request {
            method: method.into(),
            url: url.into(),
            headers,
            body: Vec::new(),
        }
    }

    pub fn keep(&self, answer: Answer) -> Answer {
        for (name, value) in &answer.headers {
            if name == "set-cookie" {
                let pair = value.split(';').next().expect("a pair");
                let (name, value) = pair.split_once('=').expect("a pair");
                self.cookies.borrow_mut().insert(name.into(), value.into());
            }
        }
        answer
    }

    /// Walks to the consent page of a new request.
    pub fn consent_page(&self) -> Answer {
        let upstream = location(&self.get(&authorize(&[])));
        let consent = location(&self.get(&upstream_signs_in(&upstream)));
        let page = self.get(&consent);
        assert_eq!(page.status, 200, "{page:?}");
        page
    }
}

/// The URL of a request of the client `app`, with these parameters changed; an empty value removes
/// one.
pub fn authorize(changes: &[(&str, &str)]) -> String {
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("state", "the state"),
        ("scope", "read write"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("resource", RESOURCE),
    ];
    for &(name, value) in changes {
        parameters.retain(|(own, _)| *own != name);
        if !value.is_empty() {
            parameters.push((name, value));
        }
    }
    let pairs: Vec<_> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    format!("{AUTH}/authorize?{}", pairs.join("&"))
}

pub fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.header("location").expect("a location").to_owned()
}

/// Where a page leads at once.
pub fn refresh(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    between(html(answer), "content=\"0;url=", "\"").replace("&amp;", "&")
}

pub fn html(answer: &Answer) -> &str {
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8"),
        "{answer:?}"
    );
    answer.body.as_deref().expect("a page")
}

pub fn reason(answer: &Answer) -> &'static str {
    answer.reason.unwrap_or("answered")
}

pub fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text
        .split_once(start)
        .unwrap_or_else(|| panic!("{start} in {text}"));
    rest.split_once(end).expect("the end").0
}

pub fn query(url: &str) -> BTreeMap<String, String> {
    parameters(url.split_once('?').expect("a query").1)
}

fn parameters(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), decode(value)))
        .collect()
}

pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

pub fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().expect("a digit"), rest.next().expect("a digit")];
                let digits = std::str::from_utf8(&digits).expect("ASCII");
                u8::from_str_radix(digits, 16).expect("hexadecimal")
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).expect("UTF-8")
}
