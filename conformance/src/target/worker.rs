//! A server in its own Node process: a Worker in workerd.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::workspace;

/// Bundling a Rust Worker compiles it.
const PATIENCE: Duration = Duration::from_secs(540);

/// A running server. It ends with this, and with this process: it watches its standard input.
pub(crate) struct Worker {
    pub(crate) authority: String,
    _child: Child,
}

impl Worker {
    /// Runs a script of the workspace, which prints `listening on <authority>` when it is ready.
    pub(crate) async fn start(script: &str, arguments: &[&str]) -> Result<Self, String> {
        let root = workspace();
        let mut child = Command::new(node())
            .arg(root.join(script))
            .args(arguments)
            .current_dir(&root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                format!("Node does not start; run `cargo xtask build` first: {error}")
            })?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        let listening = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(authority) = line.strip_prefix("listening on ") {
                    return Some(authority.to_owned());
                }
            }
            None
        };
        let authority = tokio::time::timeout(PATIENCE, listening)
            .await
            .map_err(|_| format!("{script} did not start in time"))?
            .ok_or_else(|| format!("{script} ended before it listened; see above"))?;
        // Nobody reads on, and a full pipe would stop the server.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self {
            authority,
            _child: child,
        })
    }
}

/// The Node of the workspace, otherwise the one on the path.
pub(crate) fn node() -> PathBuf {
    let own = workspace().join("node_modules/.bin/node");
    if own.exists() {
        own
    } else {
        PathBuf::from("node")
    }
}
