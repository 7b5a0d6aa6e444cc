//! All ways in which a server may interpret a path (its readings).
//!
//! Servers, routers and proxies decode a path once, again or not at all, keep `%2f` and `%5c` or
//! decode them, read `\` as `/`, drop parameters (`;x`), merge slashes, and resolve dot segments
//! (RFC 3986 section 5.2.4), in different orders. A rule about paths must hold in all of them.
//!
//! The order matters most for dot segments: one removes the segment before it, which depends on the
//! steps before. So a path with dot segments and any other ambiguity is refused; no client sends
//! one, because URL parsers resolve dot segments first. Without dot segments, each step only joins,
//! splits, cuts or drops segments, and the readings are enumerated from left to right. A segment
//! that no route and no audience can name ends a reading, because the rest does not matter.
//!
//! Not covered: letter case (see `case_insensitive_paths`), look-alikes that Unicode
//! normalization maps to `.` or `/` (such as U+FF0E), `%uXXXX`, and names that a file system
//! changes.

use super::path_segments::{Cut, Segment, decode, resolve, segments};

pub(super) use super::path_segments::AmbiguousPath;

/// The maximum number of readings of one path. A URL that is passed as one segment
/// (`https%3A%2F%2Fhost%2Fa%3Fb`) has six. The cost of a decision is proportional to their number.
const READINGS: usize = 64;

/// Ends a reading: a segment that no route and no audience can name.
const OTHER: &str = "/\0";

/// All readings of a path. `None` for nearly all paths, which have only one.
///
/// # Errors
/// The path is [ambiguous](AmbiguousPath).
pub(super) fn readings(path: &str) -> Result<Option<Vec<String>>, AmbiguousPath> {
    if is_plain(path) {
        return Ok(None);
    }
    let decoded = decode(path)?;
    let text: Vec<u8> = decoded.iter().map(|byte| byte.value).collect();
    if std::str::from_utf8(&text).is_err() || text.iter().any(u8::is_ascii_control) {
        return Err(AmbiguousPath);
    }
    let segments = segments(&decoded)?;
    let mut readings = Readings::default();
    if segments.iter().any(Segment::is_dots) {
        // All readings have the same segments here, because the order of decoding and resolving
        // does not matter. A slash at the end leaves an empty segment, which is unambiguous.
        let beside = match segments.split_last() {
            Some((last, others)) if last.is_empty() => others,
            _ => &segments,
        };
        if !beside.iter().all(Segment::is_certain_beside_dots) {
            return Err(AmbiguousPath);
        }
        readings.walk(&segments)?;
        readings.walk(&resolve(segments))?;
    } else {
        readings.walk(&segments)?;
    }
    Ok(Some(readings.found))
}

/// Whether there is only one reading: no escape, no other slash, no parameter, no empty segment and
/// no dots.
pub(super) fn is_plain(path: &str) -> bool {
    let mut previous = 0;
    for (index, &byte) in path.as_bytes().iter().enumerate() {
        match (previous, byte) {
            (_, b'%' | b'\\' | b';') | (b'/', b'/') => return false,
            // A dot is rare, and may be the first letter of a name.
            (b'/', b'.') | (0, b'.') => {
                let segment = path[index..].split('/').next();
                if matches!(segment, Some("." | "..")) {
                    return false;
                }
            }
            _ => {}
        }
        previous = byte;
    }
    true
}

/// The readings that were found, without duplicates.
#[derive(Default)]
struct Readings {
    found: Vec<String>,
    count: usize,
}

/// A partial reading.
struct Walk {
    /// The next segment.
    at: usize,
    /// The segments before it.
    prefix: String,
    /// Nothing was read yet except several slashes, so the next segment may be taken for a host
    /// (RFC 3986 section 4.2, `//host/path`).
    host: bool,
}

impl Readings {
    /// Adds every reading of these segments.
    fn walk(&mut self, segments: &[Segment]) -> Result<(), AmbiguousPath> {
        let mut open = vec![Walk {
            at: 0,
            prefix: String::new(),
            host: false,
        }];
        while let Some(mut walk) = open.pop() {
            loop {
                let Some(segment) = segments.get(walk.at) else {
                    self.end(walk.prefix)?;
                    break;
                };
                let is_last = walk.at + 1 == segments.len();
                if segment.is_empty() {
                    if !is_last {
                        self.other(&walk.prefix)?;
                        walk.host |= walk.prefix.is_empty();
                    }
                    // Slashes are merged.
                    let run = segments[walk.at..]
                        .iter()
                        .take_while(|next| next.is_empty());
                    walk.at += run.count();
                    continue;
                }
                if walk.host {
                    let host = Walk {
                        at: walk.at,
                        prefix: String::new(),
                        host: false,
                    };
                    self.skip(segments, host, &mut open)?;
                }
                if segment.uncertain || segment.uncertain_end {
                    self.other(&walk.prefix)?;
                }
                if !segment.can_be_named() {
                    self.other(&walk.prefix)?;
                    break;
                }
                if !segment.name.is_empty() {
                    walk.prefix.push('/');
                    walk.prefix.push_str(&segment.name);
                    walk.host = false;
                }
                match segment.cut {
                    Cut::Nothing => walk.at += 1,
                    Cut::Query => {
                        self.end(walk.prefix)?;
                        break;
                    }
                    Cut::Parameters => {
                        walk.host |= walk.prefix.is_empty();
                        self.skip(segments, walk, &mut open)?;
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Continues after the current segment, parameters or a host, at each place where it may end:
    /// at every following slash of any spelling, up to the first that all servers read as one.
    fn skip(
        &mut self,
        segments: &[Segment],
        walk: Walk,
        open: &mut Vec<Walk>,
    ) -> Result<(), AmbiguousPath> {
        for (index, segment) in segments.iter().enumerate().skip(walk.at) {
            if segment.ends_path {
                self.end(walk.prefix.clone())?;
            }
            self.spend()?;
            open.push(Walk {
                at: index + 1,
                prefix: walk.prefix.clone(),
                host: walk.host,
            });
            if !segment.uncertain_end {
                break;
            }
        }
        Ok(())
    }

    /// The path ends here.
    fn end(&mut self, prefix: String) -> Result<(), AmbiguousPath> {
        let reading = if prefix.is_empty() {
            "/".to_owned()
        } else {
            prefix
        };
        self.add(reading)
    }

    /// No route can name the next segment.
    fn other(&mut self, prefix: &str) -> Result<(), AmbiguousPath> {
        self.add(format!("{prefix}{OTHER}"))
    }

    fn add(&mut self, reading: String) -> Result<(), AmbiguousPath> {
        self.spend()?;
        if !self.found.contains(&reading) {
            self.found.push(reading);
        }
        Ok(())
    }

    fn spend(&mut self) -> Result<(), AmbiguousPath> {
        self.count += 1;
        if self.count > READINGS {
            return Err(AmbiguousPath);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Vec<String> {
        let readings = readings(path).unwrap().unwrap_or_else(|| vec![path.into()]);
        let mut readings: Vec<_> = readings.iter().map(|r| r.replace('\0', "*")).collect();
        readings.sort_unstable();
        readings
    }

    #[test]
    fn plain_paths_have_one_reading() {
        let letters = ['a', '.', '/', '%', ';', '\\'];
        for code in 0..letters.len().pow(6) {
            let digit = |place| letters[code / letters.len().pow(place) % letters.len()];
            let path = String::from_iter((0..6).map(digit));
            for path in [path.trim_end_matches('a'), &format!("/{path}")] {
                let odd = path.contains(['%', '\\', ';'])
                    || path.contains("//")
                    || path.split('/').any(|segment| matches!(segment, "." | ".."));
                assert_eq!(is_plain(path), !odd, "{path}");
            }
        }
    }

    #[test]
    fn each_ambiguous_spelling_has_its_readings() {
        for (path, expected) in [
            ("/pub/file%20name", &["/pub/*"][..]),
            ("/caf%c3%a9/x", &["/*"]),
            ("/100%", &["/*"]),
            ("/%61dmin/x", &["/*", "/admin/x"]),
            ("/a%2Fb", &["/*", "/a/b"]),
            ("/a%255cb", &["/*", "/a/b"]),
            ("/x;v=1/y", &["/*", "/x/y"]),
            ("/x;v=1%2fy/z", &["/*", "/x/y/z", "/x/z"]),
            ("/x%3fy/z", &["/*", "/x"]),
            ("/x%20", &["/*", "/x"]),
            ("/x;y%3fz/a", &["/*", "/x", "/x/a"]),
            ("//x%3fy/z", &["/", "/*", "/x", "/z"]),
            ("/a//b", &["/a/*", "/a/b"]),
            ("//x/y", &["/*", "/x/y", "/y"]),
            ("//x", &["/", "/*", "/x"]),
            ("/a/../b", &["/a/../b", "/b"]),
            ("/a/./b/", &["/a/./b", "/a/b"]),
            ("/a/../%62", &["/*", "/a/../*", "/a/../b", "/b"]),
        ] {
            assert_eq!(read(path), expected, "{path}");
        }
    }

    #[test]
    fn dot_segments_beside_other_separators_are_ambiguous() {
        for path in [
            "/pub/a%2fb/%2e%2e/%2e%2e/admin",
            "/pub/a%2fb/.%2e/../admin",
            "/pub/a%5cb/../.%2e/admin",
            "/pub/a%252fb/../../admin",
            "/pub\\..\\admin",
            "/pub/..;/admin",
            "/pub/..;x=1/admin",
            "/pub/..%3bx/admin",
            "/pub/..%3fx",
            "/pub//../admin",
            "/pub/x;y/../admin",
            "/pub/%2e%2e/admin",
            "/pub/%252e%252e/admin",
            "/pub/..%20/admin",
        ] {
            assert_eq!(readings(path), Err(AmbiguousPath), "{path}");
        }
    }

    #[test]
    fn paths_that_servers_read_differently_are_ambiguous() {
        let many = "/a%20".repeat(READINGS);
        for path in [
            "/a%00",
            "/a%09",
            "/a%250ab",
            "/a%7f",
            "/a%ff",
            "/a%c0%ae",
            "/%252525252e",
            "a%20",
            &many,
        ] {
            assert_eq!(readings(path), Err(AmbiguousPath), "{path}");
        }
    }

    #[test]
    fn a_path_has_a_largest_number_of_readings() {
        // One for each segment, and the whole.
        let of = |segments: usize| readings(&"/a%20".repeat(segments));
        let most = of(READINGS - 1).unwrap().unwrap();
        assert_eq!(most.len(), READINGS);
        assert_eq!(of(READINGS), Err(AmbiguousPath));
    }

    #[test]
    fn the_longest_path_is_read_quickly() {
        for piece in [
            "/", "//a", "%2f", ";%2f", "/%41", "//a;%2f", "/../a", "%2525", "/;",
        ] {
            let path = format!("/{}", piece.repeat(crate::limits::URL_BYTES / piece.len()));
            let _ = readings(&path);
        }
    }
}
