//! The SQLite library that this program was built with.

/// Whether this version, as a number (3.51.3 is 3051003), can lose committed data.
///
/// From 3.7.0 to 3.51.2, a checkpoint that begins while another connection resets the write-ahead log
/// can drop committed transactions. 3.50.7 and 3.44.6 have the fix as well.
/// <https://www.sqlite.org/wal.html#walresetbug>
pub(crate) const fn loses_commits(version: i32) -> bool {
    match version {
        3_044_006..=3_044_999 | 3_050_007..=3_050_999 => false,
        _ => version < 3_051_003,
    }
}

#[cfg(test)]
mod tests {
    use super::loses_commits;

    #[test]
    fn libraries_with_the_wal_reset_bug_are_known() {
        for version in [
            3_007_000, 3_044_005, 3_045_000, 3_050_006, 3_051_000, 3_051_002,
        ] {
            assert!(loses_commits(version), "{version}");
        }
        for version in [3_044_006, 3_050_007, 3_051_003, 3_052_000, 4_000_000] {
            assert!(!loses_commits(version), "{version}");
        }
    }

    #[test]
    fn the_bundled_library_is_fixed() {
        assert!(!loses_commits(rusqlite::version_number()));
    }
}
