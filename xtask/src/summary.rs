//! The summary of a run of the suite.

use std::time::Instant;

use crate::{
    failure::Failure,
    progress::{Counts, Done, Outcome, spell},
    workspace::Workspace,
};

/// Prints the table, what did not run, and the line that other programs read.
///
/// # Errors
/// When something failed.
pub(crate) fn print(work: &Workspace, started: Instant) -> Result<(), Failure> {
    let all = work.progress.done();
    println!();
    for done in &all {
        println!("{}", work.progress.row(done));
    }
    println!("\n{} in all", spell(started.elapsed()));
    for done in &all {
        if let Some(why) = &done.not_run {
            let text = format!("NOT RUN: {}. {why}", done.name);
            println!("{}", work.progress.paint("33", &text));
        }
    }
    let sum = total(&all);
    println!("{sum}");
    if sum.failed == 0 {
        return Ok(());
    }
    Err(Failure::Unexpected {
        what: "the suite".to_owned(),
        found: format!("{} failed", sum.failed),
    })
}

/// What passed, failed and did not run in all steps together.
fn total(all: &[Done]) -> Counts {
    all.iter().map(worth).fold(Counts::default(), Counts::plus)
}

/// What one step adds. A step that counts nothing is one check itself.
fn worth(done: &Done) -> Counts {
    let mut counts = done.counts.unwrap_or_default();
    match done.result {
        Outcome::Passed if done.counts.is_none() => counts.passed = 1,
        Outcome::Passed => {}
        Outcome::Failed => counts.failed = counts.failed.max(1),
        // Counts of an incomplete step do not count.
        Outcome::Skipped | Outcome::NotRun => {
            counts = Counts {
                skipped: 1,
                ..Counts::default()
            };
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn done(result: Outcome, counts: Option<(u64, u64, u64)>) -> Done {
        Done {
            name: "step",
            result,
            took: Duration::ZERO,
            note: String::new(),
            counts: counts.map(|(passed, failed, skipped)| Counts {
                passed,
                failed,
                skipped,
            }),
            not_run: None,
        }
    }

    #[test]
    fn a_step_that_did_not_run_is_not_passed() {
        for result in [Outcome::NotRun, Outcome::Skipped] {
            for counts in [None, Some((3, 0, 0))] {
                let sum = total(&[done(result, counts)]);
                assert_eq!(sum.to_string(), "0 passed, 0 failed, 1 skipped");
            }
        }
    }

    #[test]
    fn steps_are_added_up() {
        let sum = total(&[
            done(Outcome::Passed, None),
            done(Outcome::Passed, Some((20, 0, 2))),
            done(Outcome::Failed, None),
            done(Outcome::Failed, Some((5, 3, 0))),
        ]);
        assert_eq!(sum.to_string(), "26 passed, 4 failed, 2 skipped");
        assert_eq!(total(&[]).to_string(), "0 passed, 0 failed");
    }

    #[test]
    fn a_failed_step_counts_as_failed_whatever_its_tests_say() {
        let sum = total(&[done(Outcome::Failed, Some((5, 0, 0)))]);
        assert_eq!(sum.to_string(), "5 passed, 1 failed");
    }
}
