//! What an application configures. `wit/resource-server.wit` says what each field means and what
//! it is where it is left out; names and shapes are the same here.

use super::environment::Setting;
use crate::config_error::Naming;
use crate::token_client::ClientConfig;

/// See the record `config` in WIT.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, in WIT")]
pub struct Config {
    pub issuer: Option<String>,
    pub audience: Option<Vec<String>>,
    pub issuers: Option<Vec<IssuerConfig>>,
    pub resource: Option<String>,
    pub resource_from_request: Option<bool>,
    pub routes: Option<Vec<RouteConfig>>,
    pub case_insensitive_paths: Option<bool>,
    pub scopes: Option<Vec<String>>,
    pub scope_hierarchy: Option<Vec<(String, Vec<String>)>>,
    pub realm: Option<String>,
    pub metadata: Option<Metadata>,
    pub cors: Option<Cors>,
    pub token_cache: Option<TokenCacheConfig>,
    pub keys: Option<KeyPolicyConfig>,
    pub client: Option<ClientConfig>,
    pub env: Option<Vec<(String, Setting)>>,
    pub naming: Option<Naming>,
}

/// See the record `issuer` in WIT.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, in WIT")]
pub struct IssuerConfig {
    pub issuer: String,
    pub audiences: Option<Vec<String>>,
    pub algorithms: Option<Vec<String>>,
    pub types: Option<Vec<String>>,
    pub required_claims: Option<Vec<String>>,
    pub clock_tolerance: Option<u32>,
    pub max_age: Option<u32>,
    pub keys: Option<KeyLocationConfig>,
    pub cross_origin_keys: Option<bool>,
}

/// See the variant `key-location` in WIT.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, in WIT")]
pub enum KeyLocationConfig {
    Discovery,
    Uri(String),
    Inline(String),
}

/// See the record `route` in WIT.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, in WIT")]
pub struct RouteConfig {
    pub path: String,
    pub methods: Option<Vec<String>>,
    pub access: Access,
}

/// See the variant `access` in WIT.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, in WIT")]
pub enum Access {
    Public,
    Protected(Vec<String>),
}

/// See the record `metadata` in WIT.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, in WIT")]
pub struct Metadata {
    pub scopes_supported: Option<Vec<String>>,
    pub resource_name: Option<String>,
    pub resource_documentation: Option<String>,
    pub resource_policy_uri: Option<String>,
    pub resource_tos_uri: Option<String>,
    pub serve_issuer_metadata: Option<bool>,
    pub single_resource: Option<bool>,
}

/// See the record `cors` in WIT.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, in WIT")]
pub struct Cors {
    pub origins: Option<Vec<String>>,
    pub max_age: Option<u32>,
}

/// See the record `token-cache` in WIT.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, in WIT")]
pub struct TokenCacheConfig {
    pub max_entries: Option<u32>,
    pub max_bytes: Option<u32>,
    pub max_age: Option<u32>,
}

/// See the record `key-policy` in WIT.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, in WIT")]
pub struct KeyPolicyConfig {
    pub min_fresh: Option<u32>,
    pub max_fresh: Option<u32>,
    pub max_stale: Option<u32>,
    pub cooldown: Option<u32>,
    pub timeout_ms: Option<u32>,
}
