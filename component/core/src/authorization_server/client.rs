//! Clients (RFC 6749 section 2, RFC 7591 section 2).

use super::record::{self, Reader, Unreadable, Writer};
use super::sealing::{self, constant_time_eq};
use crate::secret::Secret;
use crate::store::UnixSeconds;

/// A grant type (RFC 6749 section 1.3, RFC 8693, RFC 7523).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantType {
    /// `authorization_code`
    AuthorizationCode,
    /// `refresh_token`
    RefreshToken,
    /// `client_credentials`
    ClientCredentials,
    /// `urn:ietf:params:oauth:grant-type:token-exchange`
    TokenExchange,
    /// `urn:ietf:params:oauth:grant-type:jwt-bearer`
    JwtBearer,
}

impl GrantType {
    /// Every grant type.
    pub const ALL: [Self; 5] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
        Self::TokenExchange,
        Self::JwtBearer,
    ];

    /// `grant_type`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
        }
    }

    /// The grant type of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|own| own.name() == name)
    }
}

/// How a client authenticates (RFC 7591 section 2, `token_endpoint_auth_method`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthenticationMethod {
    /// A public client.
    None,
    /// `client_secret_basic`
    ClientSecretBasic,
    /// `client_secret_post`
    ClientSecretPost,
    /// `client_secret_basic` or `client_secret_post`: of a client that did not choose.
    ClientSecret,
    /// `private_key_jwt`
    PrivateKeyJwt,
}

impl AuthenticationMethod {
    pub(super) const ALL: [Self; 5] = [
        Self::None,
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::ClientSecret,
        Self::PrivateKeyJwt,
    ];

    /// The name in metadata. [`Self::ClientSecret`] is `client_secret_basic`, the default of RFC
    /// 7591.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic | Self::ClientSecret => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    const fn stored(self) -> &'static str {
        match self {
            Self::ClientSecret => "client_secret",
            other => other.name(),
        }
    }

    fn from_stored(name: &str) -> Result<Self, Unreadable> {
        let mut all = Self::ALL.into_iter();
        all.find(|own| own.stored() == name).ok_or(Unreadable)
    }
}

/// Where a client comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientOrigin {
    /// The configuration.
    Configured,
    /// The application, or the registration endpoint (RFC 7591).
    Registered,
    /// Its client ID metadata document.
    MetadataDocument,
}

/// A client's secret as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HashedSecret {
    pub(super) hash: String,
    pub(super) expires_at: Option<UnixSeconds>,
}

/// The keys that a client signs its assertions with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ClientKeys {
    /// `jwks`, as JSON.
    Inline(String),
    /// `jwks_uri`
    Uri(String),
}

/// A client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Client {
    /// `client_id`
    pub(super) id: String,
    pub(super) origin: ClientOrigin,
    /// Changes when the client is deleted and its id is registered again. Grants have the epoch of
    /// their client, so that those of the former client are refused.
    pub(super) epoch: u64,
    pub(super) redirect_uris: Vec<String>,
    pub(super) grant_types: Vec<GrantType>,
    pub(super) authentication: AuthenticationMethod,
    pub(super) secrets: Vec<HashedSecret>,
    pub(super) keys: Option<ClientKeys>,
    /// The scopes that it may have. `None`: all of the server's.
    pub(super) scopes: Option<Vec<String>>,
    /// Resources that it serves: it may introspect their tokens.
    pub(super) serves: Vec<String>,
    /// Whether it may exchange access tokens that were issued to other clients.
    pub(super) exchanges_tokens_of_others: bool,
    /// `client_name`
    pub(super) name: Option<String>,
    /// `client_uri`, `logo_uri`, `policy_uri`, `tos_uri`, `contacts` and the like, as the JSON
    /// object that was registered.
    pub(super) metadata: Option<String>,
    pub(super) registered_at: Option<UnixSeconds>,
    /// When the registration ends unless it is renewed.
    pub(super) expires_at: Option<UnixSeconds>,
    /// How long the registration is renewed for, in seconds. `None`: it does not end.
    pub(super) lifetime: Option<u64>,
}

impl Client {
    /// The schema version of its record.
    const VERSION: u64 = 1;

    /// Whether it cannot keep a secret (RFC 6749 section 2.1).
    pub(super) fn is_public(&self) -> bool {
        self.authentication == AuthenticationMethod::None
    }

    /// Whether it may use a grant type. `refresh_token` comes with every grant that gives one.
    pub(super) fn may_use(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
            || grant_type == GrantType::RefreshToken
                && self.grant_types.contains(&GrantType::AuthorizationCode)
    }

    /// Whether this is one of its secrets. The time does not depend on which one, or on where the
    /// texts differ.
    pub(super) fn has_secret(&self, secret: &Secret, now: UnixSeconds) -> bool {
        let hash = sealing::hash(secret.expose());
        self.secrets.iter().fold(false, |found, own| {
            let valid = own.expires_at.is_none_or(|end| end > now);
            found | (constant_time_eq(&own.hash, &hash) & valid)
        })
    }

    pub(super) fn to_record(&self) -> Vec<u8> {
        let grant_types = self.grant_types.iter().map(|own| own.name().to_owned());
        let secrets = self.secrets.iter().map(|secret| {
            Writer::default()
                .text("hash", &secret.hash)
                .optional_number("expires_at", secret.expires_at)
        });
        let mut writer = Writer::new(Self::VERSION)
            .text("id", &self.id)
            .number("epoch", self.epoch)
            .texts("redirect_uris", &self.redirect_uris)
            .texts("grant_types", &grant_types.collect::<Vec<_>>())
            .text("authentication", self.authentication.stored())
            .records("secrets", secrets.collect())
            .optional("name", self.name.as_deref())
            .optional("metadata", self.metadata.as_deref())
            .optional_number("registered_at", self.registered_at)
            .optional_number("expires_at", self.expires_at)
            .optional_number("lifetime", self.lifetime);
        writer = match &self.keys {
            Some(ClientKeys::Inline(json)) => writer.text("jwks", json),
            Some(ClientKeys::Uri(uri)) => writer.text("jwks_uri", uri),
            None => writer,
        };
        if let Some(scopes) = &self.scopes {
            writer = writer.texts("scopes", scopes);
        }
        writer.into_bytes()
    }

    /// Reads the record of a registered client.
    pub(super) fn from_record(bytes: &[u8]) -> Result<Self, Unreadable> {
        let object = record::parse(bytes, Self::VERSION)?;
        let reader = Reader::new(&object);
        let secrets = reader.records("secrets")?.into_iter().map(|secret| {
            Ok(HashedSecret {
                hash: secret.text("hash")?.to_owned(),
                expires_at: secret.optional_number("expires_at")?,
            })
        });
        let grant_types = reader.texts("grant_types")?;
        let grant_types = grant_types
            .iter()
            .map(|name| GrantType::from_name(name).ok_or(Unreadable));
        let keys = match (reader.optional("jwks")?, reader.optional("jwks_uri")?) {
            (Some(json), None) => Some(ClientKeys::Inline(json.to_owned())),
            (None, Some(uri)) => Some(ClientKeys::Uri(uri.to_owned())),
            (None, None) => None,
            (Some(_), Some(_)) => return Err(Unreadable),
        };
        Ok(Self {
            id: reader.text("id")?.to_owned(),
            origin: ClientOrigin::Registered,
            epoch: reader.number("epoch")?,
            redirect_uris: reader.texts("redirect_uris")?,
            grant_types: grant_types.collect::<Result<_, _>>()?,
            authentication: AuthenticationMethod::from_stored(reader.text("authentication")?)?,
            secrets: secrets.collect::<Result<_, Unreadable>>()?,
            keys,
            scopes: match object.get("scopes") {
                Some(_) => Some(reader.texts("scopes")?),
                None => None,
            },
            serves: Vec::new(),
            exchanges_tokens_of_others: false,
            name: reader.optional("name")?.map(str::to_owned),
            metadata: reader.optional("metadata")?.map(str::to_owned),
            registered_at: reader.optional_number("registered_at")?,
            expires_at: reader.optional_number("expires_at")?,
            lifetime: reader.optional_number("lifetime")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        Client {
            id: "app".to_owned(),
            origin: ClientOrigin::Registered,
            epoch: 7,
            redirect_uris: vec!["https://app.example/callback".to_owned()],
            grant_types: vec![GrantType::AuthorizationCode],
            authentication: AuthenticationMethod::ClientSecret,
            secrets: vec![
                HashedSecret {
                    hash: sealing::hash("old"),
                    expires_at: Some(100),
                },
                HashedSecret {
                    hash: sealing::hash("new"),
                    expires_at: None,
                },
            ],
            keys: Some(ClientKeys::Uri("https://app.example/jwks".to_owned())),
            scopes: Some(vec!["read".to_owned()]),
            serves: Vec::new(),
            exchanges_tokens_of_others: false,
            name: Some("App".to_owned()),
            metadata: Some("{}".to_owned()),
            registered_at: Some(1),
            expires_at: None,
            lifetime: Some(90),
        }
    }

    #[test]
    fn records_keep_everything() {
        let all = client();
        assert_eq!(Client::from_record(&all.to_record()), Ok(all.clone()));
        let least = Client {
            secrets: Vec::new(),
            keys: None,
            scopes: None,
            name: None,
            metadata: None,
            registered_at: None,
            expires_at: Some(5),
            lifetime: None,
            ..all
        };
        assert_eq!(Client::from_record(&least.to_record()), Ok(least));
    }

    #[test]
    fn secrets_end_when_they_expire() {
        let has = |secret: &str, now| client().has_secret(&Secret::new(secret), now);
        assert!(has("old", 99));
        assert!(!has("old", 100));
        assert!(has("new", 100));
        assert!(!has("other", 0));
        assert!(!has("", 0));
    }

    #[test]
    fn refresh_comes_with_a_code() {
        assert!(client().may_use(GrantType::RefreshToken));
        assert!(!client().may_use(GrantType::ClientCredentials));
    }
}
