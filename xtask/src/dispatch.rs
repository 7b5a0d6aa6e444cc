//! Commands that other parts of the project carry out; here they get what they need.

use std::process::Command;

use crate::{
    child::line,
    dist::{self, Component, Tools},
    failure::{Ending, Failure},
    rust_worker,
    workspace::{NATIVE, Workspace},
};

/// Measures, and checks the bars.
///
/// # Errors
/// When a build fails, or a bar is missed.
pub(crate) fn bench(work: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let tools = dist::set_up(work)?;
    dist::shipped(work, &tools)?;
    dist::package(work, &tools)?;
    let native = work.progress.step("bench-native", |step| {
        let mut cargo = work.cargo(&["build", "--release", "-p", "tollgate-bench"]);
        dist::tell(work, &mut cargo);
        step.run(&cargo)?;
        Ok(work.root.join("target/release/tollgate-bench"))
    })?;
    let mut node = tools.node.script(work, work.root.join("bench/run.mjs"));
    node.arg("--npm").arg(work.dist().join("npm/tollgate"));
    node.arg("--component")
        .arg(work.dist().join(Component::Gate.file()));
    node.arg("--native").arg(native);
    node.arg("--standalone")
        .arg(work.dist().join(Component::Standalone.file()));
    node.arg("--out").arg(work.root.join("target/bench.json"));
    node.arg("--svg").arg(work.root.join("target/bench.svg"));
    node.args(arguments);
    hand_over(work, &tools, node)
}

/// Runs the requirements against every host.
///
/// # Errors
/// When a build fails, or a requirement does not hold.
pub(crate) fn conformance(work: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let tools = dist::set_up(work)?;
    dist::build(work, &tools)?;
    work.progress
        .step("rust-worker-tools", |step| rust_worker::ensure(work, step))?;
    let mut build = work.cargo(&["build", "--bins"]);
    build.args(NATIVE);
    dist::tell(work, &mut build);
    work.progress.step("runner", |step| step.run(&build))?;
    let mut conformance = work.command(work.root.join("target/debug/conformance"));
    conformance.args(arguments);
    hand_over(work, &tools, conformance)
}

/// Runs a command that talks to the terminal itself.
fn hand_over(work: &Workspace, tools: &Tools, mut command: Command) -> Result<(), Failure> {
    dist::tell(work, &mut command);
    rust_worker::apply(work, tools, &mut command);
    let status = command
        .status()
        .map_err(Failure::io(format!("start {}", line(&command))))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::Command {
        line: line(&command),
        ending: Ending::Status(status),
    })
}
