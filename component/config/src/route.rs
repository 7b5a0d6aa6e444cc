//! Routes: which paths are public, and which scopes the others need.

use serde::{Deserialize, Serialize};

use crate::record::{records, variants};

records! {
    /// What requests to a path need. In a file: `public = true`, or `scopes`.
    #[derive(Clone, Debug, Eq, PartialEq)]
    #[serde(try_from = "RouteShape", into = "RouteShape")]
    pub struct Route {
        /// A path such as `/mcp`. It covers itself and everything below it (`/mcp/x`), but not
        /// `/mcp-other`. `/` covers only the root, `/*` covers everything. There are no other
        /// patterns: `/users/:id`, `/users/{id}` and `/files/*` are errors that say what to write
        /// instead. A `:` after a letter or digit is part of a name (`/v1/things:batchGet`).
        "path" path: String,
        /// HTTP methods that it covers. `GET` covers `HEAD` too. Case is ignored. Default: all.
        "methods" methods: Option<Vec<String>>,
        /// Who may call.
        "access" access: Access,
    }
}

variants! {
    /// Who may call a route.
    #[derive(Clone, Debug, Eq, PartialEq)]
    pub enum Access {
        /// Anyone may call. Credentials are ignored.
        "public" Public,
        /// A valid token with all of these scopes.
        "protected" Protected(Vec<String>),
    }
}

impl Route {
    /// A route that anyone may call.
    #[must_use]
    pub fn public(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            methods: None,
            access: Access::Public,
        }
    }

    /// A route that needs a valid token with all of these scopes.
    #[must_use]
    pub fn protected<S: Into<String>>(
        path: impl Into<String>,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        let scopes = scopes.into_iter().map(Into::into).collect();
        Self {
            path: path.into(),
            methods: None,
            access: Access::Protected(scopes),
        }
    }

    /// Covers only these HTTP methods.
    #[must_use]
    pub fn methods<S: Into<String>>(mut self, methods: impl IntoIterator<Item = S>) -> Self {
        self.methods = Some(methods.into_iter().map(Into::into).collect());
        self
    }
}

/// A route as files and the npm package write it.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RouteShape {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    methods: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
}

impl TryFrom<RouteShape> for Route {
    type Error = &'static str;

    fn try_from(given: RouteShape) -> Result<Self, Self::Error> {
        let access = match (given.public, given.scopes) {
            (Some(true), Some(_)) => {
                return Err("a public route cannot need scopes: remove `public` or `scopes`");
            }
            (Some(true), None) => Access::Public,
            (_, scopes) => Access::Protected(scopes.unwrap_or_default()),
        };
        Ok(Self {
            path: given.path,
            methods: given.methods,
            access,
        })
    }
}

impl From<Route> for RouteShape {
    fn from(route: Route) -> Self {
        let (public, scopes) = match route.access {
            Access::Public => (Some(true), None),
            Access::Protected(scopes) => (None, Some(scopes)),
        };
        Self {
            path: route.path,
            methods: route.methods,
            public,
            scopes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_route_is_public_or_needs_scopes() {
        let route = |value| serde_json::from_value::<Route>(value).ok();
        let public = json!({ "path": "/health", "public": true });
        assert_eq!(route(public.clone()), Some(Route::public("/health")));
        assert_eq!(
            serde_json::to_value(Route::public("/health")).ok(),
            Some(public)
        );
        let protected = Route::protected("/reports", ["read"]).methods(["GET"]);
        let written = json!({ "path": "/reports", "methods": ["GET"], "scopes": ["read"] });
        assert_eq!(route(written.clone()), Some(protected.clone()));
        assert_eq!(serde_json::to_value(protected).ok(), Some(written));
        let bare = Route::protected::<String>("/x", []);
        assert_eq!(route(json!({ "path": "/x" })), Some(bare.clone()));
        assert_eq!(route(json!({ "path": "/x", "public": false })), Some(bare));
        assert_eq!(
            route(json!({ "path": "/", "public": true, "scopes": [] })),
            None
        );
    }
}
