//! An issued token, or why the request failed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

#[cfg(any(test, feature = "wasmtime"))]
use crate::record::enums;
use crate::record::records;
use crate::secret::Secret;

records! { from the component:
    /// An issued token. `Debug` and serialization leave out the token and the refresh token.
    #[derive(Clone, Debug, Eq, PartialEq)]
    pub struct Token {
        /// The token itself.
        #[serde(skip_serializing)]
        "access-token" access_token: Secret,
        /// `Bearer`, as the issuer spelled it, or `N_A` if the issued token is not an access token.
        "token-type" token_type: String,
        /// The type of the token, as a token type URI (RFC 8693 section 3).
        "issued-token-type" issued_token_type: Option<String>,
        /// When it expires, in milliseconds since 1970 by this host's clock. None if the issuer did
        /// not say. See [`Token::expires_at`].
        "expires-at-ms" expires_at_ms: Option<u64>,
        /// The granted scopes. None if they are the requested ones.
        "scopes" scopes: Option<Vec<String>>,
        /// A refresh token, if the issuer issued one.
        #[serde(skip_serializing)]
        "refresh-token" refresh_token: Option<Secret>,
    }

    /// An OAuth error response (RFC 6749 section 5.2). The text comes from the issuer: treat it as
    /// untrusted.
    #[derive(Clone, Debug, Eq, PartialEq)]
    pub struct OauthError {
        /// `error`, such as `invalid_grant`.
        "error" error: String,
        /// `error_description`
        "error-description" error_description: Option<String>,
        /// `error_uri`
        "error-uri" error_uri: Option<String>,
    }
}

impl Token {
    /// When it expires, by this host's clock. Absent if the issuer did not say.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        let since = |millis| UNIX_EPOCH.checked_add(Duration::from_millis(millis));
        self.expires_at_ms.and_then(since)
    }
}

/// Declares the contract's kinds, and the same kinds with those that a host adds.
macro_rules! kinds {
    ($($(#[$attribute:meta])* $wit:literal $kind:ident,)*) => {
        #[cfg(any(test, feature = "wasmtime"))]
        enums! {
            /// Why a token request failed, as the component reports it.
            #[serde(rename_all = "kebab-case")]
            pub enum FailureKind {
                $($(#[$attribute])* $wit $kind,)*
            }
        }

        /// The kind of reason why a token request failed.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
        #[serde(rename_all = "kebab-case")]
        #[non_exhaustive]
        pub enum TokenErrorKind {
            $($(#[$attribute])* $kind,)*
            /// The gate failed, or got invalid arguments. Hosts report this kind if the component
            /// returned no result. A native host has replaced the store by then.
            GateFailed,
        }

        #[cfg(any(test, feature = "wasmtime"))]
        impl From<FailureKind> for TokenErrorKind {
            fn from(kind: FailureKind) -> Self {
                match kind {
                    $(FailureKind::$kind => Self::$kind,)*
                }
            }
        }
    };
}

kinds! {
    /// The client's configuration is invalid; the message says what to change.
    "configuration" Configuration,
    /// The private key made no signature: the service that holds it is not available.
    "signing-failed" SigningFailed,
    /// The application's request cannot be sent.
    "invalid-request" InvalidRequest,
    /// There is no subject.
    "no-subject" NoSubject,
    /// The token must not be sent to this destination.
    "forbidden-destination" ForbiddenDestination,
    /// The issuer answered with an OAuth error: see [`OauthError`].
    "refused" Refused,
    /// The issuer's metadata could not be obtained.
    "issuer-unavailable" IssuerUnavailable,
    /// The metadata names no token endpoint.
    "no-token-endpoint" NoTokenEndpoint,
    /// The metadata names a token endpoint on another origin than the issuer's, and it is not
    /// configured.
    "foreign-token-endpoint" ForeignTokenEndpoint,
    /// The token endpoint could not be reached.
    "unreachable" Unreachable,
    /// The token endpoint did not answer in time.
    "timed-out" TimedOut,
    /// The token endpoint's response is too long.
    "too-large" TooLarge,
    /// The token endpoint answered with a redirect, which is not followed.
    "redirected" Redirected,
    /// Another status than 200, without an OAuth error in it.
    "unexpected-status" UnexpectedStatus,
    /// The token endpoint's response is not JSON.
    "not-json" NotJson,
    /// A response without the members that RFC 6749 section 5.1 and RFC 8693 section 2.2 require,
    /// or with another token than the requested one.
    "bad-response" BadResponse,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_and_json_hold_no_token() {
        let token = Token {
            access_token: "acc3ss".into(),
            token_type: "Bearer".to_owned(),
            issued_token_type: None,
            expires_at_ms: Some(u64::MAX),
            scopes: Some(vec!["read".to_owned()]),
            refresh_token: Some("r3fresh".into()),
        };
        let json = serde_json::to_string(&token).expect("JSON");
        let text = format!("{token:?} {token:#?} {json}");
        assert!(
            !text.contains("acc3ss") && !text.contains("r3fresh"),
            "{text}"
        );
        assert!(text.contains("Bearer") && text.contains("read"), "{text}");
        assert_eq!(token.access_token.expose(), "acc3ss");
    }
}
