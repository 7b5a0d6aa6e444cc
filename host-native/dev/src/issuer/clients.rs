//! The registered clients and their credentials.

use std::sync::Arc;

use axum::http::Uri;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tollgate_core::access_token::is_scope_token;
use tollgate_core::jose::JwkSet;
use url::Url;

use super::client_registration::{ClientError, ClientSpec};
use super::remote_keys::{RemoteKeys, RemoteKeysError};
use super::signatures::verify_compact;

/// The resources that a client may exchange tokens for without a policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ExchangeDefault {
    /// Any resource.
    Any,
    /// No resource.
    Listed,
    /// No resource. Without any policy, the client may not use the grant at all.
    Never,
}

impl ExchangeDefault {
    fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Listed => "listed",
            Self::Never => "never",
        }
    }
}

/// A registered client.
pub(super) struct Client {
    pub(super) id: String,
    /// A digest of the secret, so that comparisons do not leak it and it cannot be printed.
    secret: Option<[u8; 32]>,
    keys: Option<ClientKeys>,
    pub(super) public: bool,
    scopes: Option<Vec<String>>,
    pub(super) exchange: ExchangeDefault,
}

enum ClientKeys {
    Inline(Vec<u8>),
    Remote(RemoteKeys),
}

/// The maximum length of a `client_id`, which is at most a URL.
const MAX_ID_BYTES: usize = 256;

impl Client {
    pub(super) fn new(spec: ClientSpec) -> Result<Self, ClientError> {
        let id = &spec.client_id;
        if id.is_empty() || id.len() > MAX_ID_BYTES || id.chars().any(char::is_control) {
            return Err(ClientError::Id);
        }
        let keys = match (spec.jwks, spec.jwks_uri) {
            (Some(_), Some(_)) => return Err(ClientError::TwoKeySets),
            (Some(jwks), None) => {
                let jwks = jwks.to_string().into_bytes();
                if !JwkSet::parse(&jwks).is_ok_and(|set| !set.keys.is_empty()) {
                    return Err(ClientError::Jwks);
                }
                Some(ClientKeys::Inline(jwks))
            }
            (None, Some(uri)) => {
                let url = Url::parse(&uri).ok().filter(|url| url.scheme() == "http");
                let uri = url.and_then(|url| Uri::try_from(url.as_str()).ok());
                let uri = uri.ok_or(ClientError::JwksUri)?;
                Some(ClientKeys::Remote(RemoteKeys::new(uri)))
            }
            (None, None) => None,
        };
        let credentials = spec.secret.is_some() || keys.is_some();
        if credentials == spec.public {
            return Err(ClientError::Credentials);
        }
        let scopes = spec.scopes;
        if scopes.iter().flatten().any(|scope| !is_scope_token(scope)) {
            return Err(ClientError::Scope);
        }
        Ok(Self {
            id: spec.client_id,
            secret: spec.secret.map(|secret| Sha256::digest(secret).into()),
            keys,
            public: spec.public,
            scopes,
            exchange: if spec.public {
                ExchangeDefault::Never
            } else {
                ExchangeDefault::Any
            },
        })
    }

    fn built_in(
        id: &str,
        secret: &str,
        scopes: Option<&[&str]>,
        exchange: ExchangeDefault,
    ) -> Self {
        Self {
            id: id.to_owned(),
            secret: Some(Sha256::digest(secret).into()),
            keys: None,
            public: false,
            scopes: scopes.map(|scopes| scopes.iter().map(|&scope| scope.to_owned()).collect()),
            exchange,
        }
    }

    pub(super) fn may(&self, scope: &str) -> bool {
        let scopes = self.scopes.as_ref();
        scopes.is_none_or(|scopes| scopes.iter().any(|own| own == scope))
    }

    pub(super) fn has_secret(&self, secret: &str) -> bool {
        self.secret == Some(Sha256::digest(secret).into())
    }

    /// Verifies a JWS of this client, and returns its payload. `None` if the client has no keys.
    pub(super) async fn verify(&self, jws: &str) -> Option<Result<Vec<u8>, RemoteKeysError>> {
        match self.keys.as_ref()? {
            ClientKeys::Inline(keys) => {
                Some(verify_compact(keys, jws).map_err(RemoteKeysError::Verify))
            }
            ClientKeys::Remote(keys) => Some(keys.verify(jws).await),
        }
    }

    /// The public members.
    pub(super) fn describe(&self) -> Value {
        let mut methods = Vec::new();
        if self.secret.is_some() {
            methods.extend(["client_secret_basic", "client_secret_post"]);
        }
        let jwks_uri = match &self.keys {
            Some(ClientKeys::Remote(keys)) => Some(keys.uri().to_string()),
            _ => None,
        };
        if self.keys.is_some() {
            methods.push("private_key_jwt");
        }
        if self.public {
            methods.push("none");
        }
        json!({
            "client_id": self.id,
            "methods": methods,
            "jwks_uri": jwks_uri,
            "scopes": self.scopes,
            "exchange": self.exchange.as_str(),
        })
    }
}

/// All clients: built-in ones, and those that were added at run time.
pub(super) struct Clients {
    own: Vec<Arc<Client>>,
    added: Vec<Arc<Client>>,
}

/// The maximum number of added clients: tests have some dozen, and each request searches them
/// linearly.
const MAX_ADDED: usize = 1000;

impl Clients {
    pub(super) fn new(specs: &[ClientSpec]) -> Result<Self, ClientError> {
        let any = ExchangeDefault::Any;
        let mut own = vec![
            Client::built_in("demo", "demo-secret", None, any),
            Client::built_in(
                "limited",
                "limited-secret",
                Some(&["mcp:read"]),
                ExchangeDefault::Never,
            ),
            Client::built_in(
                "upstream-only",
                "upstream-only-secret",
                None,
                ExchangeDefault::Listed,
            ),
            // Its id and secret must be encoded in the header, which tests callers.
            Client::built_in("odd client:+", "odd%secret&+=é", None, any),
        ];
        for spec in specs {
            own.push(Client::new(spec.clone())?);
        }
        Ok(Self {
            own: own.into_iter().map(Arc::new).collect(),
            added: Vec::new(),
        })
    }

    /// The client with this id that was registered last.
    pub(super) fn find(&self, id: &str) -> Option<Arc<Client>> {
        let all = self.own.iter().chain(&self.added);
        all.rev().find(|client| client.id == id).cloned()
    }

    /// Registers a client, and replaces another one with the same id.
    pub(super) fn add(&mut self, spec: ClientSpec) -> Result<Arc<Client>, ClientError> {
        let client = Arc::new(Client::new(spec)?);
        self.added.retain(|other| other.id != client.id);
        if self.added.len() >= MAX_ADDED {
            return Err(ClientError::TooMany);
        }
        self.added.push(client.clone());
        Ok(client)
    }

    pub(super) fn list(&self) -> Vec<Value> {
        let all = self.own.iter().chain(&self.added);
        all.map(|client| client.describe()).collect()
    }

    /// Removes the added clients and all fetched keys.
    pub(super) fn reset(&mut self) {
        self.added.clear();
        for client in &self.own {
            if let Some(ClientKeys::Remote(keys)) = &client.keys {
                keys.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(spec: Value) -> Result<(), ClientError> {
        let spec = serde_json::from_value(spec).expect("known members");
        Client::new(spec).map(drop)
    }

    #[test]
    fn a_client_needs_one_kind_of_credential() {
        let uri = "http://127.0.0.1:1/jwks";
        for (spec, expected) in [
            (json!({"client_id": "a", "secret": "s"}), Ok(())),
            (
                json!({"client_id": "a", "jwks_uri": uri, "secret": "s"}),
                Ok(()),
            ),
            (json!({"client_id": "a", "public": true}), Ok(())),
            (json!({"client_id": "a"}), Err(ClientError::Credentials)),
            (
                json!({"client_id": "", "secret": "s"}),
                Err(ClientError::Id),
            ),
            (
                json!({"client_id": "a\n", "secret": "s"}),
                Err(ClientError::Id),
            ),
            (
                json!({"client_id": "a", "secret": "s", "public": true}),
                Err(ClientError::Credentials),
            ),
            (
                json!({"client_id": "a", "jwks_uri": "https://a.example/"}),
                Err(ClientError::JwksUri),
            ),
            (
                json!({"client_id": "a", "jwks_uri": uri, "jwks": {"keys": []}}),
                Err(ClientError::TwoKeySets),
            ),
            (
                json!({"client_id": "a", "jwks": {"keys": []}}),
                Err(ClientError::Jwks),
            ),
            (
                json!({"client_id": "a", "secret": "s", "scopes": ["a b"]}),
                Err(ClientError::Scope),
            ),
        ] {
            assert_eq!(add(spec.clone()), expected, "{spec}");
        }
        assert!(matches!(
            "worker-key".parse::<ClientSpec>(),
            Err(ClientError::Form)
        ));
        assert!(format!("worker-key={uri}").parse::<ClientSpec>().is_ok());
    }

    #[test]
    fn secrets_are_not_shown() {
        let spec = ClientSpec {
            client_id: "a".into(),
            secret: Some("hidden".into()),
            ..ClientSpec::default()
        };
        assert!(!format!("{spec:?}").contains("hidden"));
        let client = Client::new(spec).expect("valid");
        assert!(!client.describe().to_string().contains("hidden"));
        assert!(client.has_secret("hidden") && !client.has_secret("other"));
    }

    #[test]
    fn an_added_client_takes_precedence_until_the_reset() {
        let mut clients = Clients::new(&[]).expect("valid");
        let spec = ClientSpec {
            client_id: "demo".into(),
            secret: Some("other".into()),
            ..ClientSpec::default()
        };
        clients.add(spec).expect("valid");
        assert!(clients.find("demo").is_some_and(|c| c.has_secret("other")));
        clients.reset();
        assert!(
            clients
                .find("demo")
                .is_some_and(|c| c.has_secret("demo-secret"))
        );
    }
}
