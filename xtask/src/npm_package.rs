//! Checks the npm package as npm and TypeScript read it.

use std::fs;

use crate::{
    dist::Tools,
    failure::Failure,
    progress::Step,
    workspace::{Workspace, require},
};

/// Checks the package with publint and `@arethetypeswrong/cli`, from the archive that npm would
/// upload.
///
/// # Errors
/// When one of them finds a fault, of any severity, or npm cannot pack.
pub(crate) fn test(work: &Workspace, step: &Step<'_>, tools: &Tools) -> Result<(), Failure> {
    let folder = work.own().join("npm-pack");
    // An archive of an older version would be found first.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(Failure::io("create target/xtask/npm-pack"))?;
    let mut npm = work.command("npm");
    tools.node.apply(&mut npm);
    npm.args(["pack", "--offline", "--pack-destination"])
        .arg(&folder)
        .current_dir(work.dist().join("npm/tollgate"));
    step.run(&npm)?;
    let archive = fs::read_dir(&folder)
        .map_err(Failure::io("read target/xtask/npm-pack"))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|end| end == "tgz"))
        .unwrap_or_else(|| folder.join("*.tgz"));
    require(&archive, "npm said that it made it.")?;

    let modules = work.root.join("node_modules");
    let mut publint = tools.node.script(work, modules.join("publint/src/cli.js"));
    step.run(publint.arg("--strict").arg(&archive))?;
    let attw = modules.join("@arethetypeswrong/cli/dist/index.js");
    let mut attw = tools.node.script(work, attw);
    // The package has ES modules alone: `require` of Node 20 and resolution without `exports` are
    // not for it.
    attw.args(["--profile", "esm-only", "--no-color", "--no-emoji"]);
    step.run(attw.arg(&archive))
}
