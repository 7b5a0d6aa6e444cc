//! Requests to an authorization server: any bytes at every endpoint, codes and tokens that are
//! nearly good, client ID metadata documents and stored records of any content.
//!
//! Properties that must always hold: no panic, a known status, valid headers, an end in finite time,
//! and no token for a code or refresh token that this server did not issue.
#![no_main]

mod signatures;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tollgate_core::answer::Answer;
use tollgate_core::authorization_server::{
    AccessTokenFormat, Approval, AuthorizationServer, ClientConfig, Config, GrantType,
    MetadataDocumentsConfig, NoHooks, RegistrationAccess, RegistrationConfig, Request,
    SignInConfig,
};
use tollgate_core::capability::{
    Host, HttpError, HttpRequest, HttpResponse, Pending, PrivateKeyHandle, PrivateKeySource,
    PublicKeyHandle, SignatureError,
};
use tollgate_core::jose::Algorithm;
use tollgate_core::secret::Secret;
use tollgate_core::store::{
    Commit, Committed, MemoryStore, Page, PendingStore, Record, Store, StoreError,
};
use tollgate_core::task::{Progress, Task};

const ISSUER: &str = "http://localhost:8080";
const REDIRECT: &str = "https://app.example/callback";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const ENDPOINTS: [&str; 10] = [
    "/authorize",
    "/token",
    "/revoke",
    "/introspect",
    "/register",
    "/jwks",
    "/sign-in",
    "/consent",
    "/.well-known/oauth-authorization-server",
    "/callback/x",
];
/// All statuses of the server's responses.
const STATUSES: [u16; 12] = [200, 201, 204, 302, 303, 400, 401, 403, 404, 405, 413, 429];

#[derive(Arbitrary, Debug)]
struct Input {
    steps: Vec<Step>,
}

#[derive(Arbitrary, Debug)]
enum Step {
    /// Any request.
    Send {
        method: String,
        endpoint: u8,
        rest: String,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// A form.
    Form {
        endpoint: u8,
        fields: Vec<(Field, String)>,
    },
    /// An authorization request.
    Authorize { fields: Vec<(Field, String)> },
    /// A code that is redeemed, perhaps after a byte was changed.
    Redeem { change: Option<(u16, u8)> },
    /// The newest refresh token, perhaps after a byte was changed.
    Refresh { change: Option<(u16, u8)> },
    /// A client metadata document.
    Document { body: Vec<u8> },
    /// The value of a record that was written.
    Damage { record: u8, value: Vec<u8> },
    /// Time.
    Wait { ms: u32 },
}

#[derive(Arbitrary, Debug)]
enum Field {
    GrantType,
    ClientId,
    ClientSecret,
    Code,
    RefreshToken,
    Scope,
    Resource,
    RedirectUri,
    ResponseType,
    CodeChallenge,
    CodeChallengeMethod,
    State,
    Prompt,
    Token,
    SubjectToken,
    SubjectTokenType,
    ClientAssertion,
    ClientAssertionType,
    Flow,
    Decision,
    Other(String),
}

impl Field {
    fn name(&self) -> &str {
        match self {
            Self::GrantType => "grant_type",
            Self::ClientId => "client_id",
            Self::ClientSecret => "client_secret",
            Self::Code => "code",
            Self::RefreshToken => "refresh_token",
            Self::Scope => "scope",
            Self::Resource => "resource",
            Self::RedirectUri => "redirect_uri",
            Self::ResponseType => "response_type",
            Self::CodeChallenge => "code_challenge",
            Self::CodeChallengeMethod => "code_challenge_method",
            Self::State => "state",
            Self::Prompt => "prompt",
            Self::Token => "token",
            Self::SubjectToken => "subject_token",
            Self::SubjectTokenType => "subject_token_type",
            Self::ClientAssertion => "client_assertion",
            Self::ClientAssertionType => "client_assertion_type",
            Self::Flow => "flow",
            Self::Decision => "decision",
            Self::Other(name) => name,
        }
    }
}

struct FakeHost {
    now_ms: Cell<u64>,
    random: Cell<u64>,
    document: RefCell<Vec<u8>>,
}

struct Ready<T>(Option<T>);

impl<T> Pending<T> for Ready<T> {
    fn poll(&mut self) -> Option<T> {
        self.0.take()
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

    fn send(&self, _: HttpRequest) -> Box<dyn Pending<Result<HttpResponse, HttpError>>> {
        let json = ("content-type".to_owned(), "application/json".to_owned());
        Box::new(Ready(Some(Ok(HttpResponse {
            status: 200,
            headers: vec![json],
            body: self.document.borrow().clone(),
        }))))
    }

    fn verifying_algorithms(&self) -> Vec<Algorithm> {
        signatures::algorithms()
    }

    fn signing_algorithms(&self) -> Vec<Algorithm> {
        signatures::algorithms()
    }

    fn import_verifying_key(
        &self,
        algorithm: Algorithm,
        jwk: &str,
    ) -> Result<Box<dyn PublicKeyHandle>, SignatureError> {
        signatures::import_verifying_key(algorithm, jwk)
    }

    fn import_signing_key(
        &self,
        _: PrivateKeySource<'_>,
    ) -> Result<Box<dyn PrivateKeyHandle>, SignatureError> {
        Err(SignatureError::Failed)
    }
}

/// A store that notes what was written.
#[derive(Default)]
struct NotingStore {
    inner: MemoryStore,
    written: RefCell<Vec<(String, String)>>,
}

impl Store for NotingStore {
    fn read(&self, partition: &str, keys: &[&str], now: u64) -> PendingStore<Vec<Option<Record>>> {
        self.inner.read(partition, keys, now)
    }

    fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
        now: u64,
    ) -> PendingStore<Page> {
        self.inner.list(partition, prefix, after, limit, now)
    }

    fn commit(&self, partition: &str, commit: Commit, now: u64) -> PendingStore<Committed> {
        let keys = commit.puts.iter().map(|put| put.key.clone());
        let keys = keys.map(|key| (partition.to_owned(), key));
        self.written.borrow_mut().extend(keys);
        self.inner.commit(partition, commit, now)
    }
}

struct World {
    host: Rc<FakeHost>,
    store: Rc<NotingStore>,
    server: AuthorizationServer,
}

impl World {
    fn new() -> Self {
        let host = Rc::new(FakeHost {
            now_ms: Cell::new(1_795_219_200_000),
            random: Cell::new(0x9E37_79B9_7F4A_7C15),
            document: RefCell::default(),
        });
        let store = Rc::<NotingStore>::default();
        let config = Config {
            issuer: ISSUER.into(),
            secrets: vec![Secret::new("0123456789abcdef0123456789abcdef")],
            access_token: Some(AccessTokenFormat::Opaque),
            registration: Some(RegistrationConfig::new(RegistrationAccess::Open)),
            metadata_documents: Some(MetadataDocumentsConfig::default()),
            sign_in: Some(SignInConfig {
                development_users: vec!["alice".into()],
                ..SignInConfig::default()
            }),
            clients: vec![
                ClientConfig {
                    id: "app".into(),
                    redirect_uris: vec![REDIRECT.into()],
                    ..ClientConfig::default()
                },
                ClientConfig {
                    id: "service".into(),
                    secrets: vec![Secret::new("service secret 1")],
                    grant_types: Some(vec![GrantType::TokenExchange]),
                    ..ClientConfig::default()
                },
            ],
            ..Config::default()
        };
        let (own_host, own_store) = (Rc::clone(&host), Rc::clone(&store));
        let server = AuthorizationServer::new(&config, own_host, own_store, Rc::new(NoHooks));
        Self {
            host,
            store,
            server: server.expect("a good configuration"),
        }
    }

    fn finish<T>(&self, mut task: Task<T>) -> T {
        for _ in 0..10_000 {
            match task.poll() {
                Progress::Ready(value) => return value,
                Progress::Pending(wait) => {
                    let now = self.host.now_ms.get();
                    self.host.now_ms.set(now + u64::from(wait.unwrap_or(10)));
                }
            }
        }
        panic!("the task never ends");
    }

    fn send(&self, request: Request) -> Answer {
        let answer = self.finish(self.server.respond(request));
        let status = answer.status;
        assert!(STATUSES.contains(&status) || status >= 500, "{answer:?}");
        for (name, value) in &answer.headers {
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
            );
            assert!(
                value.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
                "{name}"
            );
        }
        answer
    }

    fn form(&self, endpoint: &str, fields: &[(&str, &str)]) -> Answer {
        let form_type = "application/x-www-form-urlencoded".to_owned();
        self.send(Request {
            method: "POST".into(),
            url: format!("{ISSUER}{endpoint}"),
            headers: vec![("content-type".into(), form_type)],
            body: encode(fields).into_bytes(),
        })
    }

    /// A code for alice.
    fn code(&self) -> Option<String> {
        let fields = [
            ("client_id", "app"),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let parsed = self.server.parse_authorization_request(Request {
            method: "GET".into(),
            url: format!("{ISSUER}/authorize?{}", encode(&fields)),
            headers: Vec::new(),
            body: Vec::new(),
        });
        let request = self.finish(parsed).ok()?;
        let approval = Approval {
            user_id: "alice".into(),
            props: Some("{}".into()),
            ..Approval::default()
        };
        let url = self.finish(self.server.complete_authorization(request, approval));
        let url = url.ok()?;
        let (_, code) = url.split_once("code=")?;
        Some(code.split('&').next()?.to_owned())
    }
}

fn encode(fields: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        for (part, end) in [(name, '='), (value, '&')] {
            for byte in part.bytes() {
                text.push_str(&format!("%{byte:02X}"));
            }
            text.push(end);
        }
    }
    text
}

fn changed(text: &str, change: Option<(u16, u8)>) -> String {
    let mut bytes = text.as_bytes().to_vec();
    if let Some((at, by)) = change {
        let at = usize::from(at) % bytes.len();
        bytes[at] = b'!' + by % 94;
    }
    String::from_utf8(bytes).expect("ASCII")
}

fn refresh_token(answer: &Answer) -> Option<String> {
    let body: Value = serde_json::from_str(answer.body.as_deref()?).ok()?;
    Some(body["refresh_token"].as_str()?.to_owned())
}

fuzz_target!(|input: Input| {
    let world = World::new();
    let mut refresh = None;
    for step in input.steps.iter().take(32) {
        match step {
            Step::Send {
                method,
                endpoint,
                rest,
                headers,
                body,
            } => {
                let endpoint = ENDPOINTS[usize::from(*endpoint) % ENDPOINTS.len()];
                world.send(Request {
                    method: method.clone(),
                    url: format!("{ISSUER}{endpoint}{rest}"),
                    headers: headers.clone(),
                    body: body.clone(),
                });
            }
            Step::Form { endpoint, fields } => {
                let endpoint = ENDPOINTS[usize::from(*endpoint) % ENDPOINTS.len()];
                let fields: Vec<_> = fields.iter().map(|(f, v)| (f.name(), v.as_str())).collect();
                let answer = world.form(endpoint, &fields);
                if endpoint == "/token" {
                    assert_ne!(answer.status, 200, "a token for {fields:?}");
                }
            }
            Step::Authorize { fields } => {
                let fields: Vec<_> = fields.iter().map(|(f, v)| (f.name(), v.as_str())).collect();
                let task = world.server.parse_authorization_request(Request {
                    method: "GET".into(),
                    url: format!("{ISSUER}/authorize?{}", encode(&fields)),
                    headers: Vec::new(),
                    body: Vec::new(),
                });
                if let Err(error) = world.finish(task) {
                    // Nobody is sent to a URL that no client registered.
                    let redirect = error.redirect.as_deref().unwrap_or(REDIRECT);
                    assert!(redirect.starts_with(REDIRECT), "{redirect}");
                }
            }
            Step::Redeem { change } => {
                let Some(code) = world.code() else { continue };
                let presented = changed(&code, *change);
                let fields = |code| {
                    [
                        ("grant_type", "authorization_code"),
                        ("client_id", "app"),
                        ("code", code),
                        ("redirect_uri", REDIRECT),
                        ("code_verifier", VERIFIER),
                    ]
                };
                let answer = world.form("/token", &fields(&presented));
                if presented != code {
                    assert_ne!(answer.status, 200, "{presented} for {code}");
                }
                if answer.status == 200 {
                    // What a code gives is revoked when the code is used again.
                    assert_ne!(world.form("/token", &fields(&code)).status, 200, "twice");
                    refresh = None;
                    continue;
                }
                // A code that was presented with an error can still be redeemed.
                refresh = refresh_token(&world.form("/token", &fields(&code))).or(refresh);
            }
            Step::Refresh { change } => {
                let Some(token) = &refresh else { continue };
                let presented = changed(token, *change);
                let fields = [
                    ("grant_type", "refresh_token"),
                    ("client_id", "app"),
                    ("refresh_token", presented.as_str()),
                ];
                let answer = world.form("/token", &fields);
                if presented != *token {
                    assert_ne!(answer.status, 200, "{presented} for {token}");
                }
                refresh = refresh_token(&answer).or(refresh);
            }
            Step::Document { body } => {
                *world.host.document.borrow_mut() = body.clone();
                let id = "https://client.example/client.json";
                let fields = [("grant_type", "refresh_token"), ("client_id", id)];
                assert_ne!(world.form("/token", &fields).status, 200);
            }
            Step::Damage { record, value } => {
                let written = world.store.written.borrow();
                if written.is_empty() {
                    continue;
                }
                let (partition, key) = &written[usize::from(*record) % written.len()];
                let commit = Commit {
                    puts: vec![tollgate_core::store::Put {
                        key: key.clone(),
                        version: "damaged".into(),
                        value: value.clone(),
                        expires_at: None,
                    }],
                    ..Commit::default()
                };
                let done = world.store.inner.commit(partition, commit, 0).poll();
                assert!(matches!(done, Some(Ok(_) | Err(StoreError::Failed))));
            }
            Step::Wait { ms } => {
                let now = world.host.now_ms.get();
                world.host.now_ms.set(now + u64::from(*ms));
            }
        }
    }
});
