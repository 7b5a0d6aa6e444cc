//! Reading how many tests passed from the output of the programs that ran them.

use crate::progress::Counts;

/// Adds up what libtest, Node's test runner and this project's own runners print.
pub(crate) fn read(output: &str) -> Option<Counts> {
    let mut sum = None;
    for line in output.lines() {
        if let Some(counts) = libtest(line).or_else(|| node(line)).or_else(|| own(line)) {
            let so_far = sum.get_or_insert(Counts::default());
            so_far.passed += counts.passed;
            so_far.failed += counts.failed;
        }
    }
    sum
}

/// `test result: ok. 3 passed; 0 failed; 0 ignored; …`
fn libtest(line: &str) -> Option<Counts> {
    let (_, rest) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut parts = rest.split("; ");
    let passed = parts.next()?.strip_suffix(" passed")?.parse().ok()?;
    let failed = parts.next()?.strip_suffix(" failed")?.parse().ok()?;
    Some(Counts { passed, failed })
}

/// `# pass 3`, or `ℹ pass 3` for a terminal; likewise `fail`.
fn node(line: &str) -> Option<Counts> {
    let rest = line
        .strip_prefix("# ")
        .or_else(|| line.strip_prefix("ℹ "))?;
    let (kind, number) = rest.split_once(' ')?;
    let number = number.trim().parse().ok()?;
    match kind {
        "pass" => Some(Counts {
            passed: number,
            failed: 0,
        }),
        "fail" => Some(Counts {
            passed: 0,
            failed: number,
        }),
        _ => None,
    }
}

/// `3 passed, 0 failed`, alone on its line.
fn own(line: &str) -> Option<Counts> {
    let (passed, failed) = line.trim().split_once(" passed, ")?;
    let failed = failed.strip_suffix(" failed")?;
    Some(Counts {
        passed: passed.parse().ok()?,
        failed: failed.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_runner_is_understood() {
        let output = "\
running 2 tests
test result: FAILED. 12 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s
# tests 9
# pass 7
# fail 2
ℹ pass 1
ℹ fail 0
100 passed, 5 failed
we saw 3 passed, 4 failed here
";
        assert_eq!(
            read(output),
            Some(Counts {
                passed: 120,
                failed: 8
            })
        );
        assert_eq!(read("nothing"), None);
    }
}
