//! What a gate accepts and publishes: the contract's `config`, as Rust.
//!
//! Everything left out has the default that its comment names, or comes from
//! [`Config::env`]. The component checks it all when a gate is built.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::bindings::exports::tollgate::auth::resource_server as wit;
use super::client::{Client, ClientKeySource};
use super::issuer::{Issuer, KeyPolicy};
use super::route::Route;
use super::signer::Signer;

/// A gate's configuration.
///
/// ```
/// use tollgate::{Config, Issuer, Route};
///
/// let config = Config::new("https://api.example.com")
///     .issuer(Issuer::new("https://login.example.com"))
///     .route(Route::public("/health"))
///     .route(Route::protected("/reports", ["read:reports"]));
/// # assert_eq!(config.routes.map(|routes| routes.len()), Some(2));
/// ```
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Config {
    /// Issuers whose tokens are accepted, at most 32. Left out: one, from `env`.
    pub issuers: Option<Vec<Issuer>>,
    /// The public base URL of what is protected, such as `https://mcp.example.com`. It builds
    /// the `resource` and URLs of metadata and challenges. Left out: the origin of each request.
    /// It is also the audience of issuers that name none.
    pub resource: Option<String>,
    /// Without `resource`: the origin of each request is the resource, and the audience of
    /// issuers that name none. Only where something in front decides which hosts reach this
    /// server, and [`RequestOrigin`](crate::RequestOrigin) tells of it: elsewhere whoever writes
    /// `Host` would choose the audience. Default: no.
    pub resource_from_request: Option<bool>,
    /// Who may call what. The longest matching path wins. Paths that no route covers are protected.
    pub routes: Option<Vec<Route>>,
    /// The server behind ignores the case of letters in paths: a route that is protected covers
    /// its path in any case; a public one only as it is written. Default: no.
    pub case_insensitive_paths: Option<bool>,
    /// Scopes that every protected route needs, besides its own. Default: none.
    pub scopes: Option<Vec<String>>,
    /// Scopes that imply others: `("mcp:admin", ["mcp:tools"])`. Implication is transitive.
    pub scope_hierarchy: Option<Vec<(String, Vec<String>)>>,
    /// `realm` of challenges. Default: none.
    pub realm: Option<String>,
    /// Members of the protected resource metadata.
    pub metadata: Option<Metadata>,
    /// Which browser origins may call. Default: all (tokens are no ambient authority).
    pub cors: Option<Cors>,
    /// Bounds of the cache of verified tokens, in each store.
    pub token_cache: Option<TokenCache>,
    /// How keys are fetched and kept.
    pub keys: Option<KeyPolicy>,
    /// Who this application is to an issuer, where it asks for tokens itself: see
    /// [`Gate::exchange`](crate::Gate::exchange). Default: from `env`, else it asks for none.
    pub client: Option<Client>,
    /// Settings of the deployment, for what is not given above: `TOLLGATE_ISSUER`,
    /// `TOLLGATE_AUDIENCE`, `TOLLGATE_RESOURCE`, `TOLLGATE_SCOPES`, `TOLLGATE_JWKS_URI`,
    /// `TOLLGATE_JWKS`; for the client `TOLLGATE_CLIENT_ID`, `TOLLGATE_CLIENT_SECRET`,
    /// `TOLLGATE_PRIVATE_KEY` with `TOLLGATE_PRIVATE_KEY_NEXT` and
    /// `TOLLGATE_PRIVATE_KEY_RETIRED` beside it, and `TOLLGATE_TOKEN_ENDPOINT`. Names that do not
    /// begin with `TOLLGATE_` are ignored; an unknown one that does is an error, and so is a value
    /// that is not UTF-8. Left out: none, see [`Config::from_env`].
    pub env: Option<Vec<(OsString, OsString)>>,
}

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
    /// configure the program rather than a gate.
    #[must_use]
    pub fn from_env() -> Self {
        let env = std::env::vars_os()
            .filter(|(name, _)| name.as_encoded_bytes().starts_with(b"TOLLGATE_"))
            .filter(|(name, _)| !NOT_A_GATES.iter().any(|other| name == other))
            .collect();
        Self {
            env: Some(env),
            ..Self::default()
        }
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

    /// The signers among the client's keys, each in its key's place.
    pub(super) fn signers(&self) -> impl Iterator<Item = Option<Arc<dyn Signer>>> {
        let keys = self.client.iter().filter_map(|client| client.keys.as_ref());
        keys.flatten().map(|key| match &key.key {
            ClientKeySource::Text(_) => None,
            ClientKeySource::Signer(signer) => Some(Arc::clone(signer)),
        })
    }

    /// The `cooldown` that will be in force.
    pub(super) fn cooldown(&self) -> Duration {
        let seconds = self
            .keys
            .as_ref()
            .and_then(|keys| keys.cooldown)
            .unwrap_or(30);
        Duration::from_secs(seconds.into())
    }

    /// The value of `resource` that will be in force, from here or from `env`.
    pub(super) fn effective_resource(&self) -> Option<&str> {
        let from_env = || {
            let env = self.env.as_deref().unwrap_or_default();
            env.iter()
                .find(|(name, _)| name == "TOLLGATE_RESOURCE")
                .and_then(|(_, value)| value.to_str())
        };
        self.resource.as_deref().or_else(from_env)
    }
}

/// Without the values of `env`, some of which are secrets.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Taken apart, so that no member is forgotten.
        let Self {
            issuers,
            resource,
            resource_from_request,
            routes,
            case_insensitive_paths,
            scopes,
            scope_hierarchy,
            realm,
            metadata,
            cors,
            token_cache,
            keys,
            client,
            env,
        } = self;
        let names = |env: &Vec<(OsString, OsString)>| -> Vec<OsString> {
            env.iter().map(|(name, _)| name.clone()).collect()
        };
        f.debug_struct("Config")
            .field("issuers", issuers)
            .field("resource", resource)
            .field("resource_from_request", resource_from_request)
            .field("routes", routes)
            .field("case_insensitive_paths", case_insensitive_paths)
            .field("scopes", scopes)
            .field("scope_hierarchy", scope_hierarchy)
            .field("realm", realm)
            .field("metadata", metadata)
            .field("cors", cors)
            .field("token_cache", token_cache)
            .field("keys", keys)
            .field("client", client)
            .field("env", &env.as_ref().map(names))
            .finish()
    }
}

/// Variables that this package's own build and program read.
const NOT_A_GATES: &[&str] = &["TOLLGATE_GATE_WASM", "TOLLGATE_LOG"];

/// Members of the RFC 9728 document that Tollgate does not fill in itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Metadata {
    /// Default: every scope that the configuration names, but for `offline_access`.
    pub scopes_supported: Option<Vec<String>>,
    /// `resource_name`.
    pub resource_name: Option<String>,
    /// `resource_documentation`.
    pub resource_documentation: Option<String>,
    /// `resource_policy_uri`.
    pub resource_policy_uri: Option<String>,
    /// `resource_tos_uri`.
    pub resource_tos_uri: Option<String>,
    /// Serve the first issuer's RFC 8414 document at this host too, for clients that look for it
    /// here (MCP 2025-03-26). Default: yes.
    pub serve_issuer_metadata: Option<bool>,
    /// The whole host is one resource: every challenge names the document of the root, whatever
    /// the path of the request. Default: no, each path is a resource of its own.
    pub single_resource: Option<bool>,
}

/// Which browser origins may call.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Cors {
    /// Exact origins, such as `https://app.example.com`; `["*"]` is any. With a list, a request
    /// that carries another `Origin` is answered 403. Default: any.
    pub origins: Option<Vec<String>>,
    /// How long browsers may keep a preflight, in seconds. Default: 86400.
    pub max_age: Option<u32>,
}

/// Bounds of the cache of verified tokens. Each store has one of its own.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TokenCache {
    /// Default: 4096; 0 turns the cache off.
    pub max_entries: Option<u32>,
    /// Default: 8 MiB, counted with what an entry costs beside its claims.
    pub max_bytes: Option<u32>,
    /// The longest that a verification is believed, in seconds. Default: 300.
    pub max_age: Option<u32>,
}

/// A configuration that cannot work.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError {
    /// What does not work because of it.
    pub part: ConfigPart,
    /// What to change, as it was set: `issuers[0].audiences`, or `TOLLGATE_AUDIENCE`.
    pub field: String,
    /// One sentence that says what to change.
    pub message: String,
}

/// Which part of a configuration cannot work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ConfigPart {
    /// The gate.
    Gate,
    /// The gate's client.
    Client,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl std::error::Error for ConfigError {}

impl From<wit::ConfigError> for ConfigError {
    fn from(error: wit::ConfigError) -> Self {
        Self {
            part: match error.part {
                wit::ConfigPart::Gate => ConfigPart::Gate,
                wit::ConfigPart::Client => ConfigPart::Client,
            },
            field: error.field,
            message: error.message,
        }
    }
}

fn all<T: Clone + Into<U>, U>(items: Option<&Vec<T>>) -> Option<Vec<U>> {
    items.map(|items| items.iter().cloned().map(Into::into).collect())
}

impl From<&Config> for wit::Config {
    fn from(config: &Config) -> Self {
        Self {
            issuer: None,
            audience: None,
            issuers: all(config.issuers.as_ref()),
            resource: config.resource.clone(),
            resource_from_request: config.resource_from_request,
            routes: all(config.routes.as_ref()),
            case_insensitive_paths: config.case_insensitive_paths,
            scopes: config.scopes.clone(),
            scope_hierarchy: config.scope_hierarchy.clone(),
            realm: config.realm.clone(),
            metadata: config.metadata.clone().map(Into::into),
            cors: config.cors.clone().map(Into::into),
            token_cache: config.token_cache.clone().map(Into::into),
            keys: config.keys.clone().map(Into::into),
            client: config.client.clone().map(Into::into),
            env: config.env.as_ref().map(|env| {
                env.iter()
                    .map(|(name, value)| (name.to_string_lossy().into_owned(), setting(value)))
                    .collect()
            }),
            naming: Some(wit::Naming::SnakeCase),
        }
    }
}

/// A name that is not UTF-8 is none that the component knows, whatever stands in for its bytes.
fn setting(value: &OsStr) -> wit::Setting {
    match value.to_str() {
        Some(text) => wit::Setting::Text(text.to_owned()),
        None => wit::Setting::Unusable(wit::ValueKind::NotUtf8),
    }
}

impl From<Metadata> for wit::Metadata {
    fn from(metadata: Metadata) -> Self {
        Self {
            scopes_supported: metadata.scopes_supported,
            resource_name: metadata.resource_name,
            resource_documentation: metadata.resource_documentation,
            resource_policy_uri: metadata.resource_policy_uri,
            resource_tos_uri: metadata.resource_tos_uri,
            serve_issuer_metadata: metadata.serve_issuer_metadata,
            single_resource: metadata.single_resource,
        }
    }
}

impl From<Cors> for wit::Cors {
    fn from(cors: Cors) -> Self {
        Self {
            origins: cors.origins,
            max_age: cors.max_age,
        }
    }
}

impl From<TokenCache> for wit::TokenCache {
    fn from(cache: TokenCache) -> Self {
        Self {
            max_entries: cache.max_entries,
            max_bytes: cache.max_bytes,
            max_age: cache.max_age,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_holds_no_secret() {
        let mut config = Config::new("https://api.example.com")
            .client(Client::new("app").secret("s3cr3t").key("k3y"));
        let secret = ("TOLLGATE_CLIENT_SECRET".into(), "env-s3cr3t".into());
        config.env = Some(vec![secret]);
        let text = format!("{config:?} {config:#?}");
        assert!(!text.contains("s3cr3t") && !text.contains("k3y"), "{text}");
        assert!(text.contains("TOLLGATE_CLIENT_SECRET"), "{text}");
    }
}
