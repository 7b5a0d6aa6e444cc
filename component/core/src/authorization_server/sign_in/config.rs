//! The configuration of sign-in.

use crate::secret::Secret;

/// How users sign in. If there are several ways, the user chooses.
#[derive(Debug, Clone, Default)]
pub struct SignInConfig {
    /// Identity providers.
    pub providers: Vec<ProviderConfig>,
    /// A reverse proxy that has signed the user in.
    pub trusted_header: Option<TrustedHeaderConfig>,
    /// Users that anybody can choose, without a password. Only while the issuer is on a loopback
    /// address.
    pub development_users: Vec<String>,
    /// How long consent is remembered, in seconds: the user is not asked again by the same client
    /// with the same redirect URI, for the same or fewer scopes and resources. Where the answer goes
    /// to a program on the user's device, the user is always asked. Default: not at all.
    pub remember_consent: Option<u32>,
}

/// An identity provider.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Lower-case letters, digits and `-`: the last part of the redirect URI to register at the
    /// provider, `<issuer>/callback/<id>`.
    pub id: String,
    /// The name that people see. Default: the id.
    pub name: Option<String>,
    /// Its protocol and its endpoints.
    pub kind: ProviderKind,
    /// The `client_id` of this server there.
    pub client_id: String,
    /// The secret of this server there. Default: none, a public client.
    pub client_secret: Option<Secret>,
    /// Scopes to ask for. Default: `openid email profile` with OpenID, otherwise none.
    pub scopes: Option<Vec<String>>,
    /// More parameters of the authorization request, such as `access_type=offline`.
    pub parameters: Vec<(String, String)>,
    /// The claim or member that is the user's id. Default: `sub` with OpenID, otherwise `id`.
    /// Whatever it is, it must never be given to another person.
    pub user_id: Option<String>,
    /// Stands before the user's id, with a colon. With several ways to sign in, each must have one,
    /// so that no two users have one id. Default: none.
    pub user_id_prefix: Option<String>,
    /// Whom to admit: every rule must hold.
    pub rules: Vec<ClaimRuleConfig>,
    /// Admit only users with a verified e-mail address in one of these domains. Default: any.
    pub email_domains: Vec<String>,
    /// Whether to trust e-mail addresses without `email_verified`. Default: no.
    pub unverified_email: bool,
    /// Claims that the application gets in the props of grants. Default: `email` and `name`.
    pub claims: Option<Vec<String>>,
}

/// The protocol of an identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderKind {
    /// OpenID Connect, by discovery.
    OpenId {
        /// The exact issuer identifier.
        issuer: String,
        /// Whether its endpoints and keys may be on other origins than the issuer, as Google's are.
        cross_origin: bool,
    },
    /// OAuth with an endpoint that says who the user is, as GitHub's.
    OAuth {
        /// The authorization endpoint.
        authorization_endpoint: String,
        /// The token endpoint.
        token_endpoint: String,
        /// Answers a `GET` with the access token by a JSON object about the user.
        user_endpoint: String,
        /// Its `iss` in authorization responses (RFC 9207), if it sends one.
        issuer: Option<String>,
    },
}

/// A claim must have one of some values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimRuleConfig {
    /// Its name, such as `tid`, `hd` or `groups`.
    pub claim: String,
    /// A text, or a list of which one must be among them.
    pub values: Vec<String>,
}

/// A header that a reverse proxy sets.
#[derive(Debug, Clone, Default)]
pub struct TrustedHeaderConfig {
    /// The header with the user's id, such as `x-forwarded-user`. The proxy must remove it from what
    /// clients send.
    pub header: String,
    /// A header and its value, which only the proxy knows.
    pub secret: Option<(String, Secret)>,
    /// The operator states that nobody but the proxy can reach this server. Required without
    /// `secret`.
    pub only_proxy_reaches_server: bool,
    /// See [`ProviderConfig::user_id_prefix`].
    pub user_id_prefix: Option<String>,
}
