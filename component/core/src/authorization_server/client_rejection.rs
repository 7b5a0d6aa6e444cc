//! Why a client is not authenticated, or may not register (RFC 6749 section 2.3, RFC 7591 section
//! 3).

use super::client_assertion::AssertionFailure;
use super::client_id_url::MetadataDocumentFailure;
use super::client_metadata_failure::ClientMetadataFailure;
use super::rejection::{Description, RETRY_AFTER, Rejection, Wire};

/// Why a client is not authenticated (RFC 6749 section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuthenticationFailure {
    /// No credentials, and the client is not a public one.
    Missing,
    /// More than one method in one request.
    TwoMethods,
    /// `Authorization` cannot be read.
    BadHeader,
    /// The client registered another method.
    WrongMethod,
    /// The secret is wrong, or has expired.
    WrongSecret,
    /// The assertion is not acceptable (RFC 7523 section 3).
    Assertion(AssertionFailure),
    /// The assertion was used before.
    AssertionReplayed,
    /// The client's keys could not be fetched. When to try again, in seconds.
    KeysUnavailable(u32),
    /// The host gave no verdict about the signature of the assertion.
    NoVerdict,
}

/// Why an initial access token is refused (RFC 7591 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitialAccessTokenFailure {
    /// There is none.
    Missing,
    /// It is not one of the configuration, or the header cannot be read.
    Wrong,
}

impl ClientAuthenticationFailure {
    pub(super) const fn wire(self) -> Wire {
        let (status, error, text, reason) = match self {
            Self::Missing => (
                401,
                "invalid_client",
                "the client must authenticate",
                "client-authentication-missing",
            ),
            Self::TwoMethods => (
                400,
                "invalid_request",
                "the client must authenticate by one method only",
                "client-authentication-twice",
            ),
            Self::BadHeader => (
                401,
                "invalid_client",
                "the Authorization header cannot be read",
                "client-authentication-header",
            ),
            Self::WrongMethod => (
                401,
                "invalid_client",
                "the client registered another authentication method",
                "client-authentication-method",
            ),
            Self::WrongSecret => (
                401,
                "invalid_client",
                "the client's credentials are not valid",
                "client-secret",
            ),
            Self::Assertion(failure) => {
                let (text, reason) = failure.sentence();
                (401, "invalid_client", text, reason)
            }
            Self::AssertionReplayed => (
                401,
                "invalid_client",
                "the client assertion was used before",
                "client-assertion-replayed",
            ),
            Self::KeysUnavailable(_) => (
                503,
                "temporarily_unavailable",
                "the client's keys cannot be fetched: try again",
                "client-keys-unavailable",
            ),
            Self::NoVerdict => (
                503,
                "temporarily_unavailable",
                "the server cannot check signatures at the moment: try again",
                "client-assertion-no-verdict",
            ),
        };
        Wire {
            status,
            error,
            description: Description::Text(text),
            reason,
            retry_after: match self {
                Self::KeysUnavailable(seconds) => Some(seconds),
                _ if status == 503 => Some(RETRY_AFTER),
                _ => None,
            },
        }
    }
}

impl From<ClientAuthenticationFailure> for Rejection {
    fn from(failure: ClientAuthenticationFailure) -> Self {
        Self::ClientAuthentication(failure)
    }
}

impl From<AssertionFailure> for Rejection {
    fn from(failure: AssertionFailure) -> Self {
        ClientAuthenticationFailure::Assertion(failure).into()
    }
}

impl From<ClientMetadataFailure> for Rejection {
    fn from(failure: ClientMetadataFailure) -> Self {
        Self::ClientMetadata(failure)
    }
}

impl From<MetadataDocumentFailure> for Rejection {
    fn from(failure: MetadataDocumentFailure) -> Self {
        Self::MetadataDocument(failure)
    }
}
