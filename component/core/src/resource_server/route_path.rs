//! The configured path of a route.

use super::path_readings::is_plain;
use crate::access_token::is_path_prefix;

/// The paths that a route covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RoutePath {
    /// `/`: only the root. A public home page must not open everything below it.
    Root,
    /// `/*`: everything.
    All,
    /// `/mcp`: itself and everything below it.
    Below(String),
}

impl RoutePath {
    /// Reads a configured path.
    pub(super) fn parse(text: &str) -> Result<Self, PathError> {
        match text {
            "/" => return Ok(Self::Root),
            "/*" => return Ok(Self::All),
            _ => {}
        }
        let path = text.strip_suffix('/').unwrap_or(text);
        if !path.starts_with('/') {
            return Err(PathError::NoSlash);
        }
        if let Some(start) = pattern_start(path) {
            return Err(PathError::Pattern(path[..start].to_owned()));
        }
        if !path
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"#\"\\`".contains(&b))
        {
            return Err(PathError::Character);
        }
        if !is_plain(path) {
            return Err(PathError::NotPlain);
        }
        Ok(Self::Below(path.to_owned()))
    }

    pub(super) fn covers(&self, path: &str, ignore_case: bool) -> bool {
        match self {
            Self::Root => path == "/",
            Self::All => true,
            Self::Below(prefix) if ignore_case => path.get(..prefix.len()).is_some_and(|start| {
                start.eq_ignore_ascii_case(prefix) && is_path_prefix(start, path)
            }),
            Self::Below(prefix) => is_path_prefix(prefix, path),
        }
    }

    /// A longer path is more precise.
    pub(super) fn length(&self) -> usize {
        match self {
            Self::All => 0,
            Self::Root => 1,
            Self::Below(path) => path.len(),
        }
    }
}

/// Why a configured path is invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PathError {
    NoSlash,
    /// The pattern syntax of a router, with the path before it.
    Pattern(String),
    Character,
    NotPlain,
}

impl PathError {
    /// What to change.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::NoSlash => "a path must begin with a slash".to_owned(),
            Self::Pattern(before) => {
                let instead = match before.as_str() {
                    "" => "/*",
                    path => path,
                };
                format!(
                    "a path must not be a pattern, because it covers itself and everything below \
                     it: write {instead:?}"
                )
            }
            Self::Character => "a path must be printable ASCII without quotes, # and \
                                backslashes"
                .to_owned(),
            Self::NotPlain => "a path must be in its normal form: decoded, without //, ; and the \
                               segments . and .."
                .to_owned(),
        }
    }
}

/// The start of the segment with the pattern syntax of a router (Express, Hono, axum, Next.js,
/// OpenAPI, Flask, regular expressions). A `:` after a letter or digit is part of a name:
/// `/v1/things:batchGet`.
fn pattern_start(path: &str) -> Option<usize> {
    let mut segment = 0;
    let mut previous = b'/';
    for (index, byte) in path.bytes().enumerate() {
        match byte {
            b'/' => segment = index,
            b'*' | b'?' | b'+' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' | b'|'
            | b'^' => return Some(segment),
            b':' if !previous.is_ascii_alphanumeric() => return Some(segment),
            _ => {}
        }
        previous = byte;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambiguous_routes_are_refused() {
        for (bad, why) in [
            ("", PathError::NoSlash),
            ("mcp", PathError::NoSlash),
            ("/a//b", PathError::NotPlain),
            ("/a/../b", PathError::NotPlain),
            ("/a%2fb", PathError::NotPlain),
            ("/a;b", PathError::NotPlain),
            ("/a#b", PathError::Character),
            ("/a b", PathError::Character),
            ("/\u{e9}", PathError::Character),
        ] {
            assert_eq!(RoutePath::parse(bad), Err(why), "{bad}");
        }
        assert_eq!(RoutePath::parse("/a/"), Ok(RoutePath::Below("/a".into())));
    }

    #[test]
    fn router_patterns_are_refused_with_what_to_write() {
        for (pattern, instead) in [
            ("/admin/:id", "/admin"),
            ("/users/{id}/posts", "/users"),
            ("/users/[id]", "/users"),
            ("/users/<int:id>", "/users"),
            ("/files/*", "/files"),
            ("/files/*path", "/files"),
            ("/files/(.*)", "/files"),
            ("/a+", "/*"),
            ("/a/b?", "/a"),
            ("/^a", "/*"),
            ("/flights/LAX-:to", "/flights"),
            ("/:id", "/*"),
            ("/**", "/*"),
        ] {
            let sentence = RoutePath::parse(pattern).unwrap_err().sentence();
            assert!(
                sentence.ends_with(&format!("write {instead:?}")),
                "{sentence}"
            );
        }
        for name in [
            "/v1/things:batchGet",
            "/$metadata",
            "/@user",
            "/.well-known/x",
            "/a=b,c",
        ] {
            assert!(RoutePath::parse(name).is_ok(), "{name}");
        }
    }
}
