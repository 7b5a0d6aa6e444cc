//! Whose tokens are accepted.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{Text, texts};

/// One accepted issuer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct Issuer {
    issuer: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    audiences: Option<Vec<Text>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithms: Option<Vec<Text>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    types: Option<Vec<Text>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    required_claims: Option<Vec<Text>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_tolerance: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<KeyLocation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cross_origin_keys: Option<bool>,
}

impl Issuer {
    /// The issuer with this exact `iss`: `https:`, or `http:` on a loopback address.
    pub fn new(issuer: impl Into<Text>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: None,
            algorithms: None,
            types: None,
            required_claims: None,
            clock_tolerance: None,
            max_age: None,
            keys: None,
            cross_origin_keys: None,
        }
    }

    setters! {
        /// Accepted `aud` values, at most 64; one match suffices. Left out: the resource.
        audiences: texts;
        /// Accepted `alg` values. Left out: every asymmetric algorithm that Tollgate knows.
        algorithms: texts;
        /// Accepted `typ` values. Left out: `at+jwt` (RFC 9068), with its required claims. `*`
        /// accepts any and none: only for issuers that send plain `JWT`.
        types: texts;
        /// Claims that must be present, besides `iss`, `exp` and `aud`. Left out: `sub`,
        /// `client_id` and `iat` where the types are left out too, else none.
        required_claims: texts;
        /// How far clocks may differ, in seconds, at most 300. Default: 5.
        clock_tolerance: value<u32>;
        /// The highest accepted age since `iat`, in seconds. Left out: no bound.
        max_age: value<u32>;
        /// Where the keys come from. Left out: discovery.
        keys: value<KeyLocation>;
        /// Whether `jwks_uri` may be on another origin than the issuer. Default: no.
        cross_origin_keys: value<bool>;
    }
}

/// Where an issuer's keys come from.
#[derive(Clone, Debug)]
pub enum KeyLocation {
    /// RFC 8414, then OpenID discovery.
    Discovery,
    /// This URL.
    Uri(Text),
    /// This JWK Set, as JSON: no fetch is ever made. Public keys only.
    Inline(Text),
}

impl Serialize for KeyLocation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (name, value) = match self {
            Self::Discovery => return serializer.serialize_str("discovery"),
            Self::Uri(uri) => ("uri", uri),
            Self::Inline(keys) => ("inline", keys),
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(name, value)?;
        map.end()
    }
}
