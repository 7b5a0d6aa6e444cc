//! The URLs that Tollgate handles: a strict subset of RFC 3986, on which every parser agrees.
//!
//! Only `http` and `https`, printable ASCII, no userinfo, no backslash, no fragment. An accepted
//! URL means the same to this module, to a WHATWG parser and to an HTTP client, so an origin that
//! was compared here is the one that a client connects to.

use crate::grammar;

/// An absolute `http:` or `https:` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpUrl {
    secure: bool,
    /// Host in lower case, with a port unless it is the scheme's own.
    authority: String,
    /// Begins with `/`; not decoded.
    path: String,
    /// Without the `?`.
    query: Option<String>,
}

/// Why text is not such a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlError {
    /// Neither `http://` nor `https://`.
    Scheme,
    /// White space, control characters, quotes, a backslash, or not ASCII.
    Character,
    /// The host or the port is not valid, or there is a user name.
    Authority,
    /// There is a `#`.
    Fragment,
    /// Longer than the caller's limit.
    TooLong,
}

impl UrlError {
    /// What is wrong, as the end of a sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Scheme => "it must begin with https:// (or http:// on a loopback address)",
            Self::Character => "it must be printable ASCII without spaces, quotes and backslashes",
            Self::Authority => "its host or port is not valid, or it has a user name",
            Self::Fragment => "it must not have a fragment (#)",
            Self::TooLong => "it is too long",
        }
    }
}

impl HttpUrl {
    /// Reads an absolute URL. An empty path becomes `/`.
    ///
    /// # Errors
    /// See [`UrlError`].
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if !grammar::URL.contains_all(text) {
            return Err(UrlError::Character);
        }
        let (scheme, rest) = grammar::split_once(text, b':').ok_or(UrlError::Scheme)?;
        let rest = rest.strip_prefix("//").ok_or(UrlError::Scheme)?;
        let secure = match () {
            () if scheme.eq_ignore_ascii_case("https") => true,
            () if scheme.eq_ignore_ascii_case("http") => false,
            () => return Err(UrlError::Scheme),
        };
        if rest.as_bytes().contains(&b'#') {
            return Err(UrlError::Fragment);
        }
        let ends = |byte: &u8| matches!(byte, b'/' | b'?');
        let end = rest.as_bytes().iter().position(ends);
        let end = end.unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let authority = normal_authority(authority, secure).ok_or(UrlError::Authority)?;
        let (path, query) = match grammar::split_once(target, b'?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let path = if path.is_empty() { "/" } else { path }.to_owned();
        Ok(Self {
            secure,
            authority,
            path,
            query,
        })
    }

    /// `https://host[:port]`.
    #[must_use]
    pub fn origin(&self) -> String {
        let scheme = if self.secure { "https://" } else { "http://" };
        scheme.to_owned() + &self.authority
    }

    /// `host[:port]`, in lower case.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// The host in lower case, without a port. An IPv6 address is in brackets.
    pub(crate) fn host(&self) -> &str {
        match self.authority.split_once(']') {
            Some((address, _)) => &self.authority[..=address.len()],
            None => self.authority.split(':').next().unwrap_or_default(),
        }
    }

    /// The path as it was given, not decoded. At least `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// [`Self::path`] as a list of one path.
    pub(crate) fn path_alone(&self) -> &[String] {
        std::slice::from_ref(&self.path)
    }

    /// Without the `?`; `None` where there was none.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Whether `other` has the same scheme, host and port.
    #[must_use]
    pub fn same_origin(&self, other: &Self) -> bool {
        self.secure == other.secure && self.authority == other.authority
    }

    /// Whether credentials may be sent to this URL, and keys fetched from it: `https:`, or a
    /// loopback address.
    #[must_use]
    pub fn is_trustworthy(&self) -> bool {
        self.secure || self.is_loopback()
    }

    /// Whether the host is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = match self.authority.strip_prefix('[') {
            Some(rest) => return rest.split(']').next() == Some("::1"),
            None => self.authority.split(':').next().unwrap_or_default(),
        };
        // RFC 6761 section 6.3 reserves the name. An IPv4 address must have four decimal parts,
        // because other notations could stand for another address.
        host == "localhost"
            || (host.starts_with("127.")
                && host.split('.').count() == 4
                && host.split('.').all(|part| part.parse::<u8>().is_ok()))
    }
}

fn normal_authority(authority: &str, secure: bool) -> Option<String> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (address, after) = rest.split_once(']')?;
        address.parse::<std::net::Ipv6Addr>().ok()?;
        let port = match after {
            "" => None,
            _ => Some(after.strip_prefix(':')?),
        };
        (format!("[{}]", address.to_ascii_lowercase()), port)
    } else {
        let (host, port) = match grammar::split_once(authority, b':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        // DNS names and IPv4 addresses (RFC 1123 section 2.1), and `_`, which is used in container
        // networks.
        let name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        if host.is_empty() || host.len() > 253 || !host.bytes().all(name) {
            return None;
        }
        (host.to_ascii_lowercase(), port)
    };
    let default = if secure { 443 } else { 80 };
    match port {
        None | Some("") => Some(host),
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            match digits.parse::<u16>().ok()? {
                0 => None,
                port if port == default => Some(host),
                port => Some(format!("{host}:{port}")),
            }
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalizes_scheme_host_and_default_port() {
        let url = HttpUrl::parse("HTTPS://API.Example.com:443/A%2fb?x=1").unwrap();
        assert_eq!(url.origin(), "https://api.example.com");
        assert_eq!((url.path(), url.query()), ("/A%2fb", Some("x=1")));
        assert_eq!(HttpUrl::parse("https://a").unwrap().path(), "/");
        assert_eq!(HttpUrl::parse("https://a?q").unwrap().query(), Some("q"));
        assert_eq!(
            HttpUrl::parse("http://[::1]:8080/").unwrap().origin(),
            "http://[::1]:8080"
        );
    }

    #[test]
    fn refuses_what_parsers_disagree_on() {
        for (text, error) in [
            ("ftp://a/", UrlError::Scheme),
            ("https:/a/", UrlError::Scheme),
            ("//a/", UrlError::Scheme),
            ("https://a\\@b/", UrlError::Character),
            ("https://a/ b", UrlError::Character),
            ("https://a/\u{e9}", UrlError::Character),
            ("https://a/\"", UrlError::Character),
            ("https://a/\r\n", UrlError::Character),
            ("https://user@a/", UrlError::Authority),
            ("https:///", UrlError::Authority),
            ("https://a:0/", UrlError::Authority),
            ("https://a:65536/", UrlError::Authority),
            ("https://a:+1/", UrlError::Authority),
            ("https://[::1/", UrlError::Authority),
            ("https://[::1]x/", UrlError::Authority),
            ("https://a%2eb/", UrlError::Authority),
            ("https://a/#f", UrlError::Fragment),
        ] {
            assert_eq!(HttpUrl::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_host_has_at_most_253_characters() {
        let of = |length: usize| HttpUrl::parse(&format!("https://{}/", "h".repeat(length)));
        assert!(of(253).is_ok());
        assert_eq!(of(254), Err(UrlError::Authority));
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let same = |one, other| {
            let [one, other] = [one, other].map(|text| HttpUrl::parse(text).unwrap());
            one.same_origin(&other)
        };
        assert!(same("https://a/x", "https://A:443/y"));
        assert!(!same("https://a", "http://a"));
        assert!(!same("https://a", "https://a:444"));
        assert!(!same("https://a", "https://b"));
        assert!(!same("http://a", "https://b"));
    }

    #[test]
    fn a_host_has_no_port() {
        let host = |text| HttpUrl::parse(text).unwrap().host().to_owned();
        assert_eq!(host("https://A.example:444/x"), "a.example");
        assert_eq!(host("https://a.example"), "a.example");
        assert_eq!(host("http://[::1]:80/"), "[::1]");
        assert_eq!(host("http://[::1]"), "[::1]");
    }

    #[test]
    fn plain_http_only_on_loopback() {
        let trusted = |text| HttpUrl::parse(text).unwrap().is_trustworthy();
        assert!(trusted("https://a/"));
        assert!(trusted("http://127.0.0.1:9400/"));
        assert!(trusted("http://localhost/"));
        assert!(trusted("http://[::1]/"));
        assert!(!trusted("http://a/"));
        assert!(!trusted("http://localhost.example/"));
        assert!(!trusted("http://127.0.0.1.example/"));
        assert!(!trusted("http://127.1/"));
        assert!(!trusted("http://127.0.0.256/"));
    }
}
