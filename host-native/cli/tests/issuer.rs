//! The program `tollgate issuer`, as a process.

#[path = "../../tollgate/tests/issuer/browser.rs"]
mod browser;

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use browser::Demo;
use reqwest::StatusCode;
use serde_json::Value;
use tempfile::TempDir;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn tollgate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.arg("issuer").args(arguments);
    command.env("TOLLGATE_TEST_SECRET", SECRET);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn output(arguments: &[&str]) -> (bool, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = tollgate(arguments).output().expect("it starts");
    let text = [stdout, stderr].concat();
    (
        status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// A folder with a configuration and, later, a database. All of them share a cache of machine code.
struct Site {
    folder: TempDir,
    port: u16,
}

impl Site {
    fn new() -> Self {
        Self::with("")
    }

    /// `more` is added to the table `server`.
    fn with(more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // Free now. The issuer's URL must be the same after a restart.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("machine-code");
        let text = format!(
            r#"
issuer = "http://127.0.0.1:{port}"
secrets = ["env:TOLLGATE_TEST_SECRET"]
sign-in.development-users = ["alice", "bob"]

[[clients]]
id = "demo"
name = "Demo"
redirect-uris = ["http://127.0.0.1/callback"]
grant-types = ["authorization_code", "refresh_token"]

[server]
listen = "127.0.0.1:{port}"
admin-listen = "127.0.0.1:0"
database = "issuer.db"
cache = {cache:?}
{more}
"#
        );
        std::fs::write(folder.path().join("issuer.toml"), text).expect("written");
        Self { folder, port }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self) -> String {
        self.path("issuer.toml").to_str().expect("UTF-8").to_owned()
    }

    fn start(&self) -> Running {
        Running::start(tollgate(&["--config", &self.config()]))
    }

    fn demo(&self) -> Demo {
        Demo::new(&format!("http://127.0.0.1:{}", self.port))
    }
}

/// A running issuer, which is killed when this is dropped.
struct Running {
    child: Child,
    ready: Value,
    log: Option<thread::JoinHandle<String>>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("it starts");
        let mut stderr = child.stderr.take().expect("piped");
        let log = thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let Ok(ready) = serde_json::from_str(&line) else {
            panic!("it did not start: {}", log.join().expect("its log"));
        };
        Self {
            child,
            ready,
            log: Some(log),
        }
    }

    fn admin(&self, path: &str) -> String {
        format!(
            "http://{}{path}",
            self.ready["admin"].as_str().expect("an address")
        )
    }

    #[cfg(unix)]
    fn ask_to_stop(&self) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(asked.expect("kill").success());
    }

    /// Asks it to stop, and returns its log.
    #[cfg(unix)]
    fn stop(mut self) -> String {
        self.ask_to_stop();
        assert!(self.child.wait().expect("it ends").success());
        let log = self.log.take().expect("not taken yet");
        log.join().expect("its log")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn get(demo: &Demo, url: &str) -> (StatusCode, String) {
    let response = demo.http().get(url).send().await.expect("an answer");
    (response.status(), response.text().await.expect("text"))
}

#[test]
fn a_configuration_is_checked_with_a_sentence_that_helps() {
    let site = Site::new();
    let (passed, text) = output(&["check", "--config", &site.config()]);
    assert!(passed, "{text}");
    assert!(text.contains("can be used"), "{text}");
    assert!(!site.path("issuer.db").exists(), "nothing is opened");

    let good = std::fs::read_to_string(site.config()).expect("read");
    for (change, to, sentence) in [
        (
            "[server]",
            "[server]\nlisten-on = 1",
            "server.listen-on: there is no such option",
        ),
        ("\nlisten =", "\nlistne =", "did you mean \"listen\"?"),
        (
            "redirect-uris",
            "redirect-uri",
            "clients[0].redirect-uri: there is no such option: did you mean \"redirect-uris\"?",
        ),
        (
            "env:TOLLGATE_TEST_SECRET",
            "hunter2-hunter2-hunter2-hunter2-hunter2",
            "secrets[0]: a configuration file contains no secrets: write \"env:NAME\"",
        ),
        (
            "env:TOLLGATE_TEST_SECRET",
            "env:TOLLGATE_TEST_OTHER",
            "\"TOLLGATE_TEST_OTHER\" is not set",
        ),
        (
            "http://127.0.0.1:",
            "https://auth.example.com:",
            "sign-in.development-users: anybody could sign in",
        ),
        ("issuer.db", "not-there/issuer.db", "create it"),
        ("\nissuer =", "\nissuer", "line 2: this is not TOML"),
    ] {
        let text = good.replacen(change, to, 1);
        assert_ne!(text, good, "{change}");
        std::fs::write(site.config(), text).expect("written");
        let (passed, text) = output(&["check", "--config", &site.config()]);
        assert!(!passed, "{to}");
        assert!(text.contains(sentence), "{to}: {text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    let (passed, text) = output(&["--config", "/not/there.toml"]);
    assert!(!passed && text.contains("--config"), "{text}");
    let (passed, text) = output(&["--dev", "--listen", "0.0.0.0:0"]);
    assert!(!passed && text.contains("listen on 127.0.0.1"), "{text}");
}

#[tokio::test]
async fn a_development_issuer_needs_no_configuration() {
    let arguments = ["--dev", "--listen", "127.0.0.1:0", "--log-format", "json"];
    let running = Running::start(tollgate(&arguments));
    let issuer = running.ready["issuer"].as_str().expect("a URL");
    let tokens = Demo::new(issuer).tokens("bob").await;
    assert!(tokens["access_token"].is_string(), "{tokens}");
    #[cfg(unix)]
    {
        let log = running.stop();
        let lines = log.lines();
        let lines: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let is_issued = |line: &Value| line["kind"] == "tokens-issued";
        assert_eq!(
            lines.iter().filter(|line| is_issued(line)).count(),
            1,
            "{log}"
        );
        let requests = lines.iter().filter(|line| line["status"] == 200);
        assert!(requests.count() >= 4, "{log}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_running_request_is_answered_before_it_stops() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let site = Site::new();
    let mut running = site.start();
    let address = ("127.0.0.1", site.port);
    let mut stream = tokio::net::TcpStream::connect(address)
        .await
        .expect("a connection");
    let head = "POST /token HTTP/1.1\r\nhost: a\r\ncontent-length: 12\r\n\
                content-type: application/x-www-form-urlencoded\r\n\r\ngrant_";
    stream.write_all(head.as_bytes()).await.expect("sent");
    tokio::time::sleep(Duration::from_millis(300)).await;
    running.ask_to_stop();
    // Nobody is accepted any more.
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stream.write_all(b"type=x").await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.contains("unsupported_grant_type"), "{answer}");
    assert!(running.child.wait().expect("it ends").success());
}

#[cfg(unix)]
#[tokio::test]
async fn it_serves_administers_and_stops() {
    let site = Site::with("trust-forwarded-for = true");
    let running = site.start();
    let demo = site.demo();
    assert_eq!(
        get(&demo, &running.admin("/healthz")).await.0,
        StatusCode::OK
    );
    let (status, text) = get(&demo, &running.admin("/readyz")).await;
    assert_eq!(status, StatusCode::OK, "{text}");

    let tokens = demo.tokens("alice").await;
    let other = demo.tokens("alice").await;
    let refresh = |tokens: &Value| {
        tokens["refresh_token"]
            .as_str()
            .expect("a token")
            .to_owned()
    };
    let forwarded = demo.http().get(demo.url("/jwks?code=query-is-secret"));
    let forwarded = forwarded.header("x-forwarded-for", "198.51.100.1, 198.51.100.2");
    forwarded.send().await.expect("an answer");
    let (status, _) = demo
        .refresh("nonsense\r\ninjected")
        .await
        .expect("an answer");
    assert_eq!(status, StatusCode::BAD_REQUEST);

    let (_, metrics) = get(&demo, &running.admin("/metrics")).await;
    for line in [
        "tollgate_issuer_events_total{kind=\"tokens-issued\",grant_type=\"authorization_code\"} 2",
        "tollgate_issuer_requests_in_flight 0",
        "tollgate_issuer_connections 1",
        "tollgate_issuer_instance_failures_total 0",
        "tollgate_issuer_requests_total{status=\"200\",reason=\"\"}",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }

    // While it runs: another process lists and revokes, and this one knows.
    let config = site.config();
    let (passed, text) = output(&["grants", "list", "--config", &config, "--user", "alice"]);
    assert!(passed, "{text}");
    let grants: Vec<Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert_eq!(grants.len(), 2, "{text}");
    let revoke = ["grants", "revoke", "--config", &config, "--user", "alice"];
    let id = grants[0]["id"].as_str().expect("an id");
    let (passed, text) = output(&[&revoke[..], &["--grant", id]].concat());
    assert!(passed && text.contains("Revoked grants: 1"), "{text}");
    let mut alive = 0;
    for tokens in [&tokens, &other] {
        let (status, _) = demo.refresh(&refresh(tokens)).await.expect("an answer");
        alive += u32::from(status == StatusCode::OK);
    }
    assert_eq!(alive, 1);

    let clients = ["clients", "create", "--config", &config, "--name", "Notes"];
    let (passed, text) =
        output(&[&clients[..], &["--redirect-uri", "https://a.example/"]].concat());
    assert!(passed, "{text}");
    let created = text
        .lines()
        .find_map(|line| serde_json::from_str::<Value>(line).ok());
    let created = created.expect("a client");
    let id = created["client_id"].as_str().expect("an id");
    let client_secret = created["client_secret"].as_str().expect("a secret");
    let form = [
        ("client_id", id),
        ("client_secret", client_secret),
        ("grant_type", "client_credentials"),
    ];
    let (_, answer) = demo.post("/token", &form).await.expect("an answer");
    assert_eq!(
        answer["error"], "unauthorized_client",
        "the running issuer knows it"
    );
    let (passed, text) = output(&["clients", "list", "--config", &config]);
    assert!(
        passed && text.contains(id) && !text.contains(client_secret),
        "{text}"
    );
    let (passed, text) = output(&["clients", "delete", "--config", &config, "--id", id]);
    assert!(passed, "{text}");
    let (_, answer) = demo.post("/token", &form).await.expect("an answer");
    assert_eq!(answer["error"], "invalid_client");

    let copy = site.path("copy.db");
    let backup = [
        "backup",
        "--config",
        &config,
        "--to",
        copy.to_str().expect("UTF-8"),
    ];
    let (passed, text) = output(&backup);
    assert!(passed && copy.exists(), "{text}");
    let (passed, text) = output(&backup);
    assert!(!passed && text.contains("Choose another name"), "{text}");

    let (passed, text) = output(&revoke);
    assert!(passed && text.contains("Revoked grants: 1"), "{text}");

    let log = running.stop();
    assert!(log.contains("unknown") || log.contains("reason="), "{log}");
    assert!(log.contains("tokens-issued"), "{log}");
    assert!(log.contains("client=198.51.100.2"), "{log}");
    for secret in [
        refresh(&tokens).as_str(),
        tokens["access_token"].as_str().expect("a token"),
        SECRET,
        "query-is-secret",
        "injected",
    ] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }

    // The backup is a database like any other.
    std::fs::rename(&copy, site.path("issuer.db")).expect("renamed");
    for end in ["issuer.db-wal", "issuer.db-shm"] {
        let _ = std::fs::remove_file(site.path(end));
    }
    let (passed, text) = output(&["grants", "list", "--config", &config, "--user", "alice"]);
    assert!(passed, "{text}");
    assert_eq!(
        text.lines().filter(|line| line.starts_with('{')).count(),
        1,
        "{text}"
    );
}

#[tokio::test]
async fn a_client_that_sends_nothing_is_disconnected() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    // Each has to wait for the one before.
    let site = Site::with("read-timeout = 1\nconnections = 1");
    let _running = site.start();
    let address = ("127.0.0.1", site.port);
    let connect = || tokio::net::TcpStream::connect(address);
    let _idle = connect().await.expect("a connection");
    for sent in ["", "POST /token HTTP/1.1\r\nhost: a\r\n"] {
        let mut stream = connect().await.expect("a connection");
        stream.write_all(sent.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer);
        let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
        assert!(ended.is_ok(), "still open after {sent:?}");
    }
    // A head that is too long.
    let long = format!(
        "GET /jwks HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
        "a".repeat(200_000)
    );
    let mut stream = connect().await.expect("a connection");
    let _ = stream.write_all(long.as_bytes()).await;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 431");
}

#[tokio::test]
async fn another_secret_does_not_open_a_database() {
    let site = Site::new();
    let running = site.start();
    site.demo().tokens("alice").await;
    drop(running);
    let mut command = tollgate(&[
        "grants",
        "list",
        "--config",
        &site.config(),
        "--user",
        "alice",
    ]);
    command.env(
        "TOLLGATE_TEST_SECRET",
        "another-secret-another-secret-another",
    );
    let output = command.output().expect("it starts");
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("does not open this database"), "{text}");
}

/// What a client was answered last.
#[derive(Clone)]
enum Known {
    Alive(String),
    /// The answer to a revocation may be lost.
    Revoking,
    Revoked(String),
}

/// Signs in again and again, refreshes, and revokes every third grant, until the issuer is gone.
async fn client(demo: Demo, known: Arc<Mutex<Vec<Known>>>, stop: Arc<AtomicBool>) {
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let Ok(code) = demo.try_code("alice").await else {
            return;
        };
        let Ok((StatusCode::OK, tokens)) = demo.redeem(&code).await else {
            return;
        };
        let mut token = tokens["refresh_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        let index = {
            let mut known = known.lock().expect("no panic");
            known.push(Known::Alive(token.clone()));
            known.len() - 1
        };
        let set = |state| known.lock().expect("no panic")[index] = state;
        for _ in 0..3 {
            let Ok((StatusCode::OK, tokens)) = demo.refresh(&token).await else {
                return;
            };
            token = tokens["refresh_token"]
                .as_str()
                .expect("a token")
                .to_owned();
            set(Known::Alive(token.clone()));
        }
        if number % 3 == 2 {
            set(Known::Revoking);
            let form = [("client_id", "demo"), ("token", &token)];
            let Ok((StatusCode::OK, _)) = demo.post("/revoke", &form).await else {
                return;
            };
            set(Known::Revoked(token));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_issuer_loses_no_acknowledged_grant() {
    rounds(10).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes many minutes"]
async fn an_issuer_that_is_killed_200_times_loses_no_acknowledged_grant() {
    rounds(200).await;
}

async fn rounds(count: u64) {
    const CLIENTS: usize = 8;
    let site = Site::new();
    let (mut alive, mut revoked) = (0, 0);
    let mut running = site.start();
    for round in 0..count {
        let known: Arc<Mutex<Vec<Known>>> = Arc::default();
        let stop = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (known, stop) = (Arc::clone(&known), Arc::clone(&stop));
                tokio::spawn(client(site.demo(), known, stop))
            })
            .collect();
        // Under load: not before every client has a grant.
        while known.lock().expect("no panic").len() < CLIENTS {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(100 + (round * 137) % 700)).await;
        running.child.kill().expect("it runs");
        running.child.wait().expect("it ends");
        stop.store(true, Ordering::Relaxed);
        for client in clients {
            client.await.expect("no panic");
        }
        running = site.start();
        let demo = site.demo();
        let known = known.lock().expect("no panic").clone();
        for state in known {
            match state {
                Known::Alive(token) => {
                    let (status, answer) = demo.refresh(&token).await.expect("an answer");
                    assert_eq!(status, StatusCode::OK, "round {round}: {answer}");
                    alive += 1;
                }
                Known::Revoked(token) => {
                    let (status, answer) = demo.refresh(&token).await.expect("an answer");
                    let code = &answer["error"];
                    assert_eq!(
                        (status, code),
                        (StatusCode::BAD_REQUEST, &"invalid_grant".into())
                    );
                    revoked += 1;
                }
                Known::Revoking => {}
            }
        }
    }
    println!("{count} rounds: {alive} grants alive, {revoked} revoked");
    assert!(alive > 0 && revoked > 0);
}

/// The configuration in `docs/issuer.md`, with the secrets that it refers to.
#[test]
fn the_documented_configuration_can_be_used() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/issuer.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let (_, rest) = page.split_once("```toml\n").expect("a configuration");
    let (text, _) = rest.split_once("```").expect("its end");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("issuer.toml");
    std::fs::write(&file, text).expect("written");
    std::fs::write(folder.path().join("login-secret"), "hunter2").expect("written");
    let mut command = tollgate(&["check", "--config", file.to_str().expect("UTF-8")]);
    let output = command.env("TOLLGATE_SECRET", SECRET).output();
    let output = output.expect("it starts");
    let text = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&text)
    );
    // Each option of `server` is explained.
    for option in [
        "listen",
        "admin-listen",
        "database",
        "cache",
        "instances",
        "connections",
    ] {
        assert!(page.contains(&format!("| `{option}` |")), "{option}");
    }
}
