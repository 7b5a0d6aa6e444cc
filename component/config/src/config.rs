//! The configuration of a gate.

use std::ffi::OsString;

use crate::client::Client;
use crate::issuer::{Issuer, KeyPolicy};
use crate::record::records;
use crate::route::Route;
use crate::setting::{Naming, Setting, ValueKind};
use crate::shapes::{map, one_or_many};

records! {
    /// The configuration of a gate. A field that is left out comes from [`Config::env`], or has the
    /// default that its comment names. The component checks the configuration when a gate is made.
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
        /// Short for the `audiences` of the only issuer, which comes from `issuer` or `env`. In a
        /// file: a string or a list of strings.
        #[serde(default, deserialize_with = "one_or_many::some")]
        "audience" audience: Option<Vec<String>>,
        /// Issuers whose tokens are accepted, at most 32. Default: one, from `env`.
        "issuers" issuers: Option<Vec<Issuer>>,
        /// The public base URL of the protected resource, such as `https://mcp.example.com`. The
        /// `resource` and the URLs in metadata and challenges begin with it. It is also the
        /// audience of issuers that have no `audiences`. Default: the origin of each request, which
        /// is not used as audience.
        "resource" resource: Option<String>,
        /// Without `resource`: the origin of each request is the resource, and the audience of
        /// issuers that have no `audiences`. Use it only if the platform or a proxy decides which
        /// hosts reach the application, as Workers do: otherwise the sender of the `Host` header
        /// would choose the audience. Default: no.
        "resource-from-request" resource_from_request: Option<bool>,
        /// Which paths are public, and which scopes the others need. The longest matching path
        /// wins. Paths that no route covers are protected.
        "routes" routes: Option<Vec<Route>>,
        /// Whether the server behind the gate ignores case in paths, as Express, IIS and the file
        /// systems of Windows and macOS do by default. If so, a protected route covers its path in
        /// any case, and a public route only as it is written. Default: no.
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
        /// Which browser origins may call. Default: all, because browsers do not send bearer tokens
        /// by themselves.
        "cors" cors: Option<Cors>,
        /// Limits of the cache of verified tokens.
        "token-cache" token_cache: Option<TokenCache>,
        /// How keys are fetched and cached.
        "keys" keys: Option<KeyPolicy>,
        /// This application as an OAuth client, if it requests tokens itself. Default: from `env`,
        /// otherwise none.
        "client" client: Option<Client>,
        /// Settings of the environment, which fill in fields that are left out: `TOLLGATE_ISSUER`,
        /// `TOLLGATE_AUDIENCE`, `TOLLGATE_RESOURCE`, `TOLLGATE_SCOPES`, `TOLLGATE_JWKS_URI`,
        /// `TOLLGATE_JWKS`; for the client `TOLLGATE_CLIENT_ID`, `TOLLGATE_CLIENT_SECRET`,
        /// `TOLLGATE_PRIVATE_KEY` (with `TOLLGATE_PRIVATE_KEY_NEXT` and
        /// `TOLLGATE_PRIVATE_KEY_RETIRED`), and `TOLLGATE_TOKEN_ENDPOINT`. Names that do not begin
        /// with `TOLLGATE_` are ignored. An unknown `TOLLGATE_` name is an error, and so is a value
        /// that cannot be used. Default: none, see [`Config::from_env`]. A Worker's settings come
        /// from its own environment.
        #[serde(default, with = "map")]
        "env" env: Option<Vec<(String, Setting)>>,
        /// How errors spell the names of options. If it is left out, hosts in Rust set it to
        /// [`Naming::SnakeCase`].
        "naming" naming: Option<Naming>,
    }

    /// Members of the protected resource metadata (RFC 9728) that Tollgate does not fill in itself.
    #[derive(Clone, Debug, Default, Eq, PartialEq)]
    pub struct Metadata {
        /// `scopes_supported`. Default: every scope in the configuration except `offline_access`.
        "scopes-supported" scopes_supported: Option<Vec<String>>,
        /// `resource_name`: a name for people.
        "resource-name" resource_name: Option<String>,
        /// The URL of documentation for developers.
        "resource-documentation" resource_documentation: Option<String>,
        /// The URL of the policy on the use of data.
        "resource-policy-uri" resource_policy_uri: Option<String>,
        /// The URL of the terms of service.
        "resource-tos-uri" resource_tos_uri: Option<String>,
        /// Whether this host serves the first issuer's metadata (RFC 8414) too, for clients that
        /// look for it here (MCP 2025-03-26). Default: yes.
        "serve-issuer-metadata" serve_issuer_metadata: Option<bool>,
        /// Whether the whole host is one resource, so that every challenge names the metadata of
        /// the root. Default: no, each path is a resource of its own.
        "single-resource" single_resource: Option<bool>,
    }

    /// Which browser origins may call.
    #[derive(Clone, Debug, Default, Eq, PartialEq)]
    pub struct Cors {
        /// Exact origins, such as `https://app.example.com`; `["*"]` means any. With a list, a
        /// request with another `Origin` is answered with 403. Default: any.
        "origins" origins: Option<Vec<String>>,
        /// How long browsers may cache a preflight response, in seconds. Default: 86400.
        "max-age" max_age: Option<u32>,
    }

    /// Limits of the cache of verified tokens. In the native host, each store has its own cache.
    #[derive(Clone, Debug, Default, Eq, PartialEq)]
    pub struct TokenCache {
        /// The maximum number of tokens. Default: 4096; 0 disables the cache.
        "max-entries" max_entries: Option<u32>,
        /// The maximum size in bytes, including the overhead of entries. Default: 8 MiB.
        "max-bytes" max_bytes: Option<u32>,
        /// How long a verification may be reused, in seconds. Default: 300.
        "max-age" max_age: Option<u32>,
    }
}

/// Variables that the native package's build and program read.
const NOT_A_GATES: &[&str] = &["TOLLGATE_GATE_WASM", "TOLLGATE_LOG"];

impl Config {
    /// A configuration for this `resource`, without an issuer.
    #[must_use]
    pub fn new(resource: impl Into<String>) -> Self {
        Self {
            resource: Some(resource.into()),
            ..Self::default()
        }
    }

    /// A configuration with the settings of the process's environment, except for variables that
    /// configure the program rather than a gate. Not for a Worker, whose settings come with each
    /// request.
    #[cfg(not(target_family = "wasm"))]
    #[must_use]
    pub fn from_env() -> Self {
        Self::default().env(std::env::vars_os())
    }

    /// Fills in options that are left out from these variables, as [`Self::from_env`] does.
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

    /// Adds an accepted issuer.
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

    /// Requests tokens as this client.
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
    fn other_environment_variables_are_ignored() {
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
