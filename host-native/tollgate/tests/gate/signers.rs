//! Client keys that only a service of the application knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tollgate::{BuildError, Client, ClientKey, Gate, SignatureFuture, Signer, TokenErrorKind};
use tollgate_dev::issuer::{ClientSpec, DevIssuer};
use tollgate_signatures::SigningKey;

use crate::support::{caller, claims, config, der, get, issuer};

const CARS: &str = "https://cars.example.com";

#[derive(Clone, Copy)]
enum Service {
    Works,
    IsSlow,
    IsDown,
    Panics,
    NeverAnswers,
    GivesRubbish,
}

/// A key management service in this process.
#[derive(Clone)]
struct Kms {
    key: Arc<SigningKey>,
    service: Service,
    asked: Arc<AtomicUsize>,
    given_up: Arc<AtomicUsize>,
}

impl Kms {
    fn new(service: Service) -> Self {
        let pem = include_str!("../../../../component/core/tests/jose_signing_keys/p256-pkcs8.pem");
        Self {
            key: Arc::new(SigningKey::from_pkcs8(&der(pem)).expect("a key")),
            service,
            asked: Arc::default(),
            given_up: Arc::default(),
        }
    }
}

struct CountDrop(Arc<AtomicUsize>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Signer for Kms {
    fn public_jwk(&self) -> String {
        self.key.public_jwk()
    }

    fn sign<'a>(&'a self, algorithm: &'a str, message: &'a [u8]) -> SignatureFuture<'a> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            match self.service {
                Service::Works => {}
                Service::IsSlow => tokio::time::sleep(Duration::from_millis(200)).await,
                Service::IsDown => return Err("the service is down".into()),
                Service::Panics => panic!("a fault in the application"),
                Service::NeverAnswers => {
                    let _given_up = CountDrop(Arc::clone(&self.given_up));
                    std::future::pending::<()>().await;
                }
                Service::GivesRubbish => return Ok(vec![1; 63]),
            }
            let signature = self.key.sign(algorithm, message, &mut getrandom::SysRng);
            signature.map_err(|error| format!("{error:?}").into())
        })
    }
}

async fn gate(issuer: &DevIssuer, kms: &Kms) -> Gate {
    let client = Client::new("signer").key(ClientKey::named("kms"));
    let gate = Gate::builder(config(issuer).client(client)).signer("kms", kms.clone());
    gate.build().await.expect("a good key")
}

#[tokio::test]
async fn a_signer_signs_assertions() {
    let issuer = issuer().await;
    for service in [Service::Works, Service::IsSlow] {
        let kms = Kms::new(service);
        let gate = gate(&issuer, &kms).await;
        // Each signature may cost money, so the key is not tested.
        assert_eq!(kms.asked.load(Ordering::Relaxed), 0);
        let answer = gate.metadata(&get("/.well-known/jwks.json", None)).await;
        let keys = answer.expect("published").response.into_body();
        issuer
            .register_client(ClientSpec {
                client_id: "signer".to_owned(),
                jwks: serde_json::from_str(&keys).expect("JSON"),
                ..ClientSpec::default()
            })
            .expect("a client");
        let alice = caller(&gate, &issuer, "alice").await;
        let token = gate.exchange(&alice, CARS).await.expect("a token");
        assert_eq!(claims(&token.access_token)["act"]["sub"], "signer");
        let event = issuer.audit(0).pop().expect("an event");
        assert_eq!(event.client_authentication, Some("private_key_jwt"));
        assert_eq!(kms.asked.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn a_failing_signer_fails_only_one_request() {
    let issuer = issuer().await;
    for service in [Service::IsDown, Service::Panics, Service::GivesRubbish] {
        let kms = Kms::new(service);
        let gate = gate(&issuer, &kms).await;
        let alice = caller(&gate, &issuer, "alice").await;
        let begun = Instant::now();
        let error = gate.exchange(&alice, CARS).await.expect_err("no signature");
        assert_eq!(error.kind, TokenErrorKind::SigningFailed, "{error}");
        assert_eq!(error.to_response().status(), 503);
        assert!(begun.elapsed() < Duration::from_secs(2));
        let error = gate.client_assertion("https://a.example").await;
        let error = error.expect_err("no signature");
        assert_eq!(error.kind, TokenErrorKind::SigningFailed, "{error}");
        // The store keeps working.
        assert_eq!(gate.stats().failures, 0);
        caller(&gate, &issuer, "bob").await;
    }
}

#[tokio::test]
async fn a_signer_that_never_answers_times_out() {
    let issuer = issuer().await;
    let kms = Kms::new(Service::NeverAnswers);
    let gate = gate(&issuer, &kms).await;
    let begun = Instant::now();
    let error = gate.client_assertion("https://a.example").await;
    let error = error.expect_err("no signature");
    assert_eq!(error.kind, TokenErrorKind::SigningFailed, "{error}");
    assert!(begun.elapsed() < Duration::from_secs(8));
    assert_eq!(gate.stats().failures, 0);
    for _ in 0..100 {
        if kms.given_up.load(Ordering::Relaxed) > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the signer is still waited for");
}

struct WithoutKey;

impl Signer for WithoutKey {
    fn public_jwk(&self) -> String {
        "{}".to_owned()
    }

    fn sign<'a>(&'a self, _: &'a str, _: &'a [u8]) -> SignatureFuture<'a> {
        Box::pin(async { Err("there is no key".into()) })
    }
}

#[tokio::test]
async fn a_signer_without_a_public_key_fails_at_the_start() {
    let issuer = issuer().await;
    let client = Client::new("signer").key(ClientKey::named("kms"));
    let builder = Gate::builder(config(&issuer).client(client));
    // A key that no signer is there for, neither.
    for builder in [builder.clone().signer("kms", WithoutKey), builder] {
        let gate = builder.build().await;
        let Err(BuildError::Config(error)) = gate else {
            panic!("{gate:?}")
        };
        assert!(error.field.starts_with("client.keys[0]"), "{error}");
    }
}
