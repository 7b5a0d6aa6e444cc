//! The README, tried: its snippets run or compile, its commands exist.

use crate::{dist::Tools, failure::Failure, progress::Step, workspace::Workspace};

/// Runs `xtask/js/readme.test.mjs`, which says how each kind of block is tried.
///
/// # Errors
/// When the README promises what does not hold.
pub(crate) fn test(work: &Workspace, step: &Step<'_>, tools: &Tools) -> Result<(), Failure> {
    let mut test = tools.node.script(work, "--test");
    test.arg("xtask/js/readme.test.mjs")
        .env("TOLLGATE_NPM", work.dist().join("npm/tollgate"))
        .env("TOLLGATE_COMMANDS", crate::COMMANDS.join(" "));
    step.run(&test)
}
