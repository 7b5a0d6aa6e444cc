//! The configuration of an authorization server, as an application writes it.

use super::client::{AuthenticationMethod, GrantType};
use super::pages::PagesConfig;
use super::sign_in::SignInConfig;
use crate::config_error::Naming;
use crate::secret::Secret;

/// The configuration. A field that is left out has the default that its comment names.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The issuer identifier (RFC 8414 section 2), such as `https://auth.example.com`: the origin
    /// of this server, perhaps with a path. Required.
    pub issuer: String,
    /// Secrets of this deployment, of at least 32 random bytes in any encoding. The first is in
    /// use; those behind it are former ones. Required.
    pub secrets: Vec<Secret>,
    /// Scopes that the server has. Default: any scope that the application approves.
    pub scopes: Option<Vec<String>>,
    /// Resources that tokens are issued for (RFC 8707). The first is that of requests that name
    /// none. Default: the origin of the issuer.
    pub resources: Option<Vec<String>>,
    /// Paths of the endpoints.
    pub endpoints: EndpointsConfig,
    /// The form of access tokens. Default: JWT.
    pub access_token: Option<AccessTokenFormat>,
    /// The lifetime of access tokens in seconds. Default: 3600.
    pub access_token_lifetime: Option<u32>,
    /// The lifetime of a grant in seconds, however often it is refreshed. 0: no refresh tokens.
    /// Default: 30 days.
    pub refresh_token_lifetime: Option<u32>,
    /// A grant also ends when it was not refreshed for so many seconds. Default: no such limit.
    pub refresh_token_idle_lifetime: Option<u32>,
    /// How long a refresh token that was replaced gives the same answer again, in seconds. After
    /// that, its use revokes the grant. At most 600, and at most half of the lifetime of access
    /// tokens. Default: 60, or that half.
    pub refresh_grace: Option<u32>,
    /// The lifetime of authorization codes in seconds, at most 600 (RFC 6749 section 4.1.2).
    /// Default: 60.
    pub code_lifetime: Option<u32>,
    /// Whether clients that authenticate may leave out the code challenge (RFC 7636). Default: no.
    pub confidential_clients_may_omit_pkce: Option<bool>,
    /// How users sign in, and consent on this server's own pages. Default: the application has
    /// pages of its own, and answers requests to the authorization endpoint itself.
    pub sign_in: Option<SignInConfig>,
    /// What the pages look like and say.
    pub pages: PagesConfig,
    /// Clients that are known from the start.
    pub clients: Vec<ClientConfig>,
    /// Dynamic registration of clients (RFC 7591). Default: none.
    pub registration: Option<RegistrationConfig>,
    /// Clients whose id is the URL of their metadata (client ID metadata documents). Default: none.
    pub metadata_documents: Option<MetadataDocumentsConfig>,
    /// Accept redirect URIs with private-use schemes, such as `com.example.app:/callback` or
    /// `cursor://callback` (RFC 8252 section 7.1). Any application on a device can claim such a
    /// scheme, so only PKCE protects the code. Default: no.
    pub private_use_redirect_uris: Option<bool>,
    /// How errors spell the names of options. Default: as this file, with hyphens.
    pub naming: Option<Naming>,
}

/// Who may register clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationAccess {
    /// Anybody.
    Open,
    /// Who presents one of these tokens as a bearer token (RFC 7591 section 3): at least 16
    /// characters each.
    InitialAccessTokens(Vec<Secret>),
}

/// Dynamic registration of clients (RFC 7591).
#[derive(Debug, Clone)]
pub struct RegistrationConfig {
    /// Who may register clients.
    pub access: RegistrationAccess,
    /// How long a registration is valid, in seconds. It is renewed when the client uses it with less
    /// than half of that left. 0: without end. Default: 90 days.
    pub lifetime: Option<u32>,
    /// The longest request, in bytes: at most 131072. Default: 65536.
    pub max_body_bytes: Option<u32>,
    /// Registrations per hour, for all clients together. Default: 1000.
    pub max_per_hour: Option<u32>,
    /// Grant types that may be registered. Default: `authorization_code` and `refresh_token`.
    pub grant_types: Option<Vec<GrantType>>,
    /// Authentication methods that may be registered. Without `none`, public clients cannot
    /// register. Default: all.
    pub authentication: Option<Vec<AuthenticationMethod>>,
    /// Scopes that registered clients may have. Default: all of the server's.
    pub scopes: Option<Vec<String>>,
}

impl RegistrationConfig {
    /// The defaults.
    #[must_use]
    pub const fn new(access: RegistrationAccess) -> Self {
        Self {
            access,
            lifetime: None,
            max_body_bytes: None,
            max_per_hour: None,
            grant_types: None,
            authentication: None,
            scopes: None,
        }
    }
}

/// Client ID metadata documents.
///
/// The server fetches the documents from hosts that strangers choose. Addresses and names of local
/// networks are refused, and redirects are not followed. What a name resolves to, only the runtime
/// knows: a host on a server must refuse to connect to private addresses.
#[derive(Debug, Clone, Default)]
pub struct MetadataDocumentsConfig {
    /// The hosts whose documents are accepted, such as `claude.ai`. Default: any.
    pub hosts: Option<Vec<String>>,
    /// Accept a `client_id` with a query. Default: no.
    pub queries: Option<bool>,
    /// Grant types that these clients may have. Anybody can be such a client, so think twice before
    /// adding `client_credentials`. Default: `authorization_code` and `refresh_token`.
    pub grant_types: Option<Vec<GrantType>>,
    /// Scopes that these clients may have. Default: all of the server's.
    pub scopes: Option<Vec<String>>,
}

/// Paths below the issuer's own path, each beginning with `/`.
#[derive(Debug, Clone, Default)]
pub struct EndpointsConfig {
    /// Default: `/authorize`.
    pub authorization: Option<String>,
    /// Default: `/token`.
    pub token: Option<String>,
    /// Default: `/revoke`.
    pub revocation: Option<String>,
    /// Default: `/introspect`.
    pub introspection: Option<String>,
    /// Default: `/register`.
    pub registration: Option<String>,
    /// Default: `/jwks`.
    pub keys: Option<String>,
    /// Where identity providers send users back: `<callback>/<id of the provider>`. Default:
    /// `/callback`.
    pub callback: Option<String>,
    /// The choice of a way to sign in. Default: `/sign-in`.
    pub sign_in: Option<String>,
    /// The user's decision. Default: `/consent`.
    pub consent: Option<String>,
}

/// The form of access tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AccessTokenFormat {
    /// Signed, and verified without the store (RFC 9068). It stays valid until it expires, except
    /// at the issuer's own routes.
    #[default]
    Jwt,
    /// A random text, checked in the store each time.
    Opaque,
}

/// A client in the configuration.
#[derive(Debug, Clone, Default)]
pub struct ClientConfig {
    /// `client_id`
    pub id: String,
    /// Its secrets. Several, so that they can be replaced one after the other.
    pub secrets: Vec<Secret>,
    /// Its public keys, as a JWK Set in JSON.
    pub jwks: Option<String>,
    /// Where its public keys are.
    pub jwks_uri: Option<String>,
    /// Default: `private_key_jwt` with keys, either secret method with secrets, otherwise none.
    pub authentication: Option<AuthenticationMethod>,
    /// Default: `authorization_code`.
    pub grant_types: Option<Vec<GrantType>>,
    /// Exact redirect URIs. One on a loopback address fits any port (RFC 8252 section 7.3).
    pub redirect_uris: Vec<String>,
    /// The scopes that it may have. Default: all.
    pub scopes: Option<Vec<String>>,
    /// Resources that it serves: it may introspect their tokens (RFC 7662). Default: none.
    pub serves: Vec<String>,
    /// Whether it may exchange access tokens that were issued to other clients (RFC 8693).
    /// Default: no.
    pub exchanges_tokens_of_others: bool,
    /// The name that people see.
    pub name: Option<String>,
}
