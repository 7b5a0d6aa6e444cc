//! Counts of passed, failed and skipped tests. Only the exit status of its commands decides whether
//! a step passes.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use crate::{
    failure::Failure,
    progress::{Counts, Step},
    workspace::Workspace,
};

/// Names the file to which a program appends its counts: `{"passed": 3, "failed": 0, "skipped": 0}`,
/// one object a line. `skipped` may be left out.
const COUNTS: &str = "TOLLGATE_COUNTS";
/// Arguments for `node --test`, as a list in JSON, for a script that starts it.
const TEST_ARGUMENTS: &str = "TOLLGATE_TEST_ARGUMENTS";
/// The reporter that writes such a line.
const REPORTER: &str = "xtask/js/counts.mjs";

/// Sets the file for the counts of a program of this project.
pub(crate) fn told(step: &Step<'_>, mut command: Command) -> Command {
    command.env(COUNTS, step.counts_path());
    command
}

/// The same for `node --test`, before the names of its tests: its usual report, and the counts.
pub(crate) fn node_test(work: &Workspace, step: &Step<'_>, command: Command) -> Command {
    let mut command = told(step, command);
    command.args(reporters(work));
    command
}

/// The same for a script that starts `node --test` with what it is told.
pub(crate) fn node_script(work: &Workspace, step: &Step<'_>, command: Command) -> Command {
    let mut command = told(step, command);
    let arguments = Value::from(reporters(work).to_vec());
    command.env(TEST_ARGUMENTS, arguments.to_string());
    command
}

fn reporters(work: &Workspace) -> [String; 4] {
    [
        "--test-reporter=spec".to_owned(),
        "--test-reporter-destination=stdout".to_owned(),
        format!("--test-reporter={}", work.root.join(REPORTER).display()),
        // It prints nothing, but Node wants a destination for each.
        "--test-reporter-destination=stdout".to_owned(),
    ]
}

/// The counts of the step's programs, if they count tests.
///
/// # Errors
/// A file of counts cannot be read.
pub(crate) fn read(step: &Step<'_>) -> Result<Option<Counts>, Failure> {
    let log = fs::read_to_string(step.log_path()).unwrap_or_default();
    let mut all: Vec<_> = log.lines().filter_map(libtest).collect();
    let path = step.counts_path();
    if path.exists() {
        all.extend(written(&path)?);
    }
    Ok(all.into_iter().reduce(Counts::plus))
}

fn written(path: &Path) -> Result<Vec<Counts>, Failure> {
    let text = fs::read_to_string(path).map_err(Failure::io("read counts"))?;
    let line = |line| {
        parse(line).ok_or_else(|| Failure::Unexpected {
            what: path.display().to_string(),
            found: format!("no counts: {line}"),
        })
    };
    text.lines().map(line).collect()
}

fn parse(line: &str) -> Option<Counts> {
    let counts: Value = serde_json::from_str(line).ok()?;
    let skipped = &counts["skipped"];
    Some(Counts {
        passed: counts["passed"].as_u64()?,
        failed: counts["failed"].as_u64()?,
        skipped: if skipped.is_null() {
            0
        } else {
            skipped.as_u64()?
        },
    })
}

/// `test result: ok. 3 passed; 0 failed; 0 ignored; …`: libtest's JSON needs a nightly Rust.
fn libtest(line: &str) -> Option<Counts> {
    let (_, rest) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut parts = rest.split("; ");
    let mut part = |end| parts.next()?.strip_suffix(end)?.parse().ok();
    Some(Counts {
        passed: part(" passed")?,
        failed: part(" failed")?,
        skipped: part(" ignored")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64, skipped: u64) -> Counts {
        Counts {
            passed,
            failed,
            skipped,
        }
    }

    #[test]
    fn libtests_line_is_read() {
        let line =
            "test result: FAILED. 12 passed; 1 failed; 2 ignored; 0 measured; finished in 0.1s";
        assert_eq!(libtest(line), Some(counts(12, 1, 2)));
        assert_eq!(libtest("we saw 3 passed; 4 failed"), None);
    }

    #[test]
    fn a_line_of_counts_is_read() {
        assert_eq!(parse(r#"{"passed":3,"failed":1}"#), Some(counts(3, 1, 0)));
        let skipped = r#"{"passed":3,"failed":1,"skipped":2}"#;
        assert_eq!(parse(skipped), Some(counts(3, 1, 2)));
        for not in [
            "",
            "3 passed, 1 failed",
            r#"{"passed":3}"#,
            r#"{"passed":-1,"failed":0}"#,
        ] {
            assert_eq!(parse(not), None, "{not}");
        }
    }
}
