//! The wasm32 target: rustup's if rustup can download it, otherwise built from the distribution's
//! Rust.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    child::line,
    failure::Failure,
    progress::Step,
    stamp::{self, Inputs},
    workspace::{Workspace, answer},
};

/// The guest's target. It has no WASI import.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// rustup either answers within seconds or not at all.
const RUSTUP_LIMIT: Duration = Duration::from_secs(90);
/// Debian packages with a Rust whose standard library can be rebuilt without a download.
const PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];
/// The linker that `lld-22` brings.
const LINKER: &str = "/usr/bin/wasm-ld-22";
/// Where the distribution's Rust looks for the target's libraries.
const LIBRARIES: &str = "/usr/lib/rustlib/wasm32-unknown-unknown/lib";
/// The name of the distribution's Rust in rustup.
const TOOLCHAIN: &str = "distro";
/// Set to `rustup` or `distribution`, it forces one of the two ways.
const CHOICE: &str = "TOLLGATE_WASM32";

/// How the guest is compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Toolchain {
    /// The caller's Rust, with the target that rustup installed.
    Rustup,
    /// The distribution's Rust with a standard library built here.
    Distribution,
}

impl Toolchain {
    /// Makes `command` compile for wasm32.
    pub(crate) fn apply(self, command: &mut Command) {
        if self == Self::Distribution {
            command
                .env("RUSTUP_TOOLCHAIN", TOOLCHAIN)
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", LINKER);
        }
    }

    fn say(self) -> &'static str {
        match self {
            Self::Rustup => "rustup's",
            Self::Distribution => "the distribution's Rust",
        }
    }
}

/// The compiler, the target's libraries and, where it is not the compiler's own, the linker: what
/// a module depends on beside its sources.
///
/// # Errors
/// When one of them does not say what it is.
pub(crate) fn versions(work: &Workspace, toolchain: Toolchain) -> Result<String, Failure> {
    let ask = |program: &str, arguments: &[&str]| {
        let mut command = work.command(program);
        command.args(arguments);
        toolchain.apply(&mut command);
        answer(&mut command).ok_or_else(|| Failure::Unexpected {
            what: line(&command),
            found: "it failed, or printed nothing that can be read".to_owned(),
        })
    };
    let compiler = ask("rustc", &["-vV"])?;
    let libraries = ask("rustc", &["--print", "target-libdir", "--target", TARGET])?;
    let names = names(Path::new(&libraries)).join(" ");
    let mut all = vec![compiler, libraries, names];
    if toolchain == Toolchain::Distribution {
        all.push(ask(LINKER, &["--version"])?);
    }
    Ok(all.join("\n"))
}

/// Finds or sets up the target, and proves once that it links.
///
/// # Errors
/// Neither way works. The text says what to install.
pub(crate) fn ensure(work: &Workspace, step: &Step<'_>) -> Result<Toolchain, Failure> {
    let choice = env::var(CHOICE).unwrap_or_default();
    let (rustup, distribution) = match choice.as_str() {
        "" => (true, true),
        "rustup" => (true, false),
        "distribution" => (false, true),
        _ => {
            return Err(Failure::Needs {
                what: format!("{CHOICE} is `{choice}`."),
                next: "Set it to `rustup` or `distribution`, or leave it out.".to_owned(),
            });
        }
    };
    let toolchain = if rustup && rustup_has_it(work) {
        Toolchain::Rustup
    } else if distribution && distribution_has_it(work) {
        Toolchain::Distribution
    } else if rustup && add_by_rustup(work, step) {
        Toolchain::Rustup
    } else if distribution {
        build_from_distribution(work, step)?;
        Toolchain::Distribution
    } else {
        return Err(cannot("rustup could not download it"));
    };
    prove(work, step, toolchain)?;
    step.note(toolchain.say());
    Ok(toolchain)
}

fn cannot(why: &str) -> Failure {
    Failure::Needs {
        what: format!("The Rust target {TARGET} is not installed and could not be set up: {why}."),
        next: format!(
            "Install it with `rustup target add {TARGET}`, or on Debian, as root, with \
             `apt-get install {}`, and run this again.",
            PACKAGES.join(" ")
        ),
    }
}

// ---- rustup ------------------------------------------------------------------------------------

fn rustup_has_it(work: &Workspace) -> bool {
    let mut rustc = work.command("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    answer(&mut rustc).is_some_and(|libraries| has_std(Path::new(&libraries)))
}

fn add_by_rustup(work: &Workspace, step: &Step<'_>) -> bool {
    let mut add = work.command("rustup");
    add.args(["target", "add", TARGET])
        .env("RUSTUP_MAX_RETRIES", "0");
    step.announce(&format!("installs the Rust target: {}", line(&add)));
    step.run_within(&add, RUSTUP_LIMIT).is_ok() && rustup_has_it(work)
}

fn has_std(libraries: &Path) -> bool {
    let has = |name: &str| {
        fs::read_dir(libraries).is_ok_and(|mut entries| {
            entries.any(|entry| {
                entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with(name))
            })
        })
    };
    has("libcore-") && has("libstd-") && has("libpanic_abort-")
}

// ---- the distribution's Rust -------------------------------------------------------------------

fn distribution_has_it(work: &Workspace) -> bool {
    has_std(Path::new(LIBRARIES)) && Path::new(LINKER).exists() && linked(work)
}

/// Whether rustup knows the distribution's Rust.
fn linked(work: &Workspace) -> bool {
    let mut rustc = work.command("rustc");
    rustc
        .args(["--print", "sysroot"])
        .env("RUSTUP_TOOLCHAIN", TOOLCHAIN);
    answer(&mut rustc).is_some_and(|sysroot| sysroot == "/usr")
}

fn build_from_distribution(work: &Workspace, step: &Step<'_>) -> Result<(), Failure> {
    if !Path::new("/usr/bin/apt-get").exists() {
        return Err(cannot(
            "rustup could not download it, and this is no Debian",
        ));
    }
    if !PACKAGES.iter().all(|package| installed(work, package)) {
        let apt = |arguments: &[&str]| {
            let mut apt = work.command("apt-get");
            apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
            apt
        };
        let install = [&["install", "-y", "--no-install-recommends"], &PACKAGES[..]].concat();
        let what = "rustup could not download the target; this installs Debian's Rust beside yours";
        as_root(work, step, what, &[apt(&["update"]), apt(&install)])?;
    }
    if !has_std(Path::new(LIBRARIES)) {
        build_std(work, step)?;
    }
    if !linked(work) {
        let mut link = work.command("rustup");
        link.args(["toolchain", "link", TOOLCHAIN, "/usr"]);
        step.announce(&format!("makes rustup know Debian's Rust: {}", line(&link)));
        step.run(&link)?;
    }
    Ok(())
}

fn installed(work: &Workspace, package: &str) -> bool {
    let mut query = work.command("dpkg-query");
    query.args(["-W", "-f", "${Status}", package]);
    answer(&mut query).is_some_and(|status| status == "install ok installed")
}

/// Whether this process may install packages of the system.
pub(crate) fn is_root(work: &Workspace) -> bool {
    answer(work.command("id").arg("-u")).is_some_and(|id| id == "0")
}

/// Prints what is about to change on this machine, and runs the commands, which need root. For
/// another user it only prints them: becoming root is the user's decision.
fn as_root(
    work: &Workspace,
    step: &Step<'_>,
    what: &str,
    commands: &[Command],
) -> Result<(), Failure> {
    let lines: Vec<_> = commands.iter().map(line).collect();
    if !is_root(work) {
        return Err(by_root(what, &lines));
    }
    step.announce(what);
    for (command, line) in commands.iter().zip(&lines) {
        step.announce(line);
        step.run(command)?;
    }
    Ok(())
}

fn by_root(what: &str, lines: &[String]) -> Failure {
    Failure::Needs {
        what: format!("The Rust target {TARGET} is not ready yet. {what}, which needs root."),
        next: format!(
            "Install the target with `rustup target add {TARGET}`, or run this as root, and then \
             the same `cargo xtask` command again:\n  {}",
            lines.join("\n  ")
        ),
    }
}

/// Builds the standard library for wasm32 with the distribution's Rust, and puts it where that
/// Rust looks for it. With bitcode: without, the guest's link-time optimization fails.
fn build_std(work: &Workspace, step: &Step<'_>) -> Result<(), Failure> {
    let home = work.own().join("std-for-wasm32");
    let sources = home.join("src");
    fs::create_dir_all(&sources).map_err(Failure::io("create a crate"))?;
    // Its own workspace: it lies within this one's folder.
    let manifest = "[package]\nname = \"std-for-wasm32\"\nedition = \"2021\"\n[lib]\n[workspace]\n";
    fs::write(home.join("Cargo.toml"), manifest).map_err(Failure::io("write a crate"))?;
    fs::write(sources.join("lib.rs"), "").map_err(Failure::io("write a crate"))?;

    let target = home.join("target");
    let mut build = work.command("/usr/bin/cargo");
    build
        .args([
            "build",
            "--release",
            "--target",
            TARGET,
            "-Z",
            "build-std=std,panic_abort",
        ])
        .current_dir(&home)
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("RUSTC")
        .env("PATH", path_with_first(Path::new("/usr/bin")))
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Cembed-bitcode=yes")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", LINKER);
    step.announce("builds the standard library for wasm32, once");
    step.run(&build)?;

    let built = target.join(TARGET).join("release/deps");
    let mut folder = work.command("mkdir");
    folder.args(["-p", LIBRARIES]);
    let mut copy = work.command("cp");
    copy.arg("-t").arg(LIBRARIES);
    let reading = || Failure::io(format!("read {}", built.display()));
    for entry in fs::read_dir(&built).map_err(reading())? {
        let path = entry.map_err(reading())?.path();
        let own = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("libstd_for_wasm32"));
        if path
            .extension()
            .is_some_and(|extension| extension == "rlib")
            && !own
        {
            copy.arg(path);
        }
    }
    let what = format!("The standard library is built; this copies it to {LIBRARIES}");
    as_root(work, step, &what, &[folder, copy])
}

/// `PATH` with `first` before the rest.
pub(crate) fn path_with_first(first: &Path) -> std::ffi::OsString {
    let rest = env::var_os("PATH").unwrap_or_default();
    let all = [first.to_owned()]
        .into_iter()
        .chain(env::split_paths(&rest));
    // Only a folder with a colon in its name cannot be joined; then `PATH` stays as it is.
    env::join_paths(all).unwrap_or(rest)
}

// ---- proof -------------------------------------------------------------------------------------

/// Links a small module the way the guest is linked. Done once for each compiler and library.
fn prove(work: &Workspace, step: &Step<'_>, toolchain: Toolchain) -> Result<(), Failure> {
    let inputs = Inputs::new("2").text(&versions(work, toolchain)?).finish();
    let proof = work.own().join("wasm32-proof.wasm");
    if stamp::fresh(&proof, &inputs) {
        return Ok(());
    }
    let source: PathBuf = work.own().join("wasm32-proof.rs");
    fs::create_dir_all(work.own()).map_err(Failure::io("create target/xtask"))?;
    let text = "#[unsafe(no_mangle)]\npub extern \"C\" fn proof(n: u32) -> u32 {\n    \
                std::collections::BTreeMap::from([(n, n.to_string())]).len() as u32\n}\n";
    fs::write(&source, text).map_err(Failure::io("write a proof"))?;
    let mut rustc = work.command("rustc");
    rustc
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "cdylib",
            "--target",
            TARGET,
        ])
        .args(["-Copt-level=1", "-Clto=fat", "-Cpanic=abort", "-o"])
        .arg(&proof)
        .arg(&source);
    if toolchain == Toolchain::Distribution {
        rustc.arg(format!("-Clinker={LINKER}"));
    }
    toolchain.apply(&mut rustc);
    step.run(&rustc)?;
    stamp::keep(&proof, &inputs)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_printed_if_not_root() {
        let lines = ["apt-get update".to_owned(), "apt-get install x".to_owned()];
        let text = by_root("This installs x", &lines).to_string();
        assert!(text.contains("\n  apt-get update\n  apt-get install x"));
        assert!(!text.contains("sudo"));
    }
}
