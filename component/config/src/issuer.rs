//! Whose tokens a gate accepts, and how it comes by the keys that verify them.

use serde::{Deserialize, Serialize};

use crate::record::{records, variants};
use crate::shapes::json;

records! {
    /// One accepted issuer.
    #[derive(Clone, Debug, Default, Eq, PartialEq)]
    pub struct Issuer {
        /// The exact `iss`. `https:`, or `http:` on a loopback address.
        "issuer" issuer: String,
        /// Accepted `aud` values, at most 64; one match suffices. Left out:
        /// [`Config::resource`](crate::Config::resource).
        "audiences" audiences: Option<Vec<String>>,
        /// Accepted `alg` values. Left out: every asymmetric algorithm that Tollgate knows.
        "algorithms" algorithms: Option<Vec<String>>,
        /// Accepted `typ` values. Left out: `at+jwt` (RFC 9068), with its required claims. `["*"]`
        /// accepts any and none: only for issuers that send plain `JWT`. An empty string in the
        /// list accepts a token without `typ`.
        "types" types: Option<Vec<String>>,
        /// Claims that must be present. Left out: `sub`, `client_id` and `iat` where `types` is
        /// left out too, else none. `iss`, `exp` and `aud` always are.
        "required-claims" required_claims: Option<Vec<String>>,
        /// How far clocks may differ, in seconds, at most 300. Default: 0 for `exp`, 5 for `nbf`
        /// and `iat`: a token just issued must not fail over a second, one that ended is worth
        /// nothing.
        "clock-tolerance" clock_tolerance: Option<u32>,
        /// The highest accepted age since `iat`, in seconds. Left out: no bound.
        "max-age" max_age: Option<u32>,
        /// Where its keys come from. Left out: discovery.
        "keys" keys: Option<KeyLocation>,
        /// Whether `jwks_uri` may be on another origin than the issuer. Default: no.
        "cross-origin-keys" cross_origin_keys: Option<bool>,
    }

    /// How keys are fetched and kept. All in seconds but where a name says otherwise.
    #[derive(Clone, Debug, Default, Eq, PartialEq)]
    pub struct KeyPolicy {
        /// Shortest time that fetched keys count as fresh; `Cache-Control` decides between this
        /// and `max_fresh`. Default: 60.
        "min-fresh" min_fresh: Option<u32>,
        /// Longest such time. Default: 3600.
        "max-fresh" max_fresh: Option<u32>,
        /// How long after that they still serve while the issuer cannot be reached. Default:
        /// 86400.
        "max-stale" max_stale: Option<u32>,
        /// The least time between two fetches of one key set because of tokens whose key is not in
        /// it, and after a failure. Doubles with each failure, with jitter, up to 16 times; while
        /// there is nothing older to serve, it begins at one second and never exceeds this.
        /// Default: 30.
        "cooldown" cooldown: Option<u32>,
        /// How long one exchange with the issuer may take, in milliseconds. Default: 5000.
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

    /// Accepts this `aud` too.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.get_or_insert_default().push(audience.into());
        self
    }
}

variants! {
    /// Where an issuer's keys come from. In a file: `"discovery"`, `{ uri = "…" }` or
    /// `{ inline = … }`.
    #[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
    #[serde(rename_all = "snake_case")]
    pub enum KeyLocation {
        /// RFC 8414, then OpenID discovery.
        "discovery" Discovery,
        /// This URL.
        "uri" Uri(String),
        /// This JWK Set, given as JSON: no fetch is ever made.
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
