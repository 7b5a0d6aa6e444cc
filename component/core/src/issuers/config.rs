//! The configuration of accepted issuers and their keys. `wit/types.wit` documents the fields and
//! their defaults. Names and types are the same here.

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
