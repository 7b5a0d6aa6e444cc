//! The identity in a verified token.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::record::records;
use crate::secret::Secret;

/// The identity in a verified token. An accepted issuer has signed all of it. Cheap to clone.
#[derive(Clone, Deserialize)]
#[serde(from = "Record")]
pub struct Identity(Arc<Verified>);

struct Verified {
    record: Record,
    parsed: OnceLock<Map<String, Value>>,
}

records! { from the component:
    /// The contract's `identity`.
    #[derive(Clone)]
    #[allow(unreachable_pub, reason = "wasmtime's traits name it in what is public")]
    pub struct Record {
        "subject" subject: Option<String>,
        "client-id" client_id: Option<String>,
        "scopes" scopes: Vec<String>,
        "issuer" issuer: String,
        "audience" audience: Vec<String>,
        "expires-at" expires_at: u64,
        "issued-at" issued_at: Option<u64>,
        "actors" actors: Vec<Actor>,
        #[serde(default)]
        "claims" claims: String,
    }

    /// A party that acts for the subject (RFC 8693 section 4.1).
    #[derive(Clone, Debug, Default, Eq, PartialEq)]
    #[non_exhaustive]
    pub struct Actor {
        /// `sub`
        "subject" subject: Option<String>,
        /// `iss`
        "issuer" issuer: Option<String>,
        /// `client_id`
        "client-id" client_id: Option<String>,
    }
}

impl From<Record> for Identity {
    fn from(record: Record) -> Self {
        Self(Arc::new(Verified {
            record,
            parsed: OnceLock::new(),
        }))
    }
}

impl Identity {
    /// `sub`, which is unique only within [`Self::issuer`]: a key for stored data needs both.
    /// Absent only if the issuer's `required_claims` do not include it.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.0.record.subject.as_deref()
    }

    /// `client_id`, the program that the token was issued to.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.0.record.client_id.as_deref()
    }

    /// The granted scopes, from `scope` or `scp`, without those that the hierarchy implies. To
    /// check scopes, use the gate.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.0.record.scopes
    }

    /// `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.record.issuer
    }

    /// All values of `aud`. At least one of them is accepted.
    #[must_use]
    pub fn audience(&self) -> &[String] {
        &self.0.record.audience
    }

    /// `exp`, in seconds since 1970.
    #[must_use]
    pub fn expires_at(&self) -> u64 {
        self.0.record.expires_at
    }

    /// `iat`, in seconds since 1970.
    #[must_use]
    pub fn issued_at(&self) -> Option<u64> {
        self.0.record.issued_at
    }

    /// The delegation chain of `act`: the current actor, then prior actors. Only the first may
    /// count in a decision; the others are informational (RFC 8693 section 4.1).
    #[must_use]
    pub fn actors(&self) -> &[Actor] {
        &self.0.record.actors
    }

    /// All claims, parsed when they are first read.
    #[must_use]
    pub fn claims(&self) -> &Map<String, Value> {
        self.0.parsed.get_or_init(|| {
            // The component has parsed the same text, so this does not fail.
            serde_json::from_str(self.claims_json()).unwrap_or_default()
        })
    }

    #[cfg(feature = "wasmtime")]
    pub(crate) fn record(&self) -> &Record {
        &self.0.record
    }

    /// All claims, as the JSON text that was signed.
    #[must_use]
    pub fn claims_json(&self) -> &str {
        &self.0.record.claims
    }
}

/// Shows no claims, which may be personal data.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("subject", &self.subject())
            .field("client_id", &self.client_id())
            .field("scopes", &self.scopes())
            .field("issuer", &self.issuer())
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

/// A verified access token, as it was received. Like every [`Secret`], it is not printed.
#[derive(Clone, Eq, PartialEq)]
pub struct AccessToken(Secret);

impl AccessToken {
    /// Wraps a token that a gate has verified. Nothing is checked here.
    #[must_use]
    pub fn new(token: impl Into<Secret>) -> Self {
        Self(token.into())
    }

    /// The token itself. It is a credential: keep it out of logs. Whoever has it can act as this
    /// caller until it expires.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// Shows no token.
impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        let record = serde_json::json!({
            "subject": "alice",
            "scopes": ["a"],
            "issuer": "https://login.example.com",
            "audience": [],
            "expires_at": 5,
            "actors": [{ "subject": "app" }],
            "of_a_later_version": true,
            "claims": r#"{"sub":"alice","email":"alice@example.com"}"#,
        });
        serde_json::from_value(record).expect("a record")
    }

    #[test]
    fn claims_are_parsed() {
        assert_eq!(identity().claims()["email"], "alice@example.com");
        assert_eq!(identity().actors()[0].subject.as_deref(), Some("app"));
    }

    #[test]
    fn debug_output_holds_no_secret_and_no_claim() {
        assert!(!format!("{:?}", AccessToken::new("s3cret")).contains("s3cret"));
        assert!(!format!("{:?}", identity()).contains("alice@example.com"));
        assert!(!format!("{:?}", identity()).contains("email"));
    }
}
