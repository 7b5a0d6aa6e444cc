//! Redirect URIs (RFC 6749 section 3.1.2, OAuth 2.1 section 2.3, RFC 8252 section 7).
//!
//! A registered URI must be `https:`, or `http:` on a loopback address. Private-use schemes
//! (`com.example.app:/callback`) are accepted where the application allows them. A request must
//! name a registered URI exactly, except for the port of a loopback address, which the client's
//! operating system chooses (RFC 8252 section 7.3).

use crate::grammar;
use crate::http_url::HttpUrl;

/// A redirect URI: the length of URLs that all browsers accept.
const BYTES: usize = 2048;

/// Why a redirect URI cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectUriError {
    /// Longer than 2048 characters.
    TooLong,
    /// Not an absolute URL of printable ASCII.
    Malformed,
    /// It has a `#`.
    Fragment,
    /// `http:` on another host than a loopback address.
    Insecure,
    /// A private-use scheme (RFC 8252 section 7.1), which the configuration does not allow.
    Scheme,
    /// A scheme that runs code, reads files or starts something else than the client.
    DangerousScheme,
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
            Self::Scheme => {
                "the redirect URI must be https:, or http: on a loopback address: the server does \
                 not accept private-use schemes"
            }
            Self::DangerousScheme => "the redirect URI has a scheme that no client can own",
        }
    }
}

/// Schemes that browsers and operating systems interpret themselves. A client cannot own them, and
/// some of them run code in the origin of the page that redirects.
const DANGEROUS: [&str; 26] = [
    "about",
    "blob",
    "chrome",
    "chrome-extension",
    "cid",
    "content",
    "data",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "jar",
    "javascript",
    "ldap",
    "livescript",
    "mailto",
    "mhtml",
    "mid",
    "moz-extension",
    "resource",
    "sms",
    "tel",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// Whether a URI may be registered. `private_use`: whether private-use schemes may, with a dot
/// (`com.example.app:/callback`, RFC 8252 section 7.1) or without one (`cursor://callback`, as
/// clients in use have it).
///
/// # Errors
/// Why it may not.
pub(super) fn check_registered(uri: &str, private_use: bool) -> Result<(), RedirectUriError> {
    if uri.len() > BYTES {
        return Err(RedirectUriError::TooLong);
    }
    if uri.contains('#') {
        return Err(RedirectUriError::Fragment);
    }
    if let Some(scheme) = private_use_scheme(uri) {
        return check_private_use(uri, scheme, private_use);
    }
    let url = HttpUrl::parse(uri).map_err(|_| RedirectUriError::Malformed)?;
    if url.is_trustworthy() {
        Ok(())
    } else {
        Err(RedirectUriError::Insecure)
    }
}

/// The scheme, if there is one and it is neither `https` nor `http`.
pub(super) fn private_use_scheme(uri: &str) -> Option<&str> {
    let (scheme, _) = uri.split_once(':')?;
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    (!is_http).then_some(scheme)
}

fn check_private_use(uri: &str, scheme: &str, private_use: bool) -> Result<(), RedirectUriError> {
    // RFC 3986 section 3.1.
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    if !is_scheme || !grammar::URL.contains_all(uri) {
        return Err(RedirectUriError::Malformed);
    }
    let lower = scheme.to_ascii_lowercase();
    // Windows' own handlers (`ms-msdt:`, `ms-officecmd:`) have run commands.
    if DANGEROUS.contains(&&*lower) || lower.starts_with("ms-") {
        return Err(RedirectUriError::DangerousScheme);
    }
    if !private_use {
        return Err(RedirectUriError::Scheme);
    }
    let rest = &uri[scheme.len() + 1..];
    let authority = rest.strip_prefix("//").unwrap_or_default();
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    if rest.is_empty() || authority.contains('@') {
        return Err(RedirectUriError::Malformed);
    }
    Ok(())
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
            assert_eq!(check_registered(good, false), Ok(()), "{good}");
        }
        use RedirectUriError::{DangerousScheme, Fragment, Insecure, Malformed, Scheme};
        for (bad, why) in [
            ("http://app.example/callback", Insecure),
            ("http://127.0.0.1.example/callback", Insecure),
            ("https://app.example/#x", Fragment),
            ("javascript:alert(1)", DangerousScheme),
            ("data:text/html,x", DangerousScheme),
            ("cursor://callback", Scheme),
            ("/callback", Malformed),
            ("https://user@app.example/", Malformed),
            ("https://app.example\\@evil.example/", Malformed),
            ("", Malformed),
        ] {
            assert_eq!(check_registered(bad, false), Err(why), "{bad}");
        }
        let long = format!("https://app.example/{}", "a".repeat(BYTES));
        assert_eq!(
            check_registered(&long, false),
            Err(RedirectUriError::TooLong)
        );
    }

    #[test]
    fn private_use_schemes_are_an_option_and_dangerous_ones_are_not() {
        for good in [
            "cursor://anysphere.cursor-retrieval/oauth/callback",
            "claude://callback",
            "com.example.app:/cb",
            "com.example.app:cb?x=y",
        ] {
            assert_eq!(check_registered(good, true), Ok(()), "{good}");
            let refused = check_registered(good, false);
            assert_eq!(refused, Err(RedirectUriError::Scheme), "{good}");
        }
        for dangerous in DANGEROUS.iter().chain(&["JavaScript", "ms-msdt", "MS-X"]) {
            let uri = format!("{dangerous}://a/b");
            let refused = check_registered(&uri, true);
            assert_eq!(refused, Err(RedirectUriError::DangerousScheme), "{uri}");
        }
        for bad in [
            "app:",
            "app://user@host/",
            "1app:/cb",
            "java script:alert(1)",
            "app:/\u{e9}",
            "app:/ x",
            ":/cb",
            "\tjavascript:alert(1)",
        ] {
            let refused = check_registered(bad, true);
            assert_eq!(refused, Err(RedirectUriError::Malformed), "{bad}");
        }
        assert_eq!(
            check_registered("http://app.example/", true),
            Err(RedirectUriError::Insecure)
        );
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
