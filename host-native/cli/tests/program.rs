//! The programs `tollgate dev-issuer` and `tollgate dev-upstream`, as processes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

fn tollgate(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command
        .arg(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command.stderr(Stdio::piped());
    command
}

/// The line that a program prints when it is ready. It ends when its standard input is closed.
fn ready(program: &str, arguments: &[&str]) -> Value {
    let mut child = tollgate(program, arguments).spawn().expect("it starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    let ready: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(ready["pid"], child.id());
    drop(child.stdin.take());
    assert!(child.wait().expect("it ends").success());
    ready
}

#[test]
fn the_programs_report_readiness_and_end_with_their_parent() {
    let arguments = [
        "--port",
        "0",
        "--publish",
        "ES256",
        "--client",
        "worker-key=http://127.0.0.1:8787/.well-known/jwks.json",
        "--allow-exchange",
        "upstream-only=http://127.0.0.1:9500",
        "--allow-exchange",
        "worker-key=urn:x",
        "--until-stdin-closes",
    ];
    let issuer = ready("dev-issuer", &arguments);
    let url = |ready: &Value| format!("http://127.0.0.1:{}", ready["port"]);
    assert_eq!(issuer["issuer"], url(&issuer));

    let arguments = ["--port", "0", "--until-stdin-closes"];
    let upstream = ready("dev-upstream", &arguments);
    assert_eq!(upstream["url"], url(&upstream));
    assert_eq!(upstream["resource"], url(&upstream));
    let arguments = ["--port", "0", "--resource", "urn:x", "--until-stdin-closes"];
    assert_eq!(ready("dev-upstream", &arguments)["resource"], "urn:x");
}

#[test]
fn invalid_arguments_fail_with_a_message() {
    for (program, arguments, sentence) in [
        (
            "dev-issuer",
            &["--host", "0.0.0.0"][..],
            "listen on 127.0.0.1",
        ),
        (
            "dev-issuer",
            &["--issuer", "nonsense"],
            "the issuer must be",
        ),
        ("dev-issuer", &["--alg", "HS256"], "must be one of ES256"),
        ("dev-issuer", &["--client", "worker-key"], "ID=JWKS_URI"),
        (
            "dev-issuer",
            &["--client", "worker-key=https://a.example/"],
            "jwks_uri must be",
        ),
        (
            "dev-issuer",
            &["--allow-exchange", "demo"],
            "CLIENT=RESOURCE",
        ),
        (
            "dev-issuer",
            &["--port", "0", "--allow-exchange", "nobody=urn:x"],
            "must be registered first",
        ),
        (
            "dev-upstream",
            &["--port", "0", "--issuer", "nonsense"],
            "cannot protect the API: issuers[0].issuer",
        ),
    ] {
        let output = tollgate(program, arguments).output().expect("it starts");
        assert!(!output.status.success(), "{arguments:?}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains(sentence), "{arguments:?}: {text}");
    }
}
