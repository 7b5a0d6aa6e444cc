//! An issued token, or why the request failed.

use std::fmt;

use serde_json::Value;
use tollgate_config::{OauthError, Token, TokenErrorKind};
use wasm_bindgen::{JsCast, JsValue};
use worker::{Response, ResponseBuilder};

use crate::{
    error::Error,
    package::{JsToken, JsTokenError},
};

/// The package's token. Its secrets are not enumerable, so they are read one by one.
pub(crate) fn issued_token(token: &JsToken) -> Token {
    let millis = token.expires_at().map(|date| date.get_time());
    Token {
        access_token: token.access_token().into(),
        token_type: token.token_type(),
        issued_token_type: token.issued_token_type(),
        expires_at_ms: millis
            .filter(|millis| *millis >= 0.0)
            .map(|millis| millis as u64),
        scopes: token.scopes(),
        refresh_token: token.refresh_token().map(Into::into),
    }
}

/// A kind by its name in the package. An unknown kind is a failure of the gate.
fn kind(name: String) -> TokenErrorKind {
    serde_json::from_value(Value::String(name)).unwrap_or(TokenErrorKind::GateFailed)
}

/// A failed token request. It contains no secret and no token.
#[derive(Clone)]
#[non_exhaustive]
pub struct TokenError {
    /// The kind of reason.
    pub kind: TokenErrorKind,
    /// One sentence for people. Except for [`TokenErrorKind::GateFailed`], it contains no text from
    /// the issuer or the caller.
    pub message: String,
    /// For [`TokenErrorKind::Refused`].
    pub oauth: Option<OauthError>,
    /// The status of the issuer's response, if there was one.
    pub status: Option<u16>,
    /// When to try again, in seconds, if that is known: the issuer's `Retry-After`, at most an
    /// hour.
    pub retry_after_seconds: Option<u32>,
    thrown: Option<JsTokenError>,
}

impl TokenError {
    /// A default response for the application's own caller: 401 or 403 if the user must act, 500 if
    /// the application's operator must act, 429 or 502 to 504 if the caller can only wait. It
    /// contains no text from the issuer.
    ///
    /// # Errors
    ///
    /// The runtime cannot create a response.
    pub fn to_response(&self) -> worker::Result<Response> {
        match &self.thrown {
            Some(error) => Ok(Response::from(error.to_response()?)),
            None => server_error(),
        }
    }

    /// Converts an exception that is the package's `TokenError`.
    pub(crate) fn known(value: &JsValue) -> Option<Self> {
        let error = value.dyn_ref::<js_sys::Error>()?;
        if error.name() != "TokenError" {
            return None;
        }
        let thrown: JsTokenError = value.clone().unchecked_into();
        Some(Self {
            kind: kind(thrown.kind()),
            message: error.message().into(),
            oauth: thrown.error().map(|error| OauthError {
                error,
                error_description: thrown.error_description(),
                error_uri: thrown.error_uri(),
            }),
            status: thrown.status(),
            retry_after_seconds: thrown.retry_after_seconds(),
            thrown: Some(thrown),
        })
    }

    /// Converts an exception.
    pub(crate) fn thrown(value: &JsValue) -> Self {
        Self::known(value).unwrap_or_else(|| Error::thrown(value).into())
    }
}

/// The error of a gate that cannot request tokens.
impl From<Error> for TokenError {
    fn from(error: Error) -> Self {
        let kind = match error {
            Error::Configuration(_) => TokenErrorKind::Configuration,
            _ => TokenErrorKind::GateFailed,
        };
        Self {
            kind,
            message: error.to_string(),
            oauth: None,
            status: None,
            retry_after_seconds: None,
            thrown: None,
        }
    }
}

pub(crate) fn server_error() -> worker::Result<Response> {
    ResponseBuilder::new()
        .with_status(500)
        .with_header("cache-control", "no-store")?
        .with_header("content-type", "application/json")?
        .ok(r#"{"error":"server_error"}"#)
}

impl fmt::Debug for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenError")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .field("oauth", &self.oauth)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TokenError {}

impl From<TokenError> for worker::Error {
    fn from(error: TokenError) -> Self {
        Self::RustError(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_the_names_of_the_package() {
        assert_eq!(kind("timed-out".to_owned()), TokenErrorKind::TimedOut);
        assert_eq!(
            kind("signing-failed".to_owned()),
            TokenErrorKind::SigningFailed
        );
        assert_eq!(
            kind("of-a-later-version".to_owned()),
            TokenErrorKind::GateFailed
        );
    }
}
