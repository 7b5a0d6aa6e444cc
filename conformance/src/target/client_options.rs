//! The option `client` of the npm package's shape, as the native library takes it.

use serde::Deserialize;
use serde_json::Value;
use tollgate::{
    AssertionAudience, Client, ClientAuthentication, ClientKey, ClientKeySource, ExchangeCache,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ClientOptions {
    issuer: Option<String>,
    id: Option<String>,
    secret: Option<String>,
    keys: Option<Vec<KeyOption>>,
    authentication: Option<Authentication>,
    assertion_audience: Option<Audience>,
    token_endpoint: Option<String>,
    destinations: Option<Vec<String>>,
    timeout_ms: Option<u32>,
    cache: Option<CacheOptions>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum KeyOption {
    Text(String),
    Named(NamedKey),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedKey {
    /// PEM, or a JWK as text or as it stands.
    key: Value,
    kid: Option<String>,
    algorithm: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Authentication {
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJwt,
    None,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Audience {
    Issuer,
    TokenEndpoint,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct CacheOptions {
    max_entries: Option<u32>,
    max_bytes: Option<u32>,
    skew: Option<u32>,
    max_age: Option<u32>,
    default_lifetime: Option<u32>,
}

impl From<ClientOptions> for Client {
    fn from(given: ClientOptions) -> Self {
        let keys = given.keys;
        Self {
            issuer: given.issuer,
            id: given.id,
            secret: given.secret.map(Into::into),
            keys: keys.map(|keys| keys.into_iter().map(Into::into).collect()),
            authentication: given.authentication.map(|method| match method {
                Authentication::ClientSecretBasic => ClientAuthentication::ClientSecretBasic,
                Authentication::ClientSecretPost => ClientAuthentication::ClientSecretPost,
                Authentication::PrivateKeyJwt => ClientAuthentication::PrivateKeyJwt,
                Authentication::None => ClientAuthentication::None,
            }),
            assertion_audience: given.assertion_audience.map(|audience| match audience {
                Audience::Issuer => AssertionAudience::Issuer,
                Audience::TokenEndpoint => AssertionAudience::TokenEndpoint,
            }),
            token_endpoint: given.token_endpoint,
            destinations: given.destinations,
            timeout_ms: given.timeout_ms,
            cache: given.cache.map(|cache| ExchangeCache {
                max_entries: cache.max_entries,
                max_bytes: cache.max_bytes,
                skew: cache.skew,
                max_age: cache.max_age,
                default_lifetime: cache.default_lifetime,
            }),
        }
    }
}

impl From<KeyOption> for ClientKey {
    fn from(given: KeyOption) -> Self {
        match given {
            KeyOption::Text(key) => key.into(),
            KeyOption::Named(given) => Self {
                key: ClientKeySource::Text(match given.key {
                    Value::String(text) => text.into(),
                    jwk => jwk.to_string().into(),
                }),
                kid: given.kid,
                algorithm: given.algorithm,
            },
        }
    }
}
