//! Client registration: on the command line, by an admin command or in Rust.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::Value;

use super::clients::Client;

/// A client to register. `Debug` leaves the secret out.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientSpec {
    /// `client_id`.
    pub client_id: String,
    /// For `client_secret_basic` and `client_secret_post`.
    pub secret: Option<String>,
    /// For `private_key_jwt`: a JWK Set of public keys.
    pub jwks: Option<Value>,
    /// For `private_key_jwt`: an `http:` URL where the client publishes its keys. They are fetched
    /// when an assertion arrives, again after 60 seconds, and at once if none fits.
    pub jwks_uri: Option<String>,
    /// A public client (`none`). It may exchange and refresh tokens if policies name it, but gets
    /// no token for itself.
    #[serde(default)]
    pub public: bool,
    /// The scopes that it may be granted. Default: any.
    pub scopes: Option<Vec<String>>,
}

impl fmt::Debug for ClientSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSpec")
            .field("client_id", &self.client_id)
            .field("jwks_uri", &self.jwks_uri)
            .field("public", &self.public)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

impl FromStr for ClientSpec {
    type Err = ClientError;

    /// `ID=JWKS_URI`.
    fn from_str(text: &str) -> Result<Self, ClientError> {
        let (id, uri) = text.split_once('=').ok_or(ClientError::Form)?;
        let spec = Self {
            client_id: id.to_owned(),
            jwks_uri: Some(uri.to_owned()),
            ..Self::default()
        };
        Client::new(spec.clone()).map(|_| spec)
    }
}

/// Why a client cannot be registered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ClientError {
    /// Not `ID=JWKS_URI`.
    Form,
    /// The id is empty, too long or has control characters.
    Id,
    /// It has no credentials and is not public, or it is public and has credentials.
    Credentials,
    /// `jwks` and `jwks_uri` both.
    TwoKeySets,
    /// `jwks_uri` is not an `http:` URL.
    JwksUri,
    /// `jwks` has no usable public key.
    Jwks,
    /// An entry of `scopes` is not a scope.
    Scope,
    /// There are too many clients.
    TooMany,
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "write a client as ID=JWKS_URI",
            Self::Id => "client_id must have 1 to 256 bytes, none of them a control character",
            Self::Credentials => {
                "a client needs a secret, jwks or jwks_uri, or \"public\": true and none of them"
            }
            Self::TwoKeySets => "jwks and jwks_uri are both given: remove one of the two",
            Self::JwksUri => "jwks_uri must be an absolute http URL",
            Self::Jwks => "jwks must be a JWK Set with at least one usable public key",
            Self::Scope => "scopes must be scope tokens: visible ASCII without '\"' and '\\'",
            Self::TooMany => "there are already 1,000 clients: reset the issuer first",
        })
    }
}

impl std::error::Error for ClientError {}
