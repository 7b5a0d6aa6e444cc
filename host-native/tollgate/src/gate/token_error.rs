//! Why no token was issued.

use std::fmt;
use std::time::Duration;

use http::Response;
use tollgate_config::{ConfigError, OauthError, TokenErrorKind};

use super::bindings::exports::tollgate::auth::token_exchange as wit;
use crate::host::answer::Answer;

/// A failed token request. It contains no secret and no token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenError {
    /// The kind of reason.
    pub kind: TokenErrorKind,
    /// One sentence for people. It contains no text from the issuer or the caller.
    pub message: String,
    /// For [`TokenErrorKind::Refused`].
    pub oauth: Option<Box<OauthError>>,
    /// The status of the issuer's response, if there was one.
    pub status: Option<u16>,
    /// How long to wait before trying again, if that is known: the issuer's `Retry-After` (at most
    /// an hour), or the time until its metadata is fetched again.
    pub retry_after: Option<Duration>,
    answer: Box<Answer>,
}

impl TokenError {
    /// A default response for the application's own caller: 401 or 403 if the user must act, 500 if
    /// the application's operator must act, 429 or 502 to 504 if the caller can only wait. It
    /// contains no text from the issuer.
    #[must_use]
    pub fn to_response(&self) -> Response<String> {
        self.answer.response.clone()
    }

    /// The response with its stable code for logs and metrics.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    pub(super) fn gate_failed() -> Self {
        Self {
            kind: TokenErrorKind::GateFailed,
            message: "the gate failed while it asked for a token".to_owned(),
            oauth: None,
            status: None,
            retry_after: None,
            answer: Box::new(Answer::failed()),
        }
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TokenError {}

impl From<wit::Failure> for TokenError {
    fn from(failure: wit::Failure) -> Self {
        Self {
            kind: failure.kind.into(),
            message: failure.message,
            oauth: failure.oauth.map(Box::new),
            status: failure.status,
            retry_after: failure.retry_after_seconds.map(Duration::from_secs),
            answer: Box::new(Answer::of_gate(failure.answer).unwrap_or_else(|_| Answer::failed())),
        }
    }
}

/// The error of a gate whose client is invalid or missing.
impl From<ConfigError> for TokenError {
    fn from(error: ConfigError) -> Self {
        Self {
            kind: TokenErrorKind::Configuration,
            message: error.to_string(),
            oauth: None,
            status: None,
            retry_after: None,
            answer: Box::new(Answer::server_error("client-configuration")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_config::bindings::FailureKind;

    #[test]
    fn an_error_message_does_not_contain_the_issuers_text() {
        let error = TokenError::from(wit::Failure {
            kind: FailureKind::Refused,
            message: "the issuer refused".into(),
            oauth: Some(OauthError {
                error: "invalid_grant".into(),
                error_description: Some("line\nbreak".into()),
                error_uri: None,
            }),
            status: Some(400),
            retry_after_seconds: None,
            answer: wit::Answer {
                status: 401,
                headers: vec![],
                body: None,
                reason: None,
            },
        });
        assert_eq!(error.to_string(), "the issuer refused");
        assert!(!format!("{error:?}").contains('\n'));
        assert_eq!(error.to_response().status(), 401);
    }
}
