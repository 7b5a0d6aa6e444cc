//! Clients as the application sees them, and what it says about them.

use super::client::{AuthenticationMethod, Client, ClientOrigin, GrantType};
use crate::secret::Secret;
use crate::store::UnixSeconds;

/// A client, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientInfo {
    /// `client_id`
    pub id: String,
    /// Where it comes from.
    pub origin: ClientOrigin,
    /// How it authenticates.
    pub authentication: AuthenticationMethod,
    /// What it may use.
    pub grant_types: Vec<GrantType>,
    /// `redirect_uris`
    pub redirect_uris: Vec<String>,
    /// The scopes that it may have. `None`: all of the server's.
    pub scopes: Option<Vec<String>>,
    /// `client_name`
    pub name: Option<String>,
    /// All of its metadata, as a JSON object (RFC 7591 section 2).
    pub metadata: String,
    /// When it was registered, in seconds since 1970.
    pub registered_at: Option<UnixSeconds>,
    /// When its registration ends unless it is renewed, in seconds since 1970.
    pub expires_at: Option<UnixSeconds>,
}

/// A client to create. The rules are those of registrations (RFC 7591 section 2), except that what
/// the server does not have is refused and not left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewClient {
    /// Default: `client_secret_basic` or `client_secret_post`, as the client likes.
    pub authentication: Option<AuthenticationMethod>,
    /// Default: `authorization_code`.
    pub grant_types: Option<Vec<GrantType>>,
    /// Exact redirect URIs. One on a loopback address fits any port (RFC 8252 section 7.3).
    pub redirect_uris: Vec<String>,
    /// The scopes that it may have. Default: all of the server's.
    pub scopes: Option<Vec<String>>,
    /// The name that people see.
    pub name: Option<String>,
    /// Its public keys, as a JWK Set in JSON.
    pub jwks: Option<String>,
    /// Where its public keys are.
    pub jwks_uri: Option<String>,
    /// Other members of RFC 7591 section 2 (`client_uri`, `logo_uri`, `contacts`, `client_name#ja`
    /// and the like), as a JSON object. Those that have a field here are ignored.
    pub metadata: Option<String>,
}

/// Changes of a client. `None`: as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientChanges {
    /// How it authenticates. A client that gets a secret method gets a secret.
    pub authentication: Option<AuthenticationMethod>,
    /// What it may use.
    pub grant_types: Option<Vec<GrantType>>,
    /// `redirect_uris`
    pub redirect_uris: Option<Vec<String>>,
    /// The scopes that it may have. `Some(None)`: all of the server's.
    pub scopes: Option<Option<Vec<String>>>,
    /// The name that people see. `Some(None)`: none.
    pub name: Option<Option<String>>,
    /// Its public keys, as a JWK Set in JSON, in place of `jwks_uri`.
    pub jwks: Option<String>,
    /// Where its public keys are, in place of `jwks`.
    pub jwks_uri: Option<String>,
    /// See [`NewClient::metadata`]. It replaces all of it.
    pub metadata: Option<String>,
    /// Gives the client a new secret. The secrets that it has stay valid for so many seconds, at
    /// most 90 days.
    pub new_secret: Option<u32>,
}

/// A client that was created or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedClient {
    /// The client.
    pub client: ClientInfo,
    /// Its new secret, if it got one. Only its hash is stored: it is not shown again.
    pub secret: Option<Secret>,
}

/// A page of clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientPage {
    /// In a stable order. Perhaps fewer than were asked for, even if there are more.
    pub clients: Vec<ClientInfo>,
    /// For the next page. `None`: this was the last one.
    pub cursor: Option<String>,
}

impl From<&Client> for ClientInfo {
    fn from(client: &Client) -> Self {
        Self {
            id: client.id.clone(),
            origin: client.origin,
            authentication: client.authentication,
            grant_types: client.grant_types.clone(),
            redirect_uris: client.redirect_uris.clone(),
            scopes: client.scopes.clone(),
            name: client.name.clone(),
            metadata: client.to_metadata().to_string(),
            registered_at: client.registered_at,
            expires_at: client.expires_at,
        }
    }
}
