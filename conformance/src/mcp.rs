//! The server scenarios of `@modelcontextprotocol/conformance`, against the example MCP server.
//!
//! The example's own test runs the tool and compares the results with `conformance-baseline.json`
//! beside it, which says for every scenario why it applies or not. An outdated entry is an error
//! too.

use std::collections::BTreeMap;
use std::process::Stdio;

use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::target::node;
use crate::workspace;

const TEST: &str = "host-worker/examples/test/mcp-conformance.test.mjs";
/// The file with the test's results.
const RESULTS: &str = "target/mcp-conformance.json";

/// The result of one scenario.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ScenarioResult {
    #[serde(default)]
    pub(crate) revision: String,
    pub(crate) scenario: String,
    pub(crate) applies: bool,
    /// Checks that passed.
    pub(crate) passed: usize,
    /// Differences from the baseline.
    pub(crate) problems: Vec<String>,
    /// Why it does not apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// Runs them all, by revision and name.
pub(crate) async fn run() -> Result<Vec<ScenarioResult>, String> {
    let root = workspace();
    let results = root.join(RESULTS);
    let _ = std::fs::remove_file(&results);
    let output = Command::new(node())
        .arg("--test")
        .arg(root.join(TEST))
        .env("TOLLGATE_MCP_CONFORMANCE", &results)
        .current_dir(&root)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| format!("{TEST} does not start: {error}"))?;
    let text = std::fs::read(&results).map_err(|error| {
        let said = String::from_utf8_lossy(&output.stdout);
        format!("{TEST} left no results: {error}\n{said}")
    })?;
    let by_revision: BTreeMap<String, Vec<ScenarioResult>> =
        serde_json::from_slice(&text).map_err(|error| format!("{RESULTS}: {error}"))?;
    let mut all: Vec<ScenarioResult> = Vec::new();
    for (revision, scenarios) in by_revision {
        all.extend(scenarios.into_iter().map(|mut result| {
            result.revision.clone_from(&revision);
            result
        }));
    }
    all.sort_by(|a, b| (&a.revision, &a.scenario).cmp(&(&b.revision, &b.scenario)));
    Ok(all)
}
