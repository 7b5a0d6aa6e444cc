//! The formatters, rustfmt and Biome, and Biome's linter for JavaScript and TypeScript.

use std::process::Command;

use crate::{
    failure::Failure,
    node::{self, Node},
    progress::Step,
    workspace::{MANIFESTS, Workspace},
};

/// `cargo xtask fmt`: formats the whole tree.
///
/// # Errors
/// When a formatter cannot run, or a file does not parse.
pub(crate) fn command(work: &Workspace) -> Result<(), Failure> {
    work.progress
        .step("rustfmt", |step| rustfmt(work, step, &[]))?;
    let node = work.progress.step("npm", |step| node::ensure(work, step))?;
    work.progress.step("biome", |step| {
        step.run(biome(work, &node).args(["format", "--write"]))
    })
}

/// Checks that the Rust sources are formatted.
///
/// # Errors
/// When one is not.
pub(crate) fn rust(work: &Workspace, step: &Step<'_>) -> Result<(), Failure> {
    let result = rustfmt(work, step, &["--check"]);
    if result.is_err() {
        step.note("`cargo xtask fmt` formats them");
    }
    result
}

/// Checks that the JavaScript and TypeScript sources are formatted and pass the linter.
///
/// # Errors
/// When one is not, or does not.
pub(crate) fn javascript(work: &Workspace, step: &Step<'_>, node: &Node) -> Result<(), Failure> {
    let result = step.run(biome(work, node).args(["ci", "--error-on-warnings", "--colors=off"]));
    if result.is_err() {
        step.note("`cargo xtask fmt` formats them");
    }
    result
}

fn rustfmt(work: &Workspace, step: &Step<'_>, arguments: &[&str]) -> Result<(), Failure> {
    let mut result = Ok(());
    for manifest in MANIFESTS {
        let mut cargo = work.cargo(&["fmt", "--all", "--manifest-path", manifest]);
        result = result.and(step.run(cargo.args(arguments)));
    }
    result
}

fn biome(work: &Workspace, node: &Node) -> Command {
    node.script(
        work,
        work.root.join("node_modules/@biomejs/biome/bin/biome"),
    )
}
