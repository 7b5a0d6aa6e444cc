//! The accepted issuers, and the sources of their keys.

use serde::{Deserialize, Serialize};

use crate::record::{records, variants};
use crate::shapes::json;

records! {
    /// One accepted issuer.
    #[derive(Clone, Debug, Default, Eq, PartialEq)]
    pub struct Issuer {
        /// The exact `iss`. `https:`, or `http:` on a loopback address.
        "issuer" issuer: String,
        /// Accepted `aud` values, at most 64; one match suffices. Default:
        /// [`Config::resource`](crate::Config::resource).
        "audiences" audiences: Option<Vec<String>>,
        /// Accepted `alg` values. Default: every asymmetric algorithm that Tollgate supports.
        "algorithms" algorithms: Option<Vec<String>>,
        /// Accepted `typ` values. Default: `at+jwt` (RFC 9068), with its required claims. `["*"]`
        /// accepts any type, and tokens without one: use it only for issuers that send `JWT`. An
        /// empty string in the list accepts a token without `typ`.
        "types" types: Option<Vec<String>>,
        /// Claims that must be present. Default: `sub`, `client_id` and `iat` if `types` is left
        /// out too, otherwise none. `iss`, `exp` and `aud` are always required.
        "required-claims" required_claims: Option<Vec<String>>,
        /// The tolerated difference of clocks, in seconds, at most 300. Default: 0 for `exp`, 5 for
        /// `nbf` and `iat`: a small difference must not refuse a token that was just issued, but an
        /// expired token is never accepted.
        "clock-tolerance" clock_tolerance: Option<u32>,
        /// The maximum age of a token since `iat`, in seconds. Default: no limit.
        "max-age" max_age: Option<u32>,
        /// Where the issuer's keys come from. Default: discovery.
        "keys" keys: Option<KeyLocation>,
        /// Whether `jwks_uri` may be on another origin than the issuer. Default: no.
        "cross-origin-keys" cross_origin_keys: Option<bool>,
    }

    /// How keys are fetched and cached. All durations are in seconds, unless the name says
    /// otherwise.
    #[derive(Clone, Debug, Default, Eq, PartialEq)]
    pub struct KeyPolicy {
        /// The minimum time that fetched keys count as fresh. Between this and `max_fresh`,
        /// `Cache-Control` decides. Default: 60.
        "min-fresh" min_fresh: Option<u32>,
        /// The maximum time that fetched keys count as fresh. Default: 3600.
        "max-fresh" max_fresh: Option<u32>,
        /// How long stale keys may still be used while the issuer cannot be reached. Default:
        /// 86400.
        "max-stale" max_stale: Option<u32>,
        /// The minimum time between two fetches of a key set after a failure, or for tokens with an
        /// unknown key. It doubles with each failure up to 16 times this value, with jitter. While
        /// there are no older keys to use, the delay begins at one second and never exceeds this
        /// value. Default: 30.
        "cooldown" cooldown: Option<u32>,
        /// The timeout of one exchange with the issuer, in milliseconds. Default: 5000.
        "timeout-ms" timeout_ms: Option<u32>,
    }
}

impl Issuer {
    /// An issuer whose keys are found by discovery.
    #[must_use]
    pub fn new(issuer: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            ..Self::default()
        }
    }

    /// Adds an accepted `aud`.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.get_or_insert_default().push(audience.into());
        self
    }
}

variants! {
    /// The source of an issuer's keys. In a file: `"discovery"`, `{ uri = "…" }` or `{ inline = …
    /// }`.
    #[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
    #[serde(rename_all = "snake_case")]
    pub enum KeyLocation {
        /// RFC 8414, then OpenID discovery.
        "discovery" Discovery,
        /// This URL.
        "uri" Uri(String),
        /// This JWK Set, as JSON. It is never fetched.
        #[serde(deserialize_with = "json::deserialize")]
        "inline" Inline(String),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_found_or_given() {
        let location = |value| serde_json::from_value::<KeyLocation>(value).ok();
        assert_eq!(location(json!("discovery")), Some(KeyLocation::Discovery));
        let uri = KeyLocation::Uri("https://a.example/jwks".to_owned());
        assert_eq!(
            location(json!({ "uri": "https://a.example/jwks" })),
            Some(uri)
        );
        let inline = KeyLocation::Inline(r#"{"keys":[]}"#.to_owned());
        let given = json!({ "inline": r#"{"keys":[]}"# });
        assert_eq!(location(given.clone()), Some(inline.clone()));
        assert_eq!(
            location(json!({ "inline": { "keys": [] } })),
            Some(inline.clone())
        );
        assert_eq!(serde_json::to_value(inline).ok(), Some(given));
        assert_eq!(location(json!({ "inline": 5 })), None);
    }
}
