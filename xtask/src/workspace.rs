//! Where things are, and commands that run there.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{failure::Failure, progress::Progress};

/// The workspace and the place where its progress is shown.
pub(crate) struct Workspace {
    /// The repository.
    pub root: PathBuf,
    /// Where steps report.
    pub progress: Progress,
}

impl Workspace {
    /// The workspace that this program was built from.
    pub(crate) fn open() -> Self {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = own.parent().unwrap_or(own).to_owned();
        let progress = Progress::new(&root);
        Self { root, progress }
    }

    /// `target/dist`, where the artifacts are left.
    pub(crate) fn dist(&self) -> PathBuf {
        self.root.join("target/dist")
    }

    /// `target/xtask`, where this program keeps its own things.
    pub(crate) fn own(&self) -> PathBuf {
        self.root.join("target/xtask")
    }

    /// Waits until no other run of this program makes artifacts, and keeps others waiting until
    /// what it returns is dropped.
    ///
    /// # Errors
    /// When the lock's file cannot be made.
    pub(crate) fn alone(&self) -> Result<File, Failure> {
        fs::create_dir_all(self.own()).map_err(Failure::io("create target/xtask"))?;
        let lock = File::create(self.own().join("lock")).map_err(Failure::io("make a lock"))?;
        lock.lock().map_err(Failure::io("take a lock"))?;
        Ok(lock)
    }

    /// A command that starts at the root, without what `cargo run` put into the environment for
    /// this program: children would take it for their own.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        command.env_remove("CARGO").env_remove("LD_LIBRARY_PATH");
        // One place for all builds, whatever the caller's is: artifacts are looked for there.
        command.env("CARGO_TARGET_DIR", self.root.join("target"));
        command
    }

    /// `cargo` with colours as wanted.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = self.command("cargo");
        command.args(arguments);
        command
    }
}

/// The manifests of the project's workspaces: Rust Workers and fuzz targets have their own lock
/// files.
pub(crate) const MANIFESTS: [&str; 3] = [
    "Cargo.toml",
    "host-worker/Cargo.toml",
    "component/fuzz/Cargo.toml",
];

/// What native builds choose, always together: cargo decides about features of shared dependencies
/// by the packages that are chosen, and with one alone it would build wasmtime once more.
pub(crate) const NATIVE: [&str; 10] = [
    "-p",
    "tollgate",
    "-p",
    "tollgate-sqlite",
    "-p",
    "tollgate-cli",
    "-p",
    "tollgate-dev",
    "-p",
    "conformance",
];

/// What a quick command prints, or `None` when it is not there or fails.
pub(crate) fn answer(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// What has to be there, with a sentence for when it is not.
///
/// # Errors
/// [`Failure::Needs`] when `path` does not exist.
pub(crate) fn require(path: &Path, next: &str) -> Result<(), Failure> {
    if path.exists() {
        return Ok(());
    }
    Err(Failure::Needs {
        what: format!("{} is missing.", path.display()),
        next: next.to_owned(),
    })
}
