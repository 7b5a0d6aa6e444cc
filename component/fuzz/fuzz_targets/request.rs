//! Whole requests to a gate: any head, any behaviour of the network, tokens that are nearly good.
//!
//! Properties that must always hold: no panic, a known status, valid headers, an end in finite
//! time, and no access to a protected route without a token that was signed with our key.
#![no_main]

mod signatures;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use arbitrary::Arbitrary;
use ed25519_dalek::{Signer as _, SigningKey};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tollgate_core::capability::{
    Host, HttpError, HttpRequest, HttpResponse, Pending, PrivateKeyHandle, PrivateKeySource,
    PublicKeyHandle, SignatureError,
};
use tollgate_core::deployment::{
    Access, Config, Cors, Deployment, IssuerConfig, KeyLocationConfig, KeyPolicyConfig, RouteConfig,
};
use tollgate_core::http_url::HttpUrl;
use tollgate_core::jose::{Algorithm, base64url};
use tollgate_core::resource_server::{Decision, Gate, Outcome, RequestHead, Step};
use tollgate_core::task::Progress;

const ISSUER: &str = "https://issuer.example";
const RESOURCE: &str = "https://api.example";
const NOW: u64 = 1_795_219_200;
/// All statuses of a gate's responses.
const STATUSES: [u16; 10] = [200, 204, 400, 401, 403, 404, 405, 502, 503, 504];

#[derive(Arbitrary, Debug)]
struct Input {
    setting: Setting,
    requests: Vec<Request>,
}

#[derive(Arbitrary, Debug)]
struct Setting {
    inline: bool,
    any_type: bool,
    listed_origins: bool,
    resource: bool,
    realm: bool,
    network: Vec<Reply>,
}

#[derive(Arbitrary, Debug, Clone)]
enum Reply {
    /// The response of a valid issuer.
    Good,
    Body(u16, Vec<u8>, Option<String>),
    /// Keys: valid ones with any member replaced.
    KeyWith(String, String),
    Metadata(String, String),
    Fails(u8),
    Never,
}

#[derive(Arbitrary, Debug)]
struct Request {
    method: String,
    /// Appended to `https://api.example`, unless it is used alone.
    url: String,
    whole_url: bool,
    credentials: Credentials,
    origin: Option<String>,
    requested_method: Option<String>,
    requested_headers: Option<String>,
    /// The delay before, in milliseconds.
    pause: u32,
    /// Dropped after this many polls.
    patience: u8,
    bare: bool,
}

#[derive(Arbitrary, Debug)]
enum Credentials {
    None,
    Texts(Vec<String>),
    Bearer(String),
    /// A token with members replaced in header and claims. It is signed with our key, so it may be
    /// accepted.
    Signed {
        header: Vec<(String, Text)>,
        claims: Vec<(String, Text)>,
    },
    /// The same, signed with another key.
    Forged {
        header: Vec<(String, Text)>,
        claims: Vec<(String, Text)>,
    },
    /// Our token with one byte changed.
    Changed {
        at: u16,
        by: u8,
    },
}

#[derive(Arbitrary, Debug)]
enum Text {
    Of(String),
    Number(i64),
    List(Vec<String>),
    Null,
}

impl Text {
    fn json(&self) -> Value {
        match self {
            Self::Of(text) => json!(text),
            Self::Number(number) => json!(number),
            Self::List(list) => json!(list),
            Self::Null => Value::Null,
        }
    }
}

struct FakeHost {
    now_ms: Rc<Cell<u64>>,
    random: Cell<u64>,
    network: RefCell<std::vec::IntoIter<Reply>>,
}

struct Exchange {
    now_ms: Rc<Cell<u64>>,
    ready_at: u64,
    answer: Option<Option<Result<HttpResponse, HttpError>>>,
}

impl Pending<Result<HttpResponse, HttpError>> for Exchange {
    fn poll(&mut self) -> Option<Result<HttpResponse, HttpError>> {
        if self.now_ms.get() < self.ready_at {
            return None;
        }
        match &self.answer {
            Some(None) | None => None,
            Some(Some(_)) => self.answer.take().flatten(),
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
        // Whatever the metadata names, requests go only to the issuer's origin.
        let url = HttpUrl::parse(&request.url).expect("a sound URL");
        assert_eq!(url.origin(), ISSUER, "{}", request.url);
        assert_eq!(request.method, "GET");
        let reply = self.network.borrow_mut().next().unwrap_or(Reply::Good);
        let is_metadata = request.url.contains("/.well-known/");
        let ok = |body: Vec<u8>, cache: Option<String>, status| {
            let cache = cache
                .into_iter()
                .map(|value| ("cache-control".to_owned(), value));
            Some(Ok(HttpResponse {
                status,
                headers: cache.collect(),
                body,
            }))
        };
        let metadata = || json!({ "issuer": ISSUER, "jwks_uri": format!("{ISSUER}/jwks") });
        let good = || {
            if is_metadata {
                metadata()
            } else {
                json!({ "keys": [jwk()] })
            }
        };
        let answer = match reply {
            Reply::Good => ok(good().to_string().into(), None, 200),
            Reply::Body(status, body, cache) => ok(body, cache, status),
            Reply::KeyWith(name, value) => {
                let mut jwk = jwk();
                // Not another key under our `kid`, which an issuer may publish.
                if !["x", "crv", "kty", "d"].contains(&name.as_str()) {
                    jwk[name] = json!(value);
                }
                ok(json!({ "keys": [jwk] }).to_string().into(), None, 200)
            }
            Reply::Metadata(name, value) => {
                let mut document = metadata();
                document[name] = json!(value);
                ok(document.to_string().into(), None, 200)
            }
            Reply::Fails(kind) => Some(Err(match kind % 5 {
                0 => HttpError::Unreachable,
                1 => HttpError::TimedOut,
                2 => HttpError::TooLarge,
                3 => HttpError::Refused,
                _ => HttpError::Internal,
            })),
            Reply::Never => None,
        };
        Box::new(Exchange {
            now_ms: Rc::clone(&self.now_ms),
            ready_at: self.now() + 20,
            answer: Some(answer),
        })
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
        key: PrivateKeySource<'_>,
    ) -> Result<Box<dyn PrivateKeyHandle>, SignatureError> {
        signatures::import_signing_key(key)
    }
}

/// Ed25519, which is the fastest to generate, sign and verify.
fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn jwk() -> Value {
    let x = base64url::encode(key(7).verifying_key().as_bytes());
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": x })
}

fn token(seed: u8, header: &[(String, Text)], claims: &[(String, Text)]) -> String {
    let mut all_header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "k1" });
    let mut all_claims = json!({
        "iss": ISSUER, "sub": "ada", "aud": RESOURCE, "client_id": "app", "iat": NOW - 10,
        "exp": NOW + 3600, "scope": "read",
    });
    for (object, members) in [(&mut all_header, header), (&mut all_claims, claims)] {
        for (name, value) in members {
            object[name.as_str()] = value.json();
        }
    }
    let [header, claims] =
        [all_header, all_claims].map(|part| base64url::encode(part.to_string().as_bytes()));
    let input = format!("{header}.{claims}");
    let signature = key(seed).sign(input.as_bytes());
    format!("{input}.{}", base64url::encode(&signature.to_bytes()))
}

fn config(setting: &Setting) -> Config {
    let route = |path: &str, access| RouteConfig {
        path: path.into(),
        methods: None,
        access,
    };
    let inline = || KeyLocationConfig::Inline(json!({ "keys": [jwk()] }).to_string());
    Config {
        issuers: Some(vec![IssuerConfig {
            issuer: ISSUER.into(),
            audiences: Some(vec![RESOURCE.into()]),
            types: setting.any_type.then(|| vec!["*".into()]),
            keys: setting.inline.then(inline),
            ..IssuerConfig::default()
        }]),
        resource: setting.resource.then(|| RESOURCE.into()),
        routes: Some(vec![
            route("/public", Access::Public),
            route("/scoped", Access::Protected(vec!["write".into()])),
        ]),
        realm: setting.realm.then(|| "api".into()),
        cors: setting.listed_origins.then(|| Cors {
            origins: Some(vec!["https://app.example".into()]),
            max_age: None,
        }),
        keys: Some(KeyPolicyConfig {
            timeout_ms: Some(1000),
            ..KeyPolicyConfig::default()
        }),
        ..Config::default()
    }
}

/// The head, and whether its token is signed with our key.
fn head(request: &Request) -> (RequestHead, bool) {
    let bearer = |token: String| vec![format!("Bearer {token}")];
    let (authorization, signed) = match &request.credentials {
        Credentials::None => (Vec::new(), false),
        Credentials::Texts(texts) => (texts.clone(), false),
        Credentials::Bearer(text) => (bearer(text.clone()), false),
        Credentials::Signed { header, claims } => (bearer(token(7, header, claims)), true),
        Credentials::Forged { header, claims } => (bearer(token(8, header, claims)), false),
        Credentials::Changed { at, by } => {
            let good = token(7, &[], &[]);
            let mut bytes = good.clone().into_bytes();
            let at = usize::from(*at) % bytes.len();
            bytes[at] = *by;
            let changed = String::from_utf8_lossy(&bytes).into_owned();
            let same = changed == good;
            (bearer(changed), same)
        }
    };
    let url = match request.whole_url {
        true => request.url.clone(),
        false => format!("{RESOURCE}{}", request.url),
    };
    let head = RequestHead {
        method: request.method.clone(),
        url,
        authorization,
        origin: request.origin.clone(),
        requested_method: request.requested_method.clone(),
        requested_headers: request.requested_headers.clone(),
    };
    (head, signed)
}

fuzz_target!(|input: Input| {
    let now_ms = Rc::new(Cell::new(NOW * 1000));
    let host = Rc::new(FakeHost {
        now_ms: Rc::clone(&now_ms),
        random: Cell::new(0x9E37_79B9_7F4A_7C15),
        network: RefCell::new(input.setting.network.clone().into_iter()),
    });
    let deployment = Deployment::new(config(&input.setting), host).expect("a good configuration");
    let gate = deployment.gate();
    for request in input.requests.iter().take(8) {
        now_ms.set(now_ms.get() + u64::from(request.pause));
        let (head, signed) = head(request);
        let step = if request.bare {
            gate.authenticate(&head, &["read".to_owned()])
        } else {
            gate.decide(&head)
        };
        if let Some(outcome) = drive(step, &now_ms, request.patience) {
            check(gate, &outcome, request, signed);
        }
    }
    assert!(gate.cache_size().0 <= 8);
});

fn drive(step: Step, now_ms: &Cell<u64>, patience: u8) -> Option<Outcome> {
    let mut task = match step {
        Step::Done(outcome) => return Some(outcome),
        Step::Waiting(task) => task,
    };
    // Some requests are dropped; the others must end.
    let polls = if patience < 16 {
        usize::from(patience)
    } else {
        20_000
    };
    for _ in 0..polls {
        match task.poll() {
            Progress::Ready(outcome) => return Some(outcome),
            Progress::Pending(wait) => {
                now_ms.set(now_ms.get() + u64::from(wait.unwrap_or(10)).clamp(1, 50));
            }
        }
    }
    assert!(patience < 16, "a task does not end");
    None
}

fn check(gate: &Gate, outcome: &Outcome, request: &Request, signed: bool) {
    let headers = match &outcome.decision {
        Decision::Allow(allowed) => {
            if let Some(id) = allowed.identity {
                assert!(signed, "allowed without a token of ours");
                let identity = gate.identity(id).expect("just given out");
                assert_eq!(identity.issuer, ISSUER);
            } else {
                assert!(!request.bare, "public where nothing is");
            }
            &allowed.headers
        }
        Decision::Respond(answer) => {
            assert!(STATUSES.contains(&answer.status), "{}", answer.status);
            assert!(answer.status != 401 || answer.header("www-authenticate").is_some());
            let body = answer.body.as_deref().unwrap_or("{}");
            serde_json::from_str::<Value>(body).expect("a body is JSON");
            &answer.headers
        }
    };
    for (name, value) in headers {
        let is_token = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
        assert!(name.bytes().all(is_token), "{name:?}");
        assert!(
            value.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "{name}: {value:?}"
        );
    }
}
