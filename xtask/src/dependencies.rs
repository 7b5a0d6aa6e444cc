//! `cargo deny`: licenses, sources and known faults of the crates that are used. Its rules are in
//! `deny.toml`.

use std::process::Command;

use crate::{
    failure::Failure,
    progress::Step,
    rust_worker::install,
    workspace::{MANIFESTS, Workspace},
};

const CARGO_DENY: &str = "0.20.2";

/// Licenses, banned crates and where crates come from.
///
/// # Errors
/// When a crate is not allowed, or `cargo deny` cannot be installed.
pub(crate) fn deny(work: &Workspace, step: &Step<'_>) -> Result<(), Failure> {
    install(work, step, "cargo-deny", CARGO_DENY, &["--locked"])?;
    for manifest in MANIFESTS {
        let check = ["check", "bans", "licenses", "sources"];
        step.run(cargo_deny(work, manifest).args(check))?;
    }
    Ok(())
}

/// Known faults, by the database of RustSec.
///
/// # Errors
/// When a crate has one, when `cargo deny` cannot be installed, or the database cannot be fetched.
pub(crate) fn advisories(work: &Workspace, step: &Step<'_>) -> Result<(), Failure> {
    install(work, step, "cargo-deny", CARGO_DENY, &["--locked"])?;
    let [first, ..] = MANIFESTS;
    step.run(cargo_deny(work, first).args(["fetch", "db"]))
        .map_err(|_| Failure::NotRun {
            reason: "The database of advisories could not be fetched.".to_owned(),
            next: "Run this where github.com/RustSec/advisory-db can be reached.".to_owned(),
        })?;
    for manifest in MANIFESTS {
        let mut check = cargo_deny(work, manifest);
        // Fetched above.
        check.args(["check", "--disable-fetch", "advisories"]);
        step.run(&check)?;
    }
    Ok(())
}

fn cargo_deny(work: &Workspace, manifest: &str) -> Command {
    let mut deny = work.command(work.root.join("target/tools/bin/cargo-deny"));
    deny.args(["--all-features", "--manifest-path", manifest, "--config"])
        .arg(work.root.join("deny.toml"));
    deny
}
