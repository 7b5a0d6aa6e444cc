//! Who may call what.

use super::bindings::exports::tollgate::auth::resource_server as wit;

/// What a part of the URL space needs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Route {
    /// A path such as `/mcp`. It covers itself and what lies below it (`/mcp/x`), not
    /// `/mcp-other`. `/` covers the root alone, `/*` covers everything. There are no other
    /// patterns: `/users/:id`, `/users/{id}` and `/files/*` are errors that say what to write
    /// instead.
    pub path: String,
    /// HTTP methods that it covers; `GET` covers `HEAD` too. Left out: all.
    pub methods: Option<Vec<String>>,
    /// Who may call.
    pub access: Access,
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

/// Who may call a route.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Access {
    /// Anyone, with or without credentials, which are not looked at.
    Public,
    /// A valid token with all of these scopes.
    Protected(Vec<String>),
}

impl From<Route> for wit::Route {
    fn from(route: Route) -> Self {
        let access = match route.access {
            Access::Public => wit::Access::Public,
            Access::Protected(scopes) => wit::Access::Protected(scopes),
        };
        Self {
            path: route.path,
            methods: route.methods,
            access,
        }
    }
}
