//! Selects the shown part of a failed step's log.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::Path,
};

const TAIL_LINES: usize = 40;
const TELLING_LINES: usize = 12;
const TAIL_BYTES: u64 = 16 * 1024;

/// The last lines of a log.
pub(crate) fn tail(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))
        .ok()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    let text = plain(&String::from_utf8_lossy(&bytes));
    let lines: Vec<&str> = text.lines().collect();
    let lines = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Lines from anywhere in a log that name a failed test: the end of a log often is about others.
pub(crate) fn telling(path: &Path) -> Vec<String> {
    let log = plain(&fs::read_to_string(path).unwrap_or_default());
    let failed = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("not ok ")
            || line.starts_with("✖ ")
            || line.starts_with("error")
            || (line.starts_with("test ") && line.ends_with("... FAILED"))
    };
    log.lines()
        .filter(failed)
        .take(TELLING_LINES)
        .map(str::to_owned)
        .collect()
}

/// Without the escape sequences by which some programs colour even a file.
fn plain(text: &str) -> String {
    let mut pieces = text.split('\x1b');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = match piece.strip_prefix('[') {
            // Parameters, then one letter.
            Some(rest) => rest
                .trim_start_matches(|c: char| !c.is_ascii_alphabetic())
                .get(1..),
            // A character set: two characters.
            None => piece.get(2..),
        };
        plain.push_str(rest.unwrap_or_default());
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_removed() {
        assert_eq!(plain("a \x1b[31mred\x1b(B\x1b[m b"), "a red b");
        assert_eq!(plain("none"), "none");
        assert_eq!(plain("cut \x1b["), "cut ");
    }
}
