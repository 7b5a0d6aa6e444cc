use std::fmt;

use serde::de::DeserializeOwned;
use tollgate_config::{AccessToken, Actor};
use worker::Response;

use crate::{
    error::{Error, Result},
    javascript::{from_js, json},
    package::JsAuth,
};

/// The identity in a verified token. An accepted issuer has signed all of it.
#[derive(Clone)]
pub struct Identity {
    auth: JsAuth,
    /// Everything except the claims, which the package parses when they are first read.
    known: tollgate_config::Identity,
}

impl Identity {
    pub(crate) fn new(auth: JsAuth) -> Result<Self> {
        Ok(Self {
            known: from_js(&auth)?,
            auth,
        })
    }

    /// `sub`, which is unique only within [`Self::issuer`]: a key for stored data needs both. None
    /// only if the issuer's `required_claims` do not include it.
    pub fn subject(&self) -> Option<&str> {
        self.known.subject()
    }

    /// `client_id`, the program that the token was issued to.
    pub fn client_id(&self) -> Option<&str> {
        self.known.client_id()
    }

    /// The granted scopes, without those that the hierarchy implies: use [`Self::require`] to check
    /// scopes.
    pub fn scopes(&self) -> &[String] {
        self.known.scopes()
    }

    /// `iss`.
    pub fn issuer(&self) -> &str {
        self.known.issuer()
    }

    /// All values of `aud`. At least one of them is accepted.
    pub fn audience(&self) -> &[String] {
        self.known.audience()
    }

    /// The delegation chain of `act`: the current actor, then prior actors. Only the first may
    /// count in a decision; the others are informational (RFC 8693 section 4.1).
    pub fn actors(&self) -> &[Actor] {
        self.known.actors()
    }

    pub(crate) fn auth(&self) -> &JsAuth {
        &self.auth
    }

    /// `exp`, in seconds since 1970.
    pub fn expires_at(&self) -> u64 {
        self.known.expires_at()
    }

    /// `iat`, in seconds since 1970.
    pub fn issued_at(&self) -> Option<u64> {
        self.known.issued_at()
    }

    /// All claims, deserialized into a type of the application.
    ///
    /// # Errors
    ///
    /// [`Error::Claims`] if they do not fit `T`.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&json(&self.auth.claims())?).map_err(Error::Claims)
    }

    /// The raw token, for calls that pass it on. Whoever has it can act as this caller until it
    /// expires.
    pub fn token(&self) -> AccessToken {
        AccessToken::new(self.auth.token())
    }

    /// Checks whether the token has all of these scopes, by the gate's hierarchy. If not, returns
    /// the 403 to send, with a challenge that names them. Use it for scopes that depend on the
    /// body. The scopes of a whole path belong in a [`crate::Route`].
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] if the component failed, or if the identity is from
    /// [`Gate::verify`](crate::Gate::verify), which has no request to answer. Treat it as a refusal.
    pub fn require(&self, scopes: &[&str]) -> Result<Option<Response>> {
        let scopes = scopes.iter().copied().map(Into::into).collect();
        let answer = self
            .auth
            .require(scopes)
            .map_err(|thrown| Error::thrown(&thrown))?;
        Ok(answer.map(Response::from))
    }
}

/// Shows neither the token nor the claims.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.known.fmt(f)
    }
}
