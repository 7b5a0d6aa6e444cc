//! Which rule covers a request.
//!
//! The request must satisfy the rules of all [readings](super::path_readings) of its path at once,
//! so no spelling gets around a rule.

use super::path_readings::is_plain;
use crate::access_token::{is_path_prefix, is_scope_token};

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

impl Route {
    /// A route that names GET covers HEAD as well (RFC 9110 section 9.3.2).
    fn covers_method(&self, method: &str) -> bool {
        self.methods.as_ref().is_none_or(|methods| {
            methods
                .iter()
                .any(|named| named == method || (named == "GET" && method == "HEAD"))
        })
    }

    /// The longest path wins; of two equal ones the one that names methods.
    fn precedence(&self) -> (usize, bool) {
        (self.path.length(), self.methods.is_some())
    }
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

    fn covers(&self, path: &str, ignore_case: bool) -> bool {
        match self {
            Self::Root => path == "/",
            Self::All => true,
            Self::Below(prefix) if ignore_case => path.get(..prefix.len()).is_some_and(|start| {
                start.eq_ignore_ascii_case(prefix) && is_path_prefix(start, path)
            }),
            Self::Below(prefix) => is_path_prefix(prefix, path),
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
                    "a path is not a pattern, it covers itself and everything below it: write \
                     {instead:?}"
                )
            }
            Self::Character => "a path may only hold printable ASCII without quotes, # and \
                                backslashes"
                .to_owned(),
            Self::NotPlain => "a path must be in its plain form: decoded, without //, without . \
                               and .. as segments, and without ;"
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

/// All routes of a gate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Routes {
    pub(super) list: Vec<Route>,
    /// The server may ignore the case of letters in paths.
    pub(super) ignore_case: bool,
}

impl Routes {
    /// The strictest rule over all readings of the path, and over all methods by which a server may
    /// answer; `None` for public.
    pub(super) fn required_scopes(&self, method: &str, readings: &[String]) -> Option<Vec<String>> {
        let mut required = None;
        for path in readings {
            self.add(&mut required, method, path);
            if method.bytes().all(|byte| byte.is_ascii_uppercase()) && method != "HEAD" {
                continue;
            }
            // Methods are case-sensitive (RFC 9110 section 9.1), but not to every server.
            let upper = method.to_ascii_uppercase();
            self.add(&mut required, &upper, path);
            // Servers answer HEAD by what they have for GET.
            if upper == "HEAD" {
                self.add(&mut required, "GET", path);
            }
        }
        required
    }

    fn add(&self, required: &mut Option<Vec<String>>, method: &str, path: &str) {
        self.add_best(required, method, path, false);
        if self.ignore_case {
            self.add_best(required, method, path, true);
        }
    }

    fn add_best(
        &self,
        required: &mut Option<Vec<String>>,
        method: &str,
        path: &str,
        ignore_case: bool,
    ) {
        let covering = || {
            let covers = |route: &&Route| {
                route.path.covers(path, ignore_case) && route.covers_method(method)
            };
            self.list.iter().filter(covers)
        };
        let Some(best) = covering().map(Route::precedence).max() else {
            required.get_or_insert_default();
            return;
        };
        // Several can be as good: `GET` and `HEAD` for a HEAD request.
        for route in covering().filter(|route| route.precedence() == best) {
            if let Rule::Protected(scopes) = &route.rule {
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
}

#[cfg(test)]
mod tests {
    use super::super::path_readings::readings;
    use super::*;

    fn route(path: &str, methods: Option<&[&str]>, rule: Rule) -> Route {
        Route {
            path: RoutePath::parse(path).unwrap(),
            methods: methods.map(|m| m.iter().map(|&m| m.into()).collect()),
            rule,
        }
    }

    fn scope(scope: &str) -> Rule {
        Rule::Protected(vec![scope.into()])
    }

    fn routes() -> Vec<Route> {
        vec![
            route("/", None, Rule::Public),
            route("/pub", None, Rule::Public),
            route("/pub/admin", None, scope("admin")),
            route("/mcp", None, scope("mcp")),
            route("/notes", None, scope("read")),
            route("/notes", Some(&["POST"]), scope("write")),
        ]
    }

    fn required_by(list: Vec<Route>, method: &str, path: &str) -> Option<Vec<String>> {
        let routes = Routes {
            list,
            ignore_case: false,
        };
        let readings = readings(path).unwrap().unwrap_or_else(|| vec![path.into()]);
        routes.required_scopes(method, &readings)
    }

    fn required(method: &str, path: &str) -> Option<Vec<String>> {
        required_by(routes(), method, path)
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
    fn no_spelling_gets_around_a_rule() {
        for path in [
            "/pub/../mcp",
            "/pub/x/../../mcp",
            "/pub/./../mcp/tools",
            "//mcp",
            "//pub/mcp",
            "/./mcp",
            "/%6dcp",
            "/%256dcp",
            "/mcp;x=1",
            "/mcp%3fx",
            "/mcp%20",
        ] {
            let scopes = required("GET", path);
            assert!(scopes.is_some_and(|s| s.contains(&"mcp".into())), "{path}");
        }
        assert!(required("GET", "/pub/../x").is_some());
        for path in [
            "/pub/file%20name",
            "/pub/a%2fb",
            "/pub/x;v=1",
            "/pub/caf%C3%A9",
            "/pub/..",
        ] {
            assert_eq!(required("GET", path), None, "{path}");
        }
    }

    #[test]
    fn head_needs_what_get_needs() {
        let scopes = |s: &str| Some(vec![String::from(s)]);
        let open = || route("/x", None, Rule::Public);
        let list = vec![open(), route("/x", Some(&["GET"]), scope("read"))];
        assert_eq!(required_by(list.clone(), "HEAD", "/x"), scopes("read"));
        assert_eq!(required_by(list, "POST", "/x"), None);
        let list = vec![route("/x", Some(&["GET"]), Rule::Public)];
        assert_eq!(required_by(list, "HEAD", "/x"), None);
        // A route of its own may ask for more, never for less.
        for (get, head) in [(scope("read"), Rule::Public), (Rule::Public, scope("read"))] {
            for (get_path, head_path) in [("/x", "/x"), ("/x", "/x/y")] {
                let list = vec![
                    route(head_path, Some(&["HEAD"]), head.clone()),
                    route(get_path, Some(&["GET"]), get.clone()),
                ];
                let backwards = list.iter().rev().cloned().collect();
                for list in [list, backwards] {
                    assert_eq!(required_by(list, "HEAD", "/x/y"), scopes("read"));
                }
            }
        }
    }

    #[test]
    fn a_method_in_lower_case_gets_around_nothing() {
        let list = vec![
            route("/x", None, Rule::Public),
            route("/x", Some(&["GET"]), scope("read")),
            route("/x", Some(&["PATCH"]), scope("write")),
        ];
        let scopes = |s: &str| Some(vec![String::from(s)]);
        for (method, needed) in [
            ("get", scopes("read")),
            ("Head", scopes("read")),
            ("patch", scopes("write")),
            ("post", None),
        ] {
            assert_eq!(required_by(list.clone(), method, "/x"), needed, "{method}");
        }
    }

    #[test]
    fn letter_case_is_ignored_where_that_is_configured() {
        let required = |ignore_case, path: &str| {
            let routes = Routes {
                list: vec![
                    route("/*", None, Rule::Public),
                    route("/admin", None, scope("admin")),
                    route("/admin/Help", None, Rule::Public),
                ],
                ignore_case,
            };
            routes.required_scopes("GET", &[path.to_owned()])
        };
        let admin = Some(vec!["admin".to_owned()]);
        assert_eq!(required(false, "/ADMIN/x"), None);
        assert_eq!(required(true, "/ADMIN/x"), admin);
        assert_eq!(required(true, "/admin-other"), None);
        assert_eq!(required(true, "/admi\u{e9}"), None);
        // A public route opens no other spelling than its own.
        assert_eq!(required(true, "/admin/Help"), None);
        assert_eq!(required(true, "/admin/help"), admin);
    }

    #[test]
    fn refuses_routes_that_mean_two_things() {
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
    fn patterns_of_routers_are_refused_and_what_to_write_is_said() {
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
