//! Who this application is to an issuer: the contract's `client`, as Rust.

use std::fmt;
use std::sync::Arc;

use super::bindings::exports::tollgate::auth::resource_server as wit;
use super::secret::Secret;
use super::signer::Signer;

/// This application as an OAuth client. What is left out comes from [`Config::env`]
/// (`TOLLGATE_CLIENT_ID` and so on) or has the default that its comment names.
///
/// [`Config::env`]: crate::Config::env
///
/// ```
/// use tollgate::Client;
///
/// # let secret = "from the deployment's secrets";
/// let client = Client::new("reports").secret(secret);
/// assert!(!format!("{client:?}").contains(secret));
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Client {
    /// Whose token endpoint it uses: one of [`Config::issuers`](crate::Config::issuers). Left
    /// out: the first.
    pub issuer: Option<String>,
    /// Its `client_id`.
    pub id: Option<String>,
    /// Its secret.
    pub secret: Option<Secret>,
    /// Its private keys, at most 8. The first signs; the public halves of all are served at
    /// `/.well-known/jwks.json`, so that a next or a retired key overlaps with it.
    pub keys: Option<Vec<ClientKey>>,
    /// How it says who it is. Left out: `private_key_jwt` where there are keys, else
    /// `client_secret_basic` where there is a secret; with neither, an error: a public client sets
    /// [`ClientAuthentication::None`].
    pub authentication: Option<ClientAuthentication>,
    /// `aud` of its assertions. Default: the issuer.
    pub assertion_audience: Option<AssertionAudience>,
    /// Where tokens are asked for. Left out: the `token_endpoint` of the issuer's metadata, if it
    /// is on the issuer's origin. One that is given here may be anywhere.
    pub token_endpoint: Option<String>,
    /// Origins that tokens may be sent to beside those of their resources.
    pub destinations: Option<Vec<String>>,
    /// How long one token request may take, in milliseconds. Default: 10000.
    pub timeout_ms: Option<u32>,
    /// Bounds of the cache of exchanged tokens, in each store.
    pub cache: Option<ExchangeCache>,
}

impl Client {
    /// A client of this `client_id`, which has yet to say how it proves that.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: Some(id.into()),
            ..Self::default()
        }
    }

    /// Proves itself with this secret.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<Secret>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// Adds a private key. The first one signs.
    #[must_use]
    pub fn key(mut self, key: impl Into<ClientKey>) -> Self {
        self.keys.get_or_insert_default().push(key.into());
        self
    }

    /// Lets tokens go to this origin too, beside those of their resources.
    #[must_use]
    pub fn destination(mut self, origin: impl Into<String>) -> Self {
        self.destinations
            .get_or_insert_default()
            .push(origin.into());
        self
    }
}

/// A private key of a client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientKey {
    /// Where the key is.
    pub key: ClientKeySource,
    /// Left out: that of the JWK, else the thumbprint (RFC 7638).
    pub kid: Option<String>,
    /// `RS256`, `PS256`, `ES256`, `ES384` or `EdDSA`. Left out: that of the JWK, else what the
    /// key's type says, `RS256` for RSA.
    pub algorithm: Option<String>,
}

impl ClientKey {
    /// A key that only its own service knows.
    #[must_use]
    pub fn signer(signer: impl Signer + 'static) -> Self {
        ClientKeySource::Signer(Arc::new(signer)).into()
    }
}

impl<S: Into<Secret>> From<S> for ClientKey {
    fn from(key: S) -> Self {
        ClientKeySource::Text(key.into()).into()
    }
}

impl From<ClientKeySource> for ClientKey {
    fn from(key: ClientKeySource) -> Self {
        Self {
            key,
            kid: None,
            algorithm: None,
        }
    }
}

/// Where a private key is.
#[derive(Clone)]
pub enum ClientKeySource {
    /// PEM (PKCS#8, PKCS#1 or SEC1; line ends real or written as `\n`), or a JWK. RSA of 2048 to
    /// 4096 bits, P-256, P-384 or Ed25519. Not encrypted.
    Text(Secret),
    /// With its own service.
    Signer(Arc<dyn Signer>),
}

impl fmt::Debug for ClientKeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(key) => f.debug_tuple("Text").field(key).finish(),
            Self::Signer(_) => f.debug_tuple("Signer").finish_non_exhaustive(),
        }
    }
}

impl Eq for ClientKeySource {}

/// Signers are equal where they are the same one.
impl PartialEq for ClientKeySource {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(key), Self::Text(other)) => key == other,
            (Self::Signer(signer), Self::Signer(other)) => Arc::ptr_eq(signer, other),
            _ => false,
        }
    }
}

/// How a client says who it is: RFC 6749 section 2.3.1, RFC 7523 section 2.2, and OpenID Connect
/// Core section 9 for the names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientAuthentication {
    /// `client_secret_basic`
    ClientSecretBasic,
    /// `client_secret_post`
    ClientSecretPost,
    /// `private_key_jwt`
    PrivateKeyJwt,
    /// `none`: a public client.
    None,
}

/// `aud` of client assertions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AssertionAudience {
    /// The issuer, as the revision of RFC 7523 has it: no endpoint can be talked into passing an
    /// assertion on to another.
    Issuer,
    /// The token endpoint's URL, for issuers that accept nothing else.
    TokenEndpoint,
}

/// Bounds of the cache of exchanged tokens. Least recently used ones go first. Each store has one
/// of its own.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ExchangeCache {
    /// Default: 1024; 0 turns the cache off.
    pub max_entries: Option<u32>,
    /// Default: 4 MiB, counted with what an entry costs beside its token.
    pub max_bytes: Option<u32>,
    /// How long before it expires a token is not given out any more, in seconds. Default: 30.
    pub skew: Option<u32>,
    /// The longest that a token is kept, in seconds. Default: 3600.
    pub max_age: Option<u32>,
    /// What a token without `expires_in` is believed to live, in seconds. Default: 300.
    pub default_lifetime: Option<u32>,
}

impl From<Client> for wit::Client {
    fn from(client: Client) -> Self {
        let keys = client.keys;
        Self {
            issuer: client.issuer,
            id: client.id,
            secret: client.secret.map(|secret| secret.expose().to_owned()),
            keys: keys.map(|keys| keys.into_iter().enumerate().map(client_key).collect()),
            authentication: client.authentication.map(Into::into),
            assertion_audience: client.assertion_audience.map(Into::into),
            token_endpoint: client.token_endpoint,
            destinations: client.destinations,
            timeout_ms: client.timeout_ms,
            cache: client.cache.map(Into::into),
        }
    }
}

fn client_key((place, key): (usize, ClientKey)) -> wit::ClientKey {
    wit::ClientKey {
        key: match key.key {
            ClientKeySource::Text(key) => wit::ClientKeySource::Text(key.expose().to_owned()),
            // By its place, which is where the host looks for it.
            ClientKeySource::Signer(_) => wit::ClientKeySource::Named(place.to_string()),
        },
        kid: key.kid,
        algorithm: key.algorithm,
    }
}

impl From<ClientAuthentication> for wit::ClientAuthentication {
    fn from(authentication: ClientAuthentication) -> Self {
        match authentication {
            ClientAuthentication::ClientSecretBasic => Self::ClientSecretBasic,
            ClientAuthentication::ClientSecretPost => Self::ClientSecretPost,
            ClientAuthentication::PrivateKeyJwt => Self::PrivateKeyJwt,
            ClientAuthentication::None => Self::None,
        }
    }
}

impl From<AssertionAudience> for wit::AssertionAudience {
    fn from(audience: AssertionAudience) -> Self {
        match audience {
            AssertionAudience::Issuer => Self::Issuer,
            AssertionAudience::TokenEndpoint => Self::TokenEndpoint,
        }
    }
}

impl From<ExchangeCache> for wit::ExchangeCache {
    fn from(cache: ExchangeCache) -> Self {
        Self {
            max_entries: cache.max_entries,
            max_bytes: cache.max_bytes,
            skew: cache.skew,
            max_age: cache.max_age,
            default_lifetime: cache.default_lifetime,
        }
    }
}
