//! The audience of a token (RFC 7519 section 4.1.3, RFC 8707 section 2).

use crate::http_url::HttpUrl;

/// The accepted `aud` values of an issuer's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audiences {
    /// One of these, compared by code points.
    Named(Vec<String>),
    /// This resource identifier (with or without a slash at the end), or that of the request's
    /// target or one of its parent paths: a token for `https://host/mcp` is accepted for
    /// `https://host/mcp` and `https://host/mcp/x`, and for nothing else.
    Resource(String),
    /// The identifier of the request's target or of one of its parent paths, as above.
    OfRequest,
}

/// The target of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// `https://host[:port]`, as published.
    pub origin: &'a str,
    /// The path in all its readings. The token's audience must cover every one of them.
    pub paths: &'a [String],
}

impl Audiences {
    /// Whether one of the token's audiences is accepted. Without a target, only configured
    /// audiences are.
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

/// Whether `prefix` is `path` or one of its parents: `/mcp` is a parent of `/mcp/x`, but not of
/// `/mcp-other`.
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
    fn a_resource_covers_itself_and_its_subpaths() {
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
