//! The README and the page about migration, tried: their snippets run or compile, commands exist.

use crate::{counts, dist::Tools, failure::Failure, progress::Step, workspace::Workspace};

/// Runs `xtask/js/*.test.mjs`, which say how each kind of block is tried.
///
/// # Errors
/// When one of them promises what does not hold.
pub(crate) fn test(work: &Workspace, step: &Step<'_>, tools: &Tools) -> Result<(), Failure> {
    let mut test = counts::node_test(work, step, tools.node.script(work, "--test"));
    test.args(["xtask/js/readme.test.mjs", "xtask/js/migration.test.mjs"])
        .env("TOLLGATE_NPM", work.dist().join("npm/tollgate"))
        .env("TOLLGATE_COMMANDS", crate::COMMANDS.join(" "));
    step.run(&test)
}
