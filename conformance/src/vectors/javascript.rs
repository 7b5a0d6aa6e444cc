//! Runs vectors in the JavaScript hosts: `workers/vectors/serve.mjs`, with one line of JSON per
//! request and response.

use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::{Answer, Check};
use crate::target::node;
use crate::workspace;

const SCRIPT: &str = "conformance/workers/vectors/serve.mjs";

/// Host, signatures, and the name of the combination.
const WAYS: [(&str, &str, &str); 4] = [
    ("node", "own", "Node, own"),
    ("node", "lent", "Node, lent"),
    ("workerd", "own", "workerd, own"),
    ("workerd", "lent", "workerd, lent"),
];

/// Checks in one request: some 100 KB of JSON, and a second or two of signatures.
const AT_ONCE: usize = 250;

/// For one request, the first of which transpiles two components.
const PATIENCE: Duration = Duration::from_secs(180);

/// A process of Node's with both hosts in it. It ends with this: it watches its standard input.
pub(super) struct JavaScript {
    requests: ChildStdin,
    responses: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Response {
    Answers(Vec<Answer>),
    Problem(String),
}

impl JavaScript {
    pub(super) async fn start() -> Result<Self, String> {
        let root = workspace();
        let mut child = Command::new(node())
            .arg(root.join(SCRIPT))
            .current_dir(&root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                format!("Node does not start; run `cargo xtask build` first: {error}")
            })?;
        let requests = child.stdin.take().ok_or("no standard input")?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        Ok(Self {
            requests,
            responses: BufReader::new(stdout).lines(),
            _child: child,
        })
    }

    /// The result of each variant for each check.
    pub(super) async fn answers(
        &mut self,
        checks: &[&Check],
    ) -> Result<Vec<(&'static str, Vec<Answer>)>, String> {
        let mut ways = Vec::new();
        for (host, signatures, name) in WAYS {
            let mut answers = Vec::new();
            for checks in checks.chunks(AT_ONCE) {
                let request = json!({ "host": host, "signatures": signatures, "checks": checks });
                let part = self.ask(&format!("{request}\n")).await;
                let part = part.map_err(|problem| format!("{name}: {problem}"))?;
                if part.len() != checks.len() {
                    return Err(format!("{name}: not an answer for each check"));
                }
                answers.extend(part);
            }
            ways.push((name, answers));
        }
        Ok(ways)
    }

    async fn ask(&mut self, request: &str) -> Result<Vec<Answer>, String> {
        let written = self.requests.write_all(request.as_bytes()).await;
        written.map_err(|error| format!("{SCRIPT} does not read: {error}"))?;
        let line = tokio::time::timeout(PATIENCE, self.responses.next_line()).await;
        let line = line.map_err(|_| format!("{SCRIPT} did not answer in time"))?;
        let line = line.map_err(|error| error.to_string())?;
        let line = line.ok_or_else(|| format!("{SCRIPT} ended; see above"))?;
        match serde_json::from_str(&line) {
            Ok(Response::Answers(answers)) => Ok(answers),
            Ok(Response::Problem(problem)) => Err(problem),
            Err(error) => Err(format!("{SCRIPT} answered something else: {error}")),
        }
    }
}
