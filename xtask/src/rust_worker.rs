//! The tools that Workers written in Rust are built with.

use std::{env, fs, path::PathBuf, process::Command};

use crate::{
    dist::Tools,
    failure::Failure,
    progress::Step,
    wasm32::path_with_first,
    workspace::{Workspace, answer},
};

/// Of the same release as the crate `worker` in `host-worker/Cargo.lock`.
const WORKER_BUILD: &str = "0.8.7";
/// Installed programs are below `target`, so that `cargo clean` takes them along.
const TOOLS: &str = "target/tools";

/// Installs `worker-build` and the `wasm-bindgen` of exactly the locked version.
///
/// # Errors
/// When one does not build.
pub(crate) fn ensure(work: &Workspace, step: &Step<'_>) -> Result<(), Failure> {
    let bindgen = locked(work, "wasm-bindgen")?;
    install(work, step, "worker-build", WORKER_BUILD, &["--locked"])?;
    // Its own lock file is older than this toolchain likes.
    install(work, step, "wasm-bindgen-cli", &bindgen, &[])?;
    step.note(format!(
        "worker-build {WORKER_BUILD}, wasm-bindgen {bindgen}"
    ));
    Ok(())
}

/// Installs a program of crates.io into `target/tools` unless it is there.
///
/// # Errors
/// When it does not build.
pub(crate) fn install(
    work: &Workspace,
    step: &Step<'_>,
    package: &str,
    version: &str,
    arguments: &[&str],
) -> Result<(), Failure> {
    let root = work.root.join(TOOLS);
    let listed = fs::read_to_string(root.join(".crates.toml")).unwrap_or_default();
    if listed.contains(&format!("\"{package} {version} (")) {
        return Ok(());
    }
    step.announce(&format!(
        "installs {package} {version} from crates.io into {TOOLS}"
    ));
    // Unoptimized: they run for a second, and would compile for minutes.
    let mut cargo = work.cargo(&["install", "--debug", package, "--version", version]);
    cargo
        .args(arguments)
        .arg("--root")
        .arg(root)
        .env("CARGO_PROFILE_DEV_DEBUG", "0");
    cargo.env("CARGO_TARGET_DIR", work.root.join(TOOLS).join("build"));
    step.run(&cargo)
}

/// Makes `command` find the tools, and compile for wasm32.
pub(crate) fn apply(work: &Workspace, tools: &Tools, command: &mut Command) {
    let bin = work.root.join(TOOLS).join("bin");
    let modules = work.root.join("node_modules");
    tools.wasm32.apply(command);
    tools.node.apply(command);
    let path = command
        .get_envs()
        .find(|(name, _)| *name == "PATH")
        .and_then(|(_, value)| value.map(ToOwned::to_owned))
        .or_else(|| env::var_os("PATH"))
        .unwrap_or_default();
    let all = [bin.clone()]
        .into_iter()
        .chain(env::split_paths(&path))
        .collect::<Vec<PathBuf>>();
    command
        .env(
            "PATH",
            env::join_paths(all).unwrap_or_else(|_| path_with_first(&bin)),
        )
        .env("WASM_BINDGEN_BIN", bin.join("wasm-bindgen"))
        .env("WASM_OPT_BIN", modules.join("binaryen/bin/wasm-opt"))
        .env("ESBUILD_BIN", modules.join("esbuild/bin/esbuild"));
}

/// The version of a package in the lock file of the Rust Workers.
fn locked(work: &Workspace, package: &str) -> Result<String, Failure> {
    let path = work.root.join("host-worker/Cargo.lock");
    let lock = fs::read_to_string(&path).map_err(Failure::io("read host-worker/Cargo.lock"))?;
    let entry = format!("name = \"{package}\"\nversion = \"");
    lock.split_once(&entry)
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(version, _)| version.to_owned())
        .ok_or_else(|| Failure::Unexpected {
            what: "host-worker/Cargo.lock".to_owned(),
            found: format!("no package {package}"),
        })
}

/// Whether a Rust with this name is installed and works.
pub(crate) fn has_toolchain(work: &Workspace, name: &str) -> bool {
    let mut rustc = work.command("rustc");
    rustc.arg("--version").env("RUSTUP_TOOLCHAIN", name);
    answer(&mut rustc).is_some()
}
