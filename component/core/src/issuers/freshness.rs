//! How long a response counts as fresh (RFC 9111 section 4.2).

use super::KeyPolicy;
use crate::capability::HttpResponse;

/// The default if the issuer says nothing: keys are published well before they are used, and are
/// rarely withdrawn, so ten minutes are safe.
const DEFAULT_FRESH_MS: u64 = 600_000;

/// The freshness in milliseconds, within the policy's limits. `Expires` is ignored: every issuer
/// that sends it sends `Cache-Control` as well.
pub(crate) fn lifetime(response: &HttpResponse, policy: &KeyPolicy) -> u64 {
    let stated = response.header("cache-control").and_then(max_age);
    let age = response
        .header("age")
        .and_then(|text| text.trim().parse::<u64>().ok())
        .unwrap_or(0);
    let fresh = match stated {
        Some(seconds) => seconds.saturating_sub(age).saturating_mul(1000),
        None => DEFAULT_FRESH_MS,
    };
    fresh.clamp(policy.min_fresh, policy.max_fresh.max(policy.min_fresh))
}

/// `max-age` in seconds. 0 if the response must not be cached.
fn max_age(value: &str) -> Option<u64> {
    let mut age = None;
    for directive in value.split(',') {
        let (name, argument) = match directive.split_once('=') {
            Some((name, argument)) => (name.trim(), argument.trim().trim_matches('"')),
            None => (directive.trim(), ""),
        };
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            return Some(0);
        }
        if name.eq_ignore_ascii_case("max-age") {
            // A number that is too large means a long time, and is not an error (RFC 9111 section
            // 1.2.2).
            let digits = !argument.is_empty() && argument.bytes().all(|b| b.is_ascii_digit());
            age = digits.then(|| argument.parse().unwrap_or(u64::MAX)).or(age);
        }
    }
    age
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetime_of(headers: &[(&str, &str)]) -> u64 {
        let headers = headers
            .iter()
            .map(|(n, v)| ((*n).into(), (*v).into()))
            .collect();
        let response = HttpResponse {
            status: 200,
            headers,
            body: Vec::new(),
        };
        lifetime(&response, &KeyPolicy::default()) / 1000
    }

    #[test]
    fn honours_cache_control_between_floor_and_ceiling() {
        assert_eq!(lifetime_of(&[]), 600);
        assert_eq!(
            lifetime_of(&[("cache-control", "public, max-age=120")]),
            120
        );
        assert_eq!(lifetime_of(&[("Cache-Control", "MAX-AGE=\"120\"")]), 120);
        assert_eq!(
            lifetime_of(&[("cache-control", "max-age=120"), ("age", "30")]),
            90
        );
        assert_eq!(lifetime_of(&[("cache-control", "max-age=1")]), 60);
        assert_eq!(
            lifetime_of(&[("cache-control", "no-store, max-age=900")]),
            60
        );
        assert_eq!(
            lifetime_of(&[("cache-control", "max-age=99999999999999999999")]),
            3600
        );
        assert_eq!(lifetime_of(&[("cache-control", "max-age=-5")]), 600);
        assert_eq!(
            lifetime_of(&[("cache-control", "max-age=120"), ("age", "junk")]),
            120
        );
    }
}
