//! Redirect URIs (RFC 6749 section 3.1.2, OAuth 2.1 section 2.3, RFC 8252 section 7).
//!
//! A registered URI must be `https:`, or `http:` on a loopback address. Private-use schemes
//! (`com.example.app:/callback`) are accepted where the application allows them. A request must
//! name a registered URI exactly, except for the port of a loopback address, which the client's
//! operating system chooses (RFC 8252 section 7.3).

use crate::http_url::HttpUrl;

/// A redirect URI: the length of URLs that all browsers accept.
const BYTES: usize = 2048;

/// Why a redirect URI cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RedirectUriError {
    TooLong,
    /// Not an absolute URL of printable ASCII.
    Malformed,
    /// It has a `#`.
    Fragment,
    /// `http:` on another host than a loopback address.
    Insecure,
    /// A scheme that runs code or reads files in a browser, or one without a dot (RFC 8252 section
    /// 7.1).
    Scheme,
}

impl RedirectUriError {
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::TooLong => "the redirect URI is longer than 2048 characters",
            Self::Malformed => "the redirect URI is not an absolute URL of printable ASCII",
            Self::Fragment => "the redirect URI must not have a fragment (#)",
            Self::Insecure => {
                "the redirect URI must be https:, or http: on a loopback address such as \
                 http://127.0.0.1/callback"
            }
            Self::Scheme => "the redirect URI must be https:, or http: on a loopback address",
        }
    }
}

/// Whether a URI may be registered.
///
/// # Errors
/// Why it may not.
pub(super) fn check_registered(uri: &str) -> Result<(), RedirectUriError> {
    if uri.len() > BYTES {
        return Err(RedirectUriError::TooLong);
    }
    if uri.contains('#') {
        return Err(RedirectUriError::Fragment);
    }
    let scheme = uri.split(':').next().unwrap_or_default();
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    if uri.contains(':') && !is_http {
        return Err(RedirectUriError::Scheme);
    }
    let url = HttpUrl::parse(uri).map_err(|_| RedirectUriError::Malformed)?;
    if url.is_trustworthy() {
        Ok(())
    } else {
        Err(RedirectUriError::Insecure)
    }
}

/// Whether a request's URI is a registered one.
pub(super) fn matches(registered: &str, requested: &str) -> bool {
    registered == requested
        || match (
            without_loopback_port(registered),
            without_loopback_port(requested),
        ) {
            (Some(one), Some(other)) => one == other,
            _ => false,
        }
}

/// Whether an answer goes to a program on the user's device: to a loopback address or a private-use
/// scheme (RFC 8252 section 7). Any program there can use the client's `client_id`.
pub(super) fn is_local(uri: &str) -> bool {
    HttpUrl::parse(uri).map_or(true, |url| url.is_loopback())
}

/// The parts before and behind the port of `http://` on a loopback address. `None` for any other
/// URI. The texts are compared as they are: no decoding, no other spelling of the host.
fn without_loopback_port(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = match authority.strip_prefix("[::1]") {
        Some(port) if port.is_empty() || port.starts_with(':') => "[::1]",
        Some(_) => return None,
        None => authority.split(':').next()?,
    };
    let port = authority.strip_prefix(host)?;
    let digits = port.strip_prefix(':').unwrap_or_default();
    let is_port = port.is_empty() || digits.parse::<u16>().is_ok_and(|port| port > 0);
    let url = HttpUrl::parse(uri).ok()?;
    (is_port && url.is_trustworthy()).then_some((host, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trustworthy_urls_are_registered() {
        for good in [
            "https://app.example/callback",
            "https://app.example/callback?a=b",
            "http://127.0.0.1/callback",
            "http://localhost:8080/",
            "http://[::1]/callback",
        ] {
            assert_eq!(check_registered(good), Ok(()), "{good}");
        }
        use RedirectUriError::{Fragment, Insecure, Malformed, Scheme};
        for (bad, why) in [
            ("http://app.example/callback", Insecure),
            ("http://127.0.0.1.example/callback", Insecure),
            ("https://app.example/#x", Fragment),
            ("javascript:alert(1)", Scheme),
            ("data:text/html,x", Scheme),
            ("cursor://callback", Scheme),
            ("/callback", Malformed),
            ("https://user@app.example/", Malformed),
            ("https://app.example\\@evil.example/", Malformed),
            ("", Malformed),
        ] {
            assert_eq!(check_registered(bad), Err(why), "{bad}");
        }
        let long = format!("https://app.example/{}", "a".repeat(BYTES));
        assert_eq!(check_registered(&long), Err(RedirectUriError::TooLong));
    }

    #[test]
    fn only_the_port_of_a_loopback_address_may_differ() {
        for (registered, requested) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:5000/cb"),
            ("http://127.0.0.1:1/cb", "http://127.0.0.1/cb"),
            ("http://localhost:3000/cb?x", "http://localhost:3001/cb?x"),
            ("http://[::1]:1/cb", "http://[::1]:2/cb"),
            ("https://app.example/cb", "https://app.example/cb"),
        ] {
            assert!(matches(registered, requested), "{registered} {requested}");
        }
        for (registered, requested) in [
            ("https://app.example/cb", "https://app.example:444/cb"),
            ("https://app.example/cb", "https://app.example/cb/"),
            ("https://app.example/cb", "https://app.example/cb?x"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:5000/other"),
            ("http://127.0.0.1/cb", "http://localhost/cb"),
            ("http://127.0.0.1/cb", "https://127.0.0.1/cb"),
            (
                "http://127.0.0.1/cb",
                "http://127.0.0.1:5000@evil.example/cb",
            ),
            ("http://127.0.0.1/cb", "http://127.0.0.1:99999/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:/cb"),
            ("http://[::1]/cb", "http://[::1].evil.example/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb"),
        ] {
            assert!(!matches(registered, requested), "{registered} {requested}");
        }
    }
}
