//! A token that was issued, or why none was.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Response;

use super::bindings::exports::tollgate::auth::resource_server::ConfigError;
use super::bindings::exports::tollgate::auth::token_exchange as wit;
use super::decision::Answer;
use super::secret::Secret;

/// A token as it was issued. `Debug` shows when and what for, never the token.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Token {
    /// The token itself.
    pub access_token: Secret,
    /// `Bearer`, or as the issuer spelled it. `N_A` where what was issued is no access token.
    pub token_type: String,
    /// What kind of token it is, as a token type URI (RFC 8693 section 3).
    pub issued_token_type: Option<String>,
    /// When it expires, by this machine's clock; none where the issuer did not say.
    pub expires_at: Option<SystemTime>,
    /// What was granted; none where that is what was asked for.
    pub scopes: Option<Vec<String>>,
    /// A refresh token, where the issuer gave one.
    pub refresh_token: Option<Secret>,
}

impl Token {
    pub(super) fn new(token: wit::Token) -> Self {
        let since = |millis| UNIX_EPOCH.checked_add(Duration::from_millis(millis));
        Self {
            access_token: token.access_token.into(),
            token_type: token.token_type,
            issued_token_type: token.issued_token_type,
            expires_at: token.expires_at_ms.and_then(since),
            scopes: token.scopes,
            refresh_token: token.refresh_token.map(Into::into),
        }
    }
}

/// What kind of reason there is for not having a token.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum TokenErrorKind {
    /// The client's configuration cannot work; the message says what to change.
    Configuration,
    /// The private key made no signature this time: the service that holds it is down.
    SigningFailed,
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
    /// The gate's store failed while it worked on this. Another one is there by now.
    GateFailed,
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
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenError {
    /// What kind of reason.
    pub kind: TokenErrorKind,
    /// One sentence for people, without input of anybody.
    pub message: String,
    /// For [`TokenErrorKind::Refused`].
    pub oauth: Option<Box<OauthError>>,
    /// The status of the issuer's response, where there was one.
    pub status: Option<u16>,
    /// How long to wait before another try, where that is known: what the issuer says in
    /// `Retry-After` (an hour at the most), or when its metadata are asked for again.
    pub retry_after: Option<Duration>,
    answer: Box<Answer>,
}

impl TokenError {
    /// A response for the application's own caller, if it has nothing better: 401 or 403 where
    /// the user must do something, 500 where the application must, 429 and 502 to 504 where
    /// only time helps. None of the issuer's words is in it.
    #[must_use]
    pub fn to_response(&self) -> Response<String> {
        self.answer.response.clone()
    }

    /// The same with its stable code for logs and metrics.
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
            oauth: failure.oauth.map(|oauth| {
                Box::new(OauthError {
                    error: oauth.error,
                    description: oauth.error_description,
                    uri: oauth.error_uri,
                })
            }),
            status: failure.status,
            retry_after: failure.retry_after_seconds.map(Duration::from_secs),
            answer: Box::new(Answer::new(failure.answer).unwrap_or_else(|_| Answer::failed())),
        }
    }
}

/// For a gate whose client cannot work, or that has none.
impl From<ConfigError> for TokenError {
    fn from(error: ConfigError) -> Self {
        Self {
            kind: TokenErrorKind::Configuration,
            message: format!("{}: {}", error.field, error.message),
            oauth: None,
            status: None,
            retry_after: None,
            answer: Box::new(Answer::server_error("client-configuration")),
        }
    }
}

impl From<wit::FailureKind> for TokenErrorKind {
    fn from(kind: wit::FailureKind) -> Self {
        match kind {
            wit::FailureKind::Configuration => Self::Configuration,
            wit::FailureKind::SigningFailed => Self::SigningFailed,
            wit::FailureKind::InvalidRequest => Self::InvalidRequest,
            wit::FailureKind::NoSubject => Self::NoSubject,
            wit::FailureKind::ForbiddenDestination => Self::ForbiddenDestination,
            wit::FailureKind::Refused => Self::Refused,
            wit::FailureKind::IssuerUnavailable => Self::IssuerUnavailable,
            wit::FailureKind::NoTokenEndpoint => Self::NoTokenEndpoint,
            wit::FailureKind::ForeignTokenEndpoint => Self::ForeignTokenEndpoint,
            wit::FailureKind::Unreachable => Self::Unreachable,
            wit::FailureKind::TimedOut => Self::TimedOut,
            wit::FailureKind::TooLarge => Self::TooLarge,
            wit::FailureKind::Redirected => Self::Redirected,
            wit::FailureKind::UnexpectedStatus => Self::UnexpectedStatus,
            wit::FailureKind::NotJson => Self::NotJson,
            wit::FailureKind::BadResponse => Self::BadResponse,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_of_a_token_holds_neither_it_nor_its_refresh_token() {
        let token = Token::new(wit::Token {
            access_token: "acc3ss".into(),
            token_type: "Bearer".into(),
            issued_token_type: None,
            expires_at_ms: Some(u64::MAX),
            scopes: Some(vec!["read".into()]),
            refresh_token: Some("r3fresh".into()),
        });
        let text = format!("{token:?} {token:#?}");
        assert!(
            !text.contains("acc3ss") && !text.contains("r3fresh"),
            "{text}"
        );
        assert!(text.contains("Bearer") && text.contains("read"), "{text}");
        assert_eq!(token.access_token.expose(), "acc3ss");
    }

    #[test]
    fn the_issuers_words_are_not_in_what_an_error_says() {
        let error = TokenError::from(wit::Failure {
            kind: wit::FailureKind::Refused,
            message: "the issuer refused".into(),
            oauth: Some(wit::OauthError {
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
