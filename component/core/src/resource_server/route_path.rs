//! The path of a route, as it is configured.

use super::path_readings::is_plain;
use crate::access_token::is_path_prefix;

/// What a route covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RoutePath {
    /// `/`: the root alone. A home page that is public must not open everything below it.
    Root,
    /// `/*`: everything.
    All,
    /// `/mcp`: itself and what lies below.
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

    /// The longer, the more precise.
    pub(super) fn length(&self) -> usize {
        match self {
            Self::All => 0,
            Self::Root => 1,
            Self::Below(path) => path.len(),
        }
    }
}

/// Why a configured path is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PathError {
    NoSlash,
    /// The pattern syntax of a router; what stands before it.
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

/// Where the segment begins that has the pattern syntax of some router in it (Express, Hono,
/// axum, Next.js, OpenAPI, Flask, regular expressions). A `:` inside a segment behind a letter or
/// digit is a name: `/v1/things:batchGet`.
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
