//! Whom a verified token speaks for.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};

use super::bindings::exports::tollgate::auth::resource_server as wit;

/// Whom a verified token speaks for. Cheap to clone; a request extension behind
/// [`GateLayer`](crate::GateLayer).
#[derive(Clone)]
pub struct Identity(Arc<Verified>);

struct Verified {
    record: wit::Identity,
    actors: Vec<Actor>,
    claims: OnceLock<Map<String, Value>>,
}

impl Identity {
    pub(super) fn new(mut record: wit::Identity) -> Self {
        let actors = std::mem::take(&mut record.actors);
        Self(Arc::new(Verified {
            actors: actors.into_iter().map(Into::into).collect(),
            record,
            claims: OnceLock::new(),
        }))
    }

    /// Roughly the bytes that it takes, with its claims parsed.
    pub(super) fn cost(&self) -> usize {
        const FIXED: usize = 512;
        // Parsed JSON takes about three times its text, at the worst.
        FIXED + 4 * self.0.record.claims.len()
    }

    /// `sub`. Absent only where the issuer's `required_claims` do not name it.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.0.record.subject.as_deref()
    }

    /// `client_id`.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.0.record.client_id.as_deref()
    }

    /// As granted: `scope` or `scp`, not widened by the hierarchy. To ask whether they suffice,
    /// use [`Gate::require_scopes`](crate::Gate::require_scopes).
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.0.record.scopes
    }

    /// `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.record.issuer
    }

    /// `aud`, all of it.
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

    /// The delegation chain of `act`: who acts now comes first, who acted before behind. Only the
    /// first may count in a decision; the others are for the record (RFC 8693 section 4.1).
    #[must_use]
    pub fn actors(&self) -> &[Actor] {
        &self.0.actors
    }

    /// All claims. Parsed when they are first asked for.
    #[must_use]
    pub fn claims(&self) -> &Map<String, Value> {
        self.0.claims.get_or_init(|| {
            // The component has parsed the same text, so this does not fail.
            serde_json::from_str(&self.0.record.claims).unwrap_or_default()
        })
    }

    /// All claims, as the JSON text that was signed.
    #[must_use]
    pub fn claims_json(&self) -> &str {
        &self.0.record.claims
    }
}

/// Somebody who acts for the subject (RFC 8693 section 4.1).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Actor {
    /// `sub`
    pub subject: Option<String>,
    /// `iss`
    pub issuer: Option<String>,
    /// `client_id`
    pub client_id: Option<String>,
}

impl From<wit::Actor> for Actor {
    fn from(actor: wit::Actor) -> Self {
        Self {
            subject: actor.subject,
            issuer: actor.issuer,
            client_id: actor.client_id,
        }
    }
}

/// Without the claims, which may be personal.
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

/// A verified access token, as it came in. A request extension behind
/// [`GateLayer`](crate::GateLayer).
#[derive(Clone, Eq, PartialEq)]
pub struct AccessToken(Arc<str>);

impl AccessToken {
    /// A token that [`Gate::verify`](crate::Gate::verify) has verified, to go with its identity
    /// into [`Credentials`](crate::Credentials). Nothing is checked here.
    #[must_use]
    pub fn new(token: impl Into<Arc<str>>) -> Self {
        Self(token.into())
    }

    /// The token itself: a credential, to be kept out of logs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Without the token.
impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity::new(wit::Identity {
            subject: Some("alice".into()),
            client_id: None,
            scopes: vec!["a".into()],
            issuer: "https://login.example.com".into(),
            audience: vec![],
            expires_at: 5,
            issued_at: None,
            actors: vec![],
            claims: r#"{"sub":"alice","email":"alice@example.com"}"#.into(),
        })
    }

    #[test]
    fn claims_are_parsed() {
        assert_eq!(identity().claims()["email"], "alice@example.com");
    }

    #[test]
    fn debug_output_holds_no_secret_and_no_claim() {
        assert!(!format!("{:?}", AccessToken::new("secret")).contains("secret"));
        assert!(!format!("{:?}", identity()).contains("alice@example.com"));
        assert!(!format!("{:?}", identity()).contains("email"));
    }
}
