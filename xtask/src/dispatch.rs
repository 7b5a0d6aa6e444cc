//! Commands that other parts of the project carry out; here they get what they need.

use std::process::Command;

use crate::{
    child::line,
    dist::{self, Flavour, Tools},
    failure::{Ending, Failure},
    rust_worker,
    workspace::{Workspace, require},
};

/// Measures, and checks the bars.
///
/// # Errors
/// When a build fails, or a bar is missed.
pub(crate) fn bench(work: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let tools = dist::set_up(work)?;
    dist::component(work, &tools, Flavour::Gate)?;
    dist::package(work, &tools)?;
    let script = work.root.join("bench/run.mjs");
    require(&script, "This part of the project is not there yet.")
        .inspect_err(|failure| work.progress.complain(failure))?;
    let mut node = tools.node.script(work, script);
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
    let mut cargo = work.cargo(&["run", "--quiet", "-p", "conformance", "--"]);
    cargo.args(arguments);
    hand_over(work, &tools, cargo)
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
