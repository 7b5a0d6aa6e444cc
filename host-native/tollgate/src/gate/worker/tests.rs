use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::*;
use crate::host::engine::ticks;
use crate::host::exchange::HttpClient;
use crate::host::shared_fetch::SharedFetch;
use crate::host::task::OwnedTask;
use crate::{Client, Config, Grant, Issuer, TokenTarget};

fn worker() -> Arc<Worker> {
    worker_with(Client::default())
}

fn worker_with(client: Client) -> Arc<Worker> {
    let config = Config::new("https://api.example.com")
        .issuer(Issuer::new("https://login.example.com"))
        .client(client);
    let template = InstanceTemplate {
        program: Program::embedded().expect("it compiles"),
        config,
        limits: Limits {
            max_memory: 64 << 20,
            call_ticks: ticks(Duration::from_secs(5)),
        },
        keys: KeySnapshot::default(),
        faults: FaultLog::default(),
        failures: AtomicU64::new(0),
    };
    let services = HostServices {
        runtime: Handle::current(),
        fetch: Arc::new(SharedFetch::new(HttpClient::new().expect("TLS"))),
        reader: Arc::default(),
        progress: Notify::new(),
        signers: Arc::default(),
        exchanged: AtomicBool::new(false),
        memory: AtomicUsize::new(0),
    };
    let worker = Worker::start(Arc::new(template), Arc::new(services)).expect("it starts");
    worker.expect("a good configuration")
}

fn generation(worker: &Worker) -> u64 {
    worker
        .with(|running| Ok(running.generation))
        .expect("a running instance")
}

fn run_out_of_time(worker: &Worker) -> Result<String, Failed> {
    worker.with(|running| {
        running.instance.set_deadline(0);
        running.instance.export_keys()
    })
}

#[tokio::test]
async fn an_instance_that_computes_too_long_is_replaced() {
    let worker = worker();
    assert_eq!(generation(&worker), 0);
    assert_eq!(run_out_of_time(&worker), Err(Failed));
    assert_eq!(generation(&worker), 1);
    assert!(worker.export_keys().is_ok());
    assert_eq!(worker.template.failures.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_task_is_not_polled_in_the_next_instance() {
    let worker = worker();
    let step = worker.with(|running| running.instance.refresh());
    let Ok(Step::Waiting(task)) = step else {
        panic!("a task")
    };
    let task = OwnedTask::new(&worker, 0, task);
    assert!(
        task.with(GateInstance::poll_refresh)
            .expect("polled")
            .is_some()
    );
    assert_eq!(run_out_of_time(&worker), Err(Failed));
    let next = task.with(GateInstance::poll_refresh);
    assert!(matches!(next, Ok(None)));
}

#[tokio::test]
async fn a_token_is_requested_again_but_a_raw_request_is_sent_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let mut client = Client::new("app").secret("s3cr3t");
    client.token_endpoint = Some(format!("http://{address}/token"));
    let worker = worker_with(client);
    let target = || TokenTarget::resource("https://cars.example.com");

    // The task hangs, because nothing answers. The instance fails in another call.
    let (asking, target_of_own) = (Arc::clone(&worker), target());
    let own = tokio::spawn(async move {
        let call = TokenCall::GetOwnToken(&target_of_own);
        asking.start_token(call).await.map(drop)
    });
    let _first = listener.accept().await.expect("a connection");
    assert_eq!(run_out_of_time(&worker), Err(Failed));
    let _second = listener.accept().await.expect("once more");
    own.abort();

    let (asking, target) = (Arc::clone(&worker), target());
    let bare = tokio::spawn(async move {
        let grant = Grant::ClientCredentials;
        let call = TokenCall::Request(&grant, &target, None);
        asking.start_token(call).await.map(drop)
    });
    let _third = listener.accept().await.expect("a connection");
    assert_eq!(run_out_of_time(&worker), Err(Failed));
    assert_eq!(bare.await.expect("no panic"), Err(Failed));
}

#[tokio::test]
async fn a_panic_in_the_host_replaces_the_instance() {
    let worker = worker();
    let panic = catch_unwind(AssertUnwindSafe(|| {
        worker.with(|_| -> wasmtime::Result<()> { panic!("a bug of the host") })
    }));
    assert!(panic.is_err());
    assert_eq!(generation(&worker), 1);
}
