//! Reading how many tests passed from the output of the programs that ran them.

use crate::progress::Counts;

/// Adds up what libtest, Node's test runner and this project's own runners print.
pub(crate) fn read(output: &str) -> Option<Counts> {
    output
        .lines()
        .filter_map(|line| libtest(line).or_else(|| node(line)).or_else(|| own(line)))
        .reduce(Counts::plus)
}

/// `test result: ok. 3 passed; 0 failed; 0 ignored; …`
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

/// `# pass 3`, or `ℹ pass 3` for a terminal; likewise `fail`, `cancelled`, `skipped` and `todo`.
fn node(line: &str) -> Option<Counts> {
    let rest = line
        .strip_prefix("# ")
        .or_else(|| line.strip_prefix("ℹ "))?;
    let (kind, number) = rest.split_once(' ')?;
    let number = number.trim().parse().ok()?;
    let mut counts = Counts::default();
    *match kind {
        "pass" => &mut counts.passed,
        "fail" | "cancelled" => &mut counts.failed,
        "skipped" | "todo" => &mut counts.skipped,
        _ => return None,
    } = number;
    Some(counts)
}

/// `3 passed, 0 failed`, alone on its line.
fn own(line: &str) -> Option<Counts> {
    let (passed, failed) = line.trim().split_once(" passed, ")?;
    let failed = failed.strip_suffix(" failed")?;
    Some(Counts {
        passed: passed.parse().ok()?,
        failed: failed.parse().ok()?,
        skipped: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_runner_is_understood() {
        let output = "\
running 2 tests
test result: FAILED. 12 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.1s
# tests 9
# pass 7
# fail 2
# cancelled 1
# skipped 3
ℹ pass 1
ℹ fail 0
100 passed, 5 failed
we saw 3 passed, 4 failed here
";
        assert_eq!(
            read(output),
            Some(Counts {
                passed: 120,
                failed: 9,
                skipped: 5
            })
        );
        assert_eq!(read("nothing"), None);
    }
}
