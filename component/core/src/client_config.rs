//! The configuration of a client. `wit/types.wit` documents the fields and their defaults. Names
//! and types are the same here.
//!
//! A build without the role `token_client` has these types too, to recognize a client and refuse
//! it.

use crate::secret::Secret;

/// See the record `client` in WIT.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, in WIT")]
pub struct ClientConfig {
    pub issuer: Option<String>,
    pub id: Option<String>,
    pub secret: Option<Secret>,
    pub keys: Option<Vec<ClientKeyConfig>>,
    pub authentication: Option<ClientAuthenticationMethod>,
    pub assertion_audience: Option<AssertionAudience>,
    pub token_endpoint: Option<String>,
    pub destinations: Option<Vec<String>>,
    pub timeout_ms: Option<u32>,
    pub cache: Option<ExchangeCacheConfig>,
}

/// See the record `client-key` in WIT.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, in WIT")]
pub struct ClientKeyConfig {
    pub key: ClientKeySource,
    pub kid: Option<String>,
    pub algorithm: Option<String>,
}

/// See the variant `client-key-source` in WIT.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, in WIT")]
pub enum ClientKeySource {
    Text(Secret),
    Named(String),
}

/// See the enum `client-authentication` in WIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, in WIT")]
pub enum ClientAuthenticationMethod {
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJwt,
    None,
}

/// See the enum `assertion-audience` in WIT.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, in WIT")]
pub enum AssertionAudience {
    #[default]
    Issuer,
    TokenEndpoint,
}

/// See the record `exchange-cache` in WIT.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, in WIT")]
pub struct ExchangeCacheConfig {
    pub max_entries: Option<u32>,
    pub max_bytes: Option<u32>,
    pub skew: Option<u32>,
    pub max_age: Option<u32>,
    pub default_lifetime: Option<u32>,
}
