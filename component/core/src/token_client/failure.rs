//! Why a token request failed, and the response that each reason gives.

use crate::answer::Answer;
use crate::challenge::Challenge;
use crate::config_error::{ConfigError, Naming};
use crate::issuers::Unavailable;
use crate::jose::SigningError;

/// An OAuth error response (RFC 6749 section 5.2), as the issuer wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthError {
    /// `error`: printable ASCII without quotes and backslashes, as the RFC requires.
    pub error: String,
    /// `error_description`, cut at [`crate::limits::OAUTH_ERROR_BYTES`].
    pub description: Option<String>,
    /// `error_uri`, cut at the same length.
    pub uri: Option<String>,
}

/// Why a token request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenFailure {
    /// The client's configuration is invalid.
    Configuration(ConfigError),
    /// The application's request cannot be sent.
    InvalidRequest(&'static str),
    /// There is no subject. A cached token without a subject could be given to anybody.
    NoSubject,
    /// The token must not be sent to the given destination.
    ForbiddenDestination,
    /// The private key made no signature.
    Signing(SigningError),
    /// The issuer refused the request.
    Refused {
        /// HTTP status of the response.
        status: u16,
        /// The OAuth error in the response.
        error: OAuthError,
    },
    /// The issuer asks the client to wait: status 429 or 503, whatever the body says.
    RetryLater {
        /// HTTP status of the response.
        status: u16,
        /// `Retry-After` of the response, in seconds.
        retry_after: Option<u64>,
        /// The OAuth error in the response, if there is one.
        error: Option<OAuthError>,
    },
    /// The issuer's metadata could not be obtained.
    IssuerUnavailable(Unavailable),
    /// The metadata names no token endpoint, or none that a secret may be sent to.
    NoTokenEndpoint,
    /// The metadata names a token endpoint on another origin than the issuer's.
    ForeignTokenEndpoint,
    /// Name resolution, the connection or TLS failed, or the host's policy forbids the URL.
    Unreachable,
    /// The response was not complete in time.
    TimedOut,
    /// The response is longer than [`crate::limits::TOKEN_RESPONSE_BYTES`].
    TooLarge,
    /// A redirect. It is not followed: that would send the client's secret to another place.
    Redirected,
    /// Another status than 200, without an OAuth error in the body.
    UnexpectedStatus(u16),
    /// Status 200, but the body is not a JSON object.
    NotJson,
    /// A member is missing, or is not what the specifications require.
    BadResponse(&'static str),
}

impl TokenFailure {
    /// A stable name for logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Configuration(_) => "client-configuration",
            Self::InvalidRequest(_) => "client-invalid-request",
            Self::NoSubject => "client-no-subject",
            Self::ForbiddenDestination => "client-forbidden-destination",
            Self::Signing(error) => error.code(),
            Self::Refused { .. } => "token-refused",
            Self::RetryLater { .. } => "token-endpoint-retry-later",
            Self::IssuerUnavailable(unavailable) => unavailable.error.code(),
            Self::NoTokenEndpoint => "token-endpoint-missing",
            Self::ForeignTokenEndpoint => "token-endpoint-foreign",
            Self::Unreachable => "token-endpoint-unreachable",
            Self::TimedOut => "token-endpoint-timed-out",
            Self::TooLarge => "token-response-too-large",
            Self::Redirected => "token-endpoint-redirected",
            Self::UnexpectedStatus(_) => "token-endpoint-status",
            Self::NotJson => "token-response-not-json",
            Self::BadResponse(_) => "token-response-bad",
        }
    }

    /// One sentence for the application's developer. It contains no text from the issuer or the
    /// caller.
    #[must_use]
    pub fn sentence(&self, naming: Naming) -> String {
        naming.sentence(&self.plain_sentence())
    }

    fn plain_sentence(&self) -> String {
        match self {
            Self::Configuration(error) => error.to_string(),
            Self::InvalidRequest(what) => (*what).to_owned(),
            Self::NoSubject => "the verified token has no subject (sub), so no token can be \
                                requested on its behalf: request one for the application itself"
                .to_owned(),
            Self::ForbiddenDestination => "the token must not be sent to this destination: use \
                                           https, and the origin of the token's resource or an \
                                           origin in `client.destinations`"
                .to_owned(),
            Self::Signing(error) => format!("the client's private key {error}"),
            Self::Refused { status, .. } => {
                format!("the issuer refused to issue a token (HTTP {status})")
            }
            Self::RetryLater {
                status,
                retry_after: Some(seconds),
                ..
            } => {
                format!("the token endpoint answered with HTTP {status}: try again in {seconds} s")
            }
            Self::RetryLater { status, .. } => {
                format!("the token endpoint answered with HTTP {status}: try again later")
            }
            Self::IssuerUnavailable(_) => "the issuer's metadata, which names the token endpoint, \
                                           could not be obtained: check the issuer, or set \
                                           `client.token-endpoint`"
                .to_owned(),
            Self::NoTokenEndpoint => "the issuer's metadata names no usable token endpoint: set \
                                      `client.token-endpoint`"
                .to_owned(),
            Self::ForeignTokenEndpoint => "the issuer's metadata names a token endpoint on \
                                           another origin, and the client's credentials are not \
                                           sent there unless you allow it: if the endpoint is \
                                           right, set `client.token-endpoint` to it"
                .to_owned(),
            Self::Unreachable => "the token endpoint could not be reached: check its URL, its \
                                  certificate, and whether this host may call it"
                .to_owned(),
            Self::TimedOut => "the token endpoint did not answer in time: check the issuer, or \
                               raise `client.timeout-ms`"
                .to_owned(),
            Self::TooLarge => "the token endpoint's response is too long: check its URL".to_owned(),
            Self::Redirected => "the token endpoint answered with a redirect, which is not \
                                 followed: set `client.token-endpoint` to the right URL"
                .to_owned(),
            Self::UnexpectedStatus(status) => {
                format!(
                    "the token endpoint answered with HTTP {status} and no OAuth error: check its \
                     URL"
                )
            }
            Self::NotJson => {
                "the token endpoint's response is not a JSON object: check its URL".to_owned()
            }
            Self::BadResponse(what) => format!("the token endpoint's response {what}"),
        }
    }

    /// HTTP status of the issuer's response, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. }
            | Self::RetryLater { status, .. }
            | Self::UnexpectedStatus(status) => Some(*status),
            _ => None,
        }
    }

    /// The issuer's OAuth error, if there is one.
    #[must_use]
    pub fn oauth(&self) -> Option<&OAuthError> {
        match self {
            Self::Refused { error, .. } => Some(error),
            Self::RetryLater { error, .. } => error.as_ref(),
            _ => None,
        }
    }

    /// When to try again, in seconds from now, if that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::RetryLater { retry_after, .. } => *retry_after,
            Self::IssuerUnavailable(unavailable) => Some(unavailable.retry_after),
            _ => None,
        }
    }

    /// A response for the application's own caller: 401 or 403 if the user must act, 500 if the
    /// application's operator must act, 429 or 502 to 504 if the caller can only wait. It contains
    /// no text from the issuer.
    #[must_use]
    pub fn to_answer(&self) -> Answer {
        let (status, error, description) = match self {
            Self::Refused { error, .. } => refusal(&error.error),
            Self::NoSubject => (403, "access_denied", "This operation needs a user's token"),
            Self::Configuration(_) | Self::InvalidRequest(_) | Self::ForbiddenDestination => {
                (500, "server_error", NOT_CONFIGURED)
            }
            Self::Signing(error) if error.is_permanent() => (500, "server_error", NOT_CONFIGURED),
            Self::RetryLater { status: 429, .. } => (
                429,
                "temporarily_unavailable",
                "Too many access tokens were requested: try again later",
            ),
            Self::RetryLater { .. }
            | Self::IssuerUnavailable(_)
            | Self::Unreachable
            | Self::Signing(_) => (503, "temporarily_unavailable", NOT_NOW),
            Self::TimedOut => (
                504,
                "temporarily_unavailable",
                "The request for an access token timed out: try again later",
            ),
            Self::NoTokenEndpoint
            | Self::ForeignTokenEndpoint
            | Self::TooLarge
            | Self::Redirected
            | Self::UnexpectedStatus(_)
            | Self::NotJson
            | Self::BadResponse(_) => (502, "bad_gateway", REQUEST_FAILED),
        };
        let mut answer = Answer::error(status, error, description);
        answer.reason = Some(self.code());
        if status == 401 {
            // RFC 9110 section 15.5.2 requires a challenge with every 401.
            let challenge = Challenge::bearer()
                .error(error)
                .error_description(description);
            answer.push("www-authenticate", challenge.to_string());
        }
        let retry_after = match self {
            Self::Unreachable | Self::TimedOut => Some(1),
            Self::Signing(error) if !error.is_permanent() => Some(1),
            _ => self.retry_after(),
        };
        if let Some(seconds) = retry_after {
            answer.push("retry-after", seconds.to_string());
        }
        answer
    }
}

const NOT_CONFIGURED: &str = "This application is not configured correctly";
const NOT_NOW: &str = "An access token cannot be requested at the moment: try again later";
const REQUEST_FAILED: &str = "The request for an access token failed";

/// What an OAuth error means for the user (RFC 6749 section 5.2, RFC 8693 section 2.2.2, RFC 8707
/// section 2, OpenID Connect Core section 3.1.2.6).
fn refusal(error: &str) -> (u16, &'static str, &'static str) {
    match error {
        "invalid_grant" | "invalid_token" => (
            401,
            "invalid_token",
            "Your authorization has expired or was revoked: sign in again",
        ),
        "access_denied"
        | "invalid_target"
        | "invalid_scope"
        | "interaction_required"
        | "login_required"
        | "consent_required" => (
            403,
            "access_denied",
            "You have not authorized this application to do that",
        ),
        "invalid_client" | "unauthorized_client" | "unsupported_grant_type" => {
            (500, "server_error", NOT_CONFIGURED)
        }
        "temporarily_unavailable" | "slow_down" => (503, "temporarily_unavailable", NOT_NOW),
        _ => (502, "bad_gateway", REQUEST_FAILED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::SignatureError;
    use crate::issuers::FetchError;
    use crate::jose::SigningKeyError;

    const fn signing(error: SignatureError) -> TokenFailure {
        TokenFailure::Signing(SigningError::Host(error))
    }

    fn refused(error: &str) -> TokenFailure {
        TokenFailure::Refused {
            status: 400,
            error: OAuthError {
                error: error.into(),
                description: Some("from the issuer".into()),
                uri: None,
            },
        }
    }

    fn later(status: u16) -> TokenFailure {
        TokenFailure::RetryLater {
            status,
            retry_after: Some(7),
            error: None,
        }
    }

    #[test]
    fn each_failure_has_its_response() {
        let unavailable = Unavailable {
            error: FetchError::TimedOut,
            retry_after: 7,
        };
        let config = ConfigError::new("client.id", "say who you are");
        for (failure, status) in [
            (TokenFailure::Configuration(config), 500),
            (TokenFailure::InvalidRequest("x"), 500),
            (TokenFailure::NoSubject, 403),
            (TokenFailure::ForbiddenDestination, 500),
            (
                TokenFailure::Signing(SigningError::Key(SigningKeyError::Inconsistent)),
                500,
            ),
            (signing(SignatureError::Unsupported), 500),
            (signing(SignatureError::KeyRefused), 500),
            (signing(SignatureError::TimedOut), 503),
            (signing(SignatureError::Failed), 503),
            (refused("invalid_grant"), 401),
            (refused("access_denied"), 403),
            (refused("invalid_target"), 403),
            (refused("invalid_scope"), 403),
            (refused("invalid_client"), 500),
            (refused("temporarily_unavailable"), 503),
            (refused("invalid_request"), 502),
            (refused("x_custom"), 502),
            (TokenFailure::IssuerUnavailable(unavailable), 503),
            (later(429), 429),
            (later(503), 503),
            (TokenFailure::NoTokenEndpoint, 502),
            (TokenFailure::ForeignTokenEndpoint, 502),
            (TokenFailure::Unreachable, 503),
            (TokenFailure::TimedOut, 504),
            (TokenFailure::TooLarge, 502),
            (TokenFailure::Redirected, 502),
            (TokenFailure::UnexpectedStatus(500), 502),
            (TokenFailure::NotJson, 502),
            (TokenFailure::BadResponse("lies"), 502),
        ] {
            let answer = failure.to_answer();
            assert_eq!(answer.status, status, "{failure:?}");
            assert_eq!(answer.reason, Some(failure.code()));
            assert_eq!(answer.header("www-authenticate").is_some(), status == 401);
            let retry = matches!(status, 429 | 503 | 504) && failure.oauth().is_none();
            assert_eq!(answer.header("retry-after").is_some(), retry, "{failure:?}");
            let body = answer.body.expect("errors have a body");
            assert!(!body.contains("from the issuer") && !body.contains("x_custom"));
            assert!(
                !failure
                    .sentence(Naming::CamelCase)
                    .contains("from the issuer")
            );
        }
    }
}
