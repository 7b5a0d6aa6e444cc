//! The private keys of this client: the first signs, the public halves of all are published.

use super::config::ClientKeyConfig;
use super::failure::TokenFailure;
use super::secret::Secret;
use crate::json::Object;
use crate::resource_server::ConfigError;

/// See the module.
#[derive(Debug)]
pub(crate) struct OwnKeys;

impl OwnKeys {
    /// Reads the keys; `field` names them in errors.
    pub(super) fn read(field: &str, _configs: &[ClientKeyConfig]) -> Result<Self, ConfigError> {
        Err(ConfigError::new(field, "private keys are not read yet"))
    }

    /// The document at `/.well-known/jwks.json` (RFC 7517 section 5).
    pub(super) fn published(&self) -> String {
        "{\"keys\":[]}".to_owned()
    }

    /// A compact JWS of the claims, by the first key.
    pub(super) fn sign(
        &self,
        _claims: &Object,
        _random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Secret, TokenFailure> {
        Err(TokenFailure::InvalidRequest(
            "private keys are not read yet",
        ))
    }
}
