//! The program `tollgate dev-issuer`, as a process.

#![cfg(feature = "dev-issuer")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

fn tollgate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command
        .arg("dev-issuer")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command.stderr(Stdio::piped());
    command
}

#[test]
fn it_says_when_it_is_ready_and_ends_with_its_parent() {
    let arguments = ["--port", "0", "--publish", "ES256", "--until-stdin-closes"];
    let mut child = tollgate(&arguments).spawn().expect("it starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    let ready: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(ready["pid"], child.id());
    assert_eq!(
        ready["issuer"],
        format!("http://127.0.0.1:{}", ready["port"])
    );
    drop(child.stdin.take());
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn what_cannot_work_fails_with_a_sentence() {
    for (arguments, sentence) in [
        (&["--host", "0.0.0.0"][..], "listen on 127.0.0.1"),
        (&["--issuer", "nonsense"], "the issuer must be"),
        (&["--alg", "HS256"], "must be one of ES256"),
    ] {
        let output = tollgate(arguments).output().expect("it starts");
        assert!(!output.status.success(), "{arguments:?}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains(sentence), "{arguments:?}: {text}");
    }
}
