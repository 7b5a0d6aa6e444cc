//! Why a request is refused, and what its sender is told (RFC 6749 sections 4.1.2.1 and 5.2, RFC
//! 7009, RFC 7591 section 3.2.2, RFC 8707 section 2).

use super::client_id_url::MetadataDocumentFailure;
use super::client_metadata_failure::ClientMetadataFailure;
use super::client_rejection::{ClientAuthenticationFailure, InitialAccessTokenFailure};
use super::parameters::Parameter;
use super::record::Unreadable;
use super::root_keys::RootKeysError;
use super::storage::Outage;
use crate::answer::Answer;
use crate::jose::SigningError;

/// Why a request is refused. [`Rejection::answer`] is what its sender is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    // ---- the request's form ----
    /// The method is not one that the endpoint has.
    Method(&'static str),
    /// The body is not `application/x-www-form-urlencoded`.
    NotAForm,
    /// The body is not `application/json`.
    NotJson,
    /// Longer than the limit of this endpoint.
    RequestTooLarge,
    /// More parameters than any grant has.
    TooManyParameters,
    /// A parameter occurs twice (RFC 6749 section 3.1).
    RepeatedParameter(Parameter),
    /// A required parameter is missing.
    MissingParameter(&'static str),
    /// A parameter's value does not have the form that its specification requires.
    BadParameter(&'static str),
    // ---- the authorization request ----
    /// The URL has characters that a browser would have encoded.
    BadUrl,
    /// A parameter's value is longer than its limit.
    ParameterTooLong(&'static str),
    /// `redirect_uri` is not one of the client's.
    RedirectUri(RedirectUriFailure),
    /// `response_type` is not `code`.
    UnsupportedResponseType,
    /// `code_challenge` or `code_challenge_method` is not acceptable (RFC 7636).
    Pkce(PkceFailure),
    /// `request` (OpenID Connect Core section 6.1).
    RequestObject,
    /// `request_uri` (OpenID Connect Core section 6.2).
    RequestUri,
    /// `prompt=none`, but the user must sign in (OpenID Connect Core section 3.1.2.6).
    LoginRequired,
    /// `prompt=none`, but the user must consent.
    ConsentRequired,
    /// The user could not be signed in.
    SignIn(SignInFailure),
    // ---- the client ----
    /// No client has this `client_id`.
    UnknownClient,
    /// The client's registration has expired. It must register again.
    RegistrationExpired,
    /// The client did not prove who it is, or not by the method that it registered.
    ClientAuthentication(ClientAuthenticationFailure),
    /// The client's metadata cannot be registered (RFC 7591 section 3.2.2).
    ClientMetadata(ClientMetadataFailure),
    /// The client's metadata document is refused.
    MetadataDocument(MetadataDocumentFailure),
    /// The client's metadata document cannot be fetched at the moment. When to try again, in
    /// seconds.
    MetadataDocumentUnavailable(u32),
    /// The initial access token (RFC 7591 section 3) is refused.
    InitialAccessToken(InitialAccessTokenFailure),
    /// More registrations in this hour than the configuration allows. When to try again, in
    /// seconds.
    TooManyRegistrations(u32),
    /// The server does not register clients.
    RegistrationOff,
    /// Another client has this id already.
    ClientExists,
    /// The client is in the configuration, or is a metadata document: it cannot be changed here.
    ClientNotStored,
    /// The client may not use this grant type or response type.
    UnauthorizedClient(&'static str),
    // ---- the grant ----
    /// The server does not have this grant type.
    UnsupportedGrantType,
    /// The code, the refresh token or the assertion is not acceptable.
    Grant(GrantFailure),
    /// A scope is malformed, unknown, or not among those that the client or the user allowed.
    Scope(ScopeFailure),
    /// A `resource` is malformed, or not one that this server issues tokens for.
    Target(TargetFailure),
    /// The user, or a policy of the application, refused.
    AccessDenied,
    // ---- the server ----
    /// The store cannot be reached: the request may succeed later.
    StoreUnavailable,
    /// The store failed in a way that the operator must mend.
    StoreFailed,
    /// A stored record is damaged, or was written by a newer version.
    StoredRecord,
    /// The deployment secret does not open the stored keys.
    DeploymentSecret,
    /// The host did not sign.
    Signing(SigningError),
    /// The application cannot decide at the moment.
    HookUnavailable,
    /// The application failed to decide.
    HookFailed,
    /// Two requests changed the same record too often.
    Contention,
}

/// Why a redirect URI is refused. Nothing is sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectUriFailure {
    /// There is none, and the client has several or none.
    Missing,
    /// It is not one of the client's.
    Unregistered,
}

/// Why a code challenge is refused (RFC 7636 section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PkceFailure {
    /// There is none.
    Missing,
    /// It is not 43 characters of base64url, which every SHA-256 has.
    Syntax,
    /// Without a method, it would be `plain`.
    MethodMissing,
    /// The method is not `S256`.
    Method,
    /// There is a method, but no challenge.
    MethodAlone,
}

/// Why a user could not be signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignInFailure {
    /// The page has expired, belongs to another browser, or was never made.
    Expired,
    /// The request has been answered before.
    Answered,
    /// The form was sent by another site.
    CrossSite,
    /// The reverse proxy did not say who the user is.
    NoUser,
    /// The answer of the identity provider names another issuer (RFC 9207).
    IssuerMixedUp,
    /// The identity provider refused, or the user cancelled there.
    Refused,
    /// The identity provider cannot be reached.
    Unavailable,
    /// An answer of the identity provider cannot be used: the operator must act.
    Unusable,
    /// The ID token is not acceptable.
    IdToken,
    /// The rules of the configuration do not admit this user.
    NotAdmitted,
}

/// Why a grant is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrantFailure {
    /// This server did not make the text, or its grant was revoked or has expired.
    Unknown,
    /// It was issued to another client.
    OtherClient,
    /// Its time has passed.
    Expired,
    /// The code was used before. What it gave is revoked.
    CodeUsed,
    /// Another request with the same code was faster.
    CodeRace,
    /// `redirect_uri` is not that of the authorization request.
    RedirectUri,
    /// `code_verifier` is missing, or not the one that belongs to the code.
    Verifier,
    /// The refresh token was replaced. The grant is revoked.
    RefreshReused,
    /// The client was registered again since.
    ClientChanged,
    /// The application refused.
    RefusedByApplication,
}

/// Why a scope is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScopeFailure {
    /// Not a list of scope tokens (RFC 6749 section 3.3).
    Malformed,
    /// The server does not have it.
    Unknown,
    /// The client may not have it.
    NotForClient,
    /// It goes beyond what was granted.
    BeyondGrant,
    /// More than the limit.
    TooMany,
}

/// Why a target is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetFailure {
    /// Not an absolute URL without a fragment.
    Malformed,
    /// Not one of this server's resources.
    Unknown,
    /// Not among those of the grant.
    BeyondGrant,
    /// More than the limit.
    TooMany,
}

/// What the sender of a request is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wire {
    pub(super) status: u16,
    /// The `error` of RFC 6749.
    pub(super) error: &'static str,
    /// For the developer of the client.
    pub(super) description: Description,
    /// A stable name for logs.
    pub(super) reason: &'static str,
    /// When to try again, in seconds.
    pub(super) retry_after: Option<u32>,
}

/// A sentence, perhaps about a parameter of this server's own list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Description {
    Text(&'static str),
    About(&'static str, &'static str),
}

impl std::fmt::Display for Description {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::About(name, text) => write!(f, "{name}: {text}"),
        }
    }
}

/// How long a client waits after a 503, in seconds.
pub(super) const RETRY_AFTER: u32 = 5;

impl Rejection {
    /// Status, `error` and description. A failure of the server is never `invalid_client` or
    /// `invalid_grant`: clients throw their registrations and sessions away for those.
    pub(super) fn wire(&self) -> Wire {
        use Description::{About, Text};
        let request = |description, reason| (400, "invalid_request", description, reason);
        let (status, error, description, reason) = match self {
            Self::Method(_) => (
                405,
                "invalid_request",
                Text("the endpoint does not have this method"),
                "method",
            ),
            Self::NotAForm => request(
                Text("the body must be application/x-www-form-urlencoded"),
                "not-a-form",
            ),
            Self::NotJson => (
                400,
                "invalid_client_metadata",
                Text("the body must be application/json"),
                "not-json",
            ),
            Self::RequestTooLarge => (
                413,
                "invalid_request",
                Text("the request is too large"),
                "request-too-large",
            ),
            Self::TooManyParameters => request(Text("too many parameters"), "too-many-parameters"),
            Self::RepeatedParameter(parameter) => request(
                About(parameter.0, "must not be repeated"),
                "repeated-parameter",
            ),
            Self::MissingParameter(name) => {
                request(About(name, "is required"), "missing-parameter")
            }
            Self::BadParameter(name) => request(About(name, "is not valid"), "bad-parameter"),
            Self::BadUrl => request(Text("the URL is not valid"), "bad-url"),
            Self::ParameterTooLong(name) => {
                request(About(name, "is too long"), "parameter-too-long")
            }
            Self::RedirectUri(failure) => {
                let (text, reason) = failure.sentence();
                request(About("redirect_uri", text), reason)
            }
            Self::UnsupportedResponseType => (
                400,
                "unsupported_response_type",
                About("response_type", "must be code"),
                "response-type",
            ),
            Self::Pkce(failure) => {
                let (name, text, reason) = failure.sentence();
                request(About(name, text), reason)
            }
            Self::RequestObject => (
                400,
                "request_not_supported",
                About("request", "request objects are not supported"),
                "request-object",
            ),
            Self::RequestUri => (
                400,
                "request_uri_not_supported",
                About("request_uri", "request objects are not supported"),
                "request-uri",
            ),
            Self::LoginRequired => (
                400,
                "login_required",
                About("prompt", "the user must sign in"),
                "login-required",
            ),
            Self::ConsentRequired => (
                400,
                "consent_required",
                About("prompt", "the user must consent"),
                "consent-required",
            ),
            Self::SignIn(failure) => {
                let (status, error, text, reason) = failure.sentence();
                (status, error, Text(text), reason)
            }
            Self::UnknownClient => (
                401,
                "invalid_client",
                Text("no client has this client_id: register the client"),
                "unknown-client",
            ),
            Self::RegistrationExpired => (
                401,
                "invalid_client",
                Text("the client's registration has expired: register the client again"),
                "registration-expired",
            ),
            Self::ClientAuthentication(failure) => return failure.wire(),
            Self::ClientMetadata(failure) => {
                let (error, description, reason) = failure.wire();
                (400, error, description, reason)
            }
            Self::MetadataDocument(failure) => {
                let (description, reason) = failure.wire();
                (401, "invalid_client", description, reason)
            }
            Self::MetadataDocumentUnavailable(_) => (
                503,
                "temporarily_unavailable",
                Text("the client's metadata document cannot be fetched: try again"),
                "metadata-document-unavailable",
            ),
            Self::InitialAccessToken(InitialAccessTokenFailure::Missing) => (
                401,
                "invalid_token",
                Text("clients register with an initial access token: ask the operator for one"),
                "initial-access-token-missing",
            ),
            Self::InitialAccessToken(InitialAccessTokenFailure::Wrong) => (
                401,
                "invalid_token",
                Text("the initial access token is not valid"),
                "initial-access-token",
            ),
            Self::TooManyRegistrations(_) => (
                429,
                "temporarily_unavailable",
                Text("too many clients were registered in this hour: try again"),
                "too-many-registrations",
            ),
            Self::RegistrationOff => (
                403,
                "access_denied",
                Text("the server does not register clients"),
                "registration-off",
            ),
            Self::ClientExists => (
                409,
                "invalid_client_metadata",
                Text("another client has this id"),
                "client-exists",
            ),
            Self::ClientNotStored => (
                409,
                "invalid_request",
                Text("the client is not one that was registered or created"),
                "client-not-stored",
            ),
            Self::UnauthorizedClient(what) => (
                400,
                "unauthorized_client",
                About(what, "the client may not use it"),
                "unauthorized-client",
            ),
            Self::UnsupportedGrantType => (
                400,
                "unsupported_grant_type",
                Text("the server does not have this grant type"),
                "unsupported-grant-type",
            ),
            Self::Grant(failure) => {
                let (text, reason) = failure.sentence();
                (400, "invalid_grant", Text(text), reason)
            }
            Self::Scope(failure) => {
                let (text, reason) = failure.sentence();
                (400, "invalid_scope", Text(text), reason)
            }
            Self::Target(failure) => {
                let (text, reason) = failure.sentence();
                (400, "invalid_target", Text(text), reason)
            }
            Self::AccessDenied => (
                400,
                "access_denied",
                Text("the request was denied"),
                "access-denied",
            ),
            Self::StoreUnavailable => (
                503,
                "temporarily_unavailable",
                Text("the server cannot reach its storage: try again"),
                "store-unavailable",
            ),
            Self::Contention => (
                503,
                "temporarily_unavailable",
                Text("too many requests for one grant: try again"),
                "contention",
            ),
            Self::Signing(error) if !error.is_permanent() => (
                503,
                "temporarily_unavailable",
                Text("the server cannot sign at the moment: try again"),
                "signing-unavailable",
            ),
            Self::Signing(_) => (
                500,
                "server_error",
                Text("the server failed"),
                "signing-failed",
            ),
            Self::HookUnavailable => (
                503,
                "temporarily_unavailable",
                Text("the application cannot decide at the moment: try again"),
                "hook-unavailable",
            ),
            Self::HookFailed => (
                500,
                "server_error",
                Text("the server failed"),
                "hook-failed",
            ),
            Self::StoreFailed => (
                500,
                "server_error",
                Text("the server failed"),
                "store-failed",
            ),
            Self::StoredRecord => (
                500,
                "server_error",
                Text("the server failed"),
                "stored-record",
            ),
            Self::DeploymentSecret => (
                500,
                "server_error",
                Text("the server failed"),
                "deployment-secret",
            ),
        };
        Wire {
            status,
            error,
            description,
            reason,
            retry_after: match self {
                Self::MetadataDocumentUnavailable(seconds)
                | Self::TooManyRegistrations(seconds) => Some(*seconds),
                _ => (status == 503).then_some(RETRY_AFTER),
            },
        }
    }

    /// Whether the same request may succeed later.
    pub(super) fn is_temporary(&self) -> bool {
        self.wire().status == 503
    }

    /// The response of an endpoint that clients call (RFC 6749 section 5.2).
    #[must_use]
    pub fn answer(&self) -> Answer {
        let wire = self.wire();
        let description = wire.description.to_string();
        let mut answer = Answer::error(wire.status, wire.error, &description);
        answer.reason = Some(wire.reason);
        if let Some(seconds) = wire.retry_after {
            answer.push("retry-after", seconds.to_string());
        }
        match self {
            Self::Method(allowed) => answer.push("allow", *allowed),
            Self::InitialAccessToken(failure) => {
                // RFC 6750 section 3: no error code if there were no credentials.
                let challenge = match failure {
                    InitialAccessTokenFailure::Missing => "Bearer realm=\"OAuth\"",
                    InitialAccessTokenFailure::Wrong => {
                        "Bearer realm=\"OAuth\", error=\"invalid_token\""
                    }
                };
                answer.push("www-authenticate", challenge);
            }
            _ if wire.status == 401 => {
                // RFC 6749 section 5.2 and RFC 9110 section 11.6.1.
                answer.push(
                    "www-authenticate",
                    "Basic realm=\"OAuth\", charset=\"UTF-8\"",
                );
            }
            _ => {}
        }
        answer
    }
}

impl RedirectUriFailure {
    const fn sentence(self) -> (&'static str, &'static str) {
        match self {
            Self::Missing => (
                "is required, because the client has not exactly one",
                "redirect-uri-missing",
            ),
            Self::Unregistered => (
                "is not one of the client's redirect URIs, which are compared exactly",
                "redirect-uri-unregistered",
            ),
        }
    }
}

impl PkceFailure {
    const fn sentence(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Missing => (
                "code_challenge",
                "is required (RFC 7636)",
                "code-challenge-missing",
            ),
            Self::Syntax => (
                "code_challenge",
                "must be the base64url form of a SHA-256: 43 characters",
                "code-challenge-syntax",
            ),
            Self::MethodMissing => (
                "code_challenge_method",
                "is required and must be S256 (without it, plain would be meant)",
                "code-challenge-method-missing",
            ),
            Self::Method => (
                "code_challenge_method",
                "must be S256",
                "code-challenge-method",
            ),
            Self::MethodAlone => (
                "code_challenge_method",
                "needs a code_challenge",
                "code-challenge-method-alone",
            ),
        }
    }
}

impl SignInFailure {
    const fn sentence(self) -> (u16, &'static str, &'static str, &'static str) {
        match self {
            Self::Expired => (
                400,
                "invalid_request",
                "the page has expired, or belongs to another browser",
                "sign-in-expired",
            ),
            Self::Answered => (
                400,
                "invalid_request",
                "the request has been answered",
                "sign-in-answered",
            ),
            Self::CrossSite => (
                403,
                "invalid_request",
                "the form was sent by another site",
                "sign-in-cross-site",
            ),
            Self::NoUser => (
                403,
                "access_denied",
                "the reverse proxy did not name the user",
                "sign-in-no-user",
            ),
            Self::IssuerMixedUp => (
                400,
                "access_denied",
                "the answer is not from the identity provider that was asked",
                "sign-in-issuer",
            ),
            Self::Refused => (
                400,
                "access_denied",
                "the identity provider did not sign the user in",
                "sign-in-refused",
            ),
            Self::Unavailable => (
                503,
                "temporarily_unavailable",
                "the identity provider cannot be reached: try again",
                "sign-in-unavailable",
            ),
            Self::Unusable => (
                500,
                "server_error",
                "the answer of the identity provider cannot be used",
                "sign-in-unusable",
            ),
            Self::IdToken => (
                400,
                "access_denied",
                "the ID token of the identity provider is not acceptable",
                "sign-in-id-token",
            ),
            Self::NotAdmitted => (
                403,
                "access_denied",
                "the user is not admitted",
                "sign-in-not-admitted",
            ),
        }
    }
}

impl GrantFailure {
    const fn sentence(self) -> (&'static str, &'static str) {
        match self {
            Self::Unknown => (
                "the code or token is not valid, was revoked, or has expired",
                "grant-unknown",
            ),
            Self::OtherClient => (
                "the code or token was issued to another client",
                "grant-other-client",
            ),
            Self::Expired => ("the code or token has expired", "grant-expired"),
            Self::CodeUsed => (
                "the code was used before; its tokens are revoked",
                "code-used",
            ),
            Self::CodeRace => ("the code was used by another request", "code-race"),
            Self::RedirectUri => (
                "redirect_uri differs from that of the authorization request",
                "code-redirect-uri",
            ),
            Self::Verifier => (
                "code_verifier does not belong to the code_challenge",
                "code-verifier",
            ),
            Self::RefreshReused => (
                "the refresh token was replaced before; the grant is revoked",
                "refresh-reused",
            ),
            Self::RefusedByApplication => (
                "the user or the client may not have the token",
                "refused-by-application",
            ),
            Self::ClientChanged => (
                "the client was registered again since",
                "grant-client-changed",
            ),
        }
    }
}

impl ScopeFailure {
    const fn sentence(self) -> (&'static str, &'static str) {
        match self {
            Self::Malformed => ("scope is malformed", "scope-malformed"),
            Self::Unknown => ("a scope is not one of scopes_supported", "scope-unknown"),
            Self::NotForClient => ("the client may not have this scope", "scope-not-for-client"),
            Self::BeyondGrant => ("a scope was not granted", "scope-beyond-grant"),
            Self::TooMany => ("too many scopes", "scope-too-many"),
        }
    }
}

impl TargetFailure {
    const fn sentence(self) -> (&'static str, &'static str) {
        match self {
            Self::Malformed => (
                "resource must be an absolute URL without a fragment",
                "target-malformed",
            ),
            Self::Unknown => (
                "resource is not one that this server issues tokens for: use the resource of the \
                 protected resource metadata",
                "target-unknown",
            ),
            Self::BeyondGrant => (
                "resource is not one of the authorization request",
                "target-beyond-grant",
            ),
            Self::TooMany => ("too many resources", "target-too-many"),
        }
    }
}

impl From<Outage> for Rejection {
    fn from(outage: Outage) -> Self {
        match outage {
            Outage::Unavailable => Self::StoreUnavailable,
            Outage::Failed => Self::StoreFailed,
        }
    }
}

impl From<Unreadable> for Rejection {
    fn from(Unreadable: Unreadable) -> Self {
        Self::StoredRecord
    }
}

impl From<RootKeysError> for Rejection {
    fn from(error: RootKeysError) -> Self {
        match error {
            RootKeysError::WrongSecret => Self::DeploymentSecret,
            RootKeysError::Unreadable => Self::StoredRecord,
            RootKeysError::Outage(outage) => outage.into(),
        }
    }
}

impl From<SigningError> for Rejection {
    fn from(error: SigningError) -> Self {
        Self::Signing(error)
    }
}
