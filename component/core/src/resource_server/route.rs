//! Which rule covers a path, however the path is spelled.
//!
//! A path is read in every way in which some server or router might read it: as it stands,
//! decoded, with dot segments resolved, with slashes merged, with matrix parameters dropped. The
//! request must satisfy the rules of all readings at once, so no spelling gets around a rule.

use crate::access_token::is_scope_token;

/// A path never decodes more often: a further layer is not decoded by anybody.
const DECODINGS: usize = 3;

/// Who may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    Public,
    Protected(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) path: RoutePath,
    /// In upper case; `None` covers all.
    pub(super) methods: Option<Vec<String>>,
    pub(super) rule: Rule,
}

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
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "/" => return Ok(Self::Root),
            "/*" => return Ok(Self::All),
            _ => {}
        }
        let path = text.strip_suffix('/').unwrap_or(text);
        if !path.starts_with('/') {
            return Err("must begin with a slash");
        }
        if !path
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"*?#\"\\<>^`".contains(&b))
        {
            return Err(
                "may only hold printable ASCII, and no * ? # or quotes (/* alone covers \
                        everything)",
            );
        }
        if readings(path).is_some_and(|all| all.len() > 1) {
            return Err("must be in its plain form: decoded, without //, . and .. segments or ;");
        }
        Ok(Self::Below(path.to_owned()))
    }

    fn covers(&self, path: &str) -> bool {
        match self {
            Self::Root => path == "/",
            Self::All => true,
            Self::Below(prefix) => crate::access_token::is_path_prefix(prefix, path),
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::All => 0,
            Self::Root => 1,
            Self::Below(path) => path.len(),
        }
    }
}

/// The strictest rule over all readings; `None` for public.
pub(super) fn required_scopes(
    routes: &[Route],
    method: &str,
    readings: &[String],
) -> Option<Vec<String>> {
    let mut required: Option<Vec<String>> = None;
    for path in readings {
        let covering = routes.iter().filter(|route| {
            route.path.covers(path)
                && route
                    .methods
                    .as_ref()
                    .is_none_or(|methods| methods.iter().any(|m| m == method))
        });
        // The longest path wins; of two equal ones the one that names methods.
        let best = covering.max_by_key(|route| (route.path.length(), route.methods.is_some()));
        match best.map(|route| &route.rule) {
            Some(Rule::Public) => {}
            None => {
                required.get_or_insert_default();
            }
            Some(Rule::Protected(scopes)) => {
                let required = required.get_or_insert_default();
                for scope in scopes {
                    debug_assert!(is_scope_token(scope));
                    if !required.contains(scope) {
                        required.push(scope.clone());
                    }
                }
            }
        }
    }
    required
}

/// Every way to read a path, the last is the plainest; `None` for nearly all paths, which can only
/// be read as they stand.
pub(super) fn readings(path: &str) -> Option<Vec<String>> {
    if is_plain(path) {
        return None;
    }
    let mut readings = vec![path.to_owned()];
    let mut add = |reading: String| {
        if !readings.contains(&reading) {
            readings.push(reading);
        }
    };
    let mut decoded = path.to_owned();
    for _ in 0..DECODINGS {
        add(resolve(&decoded, false));
        add(resolve(&decoded, true));
        let next = decode(&decoded);
        if next == decoded {
            break;
        }
        decoded = next;
        add(decoded.clone());
    }
    add(resolve(&decoded, false));
    add(resolve(&decoded, true));
    Some(readings)
}

/// Whether there is only one way: no escape, no other slash, no parameter, no empty segment and no
/// dots.
fn is_plain(path: &str) -> bool {
    let mut previous = 0;
    for (index, &byte) in path.as_bytes().iter().enumerate() {
        match (previous, byte) {
            (_, b'%' | b'\\' | b';') | (b'/', b'/') => return false,
            // Rare: it may be the first letter of a name.
            (b'/', b'.') | (0, b'.') => {
                let segment = path[index..].split('/').next();
                if matches!(segment, Some("." | "..")) {
                    return false;
                }
            }
            _ => {}
        }
        previous = byte;
    }
    true
}

/// Percent-decodes once. What is not an escape stays; bytes that are no UTF-8 stay escaped as
/// replacement characters, which no route can hold.
fn decode(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |offset: usize| {
            bytes
                .get(at + offset)
                .and_then(|b| char::from(*b).to_digit(16))
        };
        match (bytes[at], hex(1), hex(2)) {
            (b'%', Some(high), Some(low)) => {
                // Two hexadecimal digits are below 256.
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, _, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Merges slashes, reads backslashes as slashes, resolves dot segments (RFC 3986 section 5.2.4),
/// and drops matrix parameters where asked.
fn resolve(path: &str, drop_parameters: bool) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split(['/', '\\']) {
        let segment = if drop_parameters {
            segment.split(';').next()
        } else {
            Some(segment)
        };
        match segment.unwrap_or_default() {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    let slash = if path.ends_with('/') && !segments.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{slash}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Vec<Route> {
        let route = |path: &str, methods: Option<&[&str]>, rule| Route {
            path: RoutePath::parse(path).unwrap(),
            methods: methods.map(|m| m.iter().map(|&m| m.into()).collect()),
            rule,
        };
        let scope = |s: &str| Rule::Protected(vec![s.into()]);
        vec![
            route("/", None, Rule::Public),
            route("/pub", None, Rule::Public),
            route("/pub/admin", None, scope("admin")),
            route("/mcp", None, scope("mcp")),
            route("/notes", None, scope("read")),
            route("/notes", Some(&["POST"]), scope("write")),
        ]
    }

    fn required(method: &str, path: &str) -> Option<Vec<String>> {
        let readings = readings(path).unwrap_or_else(|| vec![path.into()]);
        required_scopes(&routes(), method, &readings)
    }

    #[test]
    fn the_longest_path_wins_and_nothing_is_open_by_default() {
        let scopes = |s: &str| Some(vec![String::from(s)]);
        assert_eq!(required("GET", "/"), None);
        assert_eq!(required("GET", "/pub"), None);
        assert_eq!(required("GET", "/pub/x"), None);
        assert_eq!(required("GET", "/pub/admin/x"), scopes("admin"));
        assert_eq!(required("GET", "/mcp"), scopes("mcp"));
        assert_eq!(required("GET", "/mcp/"), scopes("mcp"));
        assert_eq!(required("GET", "/notes/1"), scopes("read"));
        assert_eq!(required("POST", "/notes/1"), scopes("write"));
        assert_eq!(required("GET", "/mcp-other"), Some(vec![]));
        assert_eq!(required("GET", "/public"), Some(vec![]));
        assert_eq!(required("GET", "/MCP"), Some(vec![]));
    }

    #[test]
    fn a_plain_path_is_one_that_the_other_readings_leave_as_it_is() {
        let letters = ['a', '.', '/', '%', ';', '\\'];
        for code in 0..letters.len().pow(6) {
            let digit = |place| letters[code / letters.len().pow(place) % letters.len()];
            let path = String::from_iter((0..6).map(digit));
            for path in [path.trim_end_matches('a'), &format!("/{path}")] {
                let odd = path.contains(['%', '\\', ';'])
                    || path.contains("//")
                    || path.split('/').any(|segment| matches!(segment, "." | ".."));
                assert_eq!(is_plain(path), !odd, "{path}");
            }
        }
    }

    #[test]
    fn no_spelling_gets_around_a_rule() {
        for path in [
            "/pub/../mcp",
            "/pub/%2e%2e/mcp",
            "/pub/%2E./mcp",
            "/pub/%252e%252e/mcp",
            "/pub%2f..%2fmcp",
            "/pub\\..\\mcp",
            "/pub/%5c../mcp",
            "/pub/..;/mcp",
            "/pub/..;x=1/mcp",
            "//mcp",
            "/./mcp",
            "/%6dcp",
            "/mcp;x=1",
            "/pub/./../mcp/tools",
            "/pub//..//mcp",
        ] {
            let scopes = required("GET", path);
            assert!(scopes.is_some_and(|s| s.contains(&"mcp".into())), "{path}");
        }
        for path in [
            "/pub/..",
            "/pub/%2e%2e/x",
            "/pub/..%2f..%2fx",
            "/pub/%ff/../../x",
        ] {
            let open = required("GET", path).is_none();
            assert!(!open || path == "/pub/..", "{path}");
        }
    }

    #[test]
    fn refuses_routes_that_mean_two_things() {
        for bad in [
            "", "mcp", "/a//b", "/a/../b", "/a%2fb", "/a;b", "/a?b", "/a#b", "/a/*", "/é",
        ] {
            assert!(RoutePath::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(RoutePath::parse("/a/"), Ok(RoutePath::Below("/a".into())));
    }
}
