use std::future::pending;
use std::sync::atomic::AtomicBool;

use super::*;

const CONFIG: &str = r#"{
    "issuer": "https://auth.example.com",
    "secrets": ["0123456789abcdef0123456789abcdef"],
    "clients": [{
        "id": "service",
        "secrets": ["service-secret-service-secret-32"],
        "authentication": "client_secret_post",
        "grant-types": ["client_credentials"]
    }]
}"#;

/// A store that answers nothing while it loses operations.
#[derive(Clone, Default)]
struct Lossy {
    store: MemoryStore,
    loses: Arc<AtomicBool>,
}

impl Lossy {
    fn pass<T: Send + 'static>(&self, operation: StoreFuture<T>) -> StoreFuture<T> {
        if self.loses.load(Ordering::Relaxed) {
            return Box::pin(pending());
        }
        operation
    }
}

impl Store for Lossy {
    fn read(
        &self,
        partition: &str,
        keys: &[&str],
        now: UnixSeconds,
    ) -> StoreFuture<Vec<Option<Record>>> {
        self.pass(self.store.read(partition, keys, now))
    }

    fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
        now: UnixSeconds,
    ) -> StoreFuture<Page> {
        self.pass(self.store.list(partition, prefix, after, limit, now))
    }

    fn commit(&self, partition: &str, commit: Commit, now: UnixSeconds) -> StoreFuture<Committed> {
        self.pass(self.store.commit(partition, commit, now))
    }
}

async fn issuer(store: impl Store) -> Issuer {
    Issuer::builder(CONFIG, store)
        .instances(std::num::NonZeroUsize::MIN)
        .build()
        .await
        .expect("an issuer")
}

fn token_request() -> Request<Bytes> {
    let body = "grant_type=client_credentials&client_id=service\
                &client_secret=service-secret-service-secret-32";
    Request::post("/token")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Bytes::from_static(body.as_bytes()))
        .expect("a request")
}

/// Makes an instance fail, as one does that computes too long.
fn run_out_of_time(issuer: &Issuer) {
    let failed = issuer.0.workers[0].with(|running| {
        crate::host::instance::Instance::set_deadline(&mut running.instance, 0);
        running.instance.serves("https://auth.example.com/token")
    });
    assert_eq!(failed, Err(Failed));
}

#[tokio::test]
async fn an_instance_that_failed_is_replaced() {
    let issuer = issuer(MemoryStore::new()).await;
    assert_eq!(
        issuer.respond(token_request()).await.status(),
        StatusCode::OK
    );
    run_out_of_time(&issuer);
    assert_eq!(issuer.stats().failures, 1);
    assert_eq!(
        issuer.respond(token_request()).await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_request_whose_instance_failed_is_answered_503() {
    let store = Lossy::default();
    store.loses.store(true, Ordering::Relaxed);
    let issuer = issuer(store.clone()).await;
    let asking = issuer.clone();
    let waiting = tokio::spawn(async move { asking.respond(token_request()).await });
    // On this one thread, it now waits for the store.
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    store.loses.store(false, Ordering::Relaxed);
    run_out_of_time(&issuer);
    let response = waiting.await.expect("no panic");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key(RETRY_AFTER));
    let refusal = response.extensions().get::<Refusal>().expect("a reason");
    assert_eq!(refusal.0, "issuer-failed");
}

#[tokio::test]
async fn a_dropped_request_leaves_nothing_behind() {
    let store = Lossy::default();
    store.loses.store(true, Ordering::Relaxed);
    let issuer = issuer(store.clone()).await;
    let resources = || {
        let worker = &issuer.0.workers[0];
        let empty = worker.with(|running| {
            let capabilities = crate::host::instance::Instance::capabilities(&mut running.instance);
            Ok(capabilities.resources().is_empty())
        });
        empty.expect("it runs")
    };
    for _ in 0..10 {
        let mut request = Box::pin(issuer.respond(token_request()));
        let waker = std::task::Waker::noop();
        let polled = request
            .as_mut()
            .poll(&mut std::task::Context::from_waker(waker));
        assert!(polled.is_pending());
        assert!(!resources(), "an operation of the store");
        drop(request);
        assert!(resources());
    }
    store.loses.store(false, Ordering::Relaxed);
    assert_eq!(
        issuer.respond(token_request()).await.status(),
        StatusCode::OK
    );
}

#[test]
fn the_same_code_goes_to_the_same_instance() {
    let one = repeated(b"grant_type=authorization_code&code=abc&client_id=a");
    assert_eq!(one, Some(&b"code=abc"[..]));
    assert_eq!(repeated(b"code=abc&client_assertion=x"), one);
    assert_eq!(repeated(b"refresh_token=r"), Some(&b"refresh_token=r"[..]));
    assert_eq!(repeated(b"xcode=abc&state=code"), None);
    assert_eq!(repeated(b""), None);
}

#[test]
fn a_configuration_is_not_printed() {
    let shown = format!("{:?}", IssuerConfig::from(CONFIG));
    assert!(!shown.contains("0123456789"), "{shown}");
}

#[tokio::test]
async fn the_url_of_a_request_is_below_the_issuer_whatever_the_client_says() {
    let issuer = issuer(MemoryStore::new()).await;
    let request = Request::get("/token").header("host", "evil.example");
    let request = request.header("x-forwarded-host", "evil.example");
    let asked = issuer.request(request.body(Bytes::new()).expect("a request"));
    assert_eq!(asked.url, "https://auth.example.com/token");
}
