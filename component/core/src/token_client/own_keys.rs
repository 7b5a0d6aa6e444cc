//! The private keys of this client: the first signs, the public halves of all are published, so
//! that the issuer knows the next key before it signs and the retired one until its last
//! assertion has expired.

use std::rc::Rc;

use super::config::{ClientKeyConfig, ClientKeySource};
use super::failure::TokenFailure;
use super::secret::Secret;
use crate::config_error::ConfigError;
use crate::jose::{Algorithm, SigningError, SigningKey, SigningKeyError};
use crate::json::{Json, Object};
use crate::resource_server::COMPONENTS_WITH_ALL_ALGORITHMS;
use crate::task::{Progress, Scheduler, Task};

/// See the module. Never empty.
#[derive(Debug)]
pub(crate) struct OwnKeys {
    keys: Rc<[SigningKey]>,
}

impl OwnKeys {
    /// Reads the keys and tries them, as far as the host answers at once; `field` names them in
    /// errors.
    pub(super) fn read(
        field: &str,
        configs: &[ClientKeyConfig],
        scheduler: &Rc<Scheduler>,
    ) -> Result<Self, ConfigError> {
        let mut keys: Vec<SigningKey> = Vec::new();
        for (index, config) in configs.iter().enumerate() {
            keys.push(read(&format!("{field}[{index}]"), config, scheduler)?);
        }
        let keys: Rc<[SigningKey]> = keys.into();
        for index in 0..keys.len() {
            let field = || format!("{field}[{index}]");
            let (own, own_scheduler) = (Rc::clone(&keys), Rc::clone(scheduler));
            let prepare = async move { own[index].prepare(&own_scheduler).await };
            match Task::new(Rc::clone(scheduler), prepare).poll() {
                Progress::Ready(Err(error)) if error.is_permanent() => {
                    return Err(ConfigError::new(
                        field(),
                        format!("the private key {error}"),
                    ));
                }
                // A host that answers later, or cannot at the moment: the key is tried when it is
                // needed.
                Progress::Ready(_) | Progress::Pending(_) => {}
            }
            if repeats_kid(&keys, index) {
                let message = "another key has the same kid: take one of the two out, or name them \
                               apart";
                return Err(ConfigError::new(field(), message));
            }
        }
        Ok(Self { keys })
    }

    /// The document at `/.well-known/jwks.json` (RFC 7517 section 5): public members only.
    pub(crate) async fn published(&self, scheduler: &Scheduler) -> Result<String, SigningError> {
        let mut published = Vec::new();
        for (index, key) in self.keys.iter().enumerate() {
            published.push(Json::Object(key.public_jwk(scheduler).await?));
            if repeats_kid(&self.keys, index) {
                return Err(SigningError::Key(SigningKeyError::KeyId));
            }
        }
        let mut document = Object::default();
        document.insert("keys", Json::Array(published));
        Ok(document.to_string())
    }

    /// A compact JWS of the claims, by the first key.
    pub(super) async fn sign(
        &self,
        claims: &Object,
        scheduler: &Scheduler,
    ) -> Result<Secret, TokenFailure> {
        self.keys[0]
            .sign_compact(scheduler, Some("JWT"), claims.to_string().as_bytes())
            .await
            .map(Secret::new)
            .map_err(TokenFailure::Signing)
    }
}

/// Whether an earlier key has the same `kid`, as far as both are known.
fn repeats_kid(keys: &[SigningKey], index: usize) -> bool {
    let kid = keys[index].kid();
    kid.is_some() && keys[..index].iter().any(|other| other.kid() == kid)
}

fn read(
    field: &str,
    config: &ClientKeyConfig,
    scheduler: &Scheduler,
) -> Result<SigningKey, ConfigError> {
    let algorithm = match config.algorithm.as_deref() {
        None => None,
        Some(name) => Some(Algorithm::from_name(name).ok_or_else(|| {
            let message = "there is no such algorithm: write RS256, PS256, ES256, ES384 or EdDSA";
            ConfigError::new(format!("{field}.algorithm"), message)
        })?),
    };
    let kid = config.kid.as_deref();
    let key = match &config.key {
        ClientKeySource::Text(text) => SigningKey::from_text(text.expose(), kid, algorithm),
        ClientKeySource::Named(name) => SigningKey::named(name, kid, algorithm),
    };
    let key = key.map_err(|error| ConfigError::new(field, format!("the private key {error}")))?;
    if let Some(algorithm) = key.algorithm() {
        check_lent(field, algorithm, scheduler)?;
    }
    Ok(key)
}

/// A host that cannot sign by the key's algorithm is found out at the start.
fn check_lent(field: &str, algorithm: Algorithm, scheduler: &Scheduler) -> Result<(), ConfigError> {
    let lent = scheduler.host().signing_algorithms();
    if lent.contains(&algorithm.by_one_name()) {
        return Ok(());
    }
    let message = format!(
        "this host does not sign by {}: {}",
        algorithm.name(),
        COMPONENTS_WITH_ALL_ALGORITHMS
    );
    Err(ConfigError::new(field, message))
}
