//! The absolute URL of a request.

use http::header::HOST;
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName};

/// How the public origin of a request is determined. A server itself sees only the path and the
/// headers of clients and proxies.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RequestOrigin {
    /// A fixed origin, such as `https://api.example.com`.
    Fixed(String),
    /// This scheme, and the `Host` header or the `:authority` of HTTP/2. The client chooses the
    /// host, so it controls the URLs in metadata and challenges. Configure a `resource` so that
    /// audiences do not depend on it.
    Host {
        /// `http` or `https`.
        scheme: String,
    },
    /// `X-Forwarded-Proto` and `X-Forwarded-Host`; without them, as [`RequestOrigin::Host`] with
    /// `http`. Use it only behind a proxy that overwrites both.
    Forwarded,
}

impl RequestOrigin {
    /// The origin of the configured resource if there is one, otherwise from the `Host` header.
    pub(crate) fn of_settings(origin: Option<String>) -> Self {
        origin.map_or_else(
            || Self::Host {
                scheme: "http".to_owned(),
            },
            Self::Fixed,
        )
    }

    /// The absolute URL of a request. Empty if there is none: the component refuses it.
    pub(crate) fn url_of(&self, parts: &Parts) -> String {
        let mut url = self.of(parts).unwrap_or_default();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        // `http` before 1.4.1 accepts paths of HTTP/2 without a slash. They would extend the host.
        if path.starts_with('/') {
            url.push_str(path);
        } else {
            url.clear();
        }
        url
    }

    /// None if a header is not a valid scheme or host: it could contain a path of its own, which
    /// the component would then decide about.
    fn of(&self, parts: &Parts) -> Option<String> {
        let host = |scheme: &str| match parts.uri.authority() {
            Some(authority) => join(scheme, authority.as_str()),
            None => join(scheme, text(&parts.headers, &HOST)?),
        };
        match self {
            Self::Fixed(origin) => Some(origin.clone()),
            Self::Host { scheme } => host(scheme),
            Self::Forwarded => {
                let scheme = text(&parts.headers, &X_FORWARDED_PROTO).unwrap_or("http");
                match text(&parts.headers, &X_FORWARDED_HOST) {
                    Some(forwarded) => join(scheme, forwarded),
                    None => host(scheme),
                }
            }
        }
    }
}

fn join(scheme: &str, authority: &str) -> Option<String> {
    let scheme = Scheme::try_from(scheme).ok()?;
    let authority = Authority::try_from(authority).ok()?;
    Some(format!("{scheme}://{authority}"))
}

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// A value with bytes that are not UTF-8 remains one that no grammar allows.
pub(crate) fn lossy(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        // The fast path for nearly all values: a sixth of the instructions.
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(value).into_owned(),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
