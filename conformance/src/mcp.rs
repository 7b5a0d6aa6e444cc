//! The server scenarios of `@modelcontextprotocol/conformance`, against the example MCP server.

use std::path::Path;
use std::process::Stdio;

use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::target::node;
use crate::workspace;

/// Runs the scenarios and leaves [`ScenarioResult`]s as JSON in the file that is its argument.
const SCRIPT: &str = "host-worker/examples/test/mcp-conformance.mjs";

/// How one scenario went.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ScenarioResult {
    pub(crate) name: String,
    /// Checks that passed and that failed.
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// Why it is known to fail, from the baseline.
    #[serde(default)]
    pub(crate) expected_failure: Option<String>,
}

impl ScenarioResult {
    /// Passes and should, or fails and is known to. A baseline that is out of date is a failure.
    pub(crate) fn is_as_expected(&self) -> bool {
        (self.failed > 0) == self.expected_failure.is_some()
    }

    /// In words.
    pub(crate) fn verdict(&self) -> String {
        match (self.failed > 0, &self.expected_failure) {
            (false, None) => "yes".to_owned(),
            (true, Some(reason)) => format!("yes, known to fail: {reason}"),
            (true, None) => "no, fails".to_owned(),
            (false, Some(_)) => "no, passes though the baseline says that it fails".to_owned(),
        }
    }
}

/// Runs them all.
pub(crate) async fn run() -> Result<Vec<ScenarioResult>, String> {
    let root = workspace();
    let output = root.join("target/mcp-conformance.json");
    let _ = std::fs::remove_file(&output);
    let status = Command::new(node())
        .arg(root.join(SCRIPT))
        .arg(&output)
        .current_dir(&root)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await
        .map_err(|error| format!("{SCRIPT} does not start: {error}"))?;
    read(&output).map_err(|error| format!("{SCRIPT} ({status}) left no result: {error}"))
}

/// Whether there is anything to run.
pub(crate) fn exists() -> bool {
    workspace().join(SCRIPT).exists()
}

fn read(file: &Path) -> Result<Vec<ScenarioResult>, String> {
    let text = std::fs::read(file).map_err(|error| error.to_string())?;
    let mut results: Vec<ScenarioResult> =
        serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    results.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(results)
}
