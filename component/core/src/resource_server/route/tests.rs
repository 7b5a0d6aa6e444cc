//! Tests that try to bypass rules: spellings, methods, letter case.

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
fn no_spelling_of_a_path_bypasses_a_rule() {
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
    // Its own route may require more, never less.
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
fn a_method_in_lower_case_bypasses_no_rule() {
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
    // A public route opens only its own spelling.
    assert_eq!(required(true, "/admin/Help"), None);
    assert_eq!(required(true, "/admin/help"), admin);
}
