//! What a gate accepts and publishes.

use std::ffi::OsString;

use crate::client::Client;
use crate::issuer::{Issuer, KeyPolicy};
use crate::record::records;
use crate::route::Route;
use crate::setting::{Naming, Setting, ValueKind};
use crate::shapes::{map, one_or_many};

records! {
    /// What a gate accepts and publishes. Everything left out has the default that its comment
    /// names, or comes from [`Config::env`]. The component checks it all when a gate is made.
    ///
    /// ```
    /// use tollgate_config::{Config, Issuer, Route};
    ///
    /// let config = Config::new("https://api.example.com")
    ///     .issuer(Issuer::new("https://login.example.com"))
    ///     .route(Route::public("/health"))
    ///     .route(Route::protected("/reports", ["read:reports"]));
    /// # assert_eq!(config.routes.map(|routes| routes.len()), Some(2));
    /// ```
    #[derive(Clone, Debug, Default, Eq, PartialEq)]
    pub struct Config {
        /// Short for `issuers` with one entry. Not together with `issuers`.
        "issuer" issuer: Option<String>,
        /// Short for the `audiences` of the one issuer, which `issuer` or `env` names. A text or a
        /// list of them, where it is read from a file.
        #[serde(default, deserialize_with = "one_or_many::some")]
        "audience" audience: Option<Vec<String>>,
        /// Issuers whose tokens are accepted, at most 32. Left out: one, from `env`.
        "issuers" issuers: Option<Vec<Issuer>>,
        /// The public base URL of what is protected, such as `https://mcp.example.com`. It builds
        /// the `resource` and URLs of metadata and challenges. Left out: the origin of each
        /// request. It is also the audience of issuers that name none.
        "resource" resource: Option<String>,
        /// Without `resource`: the origin of each request is the resource, and the audience of
        /// issuers that name none. Only where the platform decides which hosts reach the
        /// application, as Workers do, or where something in front does: elsewhere whoever writes
        /// `Host` would choose the audience. Default: no.
        "resource-from-request" resource_from_request: Option<bool>,
        /// Who may call what. The longest matching path wins. Paths that no route covers are
        /// protected.
        "routes" routes: Option<Vec<Route>>,
        /// The server behind ignores the case of letters in paths (Express and IIS do by default,
        /// and so do file systems of Windows and macOS): a route that is protected covers its path
        /// in any case; a public one only as it is written. Default: no.
        "case-insensitive-paths" case_insensitive_paths: Option<bool>,
        /// Scopes that every protected route needs, besides its own. Default: none.
        "scopes" scopes: Option<Vec<String>>,
        /// Scopes that imply others: `("mcp:admin", ["mcp:tools"])`. Implication is transitive. In
        /// a file: a table of lists.
        #[serde(default, with = "map")]
        "scope-hierarchy" scope_hierarchy: Option<Vec<(String, Vec<String>)>>,
        /// `realm` of challenges. Default: none.
        "realm" realm: Option<String>,
        /// Members of the protected resource metadata.
        "metadata" metadata: Option<Metadata>,
        /// Which browser origins may call. Default: all (tokens are no ambient authority).
        "cors" cors: Option<Cors>,
        /// Bounds of the cache of verified tokens.
        "token-cache" token_cache: Option<TokenCache>,
        /// How keys are fetched and kept.
        "keys" keys: Option<KeyPolicy>,
        /// Who this application is to an issuer, where it asks for tokens itself. Default: from
        /// `env`, else it asks for none.
        "client" client: Option<Client>,
        /// Settings of the deployment, for what is not given above: `TOLLGATE_ISSUER`,
        /// `TOLLGATE_AUDIENCE`, `TOLLGATE_RESOURCE`, `TOLLGATE_SCOPES`, `TOLLGATE_JWKS_URI`,
        /// `TOLLGATE_JWKS`; for the client `TOLLGATE_CLIENT_ID`, `TOLLGATE_CLIENT_SECRET`,
        /// `TOLLGATE_PRIVATE_KEY` with `TOLLGATE_PRIVATE_KEY_NEXT` and
        /// `TOLLGATE_PRIVATE_KEY_RETIRED` beside it, and `TOLLGATE_TOKEN_ENDPOINT`. Names that do
        /// not begin with `TOLLGATE_` are ignored. An unknown one that does is an error, and so is
        /// a value that cannot be used. Left out: none, see [`Config::from_env`]. A Worker's
        /// settings come from its own environment.
        #[serde(default, with = "map")]
        "env" env: Option<Vec<(String, Setting)>>,
        /// How errors and sentences spell the names of options. Hosts in Rust set it to
        /// [`Naming::SnakeCase`] where it is left out.
        "naming" naming: Option<Naming>,
    }

    /// Members of the RFC 9728 document that Tollgate does not fill in itself.
    #[derive(Clone, Debug, Default, Eq, PartialEq)]
    pub struct Metadata {
        /// Default: every scope that the configuration names, but for `offline_access`.
        "scopes-supported" scopes_supported: Option<Vec<String>>,
        /// A name for people.
        "resource-name" resource_name: Option<String>,
        /// The URL of documentation for developers.
        "resource-documentation" resource_documentation: Option<String>,
        /// The URL of the policy on the use of data.
        "resource-policy-uri" resource_policy_uri: Option<String>,
        /// The URL of the terms of service.
        "resource-tos-uri" resource_tos_uri: Option<String>,
        /// Serve the first issuer's RFC 8414 document at this host too, for clients that look for
        /// it here (MCP 2025-03-26). Default: yes.
        "serve-issuer-metadata" serve_issuer_metadata: Option<bool>,
        /// The whole host is one resource: every challenge names the document of the root,
        /// whatever the path of the request. Default: no, each path is a resource of its own.
        "single-resource" single_resource: Option<bool>,
    }

    /// Which browser origins may call.
    #[derive(Clone, Debug, Default, Eq, PartialEq)]
    pub struct Cors {
        /// Exact origins, such as `https://app.example.com`; `["*"]` is any. With a list, a
        /// request that carries another `Origin` is answered 403. Default: any.
        "origins" origins: Option<Vec<String>>,
        /// How long browsers may keep a preflight, in seconds. Default: 86400.
        "max-age" max_age: Option<u32>,
    }

    /// Bounds of the cache of verified tokens. Natively, each store has one of its own.
    #[derive(Clone, Debug, Default, Eq, PartialEq)]
    pub struct TokenCache {
        /// Default: 4096; 0 turns the cache off.
        "max-entries" max_entries: Option<u32>,
        /// Default: 8 MiB, counted with what an entry costs beside its claims.
        "max-bytes" max_bytes: Option<u32>,
        /// The longest that a verification is believed, in seconds. Default: 300.
        "max-age" max_age: Option<u32>,
    }
}

/// Variables that the native package's own build and program read.
const NOT_A_GATES: &[&str] = &["TOLLGATE_GATE_WASM", "TOLLGATE_LOG"];

impl Config {
    /// A configuration for this `resource`, with no issuer yet.
    #[must_use]
    pub fn new(resource: impl Into<String>) -> Self {
        Self {
            resource: Some(resource.into()),
            ..Self::default()
        }
    }

    /// A configuration that takes what the process's environment has, but for the variables that
    /// configure the program rather than a gate. Not in a Worker, whose settings reach the gate
    /// with each request.
    #[cfg(not(target_family = "wasm"))]
    #[must_use]
    pub fn from_env() -> Self {
        Self::default().env(std::env::vars_os())
    }

    /// Takes settings that are left out from these variables, as [`Self::from_env`] does.
    #[must_use]
    pub fn env(mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let settings = variables
            .into_iter()
            .filter(|(name, _)| name.as_encoded_bytes().starts_with(b"TOLLGATE_"))
            .filter(|(name, _)| !NOT_A_GATES.iter().any(|other| name == other))
            .map(|(name, value)| match name.into_string() {
                Ok(name) => (name, value.into()),
                Err(name) => {
                    let unusable = Setting::Unusable(ValueKind::NotUtf8);
                    (name.to_string_lossy().into_owned(), unusable)
                }
            });
        self.env = Some(settings.collect());
        self
    }

    /// Accepts this issuer too.
    #[must_use]
    pub fn issuer(mut self, issuer: Issuer) -> Self {
        self.issuers.get_or_insert_default().push(issuer);
        self
    }

    /// Adds a route.
    #[must_use]
    pub fn route(mut self, route: Route) -> Self {
        self.routes.get_or_insert_default().push(route);
        self
    }

    /// Asks for tokens as this client.
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Adds a scope that implies others.
    #[must_use]
    pub fn implied_scopes<S: Into<String>>(
        mut self,
        scope: impl Into<String>,
        implied: impl IntoIterator<Item = S>,
    ) -> Self {
        let implied = implied.into_iter().map(Into::into).collect();
        self.scope_hierarchy
            .get_or_insert_default()
            .push((scope.into(), implied));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_holds_no_secret() {
        let variables = [("TOLLGATE_CLIENT_SECRET".into(), "env-s3cr3t".into())];
        let config = Config::new("https://api.example.com")
            .client(Client::new("app").secret("s3cr3t").key("k3y"))
            .env(variables);
        let text = format!("{config:?} {config:#?}");
        assert!(!text.contains("s3cr3t") && !text.contains("k3y"), "{text}");
        assert!(text.contains("TOLLGATE_CLIENT_SECRET"), "{text}");
    }

    #[test]
    fn the_environment_has_other_variables_too() {
        let variables = ["TOLLGATE_ISSUER", "TOLLGATE_LOG", "PATH", "TOLLGATE_X"];
        let variables = variables.map(|name| (name.into(), "a".into()));
        let names: Vec<_> = Config::default()
            .env(variables)
            .env
            .into_iter()
            .flatten()
            .collect();
        let expected = ["TOLLGATE_ISSUER", "TOLLGATE_X"].map(|name| (name.to_owned(), "a".into()));
        assert_eq!(names, expected);
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        for text in [
            "resorce = 'a'",
            "[cors]\nmaxAge = 1",
            "[[routes]]\npath = '/'\nx = 1",
        ] {
            assert!(toml::from_str::<Config>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_may_name_one_audience_or_some() {
        for text in ["audience = 'a'", "audience = ['a']"] {
            let config: Config = toml::from_str(text).expect("TOML");
            assert_eq!(config.audience, Some(vec!["a".to_owned()]));
        }
    }
}
