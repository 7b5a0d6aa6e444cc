//! `cargo xtask demo`: an issuer, two MCP servers in workerd and an API that one of them calls, and a
//! walk through them.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    child::{Guarded, line},
    counts,
    dist::{self, Tools},
    failure::{Ending, Failure},
    progress::Step,
    workspace::{NATIVE, Workspace, require},
};

/// Where the Workers' sources are.
const EXAMPLES: &str = "host-worker/examples";
/// The Worker of the walk's first part.
const SERVER: &str = "mcp-server";
/// The Worker of the second part, which calls an API as the user.
const DELEGATED: &str = "delegated-js";
/// Where the first Worker listens; the example's configuration names it too.
const WORKER_PORT: u16 = 8787;
/// Where the issuer listens.
const ISSUER_PORT: u16 = 9400;
/// The timeout for the start of an issuer or a Worker.
const START_LIMIT: Duration = Duration::from_secs(90);

/// The command-line options.
struct Options {
    once: bool,
    worker_port: u16,
    issuer_port: u16,
}

/// Everything that runs, by its origins.
struct Servers {
    issuer: String,
    upstream: String,
    worker: String,
    delegated: String,
    children: [Guarded; 4],
}

/// Runs the demo.
///
/// # Errors
/// A process does not start, or an answer is not the expected one.
pub(crate) fn run(work: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let options = parse(arguments).inspect_err(|failure| work.progress.complain(failure))?;
    let tools = dist::set_up(work)?;
    dist::shipped(work, &tools)?;
    dist::package(work, &tools)?;
    work.progress
        .step("issuer", |step| build_issuer(work, step))?;
    let mut servers = work.progress.step("servers", |step| {
        let servers = start(work, step, &tools, &options)?;
        step.note(format!(
            "issuer {}, Workers {} and {}, API {}",
            servers.issuer, servers.worker, servers.delegated, servers.upstream
        ));
        Ok(servers)
    })?;
    let mut walk = walk(work, &tools, &servers);
    let status = walk.status().map_err(Failure::io("start the walk"))?;
    if !status.success() {
        return Err(Failure::Command {
            line: line(&walk),
            ending: Ending::Status(status),
        });
    }
    if options.once {
        return Ok(());
    }
    goodbye(work, &servers);
    // Until Ctrl-C, which ends this program and so the children, or until one of them ends.
    loop {
        for child in &mut servers.children {
            if child
                .try_wait()
                .map_err(Failure::io("watch the servers"))?
                .is_some()
            {
                println!("One of the servers has ended; its log is target/xtask/logs/servers.log.");
                return Ok(());
            }
        }
        thread::sleep(Duration::from_millis(300));
    }
}

/// The same inside the suite: free ports, and the output in the step's log.
///
/// # Errors
/// As [`run`].
pub(crate) fn once(work: &Workspace, step: &Step<'_>, tools: &Tools) -> Result<(), Failure> {
    build_issuer(work, step)?;
    let options = Options {
        once: true,
        worker_port: free_port()?,
        issuer_port: 0,
    };
    let servers = start(work, step, tools, &options)?;
    step.run(&counts::told(step, walk(work, tools, &servers)))
}

fn parse(arguments: &[String]) -> Result<Options, Failure> {
    let mut options = Options {
        once: false,
        worker_port: WORKER_PORT,
        issuer_port: ISSUER_PORT,
    };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--once" => options.once = true,
            "--port" => options.worker_port = port(arguments.next())?,
            "--issuer-port" => options.issuer_port = port(arguments.next())?,
            other => {
                return Err(Failure::Needs {
                    what: format!("`demo` has no option `{other}`."),
                    next: "There are --once, --port and --issuer-port.".to_owned(),
                });
            }
        }
    }
    for port in [options.worker_port, options.issuer_port] {
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
            return Err(Failure::Needs {
                what: format!("Something else listens on port {port}."),
                next: "Stop it, or choose others with --port and --issuer-port.".to_owned(),
            });
        }
    }
    Ok(options)
}

fn port(text: Option<&String>) -> Result<u16, Failure> {
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| Failure::Needs {
            what: "A port is a number below 65536.".to_owned(),
            next: "For example: cargo xtask demo --port 8788".to_owned(),
        })
}

fn free_port() -> Result<u16, Failure> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Failure::io("find a port"))?;
    Ok(listener
        .local_addr()
        .map_err(Failure::io("find a port"))?
        .port())
}

/// The program `tollgate`, built as the suite builds it, so that neither builds wasmtime again.
fn build_issuer(work: &Workspace, step: &Step<'_>) -> Result<(), Failure> {
    let mut cargo = work.cargo(&["build", "--bins"]);
    cargo.args(NATIVE);
    step.run(&cargo)
}

fn start(
    work: &Workspace,
    step: &Step<'_>,
    tools: &Tools,
    options: &Options,
) -> Result<Servers, Failure> {
    let mut issuer = work.command(work.root.join("target/debug/tollgate"));
    // The shortest freshness, so that keys become stale while one watches.
    issuer.args([
        "dev-issuer",
        "--jwks-max-age",
        "0",
        "--publish",
        "ES256,EdDSA",
    ]);
    issuer.args(["--port", &options.issuer_port.to_string()]);
    let mut issuer_child = step.start(&issuer)?;
    let issuer_url = wait_for(step, &mut issuer_child, &issuer, |log| ready(log, "issuer"))?;

    let mut upstream = work.command(work.root.join("target/debug/tollgate"));
    upstream.args(["dev-upstream", "--port", "0", "--issuer", &issuer_url]);
    let mut upstream_child = step.start(&upstream)?;
    let upstream_url = wait_for(step, &mut upstream_child, &upstream, |log| {
        ready(log, "resource")
    })?;

    let folder = work.own().join("demo");
    let mut server = worker(work, tools, SERVER, options.worker_port, &folder)?;
    server.arg(&issuer_url);
    let delegated_port = free_port()?;
    let mut delegated = worker(work, tools, DELEGATED, delegated_port, &folder)?;
    delegated.args([&issuer_url, &upstream_url]);
    // Both are bundled at the same time.
    let mut server_child = step.start(&server)?;
    let mut delegated_child = step.start(&delegated)?;
    let origin = |child: &mut Guarded, command: &Command, port: u16| {
        let origin = format!("http://127.0.0.1:{port}");
        let line = format!("Ready on {origin}\n");
        wait_for(step, child, command, |log| {
            log.contains(&line).then_some(())
        })?;
        Ok(origin)
    };
    Ok(Servers {
        issuer: issuer_url,
        upstream: upstream_url,
        worker: origin(&mut server_child, &server, options.worker_port)?,
        delegated: origin(&mut delegated_child, &delegated, delegated_port)?,
        children: [issuer_child, upstream_child, server_child, delegated_child],
    })
}

/// What a server of `tollgate` says in its line of JSON when it is ready, and no other server does.
fn ready(log: &str, member: &str) -> Option<String> {
    log.lines()
        .filter(|line| line.starts_with('{'))
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find_map(|line| Some(line.get(member)?.as_str()?.to_owned()))
}

/// Runs an example; issuer and API follow as arguments.
fn worker(
    work: &Workspace,
    tools: &Tools,
    example: &str,
    port: u16,
    folder: &Path,
) -> Result<Command, Failure> {
    require(
        &work
            .root
            .join(EXAMPLES)
            .join(example)
            .join("wrangler.jsonc"),
        "This part of the project is not there yet.",
    )?;
    let mut worker = tools
        .node
        .script(work, work.root.join("xtask/js/demo/worker.mjs"));
    worker
        .args([example, &port.to_string()])
        .arg(folder.join(example));
    Ok(worker)
}

/// Waits until a server's log says that it is ready.
fn wait_for<T>(
    step: &Step<'_>,
    child: &mut Guarded,
    command: &Command,
    ready: impl Fn(&str) -> Option<T>,
) -> Result<T, Failure> {
    let started = Instant::now();
    loop {
        let log = fs::read_to_string(step.log_path()).unwrap_or_default();
        if let Some(found) = ready(&log) {
            return Ok(found);
        }
        let ending = match child.try_wait().map_err(Failure::io("watch a server"))? {
            Some(status) => Ending::Status(status),
            None if started.elapsed() > START_LIMIT => Ending::TimedOut(START_LIMIT),
            None => {
                thread::sleep(Duration::from_millis(50));
                continue;
            }
        };
        return Err(Failure::Command {
            line: line(command),
            ending,
        });
    }
}

fn walk(work: &Workspace, tools: &Tools, servers: &Servers) -> Command {
    let mut walk = tools
        .node
        .script(work, work.root.join("xtask/js/demo/walk.mjs"));
    let Servers {
        worker,
        delegated,
        upstream,
        issuer,
        ..
    } = servers;
    walk.args([worker, delegated, upstream, issuer])
        .stdin(Stdio::null())
        .env(
            "TOLLGATE_COLOUR",
            if work.progress.colour() { "1" } else { "0" },
        );
    walk
}

fn goodbye(work: &Workspace, servers: &Servers) {
    let Servers { worker, issuer, .. } = servers;
    let bold = |text: &str| work.progress.paint("1", text);
    println!(
        "\n{}\n\n  TOKEN=$(curl -s {issuer}/token -u demo:demo-secret -d grant_type=client_credentials \\\n    \
         -d 'scope=mcp:read mcp:write' -d resource={worker}/mcp | sed 's/.*\"access_token\":\"//; s/\".*//')\n  \
         curl -i {worker}/mcp -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\\n    \
         -H 'Accept: application/json, text/event-stream' \\\n    \
         -d '{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}}'\n  \
         curl -X POST {issuer}/admin/rotate\n  \
         curl {issuer}/admin/stats\n  \
         curl {issuer}/admin/audit\n\n\
         The Workers' sources are {EXAMPLES}/{SERVER} and {EXAMPLES}/{DELEGATED}. Ctrl-C stops all.",
        bold("All go on running. Try:"),
    );
}
