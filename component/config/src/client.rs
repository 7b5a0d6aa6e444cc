//! The application as an OAuth client.

use serde::{Deserialize, Serialize};

use crate::record::{enums, records, variants};
use crate::secret::Secret;
use crate::shapes::json;

records! {
    /// This application as an OAuth client. A field that is left out comes from
    /// [`Config::env`](crate::Config::env) (`TOLLGATE_CLIENT_ID` and so on), or has the default
    /// that its comment names.
    ///
    /// ```
    /// use tollgate_config::Client;
    ///
    /// # let secret = "from the deployment's secrets";
    /// let client = Client::new("reports").secret(secret);
    /// assert!(!format!("{client:?}").contains(secret));
    /// ```
    #[derive(Clone, Debug, Default, Eq, PartialEq)]
    pub struct Client {
        /// The issuer whose token endpoint it uses: one of
        /// [`Config::issuers`](crate::Config::issuers). Default: the first.
        "issuer" issuer: Option<String>,
        /// Its `client_id`.
        "id" id: Option<String>,
        /// Its secret.
        "secret" secret: Option<Secret>,
        /// Its private keys, at most 8. The first key signs. The public halves of all keys are
        /// served at `/.well-known/jwks.json`, so that keys can be rotated.
        "keys" keys: Option<Vec<ClientKey>>,
        /// How it authenticates. Default: `private_key_jwt` if there are keys, otherwise
        /// `client_secret_basic` if there is a secret. A public client, which has neither, must set
        /// [`ClientAuthentication::None`].
        "authentication" authentication: Option<ClientAuthentication>,
        /// `aud` of its assertions. Default: the issuer.
        "assertion-audience" assertion_audience: Option<AssertionAudience>,
        /// The token endpoint. Default: the `token_endpoint` of the issuer's metadata, which must
        /// be on the issuer's origin. A URL that is given here may be on any origin.
        "token-endpoint" token_endpoint: Option<String>,
        /// Origins that tokens may be sent to, besides those of their resources.
        "destinations" destinations: Option<Vec<String>>,
        /// The timeout of one token request, in milliseconds. Default: 10000.
        "timeout-ms" timeout_ms: Option<u32>,
        /// Limits of the cache of exchanged tokens.
        "cache" cache: Option<ExchangeCache>,
    }

    /// A private key of a client. In a file: a text alone, or a table with `key` (a text or a JWK)
    /// or `named`, and optionally `kid` and `algorithm`.
    #[derive(Clone, Debug, Eq, PartialEq)]
    #[serde(try_from = "KeyShape", into = "KeyShape")]
    pub struct ClientKey {
        /// The key, or its name.
        "key" key: ClientKeySource,
        /// Default: the `kid` of the JWK, otherwise the thumbprint (RFC 7638).
        "kid" kid: Option<String>,
        /// `RS256`, `PS256`, `ES256`, `ES384` or `EdDSA`. Default: the `alg` of the JWK, otherwise
        /// the one for the key's type, which is `RS256` for RSA.
        "algorithm" algorithm: Option<String>,
    }

    /// Limits of the cache of exchanged tokens. The least recently used tokens are evicted first.
    /// In the native host, each store has its own cache.
    #[derive(Clone, Debug, Default, Eq, PartialEq)]
    pub struct ExchangeCache {
        /// The maximum number of tokens. Default: 1024; 0 disables the cache.
        "max-entries" max_entries: Option<u32>,
        /// The maximum size in bytes, including the overhead of entries. Default: 4 MiB.
        "max-bytes" max_bytes: Option<u32>,
        /// How long before its expiry a token is no longer returned, in seconds. Default: 30.
        "skew" skew: Option<u32>,
        /// The maximum time that a token is cached, in seconds. Default: 3600.
        "max-age" max_age: Option<u32>,
        /// The assumed lifetime of a token without `expires_in`, in seconds. Default: 300.
        "default-lifetime" default_lifetime: Option<u32>,
    }
}

variants! {
    /// The source of a private key.
    #[derive(Clone, Debug, Eq, PartialEq)]
    pub enum ClientKeySource {
        /// PEM (PKCS#8, PKCS#1 or SEC1; line ends real or written as `\n`), or a JWK. RSA of 2048
        /// to 4096 bits, P-256, P-384 or Ed25519. Not encrypted.
        "text" Text(Secret),
        /// The name of a key that only the host knows, such as one in a key management service or
        /// one that cannot be exported. The application gives the key to the host when it makes the
        /// gate.
        "named" Named(String),
    }
}

enums! {
    /// How a client authenticates: RFC 6749 section 2.3.1, RFC 7523 section 2.2, and OpenID Connect
    /// Core section 9 for the names.
    #[serde(rename_all = "snake_case")]
    pub enum ClientAuthentication {
        /// `client_secret_basic`
        "client-secret-basic" ClientSecretBasic,
        /// `client_secret_post`
        "client-secret-post" ClientSecretPost,
        /// `private_key_jwt`
        "private-key-jwt" PrivateKeyJwt,
        /// `none`: a public client.
        "none" None,
    }

    /// `aud` of client assertions.
    #[serde(rename_all = "snake_case")]
    pub enum AssertionAudience {
        /// The issuer, as the revision of RFC 7523 requires: an attacker's token endpoint cannot
        /// reuse the assertion at another one.
        "issuer" Issuer,
        /// The token endpoint's URL, for issuers that accept nothing else.
        "token-endpoint" TokenEndpoint,
    }
}

impl Client {
    /// A client with this `client_id`. Its authentication must still be set.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: Some(id.into()),
            ..Self::default()
        }
    }

    /// Authenticates with this secret.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<Secret>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// Adds a private key. The first key signs.
    #[must_use]
    pub fn key(mut self, key: impl Into<ClientKey>) -> Self {
        self.keys.get_or_insert_default().push(key.into());
        self
    }

    /// Allows tokens to be sent to this origin too, besides those of their resources.
    #[must_use]
    pub fn destination(mut self, origin: impl Into<String>) -> Self {
        self.destinations
            .get_or_insert_default()
            .push(origin.into());
        self
    }
}

impl ClientKey {
    /// A key that only the host knows, under this name.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        ClientKeySource::Named(name.into()).into()
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

/// A key as files and the npm package write it.
#[derive(Deserialize, Serialize)]
#[serde(untagged, expecting = "a key, or a table with `key` or `named`")]
enum KeyShape {
    Text(Secret),
    Described(DescribedKey),
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct DescribedKey {
    #[serde(
        deserialize_with = "some_json",
        skip_serializing_if = "Option::is_none"
    )]
    key: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    named: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<String>,
}

fn some_json<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    json::deserialize::<_, String>(from).map(|text| Some(text.into()))
}

impl TryFrom<KeyShape> for ClientKey {
    type Error = &'static str;

    fn try_from(given: KeyShape) -> Result<Self, Self::Error> {
        let given = match given {
            KeyShape::Text(key) => return Ok(key.into()),
            KeyShape::Described(given) => given,
        };
        let key = match (given.key, given.named) {
            (Some(key), None) => ClientKeySource::Text(key),
            (None, Some(name)) => ClientKeySource::Named(name),
            _ => return Err("a client's key needs either `key` or `named`"),
        };
        Ok(Self {
            key,
            kid: given.kid,
            algorithm: given.algorithm,
        })
    }
}

impl From<ClientKey> for KeyShape {
    fn from(given: ClientKey) -> Self {
        let (key, named) = match given.key {
            ClientKeySource::Text(key) => (Some(key), None),
            ClientKeySource::Named(name) => (None, Some(name)),
        };
        Self::Described(DescribedKey {
            key,
            named,
            kid: given.kid,
            algorithm: given.algorithm,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_is_a_text_a_jwk_or_a_name() {
        let key = |value| serde_json::from_value::<ClientKey>(value).ok();
        assert_eq!(key(json!("pem")), Some("pem".into()));
        assert_eq!(
            key(json!({ "key": { "kty": "OKP" } })),
            Some(r#"{"kty":"OKP"}"#.into())
        );
        assert_eq!(
            key(json!({ "named": "kms" })),
            Some(ClientKey::named("kms"))
        );
        assert_eq!(key(json!({ "named": "kms", "key": "pem" })), None);
        assert_eq!(key(json!({ "kid": "one" })), None);
        assert_eq!(key(json!({ "key": "pem", "kind": "one" })), None);
        let full = ClientKey {
            kid: Some("one".to_owned()),
            algorithm: Some("PS256".to_owned()),
            ..ClientKey::from("pem")
        };
        let written = json!({ "key": "pem", "kid": "one", "algorithm": "PS256" });
        assert_eq!(key(written.clone()), Some(full.clone()));
        assert_eq!(serde_json::to_value(full).ok(), Some(written));
    }

    #[test]
    fn oauth_values_keep_their_spelling() {
        let client = Client {
            authentication: Some(ClientAuthentication::PrivateKeyJwt),
            assertion_audience: Some(AssertionAudience::TokenEndpoint),
            ..Client::default()
        };
        let written = serde_json::to_value(client).expect("JSON");
        assert_eq!(written["authentication"], "private_key_jwt");
        assert_eq!(written["assertion_audience"], "token_endpoint");
    }
}
