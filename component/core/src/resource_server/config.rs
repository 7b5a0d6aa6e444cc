//! The configuration of a protected resource. `wit/types.wit` documents the fields and their
//! defaults. Names and types are the same here.

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
