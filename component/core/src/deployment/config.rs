//! The whole configuration of a deployment. `wit/types.wit` documents the fields and their defaults.
//! Names and types are the same here.

use super::environment::Setting;
pub use crate::client_config::{
    AssertionAudience, ClientAuthenticationMethod, ClientConfig, ClientKeyConfig, ClientKeySource,
    ExchangeCacheConfig,
};
use crate::config_error::Naming;
pub use crate::issuers::{IssuerConfig, KeyLocationConfig, KeyPolicyConfig};
pub use crate::resource_server::{Access, Cors, Metadata, RouteConfig, TokenCacheConfig};

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
