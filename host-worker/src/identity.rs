use std::fmt;

use serde::de::DeserializeOwned;
use worker::Response;

use crate::{
    error::{Error, Result},
    package::{JsActor, JsAuth},
};

/// Whom a verified token speaks for: everything in here was signed by an accepted issuer.
#[derive(Clone)]
pub struct Identity {
    auth: JsAuth,
    subject: Option<String>,
    client_id: Option<String>,
    scopes: Vec<String>,
    issuer: String,
    audience: Vec<String>,
    actors: Vec<Actor>,
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

impl Identity {
    pub(crate) fn new(auth: JsAuth) -> Self {
        Self {
            subject: auth.subject(),
            client_id: auth.client_id(),
            scopes: auth.scopes(),
            issuer: auth.issuer(),
            audience: auth.audience(),
            actors: auth.actors().iter().map(actor).collect(),
            auth,
        }
    }

    /// `sub`, which is unique only within [`Self::issuer`]: a key for stored data needs both.
    /// None only where the issuer's `required_claims` do not name it.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// `client_id`, the program that the token was issued to.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// The scopes as granted, not widened by the configured hierarchy: ask [`Self::require`]
    /// rather than searching here.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// `iss`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `aud`. At least one of these is an accepted one.
    pub fn audience(&self) -> &[String] {
        &self.audience
    }

    /// The delegation chain of `act`: who acts now comes first, who acted before behind. Only the
    /// first may count in a decision; the others are for the record (RFC 8693 section 4.1).
    pub fn actors(&self) -> &[Actor] {
        &self.actors
    }

    pub(crate) fn auth(&self) -> &JsAuth {
        &self.auth
    }

    /// `exp`, in seconds since 1970.
    pub fn expires_at(&self) -> u64 {
        seconds(self.auth.expires_at()).unwrap_or_default()
    }

    /// `iat`, in seconds since 1970.
    pub fn issued_at(&self) -> Option<u64> {
        seconds(self.auth.issued_at())
    }

    /// All claims, as a type of the application.
    ///
    /// # Errors
    ///
    /// [`Error::Claims`] when they do not fit `T`.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T> {
        let text = js_sys::JSON::stringify(&self.auth.claims())
            .map_err(|thrown| Error::thrown(&thrown))?;
        serde_json::from_str(&String::from(text)).map_err(Error::Claims)
    }

    /// The token as it came in, for a call that passes it on. Whoever has it can act as this
    /// caller here until it expires.
    pub fn token(&self) -> Token {
        Token::new(self.auth.token())
    }

    /// Whether the token has all of these scopes, by the gate's hierarchy; when it has not, the
    /// 403 with a challenge that names them, to be sent as it is. For what is known only after
    /// the body was read: scopes of a whole path belong into a [`crate::Route`].
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] when the component failed; treat it as a refusal.
    pub fn require(&self, scopes: &[&str]) -> Result<Option<Response>> {
        let scopes = scopes.iter().copied().map(Into::into).collect();
        let answer = self
            .auth
            .require(scopes)
            .map_err(|thrown| Error::thrown(&thrown))?;
        Ok(answer.map(Response::from))
    }
}

/// Says whom, never with what: neither the token nor the claims are in it.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .field("client_id", &self.client_id)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// A raw access token. It is neither printed nor compared: what is not needed cannot leak.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Keeps this text: for an assertion of who the client is that was made elsewhere.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token's characters, for an `Authorization` header.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

fn actor(actor: &JsActor) -> Actor {
    Actor {
        subject: actor.subject(),
        issuer: actor.issuer(),
        client_id: actor.client_id(),
    }
}

/// Seconds out of a JavaScript number. Core refuses dates that a double cannot hold exactly, so
/// nothing is lost; what is no such number is none.
fn seconds(value: Option<f64>) -> Option<u64> {
    value
        .filter(|value| *value >= 0.0 && value.fract() == 0.0)
        .map(|value| value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_a_token_shows_nothing_of_it() {
        let token = Token("eyJhbGciOiJFUzI1NiJ9.e30.c2ln".to_owned());
        assert_eq!(format!("{token:?}"), "Token(redacted)");
        assert_eq!(token.expose(), "eyJhbGciOiJFUzI1NiJ9.e30.c2ln");
    }

    #[test]
    fn seconds_are_whole_and_not_negative() {
        assert_eq!(seconds(Some(1_795_000_000.0)), Some(1_795_000_000));
        assert_eq!(seconds(Some(-1.0)), None);
        assert_eq!(seconds(Some(0.5)), None);
        assert_eq!(seconds(Some(f64::NAN)), None);
        assert_eq!(seconds(None), None);
    }
}
