//! The configured private keys of this client.

use std::rc::Rc;

use crate::client_config::{ClientKeyConfig, ClientKeySource};
use crate::config_error::ConfigError;
use crate::jose::{Algorithm, COMPONENTS_WITH_ALL_ALGORITHMS, SigningKey, SigningKeySet};
use crate::task::Scheduler;

/// Reads the keys, and tests each key for which the host answers at once. `field` names them in
/// errors.
///
/// # Errors
/// The first key that cannot be used.
pub(super) fn read_keys(
    field: &str,
    configs: &[ClientKeyConfig],
    scheduler: &Rc<Scheduler>,
) -> Result<SigningKeySet, ConfigError> {
    let mut keys: Vec<SigningKey> = Vec::new();
    for (index, config) in configs.iter().enumerate() {
        keys.push(read(&format!("{field}[{index}]"), config, scheduler)?);
    }
    let keys = SigningKeySet::new(keys);
    for index in 0..keys.len() {
        let field = || format!("{field}[{index}]");
        keys.try_at_once(index, scheduler)
            .map_err(|error| ConfigError::new(field(), format!("the private key {error}")))?;
        if keys.repeats_kid(index) {
            let message = "another key has the same kid: remove one of the two, or give them \
                           different kids";
            return Err(ConfigError::new(field(), message));
        }
    }
    Ok(keys)
}

fn read(
    field: &str,
    config: &ClientKeyConfig,
    scheduler: &Scheduler,
) -> Result<SigningKey, ConfigError> {
    let algorithm = match config.algorithm.as_deref() {
        None => None,
        Some(name) => Some(Algorithm::from_name(name).ok_or_else(|| {
            let message =
                "this algorithm is not supported: write RS256, PS256, ES256, ES384 or EdDSA";
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

/// Fails at the start if the host cannot sign with the key's algorithm.
fn check_lent(field: &str, algorithm: Algorithm, scheduler: &Scheduler) -> Result<(), ConfigError> {
    let lent = scheduler.host().signing_algorithms();
    if lent.contains(&algorithm.by_one_name()) {
        return Ok(());
    }
    let message = format!(
        "this host does not sign with {}: {}",
        algorithm.name(),
        COMPONENTS_WITH_ALL_ALGORITHMS
    );
    Err(ConfigError::new(field, message))
}
