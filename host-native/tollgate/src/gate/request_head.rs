//! The parts of a request that the decision depends on.

use http::header::{
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, HOST, ORIGIN,
};
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName};

use super::bindings::exports::tollgate::auth::resource_server as wit;

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
    pub(super) fn of_settings(origin: Option<String>) -> Self {
        origin.map_or_else(
            || Self::Host {
                scheme: "http".to_owned(),
            },
            Self::Fixed,
        )
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

/// Copies the parts that the decision depends on. Nothing is checked here: the component does.
pub(super) fn request_head(parts: &Parts, origin: &RequestOrigin) -> wit::RequestHead {
    // Without an origin, the URL is not absolute, and the component answers with 400.
    let mut url = origin.of(parts).unwrap_or_default();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    // `http` before 1.4.1 accepts paths of HTTP/2 without a slash. They would extend the host.
    if path.starts_with('/') {
        url.push_str(path);
    } else {
        url.clear();
    }
    let owned = |name: &HeaderName| parts.headers.get(name).map(|value| lossy(value.as_bytes()));
    wit::RequestHead {
        method: parts.method.as_str().to_owned(),
        url,
        authorization: parts
            .headers
            .get_all(AUTHORIZATION)
            .iter()
            .map(|value| lossy(value.as_bytes()))
            .collect(),
        origin: owned(&ORIGIN),
        requested_method: owned(&ACCESS_CONTROL_REQUEST_METHOD),
        requested_headers: owned(&ACCESS_CONTROL_REQUEST_HEADERS),
    }
}

/// A value with bytes that are not UTF-8 remains one that no grammar allows.
fn lossy(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        // The fast path for nearly all values: a sixth of the instructions.
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(value).into_owned(),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn head(request: http::request::Builder, origin: &RequestOrigin) -> wit::RequestHead {
        request_head(&request.body(()).expect("valid").into_parts().0, origin)
    }

    #[test]
    fn a_fixed_origin_ignores_what_the_client_says() {
        let origin = RequestOrigin::of_settings(Some("https://api.example.com".into()));
        let request = Request::get("/a?b=c").header("host", "evil.example");
        let request = request.header("x-forwarded-host", "evil.example");
        assert_eq!(head(request, &origin).url, "https://api.example.com/a?b=c");
    }

    #[test]
    fn forwarding_headers_count_only_where_they_are_trusted() {
        let request = || {
            Request::get("/a")
                .header("host", "inner")
                .header("x-forwarded-host", "api.example.com")
                .header("x-forwarded-proto", "https")
        };
        let plain = RequestOrigin::of_settings(None);
        assert_eq!(head(request(), &plain).url, "http://inner/a");
        assert_eq!(
            head(request(), &RequestOrigin::Forwarded).url,
            "https://api.example.com/a"
        );
    }

    #[test]
    fn a_path_without_a_slash_does_not_extend_the_host() {
        let origin = RequestOrigin::of_settings(Some("https://api.example.com".into()));
        let request = Request::options("*").header("host", "api.example.com");
        assert_eq!(head(request, &origin).url, "");
    }

    #[test]
    fn no_header_adds_to_the_path() {
        let plain = RequestOrigin::of_settings(None);
        for host in [
            "h/pub", "h/pub?", "h?x=", "h#", "h\\pub", "", "a, b", "h/pub/..",
        ] {
            let request = || Request::get("/admin").header("host", host);
            assert_eq!(head(request(), &plain).url, "/admin", "{host}");
            let request = Request::get("/admin").header("x-forwarded-host", host);
            assert_eq!(
                head(request, &RequestOrigin::Forwarded).url,
                "/admin",
                "{host}"
            );
            let request = request_from(host);
            assert_eq!(
                head(request, &RequestOrigin::Forwarded).url,
                "/admin",
                "{host}"
            );
        }
        assert_eq!(head(Request::get("/admin"), &plain).url, "/admin");
    }

    fn request_from(scheme: &str) -> http::request::Builder {
        let request = Request::get("/admin").header("host", "h");
        request.header("x-forwarded-proto", format!("https://{scheme}"))
    }

    #[test]
    fn an_absolute_target_names_its_own_host() {
        let origin = RequestOrigin::Host {
            scheme: "https".into(),
        };
        let request = Request::get("https://two.example/x").header("host", "one.example");
        assert_eq!(head(request, &origin).url, "https://two.example/x");
    }

    #[test]
    fn every_authorization_value_is_passed_on() {
        let request = Request::get("/").header("authorization", "Bearer a");
        let request = request.header("authorization", "Bearer b");
        let head = head(request, &RequestOrigin::Forwarded);
        assert_eq!(head.authorization, ["Bearer a", "Bearer b"]);
    }
}
