//! The program `tollgate`.

#[cfg(feature = "issuer")]
mod issuer;

use std::io::{IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use tokio::io::AsyncReadExt;
use tollgate_dev::issuer::{
    Algorithm, ClientSpec, DEFAULT_AUDIENCE, DevIssuer, Discovery, IssuerUrl, Options, Policy,
};
#[cfg(feature = "dev-upstream")]
use tollgate_dev::upstream::{self, DevUpstream};
use tracing_subscriber::EnvFilter;

/// OAuth for the edge.
#[derive(Parser)]
#[command(name = "tollgate", version)]
struct Cli {
    /// The form of the log.
    #[arg(long, value_enum, global = true, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run an authorization server, or administer one.
    ///
    /// Prints one line of JSON to standard output when it is ready, and logs to standard error. The
    /// log has requests without their queries, and the audit trail; TOLLGATE_LOG filters it.
    #[cfg(feature = "issuer")]
    Issuer(issuer::IssuerArgs),
    /// Run an OAuth issuer for development and tests.
    ///
    /// Prints one line of JSON to standard output when it is ready, and logs to standard error. It
    /// has three clients with well-known secrets: demo / demo-secret may request any scope, limited
    /// / limited-secret only mcp:read, and upstream-only / upstream-only-secret may exchange tokens
    /// only as --allow-exchange permits.
    DevIssuer(DevIssuerArgs),
    /// Run an API that accepts only tokens with its own audience, for demonstrations and tests.
    ///
    /// GET /me returns the identity in a token. Prints one line of JSON to standard output when it
    /// is ready, and logs to standard error.
    #[cfg(feature = "dev-upstream")]
    DevUpstream(DevUpstreamArgs),
}

#[cfg(feature = "dev-upstream")]
#[derive(clap::Args)]
struct DevUpstreamArgs {
    /// Port to listen on; 0 selects a free one.
    #[arg(long, default_value_t = 9500)]
    port: u16,
    /// The issuer whose tokens it accepts.
    #[arg(long, default_value = "http://127.0.0.1:9400")]
    issuer: String,
    /// The required audience of tokens [default: http://127.0.0.1:PORT].
    #[arg(long)]
    resource: Option<String>,
    /// Stop when standard input is closed, so that it ends with its parent process.
    #[arg(long)]
    until_stdin_closes: bool,
}

#[derive(clap::Args)]
struct DevIssuerArgs {
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Port to listen on; 0 selects a free one.
    #[arg(long, default_value_t = 9400)]
    port: u16,
    /// Allow an address that other machines can reach. Anyone who reaches it can get any token.
    #[arg(long)]
    danger_allow_remote: bool,
    /// The issuer's URL, or only its path, such as /tenant [default: http://HOST:PORT].
    #[arg(long)]
    issuer: Option<IssuerUrl>,
    /// `aud` of tokens that are requested without `resource` and `audience`.
    #[arg(long, default_value = DEFAULT_AUDIENCE)]
    audience: String,
    /// How long tokens are valid, in seconds.
    #[arg(long, default_value_t = 600)]
    token_lifetime: u64,
    /// `max-age` of metadata and keys, in seconds; 0 is no-store.
    #[arg(long, default_value_t = 300)]
    jwks_max_age: u32,
    /// The signature algorithm of tokens, unless a request names one.
    #[arg(long, default_value_t = Algorithm::Es256)]
    alg: Algorithm,
    /// Algorithms with a published key from the start.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "ES256,RS256,PS256,EdDSA,ES384,ES512"
    )]
    publish: Vec<Algorithm>,
    /// Derive the keys from this text, so that they are the same in each run.
    #[arg(long)]
    seed: Option<String>,
    /// Which metadata documents to serve.
    #[arg(long, value_enum, default_value_t = DiscoveryArg::Both)]
    discovery: DiscoveryArg,
    /// A different jwks_uri for the metadata.
    #[arg(long)]
    jwks_uri: Option<String>,
    /// A client that authenticates by private_key_jwt with the keys that it publishes at this
    /// http URL, such as worker-key=http://127.0.0.1:8787/.well-known/jwks.json. May be repeated.
    #[arg(long = "client", value_name = "ID=JWKS_URI")]
    clients: Vec<ClientSpec>,
    /// A resource for which a client may exchange users' tokens. May be repeated.
    #[arg(long = "allow-exchange", value_name = "CLIENT=RESOURCE")]
    policies: Vec<Policy>,
    /// Stop when standard input is closed, so that it ends with its parent process.
    #[arg(long)]
    until_stdin_closes: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    /// Lines for people.
    Text,
    /// An object for each line.
    Json,
}

#[derive(Clone, Copy, ValueEnum)]
enum DiscoveryArg {
    Both,
    Oauth,
    Openid,
}

fn main() -> ExitCode {
    let Cli {
        command,
        log_format,
    } = Cli::parse();
    let log = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(
            EnvFilter::try_from_env("TOLLGATE_LOG").unwrap_or_else(|_| EnvFilter::new("info")),
        );
    match log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(async {
                match command {
                    #[cfg(feature = "issuer")]
                    Command::Issuer(args) => issuer::issuer(args).await,
                    Command::DevIssuer(args) => dev_issuer(args).await,
                    #[cfg(feature = "dev-upstream")]
                    Command::DevUpstream(args) => dev_upstream(args).await,
                }
            });
            // Not joined: a read of standard input cannot be interrupted.
            runtime.shutdown_background();
            result
        }
        Err(error) => Err(format!("cannot start: {error}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("tollgate: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn dev_issuer(args: DevIssuerArgs) -> Result<(), String> {
    let until_stdin_closes = args.until_stdin_closes;
    let issuer = DevIssuer::start(Options {
        address: (args.host, args.port).into(),
        danger_allow_remote: args.danger_allow_remote,
        issuer: args.issuer.unwrap_or_default(),
        audience: args.audience,
        token_lifetime: args.token_lifetime,
        jwks_max_age: args.jwks_max_age,
        algorithm: args.alg,
        published: args.publish,
        seed: args.seed,
        discovery: match args.discovery {
            DiscoveryArg::Both => Discovery::Both,
            DiscoveryArg::Oauth => Discovery::OAuth,
            DiscoveryArg::Openid => Discovery::OpenId,
        },
        jwks_uri: args.jwks_uri,
        clients: args.clients,
        policies: args.policies,
    })
    .await
    .map_err(|error| error.to_string())?;

    let ready = serde_json::json!({
        "issuer": issuer.url(),
        "address": issuer.address().to_string(),
        "port": issuer.address().port(),
        "pid": std::process::id(),
    });
    serve(&ready, until_stdin_closes).await;
    Ok(())
}

#[cfg(feature = "dev-upstream")]
async fn dev_upstream(args: DevUpstreamArgs) -> Result<(), String> {
    let upstream = DevUpstream::start(upstream::Options {
        port: args.port,
        issuer: args.issuer,
        resource: args.resource,
    })
    .await
    .map_err(|error| error.to_string())?;
    let ready = serde_json::json!({
        "url": upstream.url(),
        "resource": upstream.resource(),
        "address": upstream.address().to_string(),
        "port": upstream.address().port(),
        "pid": std::process::id(),
    });
    serve(&ready, args.until_stdin_closes).await;
    Ok(())
}

/// Prints that the server is ready, and returns when it should stop.
async fn serve(ready: &serde_json::Value, until_stdin_closes: bool) {
    let mut stdout = std::io::stdout();
    // The parent process may not read it.
    let _ = writeln!(stdout, "{ready}").and_then(|()| stdout.flush());

    told_to_stop(until_stdin_closes).await;
}

/// Returns when the program should stop.
async fn told_to_stop(until_stdin_closes: bool) {
    tokio::select! {
        () = stop_signal() => {}
        () = stdin_closed(), if until_stdin_closes => {}
    }
}

async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}

async fn stdin_closed() {
    let mut stdin = tokio::io::stdin();
    let mut buffer = [0; 256];
    while matches!(stdin.read(&mut buffer).await, Ok(read) if read > 0) {}
}
