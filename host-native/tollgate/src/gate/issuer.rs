//! Whose tokens a gate accepts, and how it comes by the keys that verify them.

use super::bindings::exports::tollgate::auth::resource_server as wit;

/// One accepted issuer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Issuer {
    /// The exact `iss`. `https:`, or `http:` on a loopback address.
    pub issuer: String,
    /// Accepted `aud` values, at most 64; one match suffices. Left out: [`Config::resource`](crate::Config::resource).
    pub audiences: Option<Vec<String>>,
    /// Accepted `alg` values. Left out: every asymmetric algorithm that Tollgate knows.
    pub algorithms: Option<Vec<String>>,
    /// Accepted `typ` values. Left out: `at+jwt` (RFC 9068), with its required claims. `["*"]`
    /// accepts any and none: only for issuers that send plain `JWT`.
    pub types: Option<Vec<String>>,
    /// Claims that must be present. Left out: `sub`, `client_id` and `iat` where `types` is left
    /// out too, else none. `iss`, `exp` and `aud` always are.
    pub required_claims: Option<Vec<String>>,
    /// How far clocks may differ, in seconds, at most 300. Default: 0 for `exp`, 5 for `nbf` and
    /// `iat`: a token just issued must not fail over a second, one that ended is worth nothing.
    pub clock_tolerance: Option<u32>,
    /// The highest accepted age since `iat`, in seconds. Left out: no bound.
    pub max_age: Option<u32>,
    /// Where its keys come from. Default: discovery.
    pub keys: Option<KeyLocation>,
    /// Whether `jwks_uri` may be on another origin than the issuer. Default: no.
    pub cross_origin_keys: Option<bool>,
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

/// Where an issuer's keys come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyLocation {
    /// RFC 8414, then OpenID discovery.
    Discovery,
    /// This URL.
    Uri(String),
    /// This JWK Set, given as JSON: no fetch is ever made.
    Inline(String),
}

/// How keys are fetched and kept. All in seconds but where a name says otherwise.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeyPolicy {
    /// Shortest time that fetched keys count as fresh; `Cache-Control` decides between this and
    /// `max_fresh`. Default: 60.
    pub min_fresh: Option<u32>,
    /// Longest such time. Default: 3600.
    pub max_fresh: Option<u32>,
    /// How long after that they still serve while the issuer cannot be reached. Default: 86400.
    pub max_stale: Option<u32>,
    /// The least time between two fetches of one key set. Grows with failures, with jitter, up
    /// to 16 times. Default: 30.
    pub cooldown: Option<u32>,
    /// How long one exchange with the issuer may take, in milliseconds. Default: 5000.
    pub timeout_ms: Option<u32>,
}

impl From<Issuer> for wit::Issuer {
    fn from(issuer: Issuer) -> Self {
        Self {
            issuer: issuer.issuer,
            audiences: issuer.audiences,
            algorithms: issuer.algorithms,
            types: issuer.types,
            required_claims: issuer.required_claims,
            clock_tolerance: issuer.clock_tolerance,
            max_age: issuer.max_age,
            keys: issuer.keys.map(|keys| match keys {
                KeyLocation::Discovery => wit::KeyLocation::Discovery,
                KeyLocation::Uri(uri) => wit::KeyLocation::Uri(uri),
                KeyLocation::Inline(keys) => wit::KeyLocation::Inline(keys),
            }),
            cross_origin_keys: issuer.cross_origin_keys,
        }
    }
}

impl From<KeyPolicy> for wit::KeyPolicy {
    fn from(policy: KeyPolicy) -> Self {
        Self {
            min_fresh: policy.min_fresh,
            max_fresh: policy.max_fresh,
            max_stale: policy.max_stale,
            cooldown: policy.cooldown,
            timeout_ms: policy.timeout_ms,
        }
    }
}
