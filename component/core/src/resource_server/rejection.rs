//! Why a request is refused, and the response that each reason gives.

use crate::access_token::TokenError;
use crate::answer::Answer;
use crate::capability::SignatureError;
use crate::challenge::Challenge;
use crate::http_url::UrlError;
use crate::issuers::{FetchError, Unavailable};

/// Why a request does not reach its handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// The request's URL is malformed, or could be parsed in more than one way.
    BadTarget(UrlError),
    /// Servers could interpret the path of the request differently.
    AmbiguousPath,
    /// `Origin` is not one of the configured origins (MCP transports, "Security Warning").
    ForbiddenOrigin,
    /// There is no `Authorization` header.
    NoCredentials,
    /// `Authorization` has another scheme than Bearer.
    UnsupportedScheme,
    /// There is more than one `Authorization` header.
    SeveralCredentials,
    /// `Authorization` is not `Bearer 1*SP token68`.
    MalformedCredentials,
    /// The token is longer than the limit.
    CredentialsTooLarge,
    /// The token is refused.
    Token(TokenError),
    /// The token is valid, but lacks a scope that the operation needs.
    InsufficientScope,
    /// The issuer's keys could not be obtained. This says nothing about the token.
    KeysUnavailable(Unavailable),
    /// The host could not check the token's signature. This says nothing about the token.
    NoVerdict(SignatureError),
    /// The issuer's metadata could not be obtained.
    IssuerMetadata(Unavailable),
    /// The method of a metadata request is not GET, HEAD or OPTIONS.
    MethodNotAllowed,
    /// There is no such protected resource.
    NoSuchResource,
    /// This application's own keys cannot be used, so they cannot be published.
    ClientKeysBroken,
    /// The host did not give the public half of this application's keys.
    ClientKeysUnavailable(SignatureError),
}

/// The content of the response.
struct Wire {
    status: u16,
    /// In the body, and in the challenge if `challenge` says so.
    error: &'static str,
    description: String,
    challenge: ChallengeKind,
    retry_after: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ChallengeKind {
    None,
    /// Without `error`: the request had no authentication information (RFC 6750 section 3.1).
    Plain,
    WithError,
}

/// What a challenge contains besides the reason.
#[derive(Debug, Clone, Default)]
pub(super) struct ChallengeContext<'a> {
    pub(super) realm: Option<&'a str>,
    /// All scopes that the operation needs.
    pub(super) scopes: &'a [String],
    pub(super) resource_metadata: Option<&'a str>,
}

impl Rejection {
    /// A stable name for logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadTarget(_) => "request-bad-url",
            Self::AmbiguousPath => "request-ambiguous-path",
            Self::ForbiddenOrigin => "request-forbidden-origin",
            Self::NoCredentials => "credentials-missing",
            Self::UnsupportedScheme => "credentials-unsupported-scheme",
            Self::SeveralCredentials => "credentials-repeated",
            Self::MalformedCredentials => "credentials-malformed",
            Self::CredentialsTooLarge => "token-too-large",
            Self::Token(error) => error.code(),
            Self::InsufficientScope => "insufficient-scope",
            Self::KeysUnavailable(unavailable) | Self::IssuerMetadata(unavailable) => {
                unavailable.error.code()
            }
            Self::NoVerdict(error) | Self::ClientKeysUnavailable(error) => error.code(),
            Self::MethodNotAllowed => "metadata-method",
            Self::NoSuchResource => "metadata-no-such-resource",
            Self::ClientKeysBroken => "client-configuration",
        }
    }

    /// The whole response.
    pub(super) fn to_answer(&self, context: &ChallengeContext<'_>) -> Answer {
        let wire = self.wire();
        let mut answer = Answer::error(wire.status, wire.error, &wire.description);
        answer.reason = Some(self.code());
        if wire.challenge != ChallengeKind::None {
            let mut challenge = Challenge::bearer();
            if let Some(realm) = context.realm {
                challenge = challenge.realm(realm);
            }
            if wire.challenge == ChallengeKind::WithError {
                challenge = challenge
                    .error(wire.error)
                    .error_description(&wire.description);
            }
            challenge = challenge.scope(context.scopes);
            if let Some(url) = context.resource_metadata {
                challenge = challenge.resource_metadata(url);
            }
            answer.push("www-authenticate", challenge.to_string());
        }
        if let Some(seconds) = wire.retry_after {
            answer.push("retry-after", seconds.to_string());
        }
        if *self == Self::MethodNotAllowed {
            answer.push("allow", "GET, HEAD, OPTIONS");
        }
        answer
    }

    /// The whole mapping: RFC 6750 section 3.1 and MCP authorization, "Error Handling".
    fn wire(&self) -> Wire {
        use ChallengeKind::{None as NoChallenge, Plain, WithError};
        let wire = |status, error, description: &str, challenge| Wire {
            status,
            error,
            description: description.to_owned(),
            challenge,
            retry_after: None,
        };
        match self {
            Self::BadTarget(_) => wire(
                400,
                "invalid_request",
                "The request URL is malformed",
                NoChallenge,
            ),
            Self::AmbiguousPath => wire(
                400,
                "invalid_request",
                "The path of the URL is ambiguous: resolve its dot segments, and escape only what \
                 must be escaped",
                NoChallenge,
            ),
            Self::ForbiddenOrigin => wire(
                403,
                "forbidden_origin",
                "This origin may not call this resource",
                NoChallenge,
            ),
            Self::NoCredentials => {
                let text = "The request has no access token: send Authorization: Bearer <token>";
                wire(401, "unauthorized", text, Plain)
            }
            Self::UnsupportedScheme => wire(
                401,
                "unauthorized",
                "Only the Bearer scheme is accepted: send Authorization: Bearer <token>",
                Plain,
            ),
            Self::SeveralCredentials => {
                let text = "The request has more than one Authorization header: send one";
                wire(400, "invalid_request", text, WithError)
            }
            Self::MalformedCredentials => {
                let text =
                    "The Authorization header is malformed: send Bearer, a space and the token";
                wire(400, "invalid_request", text, WithError)
            }
            Self::CredentialsTooLarge => {
                wire(401, "invalid_token", "The token is too large", WithError)
            }
            Self::Token(error) => wire(401, "invalid_token", &error.description(), WithError),
            Self::InsufficientScope => {
                let text = "The token does not have all scopes that this operation needs";
                wire(403, "insufficient_scope", text, WithError)
            }
            Self::KeysUnavailable(unavailable) => {
                let text = "The keys of the token's issuer could not be obtained, so the token was \
                            not checked: try again later";
                Wire {
                    retry_after: Some(unavailable.retry_after),
                    ..wire(503, "temporarily_unavailable", text, NoChallenge)
                }
            }
            Self::NoVerdict(_) => {
                let text = "The token's signature could not be checked: try again later";
                Wire {
                    retry_after: Some(1),
                    ..wire(503, "temporarily_unavailable", text, NoChallenge)
                }
            }
            Self::IssuerMetadata(unavailable) => {
                let (status, text) = metadata_failure(unavailable.error);
                Wire {
                    retry_after: Some(unavailable.retry_after),
                    ..wire(status, "temporarily_unavailable", text, NoChallenge)
                }
            }
            Self::MethodNotAllowed => wire(
                405,
                "invalid_request",
                "This method is not allowed for metadata: use GET",
                NoChallenge,
            ),
            Self::NoSuchResource => wire(
                404,
                "not_found",
                "There is no protected resource at this path",
                NoChallenge,
            ),
            Self::ClientKeysUnavailable(_) => {
                let text = "The keys of this application are not available: try again later";
                Wire {
                    retry_after: Some(1),
                    ..wire(503, "temporarily_unavailable", text, NoChallenge)
                }
            }
            Self::ClientKeysBroken => wire(
                500,
                "server_error",
                "The keys of this application are not configured correctly",
                NoChallenge,
            ),
        }
    }
}

fn metadata_failure(error: FetchError) -> (u16, &'static str) {
    if error.is_silence() {
        (504, "The issuer did not answer: try again later")
    } else {
        (502, "The issuer did not return its metadata")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rejection_has_its_response() {
        let unavailable = |error| Unavailable {
            error,
            retry_after: 7,
        };
        let context = ChallengeContext {
            realm: None,
            scopes: &["a".into()],
            resource_metadata: Some("https://h/rm"),
        };
        let table = [
            (Rejection::BadTarget(UrlError::Scheme), 400, None),
            (Rejection::AmbiguousPath, 400, None),
            (Rejection::ForbiddenOrigin, 403, None),
            (
                Rejection::NoCredentials,
                401,
                Some("Bearer scope=\"a\", resource_metadata="),
            ),
            (
                Rejection::UnsupportedScheme,
                401,
                Some("Bearer scope=\"a\", "),
            ),
            (
                Rejection::SeveralCredentials,
                400,
                Some("Bearer error=\"invalid_request\", "),
            ),
            (
                Rejection::MalformedCredentials,
                400,
                Some("Bearer error=\"invalid_request\", "),
            ),
            (
                Rejection::CredentialsTooLarge,
                401,
                Some("Bearer error=\"invalid_token\", "),
            ),
            (
                Rejection::Token(TokenError::Expired),
                401,
                Some("Bearer error=\"invalid_token\", error_description=\"The token has expired\""),
            ),
            (
                Rejection::InsufficientScope,
                403,
                Some("Bearer error=\"insufficient_scope\", "),
            ),
            (
                Rejection::KeysUnavailable(unavailable(FetchError::TimedOut)),
                503,
                None,
            ),
            (Rejection::NoVerdict(SignatureError::Failed), 503, None),
            (
                Rejection::IssuerMetadata(unavailable(FetchError::TimedOut)),
                504,
                None,
            ),
            (
                Rejection::IssuerMetadata(unavailable(FetchError::Unreachable)),
                504,
                None,
            ),
            (
                Rejection::IssuerMetadata(unavailable(FetchError::IssuerMismatch)),
                502,
                None,
            ),
            (Rejection::MethodNotAllowed, 405, None),
            (Rejection::NoSuchResource, 404, None),
            (Rejection::ClientKeysBroken, 500, None),
            (
                Rejection::ClientKeysUnavailable(SignatureError::TimedOut),
                503,
                None,
            ),
        ];
        for (rejection, status, challenge) in table {
            let answer = rejection.to_answer(&context);
            assert_eq!(answer.status, status, "{rejection:?}");
            let header = answer.header("www-authenticate");
            match challenge {
                Some(start) => assert!(header.is_some_and(|h| h.starts_with(start)), "{header:?}"),
                None => assert_eq!(header, None, "{rejection:?}"),
            }
            let retry = answer.header("retry-after").is_some();
            assert_eq!(retry, status > 500, "{rejection:?}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(answer.reason, Some(rejection.code()));
        }
    }
}
