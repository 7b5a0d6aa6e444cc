//! `cargo xtask mutants`: removes the rules of core one by one with cargo-mutants, and checks
//! whether a test fails.

mod equivalent;
mod fields;
mod report;

use std::{fs, time::Duration};

use crate::{
    failure::Failure,
    progress::{Counts, Step},
    rust_worker::install,
    workspace::Workspace,
};
use fields::Field;
use report::{REPORT, Report, examined};

const CARGO_MUTANTS: &str = "27.1.0";
/// What a rule is: a condition, or a function that says yes or no. Arithmetic is left to other tests.
const RULES: [&str; 5] = [
    r"with Ok\(\(\)\)",
    r"with (true|false|None)\b",
    "match guard",
    "delete (!|match arm)",
    r"replace (==|!=|<|<=|>|>=|&&|\|\|) with",
];
/// What logs show, and what an entry of a cache is reckoned to take: no rules.
const NO_RULES: [&str; 2] = ["impl (Debug|Display) ", r"\bweight\b"];
/// One field, on two slow cores.
const LIMIT: Duration = Duration::from_secs(4 * 60 * 60);
/// In seconds. The tests of a field take a few; a busy machine must not count as a test that hangs.
const TEST_LIMIT: &str = "90";
/// Instead of words: the files that have changed since they were examined, and those that never were.
const CHANGED: &str = "--changed";

/// Tries every rule; with words, those of the files with a word in their path. Files that were not
/// examined keep their result in the report.
///
/// # Errors
/// A rule can be removed without a failing test, or a tool does not run.
pub(crate) fn command(work: &Workspace, words: &[String]) -> Result<(), Failure> {
    work.progress.step("mutants", |step| run(work, step, words))
}

fn run(work: &Workspace, step: &Step<'_>, words: &[String]) -> Result<(), Failure> {
    install(work, step, "cargo-mutants", CARGO_MUTANTS, &["--locked"])?;
    let mut report = Report::read(work)?;
    let mut any = false;
    for (field, mut files) in fields::files(work)? {
        if words.iter().any(|word| word == CHANGED) {
            files.retain(|file| !report.is_current(file));
        } else {
            files.retain(|file| words.is_empty() || words.iter().any(|word| file.contains(word)));
        }
        if files.is_empty() {
            continue;
        }
        any = true;
        step.announce(&format!(
            "files: {}; tests: {}",
            files.len(),
            field.tests.join(", ")
        ));
        let outcomes = examine(work, step, field, &files)?;
        for (file, outcome) in outcomes {
            let outcome = report.take(&file, outcome);
            step.count(Counts {
                passed: outcome.noticed,
                failed: outcome.missed.len() as u64,
                skipped: outcome.equivalent.len() as u64,
            });
        }
        // After each field: a run may be stopped.
        report.write(work)?;
    }
    if !any && !words.iter().any(|word| word == CHANGED) {
        return Err(Failure::Needs {
            what: format!(
                "No file of core has `{}` in its path.",
                words.join("` or `")
            ),
            next: "They are in component/core/src.".to_owned(),
        });
    }
    report.write(work)?;
    step.note(format!("{REPORT}.md"));
    report.verdict()
}

/// Runs cargo-mutants over files of one field.
fn examine(
    work: &Workspace,
    step: &Step<'_>,
    field: &Field,
    files: &[String],
) -> Result<report::Outcomes, Failure> {
    let output = work.own().join("mutants");
    fs::create_dir_all(&output).map_err(Failure::io("create target/xtask/mutants"))?;
    // An earlier run's outcomes must not be taken for this one's.
    let outcomes = output.join("mutants.out/outcomes.json");
    let _ = fs::remove_file(&outcomes);
    let mut mutants = work.command(work.root.join("target/tools/bin/cargo-mutants"));
    mutants.args(["mutants", "--package", "tollgate-rules", "--no-config"]);
    mutants.args(["--colors", "never", "-j1", "--timeout", TEST_LIMIT]);
    mutants.arg("--output").arg(&output);
    for file in files {
        mutants.args(["--file", file]);
    }
    for rule in RULES {
        mutants.args(["--re", rule]);
    }
    for no_rule in NO_RULES {
        mutants.args(["--exclude-re", no_rule]);
    }
    // For the build as well: linking tests that do not run would take most of the time.
    mutants.args(["--cargo-arg", "--lib"]);
    for test in field.tests {
        mutants.args(["--cargo-arg", &format!("--test={test}")]);
    }
    // What is built lies beside the copy of the tree that is changed, and is kept for the next run.
    mutants.env("CARGO_TARGET_DIR", output.join("build"));
    mutants.env("CARGO_PROFILE_DEV_DEBUG", "0");
    // It fails when a mutant is missed, which the outcomes say by name.
    let ended = step.run_within(&mutants, LIMIT);
    match fs::read_to_string(&outcomes) {
        Ok(text) => examined(&text, files, ended),
        // No file has any mutant.
        Err(_) => ended.map(|()| report::none(files)),
    }
}
