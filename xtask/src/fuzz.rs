//! `cargo xtask fuzz`: every fuzz target, for some time each.

use std::{fs, path::Path, time::Duration};

use crate::{
    failure::Failure,
    progress::{Counts, Step},
    rust_worker::{has_toolchain, install},
    workspace::{Workspace, require},
};

const CARGO_FUZZ: &str = "0.13.2";
const FOLDER: &str = "component/fuzz";
/// Seconds for each target when nothing else is said.
const SECONDS: u32 = 120;
/// On top of the fuzzing itself: building a target.
const BUILD_LIMIT: Duration = Duration::from_secs(20 * 60);

/// Runs the targets; `--seconds N` says for how long each, a name which.
///
/// # Errors
/// When a target finds something, or cannot run.
pub(crate) fn command(work: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let (seconds, only) =
        parse(arguments).inspect_err(|failure| work.progress.complain(failure))?;
    work.progress
        .step("fuzz", |step| run(work, step, seconds, only))
}

fn parse(arguments: &[String]) -> Result<(u32, Option<&str>), Failure> {
    let mut seconds = SECONDS;
    let mut only = None;
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument != "--seconds" {
            only = Some(argument.as_str());
            continue;
        }
        let number = arguments.next().and_then(|text| text.parse().ok());
        seconds = number.ok_or_else(|| Failure::Needs {
            what: "--seconds needs a number.".to_owned(),
            next: "For example: cargo xtask fuzz --seconds 600".to_owned(),
        })?;
    }
    Ok((seconds, only))
}

/// Runs the targets inside a step, a finding being its failure. libFuzzer's instrumentation needs a
/// nightly Rust; without one the step is reported as not run.
///
/// # Errors
/// As [`command`].
pub(crate) fn run(
    work: &Workspace,
    step: &Step<'_>,
    seconds: u32,
    only: Option<&str>,
) -> Result<(), Failure> {
    let folder = work.root.join(FOLDER);
    require(
        &folder.join("Cargo.toml"),
        "This part of the project is not there yet.",
    )?;
    let mut targets = targets(&folder)?;
    if let Some(only) = only {
        targets.retain(|target| target.contains(only));
    }
    if !has_toolchain(work, "nightly") {
        return Err(Failure::NotRun {
            reason: "Fuzzing needs a nightly Rust, and none is installed.".to_owned(),
            next: "Run `rustup toolchain install nightly`.".to_owned(),
        });
    }
    install(work, step, "cargo-fuzz", CARGO_FUZZ, &["--locked"])?;
    for target in &targets {
        step.note(format!("{target}, {seconds} s"));
        let mut fuzz = work.command(work.root.join("target/tools/bin/cargo-fuzz"));
        // What it finds interesting goes to the first folder; the second is kept in the project.
        let corpus = work.root.join("target/fuzz/corpus").join(target);
        fs::create_dir_all(&corpus).map_err(Failure::io("create target/fuzz/corpus"))?;
        // No address sanitizer: core forbids unsafe code, and without it twice as much is tried.
        fuzz.args(["fuzz", "run", "--sanitizer", "none", "--fuzz-dir", "."])
            .arg(target)
            .arg(&corpus)
            .arg(Path::new("seeds").join(target))
            .args(["--", "-timeout=10", "-rss_limit_mb=2048", "-max_len=20000"])
            .arg(format!("-max_total_time={seconds}"))
            .current_dir(&folder)
            .env("RUSTUP_TOOLCHAIN", "nightly")
            .env("CARGO_TARGET_DIR", work.root.join("target/fuzz"));
        step.run_within(&fuzz, BUILD_LIMIT + Duration::from_secs(seconds.into()))?;
        step.count(Counts {
            passed: 1,
            ..Counts::default()
        });
    }
    step.note(format!("{} targets, {seconds} s each", targets.len()));
    Ok(())
}

fn targets(folder: &Path) -> Result<Vec<String>, Failure> {
    let sources = folder.join("fuzz_targets");
    let entries = fs::read_dir(&sources).map_err(Failure::io("list the fuzz targets"))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".rs")?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}
