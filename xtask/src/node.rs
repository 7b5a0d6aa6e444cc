//! Node and the packages from npm.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    failure::Failure,
    progress::Step,
    wasm32::path_with_first,
    workspace::{Workspace, answer},
};

/// wrangler and the MCP conformance tool refuse older ones.
const OLDEST: (u32, u32) = (22, 12);

/// A Node that is new enough, with the packages installed.
#[derive(Clone)]
pub(crate) struct Node {
    program: PathBuf,
    version: String,
    path: OsString,
}

impl Node {
    /// Puts this Node, and the programs of the packages, first on the path of `command`.
    pub(crate) fn apply(&self, command: &mut Command) {
        command.env("PATH", &self.path);
    }

    /// A command that runs a script.
    pub(crate) fn script(&self, work: &Workspace, script: impl AsRef<OsStr>) -> Command {
        let mut command = work.command(&self.program);
        command.arg(script);
        self.apply(&mut command);
        command
    }

    /// Its version.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Node itself.
    pub(crate) fn program(&self) -> PathBuf {
        self.program.clone()
    }
}

/// Installs the packages when `node_modules` is not what the lock file says, and finds Node.
///
/// # Errors
/// When npm is missing or fails, or no Node is new enough.
pub(crate) fn ensure(work: &Workspace, step: &Step<'_>) -> Result<Node, Failure> {
    if !matches_lock(&work.root)? {
        let mut npm = work.command("npm");
        // As the lock file says, and without writing to it. Not `ci`: that gives up when a package of
        // another platform is not in this registry.
        npm.args(["install", "--no-save", "--no-audit", "--no-fund"]);
        if answer(work.command("npm").arg("--version")).is_none() {
            return Err(Failure::Needs {
                what: "npm is not on the path.".to_owned(),
                next: "Install Node 20 or later, which brings npm: https://nodejs.org".to_owned(),
            });
        }
        step.announce("installs the packages of package-lock.json into node_modules");
        step.run(&npm)?;
    }
    let modules = work.root.join("node_modules");
    let (program, version) = find(work, &modules)?;
    let beside = program.parent().unwrap_or(Path::new("/"));
    // Scripts of the packages say `#!/usr/bin/env node`.
    let mut path = path_with_first(&modules.join(".bin"));
    if let Ok(joined) = env::join_paths(
        [beside.to_owned()]
            .into_iter()
            .chain(env::split_paths(&path)),
    ) {
        path = joined;
    }
    step.note(format!("Node {version}"));
    Ok(Node {
        program,
        version,
        path,
    })
}

/// The installed packages whose name begins with one of `prefixes`, with their versions.
///
/// # Errors
/// When npm's account of them cannot be read.
pub(crate) fn versions(work: &Workspace, prefixes: &[&str]) -> Result<String, Failure> {
    const ACCOUNT: &str = "node_modules/.package-lock.json";
    let text =
        fs::read_to_string(work.root.join(ACCOUNT)).map_err(Failure::io("read npm's account"))?;
    let account: Value = serde_json::from_str(&text).map_err(|error| Failure::Unexpected {
        what: ACCOUNT.to_owned(),
        found: error.to_string(),
    })?;
    Ok(named(&account, prefixes).join(" "))
}

fn named(account: &Value, prefixes: &[&str]) -> Vec<String> {
    let packages = account["packages"].as_object().into_iter().flatten();
    packages
        .filter_map(|(path, package)| {
            // A package may also lie within another's folder.
            let (_, name) = path.rsplit_once("node_modules/")?;
            let wanted = prefixes.iter().any(|prefix| name.starts_with(prefix));
            wanted.then(|| format!("{path}@{}", package["version"].as_str().unwrap_or("?")))
        })
        .collect()
}

/// Whether what is installed is what `package-lock.json` says. npm keeps its own account in
/// `node_modules/.package-lock.json`.
fn matches_lock(root: &Path) -> Result<bool, Failure> {
    let path = root.join("package-lock.json");
    let wanted = fs::read_to_string(&path).map_err(Failure::io("read package-lock.json"))?;
    let Ok(installed) = fs::read_to_string(root.join("node_modules/.package-lock.json")) else {
        return Ok(false);
    };
    let parse = |text: &str| {
        serde_json::from_str::<Value>(text).map_err(|error| Failure::Unexpected {
            what: "package-lock.json".to_owned(),
            found: error.to_string(),
        })
    };
    Ok(covers(&parse(&wanted)?, &parse(&installed)?))
}

/// Whether every package of `wanted` is in `installed`, but for those of other platforms.
fn covers(wanted: &Value, installed: &Value) -> bool {
    let Some(packages) = wanted["packages"].as_object() else {
        return false;
    };
    packages
        .iter()
        .filter(|(path, _)| !path.is_empty())
        .all(|(path, package)| {
            match installed["packages"].get(path) {
                Some(there) => {
                    ["version", "integrity", "resolved"].iter().all(|key| {
                        // The account may know more than a lock file without download addresses.
                        package[*key].is_null()
                            || there[*key].is_null()
                            || package[*key] == there[*key]
                    })
                }
                None => {
                    package["optional"] == true
                        || package["devOptional"] == true
                        || package["peer"] == true
                }
            }
        })
}

/// The system's Node if it is new enough, else the one among the packages.
fn find(work: &Workspace, modules: &Path) -> Result<(PathBuf, String), Failure> {
    let own = ["linux-x64", "linux-arm64", "darwin-x64", "bin-darwin-arm64"]
        .map(|platform| modules.join(format!("node-{platform}/bin/node")));
    let mut seen = Vec::new();
    for program in system().into_iter().chain(own) {
        let Some(version) = answer(work.command(&program).arg("--version")) else {
            continue;
        };
        let version = version.trim_start_matches('v').to_owned();
        if parse_version(&version).is_some_and(|version| version >= OLDEST) {
            return Ok((program, version));
        }
        seen.push(version);
    }
    let (major, minor) = OLDEST;
    Err(Failure::Needs {
        what: format!(
            "No Node from {major}.{minor} on was found, only: {}.",
            seen.join(", ")
        ),
        next: format!("Install Node {major}.{minor} or later: https://nodejs.org"),
    })
}

/// The Node that is on the caller's path.
fn system() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join("node"))
        .find(|file| file.is_file())
}

/// The system's Node, when it is not older than `oldest`.
pub(crate) fn on_path(work: &Workspace, oldest: (u32, u32)) -> Option<PathBuf> {
    let program = system()?;
    let version = answer(work.command(&program).arg("--version"))?;
    (parse_version(version.trim_start_matches('v'))? >= oldest).then_some(program)
}

fn parse_version(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_version_is_two_numbers() {
        assert_eq!(parse_version("24.21.0"), Some((24, 21)));
        assert_eq!(parse_version("24"), None);
        assert_eq!(parse_version("v24.1"), None);
    }

    #[test]
    fn packages_are_found_by_prefix() {
        let account = json!({ "packages": {
            "node_modules/@a/one": { "version": "1.0.0" },
            "node_modules/b": { "version": "2.0.0" },
            "node_modules/other/node_modules/@a/two": { "version": "3.0.0" },
        } });
        let expected = [
            "node_modules/@a/one@1.0.0",
            "node_modules/other/node_modules/@a/two@3.0.0",
        ];
        assert_eq!(named(&account, &["@a/"]), expected);
    }

    #[test]
    fn an_installation_matches_when_it_has_every_package_of_this_platform() {
        let lock = |packages: Value| json!({ "packages": packages });
        let wanted = lock(json!({
            "": { "name": "workspace" },
            "node_modules/a": { "version": "1.0.0" },
            "node_modules/other-platform": { "version": "1.0.0", "optional": true },
        }));
        let a = |version: &str| lock(json!({ "node_modules/a": { "version": version } }));
        assert!(covers(&wanted, &a("1.0.0")));
        assert!(!covers(&wanted, &a("1.0.1")));
        assert!(!covers(&wanted, &lock(json!({}))));
        assert!(!covers(&json!({}), &a("1.0.0")));
    }
}
