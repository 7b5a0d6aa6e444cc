//! The rule for a request.
//!
//! The request must satisfy the rules of all [readings](super::path_readings) of its path, so that
//! no spelling bypasses a rule.

use super::route_path::RoutePath;
use crate::access_token::is_scope_token;

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

    /// The longest path wins. Of two equal paths, the route with methods wins.
    fn precedence(&self) -> (usize, bool) {
        (self.path.length(), self.methods.is_some())
    }
}

/// All routes of a gate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Routes {
    pub(super) list: Vec<Route>,
    /// Whether the server may ignore case in paths.
    pub(super) ignore_case: bool,
}

impl Routes {
    /// The strictest rule over all readings of the path and all methods that a server may use.
    /// `None` for public.
    pub(super) fn required_scopes(&self, method: &str, readings: &[String]) -> Option<Vec<String>> {
        let mut required = None;
        for path in readings {
            self.add(&mut required, method, path);
            if method.bytes().all(|byte| byte.is_ascii_uppercase()) && method != "HEAD" {
                continue;
            }
            // Methods are case-sensitive (RFC 9110 section 9.1), but not for every server.
            let upper = method.to_ascii_uppercase();
            self.add(&mut required, &upper, path);
            // Servers use their GET handler for HEAD.
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
        // Several can match equally: `GET` and `HEAD` for a HEAD request.
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
#[path = "route/tests.rs"]
mod tests;
