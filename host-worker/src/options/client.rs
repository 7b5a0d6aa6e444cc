//! Who this Worker is to an issuer, where it asks for tokens itself.

use serde::Serialize;

use super::{Text, texts};
use crate::secret::Secret;

/// This Worker as an OAuth client. What is left out comes from the Worker's variables and secrets
/// `TOLLGATE_CLIENT_ID`, `TOLLGATE_CLIENT_SECRET`, `TOLLGATE_PRIVATE_KEY` (with
/// `TOLLGATE_PRIVATE_KEY_NEXT` and `TOLLGATE_PRIVATE_KEY_RETIRED` beside it) and
/// `TOLLGATE_TOKEN_ENDPOINT`, which is where secrets belong: not in code.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct Client {
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<Vec<ClientKey>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authentication: Option<ClientAuthentication>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assertion_audience: Option<AssertionAudience>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destinations: Option<Vec<Text>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<ExchangeCache>,
}

impl Client {
    /// Everything from the Worker's variables and by default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a private key, at most 8. The first one signs; the public halves of all are served at
    /// `/.well-known/jwks.json`, so that a next or a retired key overlaps with it. Left out:
    /// `TOLLGATE_PRIVATE_KEY`.
    pub fn key(mut self, key: ClientKey) -> Self {
        self.keys.get_or_insert_default().push(key);
        self
    }

    /// The secret. Left out: `TOLLGATE_CLIENT_SECRET`.
    pub fn secret(mut self, secret: impl Into<Secret>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    setters! {
        /// Whose token endpoint is used: one of the accepted issuers. Left out: the first.
        issuer: text;
        /// The `client_id`. Left out: `TOLLGATE_CLIENT_ID`.
        id: text;
        /// How it says who it is. Left out: `private_key_jwt` where there are keys, else
        /// `client_secret_basic` where there is a secret; with neither, an error: a public client
        /// sets [`ClientAuthentication::None`].
        authentication: value<ClientAuthentication>;
        /// `aud` of its assertions. Default: the issuer.
        assertion_audience: value<AssertionAudience>;
        /// Where tokens are asked for. Left out: `TOLLGATE_TOKEN_ENDPOINT`, else the
        /// `token_endpoint` of the issuer's metadata, if it is on the issuer's origin.
        token_endpoint: text;
        /// Origins that tokens may be sent to beside those of their resources.
        destinations: texts;
        /// How long one token request may take, in milliseconds. Default: 10000.
        timeout_ms: value<u32>;
        /// Bounds of the cache of exchanged tokens.
        cache: value<ExchangeCache>;
    }
}

/// A private key of a client.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct ClientKey {
    key: Secret,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<Text>,
}

impl ClientKey {
    /// PEM (PKCS#8, PKCS#1 or SEC1; line ends real or written as `\n`), or a JWK. RSA of 2048 to
    /// 4096 bits, P-256, P-384 or Ed25519. Not encrypted.
    pub fn new(key: impl Into<Secret>) -> Self {
        Self {
            key: key.into(),
            kid: None,
            algorithm: None,
        }
    }

    setters! {
        /// Left out: that of the JWK, else the thumbprint (RFC 7638).
        kid: text;
        /// `RS256`, `PS256`, `ES256`, `ES384` or `EdDSA`. Left out: that of the JWK, else what the
        /// key's type says, `RS256` for RSA.
        algorithm: text;
    }
}

/// How a client says who it is (RFC 6749 section 2.3.1, RFC 7523 section 2.2).
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// `client_secret_basic`
    ClientSecretBasic,
    /// `client_secret_post`
    ClientSecretPost,
    /// `private_key_jwt`
    PrivateKeyJwt,
    /// A public client.
    None,
}

/// `aud` of client assertions.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AssertionAudience {
    /// The issuer, as the revision of RFC 7523 has it.
    Issuer,
    /// The token endpoint's URL, for issuers that accept nothing else.
    TokenEndpoint,
}

/// Bounds of the cache of exchanged tokens. Least recently used ones go first.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct ExchangeCache {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_entries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_bytes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skew: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_lifetime: Option<u32>,
}

impl ExchangeCache {
    /// The default bounds.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Default: 1024; 0 turns the cache off.
        max_entries: value<u32>;
        /// Default: 4 MiB, counted with what an entry costs beside its token.
        max_bytes: value<u32>;
        /// How long before it expires a token is not given out any more, in seconds. Default: 30.
        skew: value<u32>;
        /// The longest that a token is kept, in seconds. Default: 3600.
        max_age: value<u32>;
        /// What a token without `expires_in` is believed to live, in seconds. Default: 300.
        default_lifetime: value<u32>;
    }
}
