//! What a gate accepts and publishes. Nothing is checked here: the component does, and says what
//! to change.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Serialize, Serializer, ser::SerializeMap};

type Text = Cow<'static, str>;

fn texts<T: Into<Text>>(values: impl IntoIterator<Item = T>) -> Vec<Text> {
    values.into_iter().map(Into::into).collect()
}

/// Adds setters `fn name(self, value) -> Self` for optional members.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $kind:ident $(<$inner:ty>)?;)*) => {
        $(setters!(@one $(#[$doc])* $name $kind $($inner)?);)*
    };
    (@one $(#[$doc:meta])* $name:ident text) => {
        $(#[$doc])*
        pub fn $name(mut self, value: impl Into<Text>) -> Self {
            self.$name = Some(value.into());
            self
        }
    };
    (@one $(#[$doc:meta])* $name:ident texts) => {
        $(#[$doc])*
        pub fn $name<T: Into<Text>>(
            mut self,
            values: impl IntoIterator<Item = T>,
        ) -> Self {
            self.$name = Some(texts(values));
            self
        }
    };
    (@one $(#[$doc:meta])* $name:ident value $inner:ty) => {
        $(#[$doc])*
        pub fn $name(mut self, value: $inner) -> Self {
            self.$name = Some(value);
            self
        }
    };
}

mod client;
mod issuer;

pub use client::{AssertionAudience, Client, ClientAuthentication, ClientKey, ExchangeCache};
pub use issuer::{Issuer, KeyLocation};

/// The options of a [`crate::Gate`]. What is left out comes from the Worker's `TOLLGATE_*`
/// variables or has the default named at its setter.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct Options {
    #[serde(skip_serializing_if = "Option::is_none")]
    issuers: Option<Vec<Issuer>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_from_request: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_insensitive_paths: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    routes: Option<Vec<Route>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<Text>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope_hierarchy: Option<BTreeMap<Text, Vec<Text>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    realm: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cors: Option<Cors>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_cache: Option<TokenCache>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<KeyPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<Client>,
}

impl Options {
    /// Everything from the Worker's variables and by default; all routes protected.
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts tokens of one more issuer; at most 32. Left out: `TOLLGATE_ISSUER`.
    pub fn issuer(mut self, issuer: Issuer) -> Self {
        self.issuers.get_or_insert_default().push(issuer);
        self
    }

    /// Says who may call a part of the URL space. The longest matching path wins, and what no
    /// route covers is protected.
    pub fn route(mut self, route: Route) -> Self {
        self.routes.get_or_insert_default().push(route);
        self
    }

    /// Lets `scope` stand for `implied` too. Implication is transitive.
    pub fn implies<T: Into<Text>>(
        mut self,
        scope: impl Into<Text>,
        implied: impl IntoIterator<Item = T>,
    ) -> Self {
        let implied = texts(implied);
        self.scope_hierarchy
            .get_or_insert_default()
            .entry(scope.into())
            .or_default()
            .extend(implied);
        self
    }

    setters! {
        /// The public base URL of what is protected, such as `https://api.example.com`. It builds
        /// the URLs of metadata and challenges and is the audience of issuers that name none.
        /// Left out: `TOLLGATE_RESOURCE`, else the origin of each request.
        resource: text;
        /// Without a resource: the origin of each request is the resource, and the audience of
        /// issuers that name none. Only where the platform decides which hosts reach the Worker,
        /// as Cloudflare does. Default: no.
        resource_from_request: value<bool>;
        /// The server behind ignores the case of letters in paths: a route that is protected
        /// covers its path in any case; a public one only as it is written. Default: no.
        case_insensitive_paths: value<bool>;
        /// Scopes that every protected route needs, besides its own. Default: none.
        scopes: texts;
        /// `realm` of challenges. Default: none.
        realm: text;
        /// Members of the protected resource metadata (RFC 9728).
        metadata: value<Metadata>;
        /// Which browser origins may call. Default: all, for bearer tokens are no ambient
        /// authority.
        cors: value<Cors>;
        /// Bounds of the cache of verified tokens.
        token_cache: value<TokenCache>;
        /// How keys are fetched and kept.
        keys: value<KeyPolicy>;
        /// Who this Worker is to an issuer, where it asks for tokens itself: see
        /// [`crate::Gate::exchange`]. Left out: the variables that [`Client`] names, else it asks
        /// for none.
        client: value<Client>;
    }
}

/// What a part of the URL space needs.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct Route {
    path: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    methods: Option<Vec<Text>>,
    #[serde(flatten)]
    access: Access,
}

impl Route {
    /// A path such as `/reports` and what lies below it; not `/reports-old`. `/` is the root
    /// alone, `/*` is everything. There are no other patterns: `/users/:id`, `/users/{id}` and
    /// `/files/*` are errors that say what to write instead.
    pub fn new(path: impl Into<Text>, access: Access) -> Self {
        Self {
            path: path.into(),
            methods: None,
            access,
        }
    }

    setters! {
        /// HTTP methods that it covers; `GET` covers `HEAD` too. Left out: all.
        methods: texts;
    }
}

/// Who may call.
#[derive(Clone, Debug)]
pub enum Access {
    /// Anyone, with or without credentials, which are not looked at.
    Public,
    /// Who has a valid token with all of these scopes, besides the gate's own.
    Protected(Vec<Text>),
}

impl Access {
    /// A valid token with all of these scopes.
    pub fn scopes<T: Into<Text>>(scopes: impl IntoIterator<Item = T>) -> Self {
        Self::Protected(texts(scopes))
    }
}

impl Serialize for Access {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::Public => map.serialize_entry("public", &true)?,
            Self::Protected(scopes) => map.serialize_entry("scopes", scopes)?,
        }
        map.end()
    }
}

/// Members of the RFC 9728 document that Tollgate does not fill in itself.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes_supported: Option<Vec<Text>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_documentation: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_policy_uri: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_tos_uri: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serve_issuer_metadata: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    single_resource: Option<bool>,
}

impl Metadata {
    /// Nothing but what Tollgate fills in.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Default: every scope that the options name, but for `offline_access`.
        scopes_supported: texts;
        /// A name for people.
        resource_name: text;
        /// The URL of documentation for developers.
        resource_documentation: text;
        /// The URL of the policy on the use of data.
        resource_policy_uri: text;
        /// The URL of the terms of service.
        resource_tos_uri: text;
        /// Serve the first issuer's RFC 8414 document at this host too, for clients that look for
        /// it here (MCP 2025-03-26). Default: yes.
        serve_issuer_metadata: value<bool>;
        /// The whole host is one resource: every challenge names the document of the root,
        /// whatever the path of the request. Default: no, each path is a resource of its own.
        single_resource: value<bool>;
    }
}

/// Which browser origins may call.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct Cors {
    #[serde(skip_serializing_if = "Option::is_none")]
    origins: Option<Vec<Text>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<u32>,
}

impl Cors {
    /// Any origin.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Exact origins, such as `https://app.example.com`; `*` is any. With a list, a request
        /// that carries another `Origin` is answered 403. Default: any.
        origins: texts;
        /// How long browsers may keep a preflight, in seconds. Default: 86400.
        max_age: value<u32>;
    }
}

/// Bounds of the cache of verified tokens.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct TokenCache {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_entries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_bytes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<u32>,
}

impl TokenCache {
    /// The default bounds.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Default: 4096; 0 turns the cache off.
        max_entries: value<u32>;
        /// Default: 8 MiB, counted with what an entry costs beside its claims.
        max_bytes: value<u32>;
        /// The longest that a verification is believed, in seconds. Default: 300.
        max_age: value<u32>;
    }
}

/// How keys are fetched and kept. In seconds, but for [`KeyPolicy::timeout_ms`].
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct KeyPolicy {
    #[serde(skip_serializing_if = "Option::is_none")]
    min_fresh: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_fresh: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_stale: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cooldown: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u32>,
}

impl KeyPolicy {
    /// The default policy.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// The shortest time that fetched keys count as fresh. Default: 60.
        min_fresh: value<u32>;
        /// The longest time that fetched keys count as fresh. Default: 3600.
        max_fresh: value<u32>;
        /// How long after that they still serve while the issuer cannot be reached. Default:
        /// 86400.
        max_stale: value<u32>;
        /// The least time between two fetches of one key set; grows with failures. Default: 30.
        cooldown: value<u32>;
        /// How long one exchange with the issuer may take, in milliseconds. Default: 5000.
        timeout_ms: value<u32>;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_left_out_is_not_sent() {
        assert_eq!(serde_json::to_value(Options::new()).unwrap(), json!({}));
    }

    #[test]
    fn options_have_the_names_of_the_package() {
        let options = Options::new()
            .resource("https://api.example.com")
            .scopes(["api"])
            .implies("admin", ["read", "write"])
            .issuer(
                Issuer::new("https://auth.example.com")
                    .audiences(["https://api.example.com"])
                    .keys(KeyLocation::Uri("https://auth.example.com/jwks".into()))
                    .clock_tolerance(10),
            )
            .route(Route::new("/health", Access::Public))
            .route(Route::new("/reports", Access::scopes(["read"])).methods(["GET"]))
            .metadata(
                Metadata::new()
                    .resource_name("Reports")
                    .serve_issuer_metadata(false),
            )
            .cors(Cors::new().origins(["https://app.example.com"]))
            .token_cache(TokenCache::new().max_entries(100))
            .keys(KeyPolicy::new().timeout_ms(2_000));
        assert_eq!(
            serde_json::to_value(options).unwrap(),
            json!({
                "resource": "https://api.example.com",
                "scopes": ["api"],
                "scopeHierarchy": { "admin": ["read", "write"] },
                "issuers": [{
                    "issuer": "https://auth.example.com",
                    "audiences": ["https://api.example.com"],
                    "keys": { "uri": "https://auth.example.com/jwks" },
                    "clockTolerance": 10,
                }],
                "routes": [
                    { "path": "/health", "public": true },
                    { "path": "/reports", "methods": ["GET"], "scopes": ["read"] },
                ],
                "metadata": { "resourceName": "Reports", "serveIssuerMetadata": false },
                "cors": { "origins": ["https://app.example.com"] },
                "tokenCache": { "maxEntries": 100 },
                "keys": { "timeoutMs": 2000 },
            })
        );
    }

    #[test]
    fn clients_have_the_names_of_the_package() {
        let client = Client::new()
            .id("worker-key")
            .secret("s3cr3t")
            .key(ClientKey::new("pem").kid("one").algorithm("PS256"))
            .authentication(ClientAuthentication::PrivateKeyJwt)
            .assertion_audience(AssertionAudience::TokenEndpoint)
            .token_endpoint("https://auth.example.com/token")
            .destinations(["https://api.example.com"])
            .timeout_ms(500)
            .cache(ExchangeCache::new().max_entries(5).default_lifetime(60));
        let options = Options::new()
            .resource_from_request(true)
            .case_insensitive_paths(true)
            .metadata(Metadata::new().single_resource(true))
            .client(client);
        assert!(!format!("{options:?}").contains("s3cr3t"));
        assert!(!format!("{options:?}").contains("pem"));
        assert_eq!(
            serde_json::to_value(options).unwrap(),
            json!({
                "resourceFromRequest": true,
                "caseInsensitivePaths": true,
                "metadata": { "singleResource": true },
                "client": {
                    "id": "worker-key",
                    "secret": "s3cr3t",
                    "keys": [{ "key": "pem", "kid": "one", "algorithm": "PS256" }],
                    "authentication": "private_key_jwt",
                    "assertionAudience": "token_endpoint",
                    "tokenEndpoint": "https://auth.example.com/token",
                    "destinations": ["https://api.example.com"],
                    "timeoutMs": 500,
                    "cache": { "maxEntries": 5, "defaultLifetime": 60 },
                },
            })
        );
    }

    #[test]
    fn keys_are_found_or_given() {
        assert_eq!(
            serde_json::to_value(KeyLocation::Discovery).unwrap(),
            json!("discovery")
        );
        let inline = KeyLocation::Inline(r#"{"keys":[]}"#.into());
        assert_eq!(
            serde_json::to_value(inline).unwrap(),
            json!({ "inline": r#"{"keys":[]}"# })
        );
    }
}
