//! A token that was issued, or why none was.

use std::fmt;

use wasm_bindgen::{JsCast, JsValue};
use worker::{Response, ResponseBuilder};

use crate::{
    error::Error,
    identity::Token,
    package::{JsToken, JsTokenError},
};

/// A token as it was issued. `Debug` shows when and what for, never the token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssuedToken {
    /// The token itself.
    pub access_token: Token,
    /// `Bearer`, or as the issuer spelled it. `N_A` where what was issued is no access token.
    pub token_type: String,
    /// What kind of token it is, as a token type URI (RFC 8693 section 3).
    pub issued_token_type: Option<String>,
    /// When it expires, in milliseconds since 1970 by this host's clock; none where the issuer
    /// did not say.
    pub expires_at_ms: Option<u64>,
    /// What was granted; none where that is what was asked for.
    pub scopes: Option<Vec<String>>,
    /// A refresh token, where the issuer gave one.
    pub refresh_token: Option<Token>,
}

impl IssuedToken {
    pub(crate) fn new(token: &JsToken) -> Self {
        let millis = token.expires_at().map(|date| date.get_time());
        Self {
            access_token: Token::new(token.access_token()),
            token_type: token.token_type(),
            issued_token_type: token.issued_token_type(),
            expires_at_ms: millis
                .filter(|millis| *millis >= 0.0)
                .map(|millis| millis as u64),
            scopes: token.scopes(),
            refresh_token: token.refresh_token().map(Token::new),
        }
    }
}

/// What kind of reason there is for not having a token.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum TokenErrorKind {
    /// The client's configuration cannot work; the message says what to change.
    Configuration,
    /// What the application asked for cannot be sent.
    InvalidRequest,
    /// There is no subject.
    NoSubject,
    /// The destination is not one that this token may go to.
    ForbiddenDestination,
    /// The issuer answered with an OAuth error: see [`TokenError::oauth`].
    Refused,
    /// The issuer's metadata are not to be had.
    IssuerUnavailable,
    /// The metadata name no token endpoint.
    NoTokenEndpoint,
    /// They name one on another origin than the issuer's, and that is not configured.
    ForeignTokenEndpoint,
    /// The token endpoint cannot be reached.
    Unreachable,
    /// It does not answer in time.
    TimedOut,
    /// Its answer is too long.
    TooLarge,
    /// It answered with a redirect, which is not followed.
    Redirected,
    /// Another status than 200, without an OAuth error in it: see [`TokenError::status`].
    UnexpectedStatus,
    /// Its answer is not JSON.
    NotJson,
    /// A response without what RFC 6749 section 5.1 and RFC 8693 section 2.2 demand, or with a
    /// token that was not asked for.
    BadResponse,
    /// Nothing of the above: the gate itself failed, or was given what it cannot work with.
    GateFailed,
}

impl TokenErrorKind {
    fn of(name: &str) -> Self {
        match name {
            "configuration" => Self::Configuration,
            "invalid-request" => Self::InvalidRequest,
            "no-subject" => Self::NoSubject,
            "forbidden-destination" => Self::ForbiddenDestination,
            "refused" => Self::Refused,
            "issuer-unavailable" => Self::IssuerUnavailable,
            "no-token-endpoint" => Self::NoTokenEndpoint,
            "foreign-token-endpoint" => Self::ForeignTokenEndpoint,
            "unreachable" => Self::Unreachable,
            "timed-out" => Self::TimedOut,
            "too-large" => Self::TooLarge,
            "redirected" => Self::Redirected,
            "unexpected-status" => Self::UnexpectedStatus,
            "not-json" => Self::NotJson,
            "bad-response" => Self::BadResponse,
            _ => Self::GateFailed,
        }
    }
}

/// An OAuth error response (RFC 6749 section 5.2). These are the issuer's words: treat them as
/// hostile text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OauthError {
    /// `error`, such as `invalid_grant`.
    pub error: String,
    /// `error_description`
    pub description: Option<String>,
    /// `error_uri`
    pub uri: Option<String>,
}

/// Why there is no token. No secret and no token is in it.
#[derive(Clone)]
#[non_exhaustive]
pub struct TokenError {
    /// What kind of reason.
    pub kind: TokenErrorKind,
    /// One sentence for people. Without anybody's input, but for [`TokenErrorKind::GateFailed`].
    pub message: String,
    /// For [`TokenErrorKind::Refused`].
    pub oauth: Option<OauthError>,
    /// The status of the issuer's response, where there was one.
    pub status: Option<u16>,
    /// In how many seconds another try is worth it, where that is known: what the issuer says in
    /// `Retry-After`, an hour at the most.
    pub retry_after_seconds: Option<u32>,
    thrown: Option<JsTokenError>,
}

impl TokenError {
    /// A response for the application's own caller, if it has nothing better: 401 or 403 where
    /// the user must do something, 500 where the application must, 429 and 502 to 504 where
    /// only time helps. None of the issuer's words is in it.
    ///
    /// # Errors
    ///
    /// When the runtime makes no response.
    pub fn to_response(&self) -> worker::Result<Response> {
        match &self.thrown {
            Some(error) => Ok(Response::from(error.to_response()?)),
            None => server_error(),
        }
    }

    /// What JavaScript threw where it was the package's `TokenError`.
    pub(crate) fn known(value: &JsValue) -> Option<Self> {
        let error = value.dyn_ref::<js_sys::Error>()?;
        if error.name() != "TokenError" {
            return None;
        }
        let thrown: JsTokenError = value.clone().unchecked_into();
        Some(Self {
            kind: TokenErrorKind::of(&thrown.kind()),
            message: error.message().into(),
            oauth: thrown.error().map(|error| OauthError {
                error,
                description: thrown.error_description(),
                uri: thrown.error_uri(),
            }),
            status: thrown.status(),
            retry_after_seconds: thrown.retry_after_seconds(),
            thrown: Some(thrown),
        })
    }

    /// What JavaScript threw.
    pub(crate) fn thrown(value: &JsValue) -> Self {
        Self::known(value).unwrap_or_else(|| Error::thrown(value).into())
    }
}

/// What a gate says that cannot ask at all.
impl From<Error> for TokenError {
    fn from(error: Error) -> Self {
        let kind = match error {
            Error::Configuration { .. } => TokenErrorKind::Configuration,
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
