//! The private keys of this client: the first signs, the public halves of all are published, so
//! that the issuer knows the next key before it signs and the retired one until its last
//! assertion has expired.

use super::config::ClientKeyConfig;
use super::failure::TokenFailure;
use super::secret::Secret;
use crate::config_error::ConfigError;
use crate::jose::{Algorithm, SigningKey};
use crate::json::{Json, Object};

/// See the module. Never empty.
#[derive(Debug)]
pub(crate) struct OwnKeys {
    keys: Vec<SigningKey>,
}

impl OwnKeys {
    /// Reads the keys; `field` names them in errors.
    pub(super) fn read(field: &str, configs: &[ClientKeyConfig]) -> Result<Self, ConfigError> {
        let mut keys: Vec<SigningKey> = Vec::new();
        for (index, config) in configs.iter().enumerate() {
            let field = format!("{field}[{index}]");
            let key = read(&field, config)?;
            if keys.iter().any(|other| other.kid() == key.kid()) {
                let message = "another key has the same kid: take one of the two out, or name them \
                               apart";
                return Err(ConfigError::new(field, message));
            }
            keys.push(key);
        }
        Ok(Self { keys })
    }

    /// The document at `/.well-known/jwks.json` (RFC 7517 section 5): public members only.
    pub(super) fn published(&self) -> String {
        let keys = self.keys.iter().map(|key| Json::Object(key.public_jwk()));
        let mut document = Object::default();
        document.insert("keys", Json::Array(keys.collect()));
        document.to_string()
    }

    /// A compact JWS of the claims, by the first key.
    pub(super) fn sign(
        &self,
        claims: &Object,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Secret, TokenFailure> {
        self.keys[0]
            .sign_compact(Some("JWT"), claims.to_string().as_bytes(), random)
            .map(Secret::new)
            .map_err(|_| TokenFailure::Signing)
    }
}

fn read(field: &str, config: &ClientKeyConfig) -> Result<SigningKey, ConfigError> {
    let algorithm = match config.algorithm.as_deref() {
        None => None,
        Some(name) => Some(Algorithm::from_name(name).ok_or_else(|| {
            let message = "there is no such algorithm: write RS256, PS256, ES256, ES384 or EdDSA";
            ConfigError::new(format!("{field}.algorithm"), message)
        })?),
    };
    SigningKey::from_text(config.key.expose(), config.kid.as_deref(), algorithm)
        .map_err(|error| ConfigError::new(field, format!("the private key {error}")))
}
