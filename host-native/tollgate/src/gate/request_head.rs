//! The parts of a request that the decision depends on.

use http::HeaderName;
use http::header::{
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, ORIGIN,
};
use http::request::Parts;

use super::bindings::exports::tollgate::auth::resource_server as wit;
use crate::host::request_origin::{RequestOrigin, lossy};

/// Copies the parts that the decision depends on. Nothing is checked here: the component does.
pub(super) fn request_head(parts: &Parts, origin: &RequestOrigin) -> wit::RequestHead {
    let owned = |name: &HeaderName| parts.headers.get(name).map(|value| lossy(value.as_bytes()));
    wit::RequestHead {
        method: parts.method.as_str().to_owned(),
        url: origin.url_of(parts),
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
