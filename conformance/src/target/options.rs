//! Options of the npm package's shape, as the native library takes them.

use std::collections::BTreeMap;

use super::client_options::ClientOptions;
use serde::Deserialize;
use serde_json::Value;
use tollgate::{Access, Config, Cors, Issuer, KeyLocation, KeyPolicy, Metadata, Route, TokenCache};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Options {
    issuers: Vec<IssuerOptions>,
    resource: Option<String>,
    routes: Option<Vec<RouteOptions>>,
    case_insensitive_paths: Option<bool>,
    scopes: Option<Vec<String>>,
    scope_hierarchy: Option<BTreeMap<String, Vec<String>>>,
    realm: Option<String>,
    metadata: Option<MetadataOptions>,
    cors: Option<CorsOptions>,
    token_cache: Option<TokenCacheOptions>,
    keys: Option<KeyOptions>,
    client: Option<ClientOptions>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct IssuerOptions {
    issuer: String,
    audiences: Option<Vec<String>>,
    algorithms: Option<Vec<String>>,
    types: Option<Vec<String>>,
    required_claims: Option<Vec<String>>,
    clock_tolerance: Option<u32>,
    max_age: Option<u32>,
    keys: Option<KeysOption>,
    cross_origin_keys: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
enum KeysOption {
    Discovery,
    Uri(String),
    Inline(Value),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RouteOptions {
    path: String,
    methods: Option<Vec<String>>,
    #[serde(default)]
    public: bool,
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct MetadataOptions {
    scopes_supported: Option<Vec<String>>,
    resource_name: Option<String>,
    resource_documentation: Option<String>,
    resource_policy_uri: Option<String>,
    resource_tos_uri: Option<String>,
    serve_issuer_metadata: Option<bool>,
    single_resource: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct CorsOptions {
    origins: Option<Vec<String>>,
    max_age: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TokenCacheOptions {
    max_entries: Option<u32>,
    max_bytes: Option<u32>,
    max_age: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct KeyOptions {
    min_fresh: Option<u32>,
    max_fresh: Option<u32>,
    max_stale: Option<u32>,
    cooldown: Option<u32>,
    timeout_ms: Option<u32>,
}

impl From<Options> for Config {
    fn from(options: Options) -> Self {
        Self {
            issuers: Some(options.issuers.into_iter().map(Into::into).collect()),
            resource: options.resource,
            routes: options
                .routes
                .map(|routes| routes.into_iter().map(Into::into).collect()),
            case_insensitive_paths: options.case_insensitive_paths,
            scopes: options.scopes,
            scope_hierarchy: options.scope_hierarchy.map(|map| map.into_iter().collect()),
            realm: options.realm,
            metadata: options.metadata.map(|given| Metadata {
                scopes_supported: given.scopes_supported,
                resource_name: given.resource_name,
                resource_documentation: given.resource_documentation,
                resource_policy_uri: given.resource_policy_uri,
                resource_tos_uri: given.resource_tos_uri,
                serve_issuer_metadata: given.serve_issuer_metadata,
                single_resource: given.single_resource,
            }),
            cors: options.cors.map(|given| Cors {
                origins: given.origins,
                max_age: given.max_age,
            }),
            token_cache: options.token_cache.map(|given| TokenCache {
                max_entries: given.max_entries,
                max_bytes: given.max_bytes,
                max_age: given.max_age,
            }),
            keys: options.keys.map(|given| KeyPolicy {
                min_fresh: given.min_fresh,
                max_fresh: given.max_fresh,
                max_stale: given.max_stale,
                cooldown: given.cooldown,
                timeout_ms: given.timeout_ms,
            }),
            client: options.client.map(Into::into),
            ..Self::default()
        }
    }
}

impl From<IssuerOptions> for Issuer {
    fn from(given: IssuerOptions) -> Self {
        Self {
            issuer: given.issuer,
            audiences: given.audiences,
            algorithms: given.algorithms,
            types: given.types,
            required_claims: given.required_claims,
            clock_tolerance: given.clock_tolerance,
            max_age: given.max_age,
            keys: given.keys.map(|keys| match keys {
                KeysOption::Discovery => KeyLocation::Discovery,
                KeysOption::Uri(uri) => KeyLocation::Uri(uri),
                KeysOption::Inline(Value::String(text)) => KeyLocation::Inline(text),
                KeysOption::Inline(set) => KeyLocation::Inline(set.to_string()),
            }),
            cross_origin_keys: given.cross_origin_keys,
        }
    }
}

impl From<RouteOptions> for Route {
    fn from(given: RouteOptions) -> Self {
        Self {
            path: given.path,
            methods: given.methods,
            access: if given.public {
                Access::Public
            } else {
                Access::Protected(given.scopes)
            },
        }
    }
}
