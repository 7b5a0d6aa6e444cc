//! Whom a token is meant for (RFC 7519 section 4.1.3, RFC 8707 section 2).

use crate::http_url::HttpUrl;

/// What the `aud` of an issuer's tokens may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audiences {
    /// One of these, by code points.
    Named(Vec<String>),
    /// This resource identifier (with or without a slash at the end), or the identifier of the
    /// place that the request is for: `https://host/mcp` covers `https://host/mcp` and
    /// `https://host/mcp/x`, and nothing beside.
    Resource(String),
    /// The identifier of the place that the request is for, as above, and no other.
    OfRequest,
}

/// The place that a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// `https://host[:port]`, as published.
    pub origin: &'a str,
    /// The path, in every way in which it may be read: a token must be meant for all of them.
    pub paths: &'a [String],
}

impl Audiences {
    /// Whether one of the token's audiences is accepted. Without a target, only what is
    /// configured is.
    #[must_use]
    pub fn accept(&self, audience: &[String], target: Option<Target<'_>>) -> bool {
        match self {
            Self::Named(names) => audience.iter().any(|aud| names.contains(aud)),
            Self::Resource(resource) => audience.iter().any(|aud| {
                without_slash(aud) == without_slash(resource)
                    || target.is_some_and(|target| covers(aud, target))
            }),
            Self::OfRequest => {
                target.is_some_and(|target| audience.iter().any(|aud| covers(aud, target)))
            }
        }
    }
}

fn without_slash(text: &str) -> &str {
    text.strip_suffix('/').unwrap_or(text)
}

fn covers(audience: &str, target: Target<'_>) -> bool {
    let Ok(url) = HttpUrl::parse(audience) else {
        return false;
    };
    url.query().is_none()
        && url.origin() == target.origin
        && target
            .paths
            .iter()
            .all(|path| is_path_prefix(url.path(), path))
}

/// Whether `prefix` is `path` or one of its ancestors: `/mcp` of `/mcp/x`, not of `/mcp-other`.
pub(crate) fn is_path_prefix(prefix: &str, path: &str) -> bool {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(values: &[&str]) -> Vec<String> {
        values.iter().map(|&v| v.into()).collect()
    }

    #[test]
    fn named_audiences_match_by_code_points() {
        let audiences = Audiences::Named(list(&["https://api", "urn:x"]));
        let paths = list(&["/mcp"]);
        let target = Some(Target {
            origin: "https://api",
            paths: &paths,
        });
        assert!(audiences.accept(&list(&["other", "urn:x"]), target));
        for no in [
            &[][..],
            &["https://api/"],
            &["HTTPS://api"],
            &["https://api/mcp"],
            &["a", "b"],
        ] {
            assert!(!audiences.accept(&list(no), target), "{no:?}");
        }
    }

    #[test]
    fn a_resource_covers_itself_and_what_the_request_lies_below() {
        let audiences = Audiences::Resource("https://api".into());
        let paths = list(&["/mcp/x"]);
        let target = Some(Target {
            origin: "https://api",
            paths: &paths,
        });
        for yes in [
            "https://api",
            "https://api/",
            "https://api/mcp",
            "https://api/mcp/x",
        ] {
            assert!(audiences.accept(&list(&[yes]), target), "{yes}");
        }
        for no in [
            "https://api/mcp/x/y",
            "https://api/mc",
            "https://api/mcp-other",
            "https://other/mcp",
            "https://api:8443/mcp",
            "http://api/mcp",
            "https://api/mcp?x",
            "",
        ] {
            assert!(!audiences.accept(&list(&[no]), target), "{no}");
        }
        let both = list(&["/mcp/x", "/other"]);
        let ambiguous = Some(Target {
            origin: "https://api",
            paths: &both,
        });
        assert!(!audiences.accept(&list(&["https://api/mcp"]), ambiguous));
        assert!(!audiences.accept(&list(&["https://api/mcp"]), None));
        assert!(audiences.accept(&list(&["https://api/"]), None));
    }
}
