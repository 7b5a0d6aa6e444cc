//! A token that was issued, or why none was.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::record::{enums, records};
use crate::secret::Secret;

records! {
    /// A token as it was issued. `Debug` shows when and what for, never the token.
    #[derive(Clone, Debug, Eq, PartialEq)]
    pub struct Token {
        /// The token itself.
        "access-token" access_token: Secret,
        /// `Bearer`, or as the issuer spelled it. `N_A` where what was issued is no access token.
        "token-type" token_type: String,
        /// What kind of token it is, as a token type URI (RFC 8693 section 3).
        "issued-token-type" issued_token_type: Option<String>,
        /// When it expires, in milliseconds since 1970 by this host's clock; none where the issuer
        /// did not say. See [`Token::expires_at`].
        "expires-at-ms" expires_at_ms: Option<u64>,
        /// What was granted; none where that is what was asked for.
        "scopes" scopes: Option<Vec<String>>,
        /// A refresh token, where the issuer gave one.
        "refresh-token" refresh_token: Option<Secret>,
    }

    /// An OAuth error response (RFC 6749 section 5.2). These are the issuer's words: treat them as
    /// hostile text.
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
    /// When it expires, by this host's clock; none where the issuer did not say.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        let since = |millis| UNIX_EPOCH.checked_add(Duration::from_millis(millis));
        self.expires_at_ms.and_then(since)
    }
}

enums! {
    /// What kind of reason there is for not having a token.
    #[serde(rename_all = "kebab-case")]
    #[non_exhaustive]
    pub enum TokenErrorKind {
        /// The client's configuration cannot work; the message says what to change.
        "configuration" Configuration,
        /// The private key made no signature this time: the service that holds it is down.
        "signing-failed" SigningFailed,
        /// What the application asked for cannot be sent.
        "invalid-request" InvalidRequest,
        /// There is no subject.
        "no-subject" NoSubject,
        /// The destination is not one that this token may go to.
        "forbidden-destination" ForbiddenDestination,
        /// The issuer answered with an OAuth error: see [`OauthError`].
        "refused" Refused,
        /// The issuer's metadata are not to be had.
        "issuer-unavailable" IssuerUnavailable,
        /// The metadata name no token endpoint.
        "no-token-endpoint" NoTokenEndpoint,
        /// They name one on another origin than the issuer's, and that is not configured.
        "foreign-token-endpoint" ForeignTokenEndpoint,
        /// The token endpoint cannot be reached.
        "unreachable" Unreachable,
        /// It does not answer in time.
        "timed-out" TimedOut,
        /// Its answer is too long.
        "too-large" TooLarge,
        /// It answered with a redirect, which is not followed.
        "redirected" Redirected,
        /// Another status than 200, without an OAuth error in it.
        "unexpected-status" UnexpectedStatus,
        /// Its answer is not JSON.
        "not-json" NotJson,
        /// A response without what RFC 6749 section 5.1 and RFC 8693 section 2.2 demand, or with a
        /// token that was not asked for.
        "bad-response" BadResponse,
        /// The gate failed, or was given what it cannot work with. Natively, another store is
        /// there by now.
        "gate-failed" GateFailed,
    }
}
