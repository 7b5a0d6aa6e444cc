//! Compiles the configuration of an issuer: every check that needs no request.

use std::fmt::Arguments;
use std::rc::Rc;

use super::config::{KeyLocationConfig, KeyPolicyConfig};
use super::{KeyLocation, KeyPolicy};
use crate::config_error::ConfigError;
use crate::http_url::HttpUrl;
use crate::jose::JwkSet;
use crate::trusted_url::trusted_url;

/// Reads the identifier of an issuer (RFC 8414 section 2).
///
/// # Errors
/// The issuer is not a trusted URL, or has a query. `field` is the option that holds it.
pub(crate) fn issuer_url(field: Arguments<'_>, issuer: &str) -> Result<HttpUrl, ConfigError> {
    let url = trusted_url(format_args!("{field}.issuer"), issuer)?;
    if url.query().is_some() {
        let message = "an issuer must not have a query (RFC 8414 section 2): remove the ? and what follows it";
        return Err(ConfigError::at(format_args!("{field}.issuer"), message));
    }
    Ok(url)
}

/// Where the keys of `issuer` are. Inline keys are parsed.
///
/// # Errors
/// The inline keys cannot be used, or the URL is on an origin that is not allowed.
pub(crate) fn key_location(
    field: Arguments<'_>,
    location: Option<KeyLocationConfig>,
    issuer: &HttpUrl,
    cross_origin: bool,
) -> Result<KeyLocation, ConfigError> {
    match location {
        None | Some(KeyLocationConfig::Discovery) => Ok(KeyLocation::Discovery),
        Some(KeyLocationConfig::Uri(uri)) => {
            let url = trusted_url(field, &uri)?;
            if !cross_origin && !url.same_origin(issuer) {
                let message = "the keys are on another origin than the issuer: set \
                               `cross-origin-keys` if that is intended";
                return Err(ConfigError::at(field, message));
            }
            Ok(KeyLocation::Uri(uri))
        }
        Some(KeyLocationConfig::Inline(json)) => {
            let set = JwkSet::parse(json.as_bytes()).map_err(|error| {
                let message = format!(
                    "this is not a JWK Set ({}): give the JSON object with \
                                       \"keys\" that the issuer publishes",
                    error.code()
                );
                ConfigError::at(field, message)
            })?;
            if set.keys.is_empty() {
                let message = match set.skipped.first() {
                    None => "the key set is empty: give public signing keys".to_owned(),
                    Some(skipped) => format!(
                        "no key in the key set can be used (the first one {}): give public signing \
                         keys",
                        skipped.reason
                    ),
                };
                return Err(ConfigError::at(field, message));
            }
            Ok(KeyLocation::Inline(Rc::new(set)))
        }
    }
}

/// Checks how long keys are kept and how often they are fetched.
///
/// # Errors
/// Durations contradict each other, or would harm the issuer.
#[inline(never)]
pub(crate) fn key_policy(config: &KeyPolicyConfig) -> Result<KeyPolicy, ConfigError> {
    let default = KeyPolicy::default();
    let ms = |seconds: Option<u32>, default: u64| {
        seconds.map_or(default, |seconds| u64::from(seconds) * 1000)
    };
    let policy = KeyPolicy {
        min_fresh: ms(config.min_fresh, default.min_fresh),
        max_fresh: ms(config.max_fresh, default.max_fresh),
        max_stale: ms(config.max_stale, default.max_stale),
        cooldown: ms(config.cooldown, default.cooldown),
        timeout: config.timeout_ms.unwrap_or(default.timeout),
    };
    if policy.min_fresh > policy.max_fresh {
        let message = "it is longer than `max-fresh`: lower it, or raise `max-fresh`";
        return Err(ConfigError::new("keys.min-fresh", message));
    }
    if policy.cooldown == 0 {
        let message = "without a cooldown, any caller could make this gate flood the issuer \
                       with requests: set at least 1 second";
        return Err(ConfigError::new("keys.cooldown", message));
    }
    if policy.timeout == 0 || policy.timeout > 60_000 {
        let message = "the timeout is out of range: set 1 to 60000 milliseconds";
        return Err(ConfigError::new("keys.timeout-ms", message));
    }
    Ok(policy)
}
