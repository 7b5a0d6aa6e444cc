//! Runs the server until it is told to stop.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::service::service_fn;
use prometheus_client::metrics::gauge::Gauge;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tollgate::issuer::{Issuer, IssuerBuilder, MemoryStore, SqliteStore};

use super::admin::Admin;
use super::audit::AuditTrail;
use super::config_file::{ConfigFile, IssuerOptions, ServerOptions};
use super::front::Front;
use super::metrics::Metrics;
use super::server::{ServerLimits, serve};
use super::{DEFAULT_CONFIG, ServeArgs, build, development, read};

pub(super) async fn run(args: ServeArgs) -> Result<(), String> {
    let (config, listener) = configured(&args).await?;
    let ConfigFile { issuer, server } = config;
    let address = local_address(&listener)?;
    let url = issuer.issuer().to_owned();
    let admin_listener = match server.admin_listen {
        Some(address) => Some(bind("server.admin-listen", address).await?),
        None => None,
    };
    let admin_address = admin_listener.as_ref().map(local_address).transpose()?;

    let store = if args.dev {
        None
    } else {
        Some(open(&server).await?)
    };
    let metrics = Arc::new(Metrics::new());
    let builder = match &store {
        Some(store) => Issuer::builder(issuer.0, store.clone()),
        None => Issuer::builder(issuer.0, MemoryStore::new()),
    };
    let builder = builder
        .hooks(AuditTrail(Arc::clone(&metrics)))
        .body_timeout(server.read_timeout());
    let issuer = build(sized(builder, &server), &server).await?;

    let (stop, stopped) = watch::channel(false);
    let is_stopping = Arc::new(AtomicBool::new(false));
    let admin = Arc::new(Admin {
        issuer: issuer.clone(),
        store: store.clone(),
        metrics: Arc::clone(&metrics),
        is_stopping: Arc::clone(&is_stopping),
    });
    let limits = ServerLimits {
        connections: server.connections,
        read_timeout: server.read_timeout(),
        shutdown_timeout: server.shutdown_timeout(),
    };
    let front = Arc::new(Front {
        service: issuer.clone().into_service(),
        metrics: Arc::clone(&metrics),
        request_timeout: server.request_timeout(),
        trust_forwarded_for: server.trust_forwarded_for,
    });
    let open = metrics.connections.clone();
    let public = serve(
        listener,
        limits,
        &open,
        told(stopped.clone()),
        move |peer| {
            let front = Arc::clone(&front);
            service_fn(move |request| Arc::clone(&front).answer(peer, request))
        },
    );
    // It answers until the last request was answered.
    let (end, ended) = watch::channel(false);
    let administration = async move {
        if let Some(listener) = admin_listener {
            // Not counted: the metric is about clients.
            let open = Gauge::default();
            serve(listener, limits, &open, told(ended), move |_| {
                let admin = Arc::clone(&admin);
                service_fn(move |request| Arc::clone(&admin).answer(request))
            })
            .await;
        }
    };
    let administration = tokio::spawn(administration);

    let ready = serde_json::json!({
        "issuer": url,
        "address": address.to_string(),
        "port": address.port(),
        "admin": admin_address.map(|address| address.to_string()),
        "pid": std::process::id(),
    });
    tracing::info!(issuer = url, %address, "the issuer is running");
    print(&ready);
    let signal = async {
        crate::told_to_stop(args.until_stdin_closes).await;
        tracing::info!("the issuer stops when the running requests are answered");
        is_stopping.store(true, Ordering::Relaxed);
        let _ = stop.send(true);
    };
    tokio::join!(public, signal);
    issuer.flush_audit().await;
    let _ = end.send(true);
    let _ = administration.await;
    Ok(())
}

/// The configuration, and the listener: in development, the issuer's URL has its port.
async fn configured(args: &ServeArgs) -> Result<(ConfigFile, TcpListener), String> {
    let mut config = match (&args.config, args.dev) {
        (Some(path), _) => Some(read(path)?),
        (None, false) => Some(read(Path::new(DEFAULT_CONFIG))?),
        (None, true) => None,
    };
    let server = config
        .as_ref()
        .map(|config| config.server.clone())
        .unwrap_or_default();
    let address = args.listen.unwrap_or(server.listen);
    if args.dev && !address.ip().is_loopback() {
        return Err(format!(
            "anybody who reaches {address} could sign in as any user: listen on 127.0.0.1, or leave \
             out --dev"
        ));
    }
    let listener = bind("server.listen", address).await?;
    if args.dev
        && let Some(config) = &mut config
    {
        development::extend(&mut config.issuer.0)?;
    }
    let config = match config {
        Some(config) => config,
        None => ConfigFile {
            issuer: IssuerOptions(development::configuration(local_address(&listener)?)?),
            server,
        },
    };
    Ok((config, listener))
}

async fn bind(option: &str, address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| {
        format!("{option}: cannot listen on {address} ({error}): choose another address or port")
    })
}

fn local_address(listener: &TcpListener) -> Result<SocketAddr, String> {
    listener
        .local_addr()
        .map_err(|error| format!("the listener has no address ({error}): start it again"))
}

async fn open(server: &ServerOptions) -> Result<SqliteStore, String> {
    let path = server.database.clone();
    // Opening checks the whole file.
    tokio::task::spawn_blocking(move || SqliteStore::open(path))
        .await
        .map_err(|error| format!("the database was not opened ({error}): report this"))?
        .map_err(|error| error.to_string())
}

fn sized(builder: IssuerBuilder, server: &ServerOptions) -> IssuerBuilder {
    match server.instances {
        Some(instances) => builder.instances(instances),
        None => builder,
    }
}

async fn told(mut stopped: watch::Receiver<bool>) {
    // If the sender is gone, the program ends.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn print(ready: &serde_json::Value) {
    let mut stdout = std::io::stdout();
    // The parent process may not read it.
    let _ = writeln!(stdout, "{ready}").and_then(|()| stdout.flush());
}
