//! The README, the page about migration and what a release says, tried: snippets run or compile,
//! commands exist, versions agree.

use crate::{counts, dist::Tools, failure::Failure, progress::Step, workspace::Workspace};

const TESTS: [&str; 3] = [
    "xtask/js/readme.test.mjs",
    "xtask/js/migration.test.mjs",
    "xtask/js/release.test.mjs",
];

/// Runs `xtask/js/*.test.mjs`, which say how each kind of block is tried.
///
/// # Errors
/// When one of them promises what does not hold.
pub(crate) fn test(work: &Workspace, step: &Step<'_>, tools: &Tools) -> Result<(), Failure> {
    let mut test = counts::node_test(work, step, tools.node.script(work, "--test"));
    test.args(TESTS)
        .env("TOLLGATE_NPM", work.dist().join("npm/tollgate"))
        .env("TOLLGATE_COMMANDS", crate::COMMANDS.join(" "));
    step.run(&test)
}
