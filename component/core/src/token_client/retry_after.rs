//! `Retry-After` (RFC 9110 section 10.2.3).

use std::time::UNIX_EPOCH;

use crate::capability::UnixMillis;

/// Longer delays are cut: a mistake of the issuer must not stop a caller for days.
const LONGEST_SECONDS: u64 = 3_600;

/// Seconds from `now`, at least 1. `None` if the value is neither a number nor a date.
pub(super) fn retry_after(value: &str, now: UnixMillis) -> Option<u64> {
    let value = value.trim();
    let seconds = if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // A number that is too large means a long time, and is not an error.
        value.parse().unwrap_or(u64::MAX)
    } else {
        let date = httpdate::parse_http_date(value).ok()?;
        let at = date.duration_since(UNIX_EPOCH).ok()?.as_secs();
        at.saturating_sub(now / 1000)
    };
    Some(seconds.clamp(1, LONGEST_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read() {
        // 2026-11-21T00:00:00Z.
        let now = 1_795_219_200_000;
        for (value, expected) in [
            ("0", Some(1)),
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("3601", Some(3_600)),
            ("99999999999999999999999", Some(3_600)),
            ("Sat, 21 Nov 2026 00:01:00 GMT", Some(60)),
            ("Saturday, 21-Nov-26 00:01:00 GMT", Some(60)),
            ("Fri, 20 Nov 2026 00:00:00 GMT", Some(1)),
            ("Fri, 21 Nov 2036 00:00:00 GMT", Some(3_600)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("1\r\nx: y", None),
        ] {
            assert_eq!(retry_after(value, now), expected, "{value}");
        }
    }
}
