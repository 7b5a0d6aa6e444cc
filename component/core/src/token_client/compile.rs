//! Compiles a client's configuration: every check that needs no request.

use std::rc::Rc;

use super::client_authentication::ClientAuthentication;
use super::client_keys::read_keys;
use super::exchanged_tokens::ExchangeCacheLimits;
use crate::client_config::{
    AssertionAudience, ClientAuthenticationMethod as Method, ClientConfig, ExchangeCacheConfig,
};
use crate::config_error::ConfigError;
use crate::http_url::HttpUrl;
use crate::issuers::KeySource;
use crate::jose::SigningKeySet;
use crate::limits;
use crate::task::Scheduler;
use crate::trusted_url::trusted_url;

/// A longer identifier or secret is most likely a file that was pasted by mistake.
const ID_BYTES: usize = 2048;
/// Callers give up after two minutes at the latest.
const TIMEOUT_MS: std::ops::RangeInclusive<u32> = 1..=120_000;
const DEFAULT_TIMEOUT_MS: u32 = 10_000;

/// A client that can request tokens.
#[derive(Debug)]
pub(crate) struct CompiledClient {
    /// The index of its issuer in the configuration.
    pub(crate) issuer: usize,
    pub(crate) authentication: ClientAuthentication,
    pub(crate) assertion_audience: AssertionAudience,
    pub(crate) token_endpoint: Option<String>,
    pub(crate) destinations: Vec<HttpUrl>,
    pub(crate) timeout_ms: u32,
    pub(crate) cache: ExchangeCacheLimits,
}

impl CompiledClient {
    /// The keys that it authenticates with, if it uses `private_key_jwt`.
    pub(crate) fn keys(&self) -> Option<&SigningKeySet> {
        match &self.authentication {
            ClientAuthentication::PrivateKeyJwt { keys, .. } => Some(keys),
            _ => None,
        }
    }
}

/// Checks a client's configuration.
///
/// # Errors
/// The first part of it that cannot work.
#[inline(never)]
pub(crate) fn compile_client(
    config: &ClientConfig,
    sources: &[KeySource],
    scheduler: &Rc<Scheduler>,
) -> Result<CompiledClient, ConfigError> {
    let issuer = match &config.issuer {
        None => 0,
        Some(issuer) => sources
            .iter()
            .position(|source| source.issuer() == issuer)
            .ok_or_else(|| {
                let message = "this is not one of the configured issuers: add it to them, or \
                               remove this option to use the first issuer";
                ConfigError::new("client.issuer", message)
            })?,
    };
    let token_endpoint = config.token_endpoint.as_deref();
    let token_endpoint = token_endpoint
        .map(|url| trusted_url(format_args!("client.token-endpoint"), url).map(|_| url.to_owned()))
        .transpose()?;
    let mut destinations = Vec::new();
    for (index, origin) in config.destinations.iter().flatten().enumerate() {
        let field = format_args!("client.destinations[{index}]");
        destinations.push(trusted_url(field, origin)?);
    }
    let timeout_ms = config.timeout_ms.unwrap_or(DEFAULT_TIMEOUT_MS);
    if !TIMEOUT_MS.contains(&timeout_ms) {
        let message = "the timeout is out of range: set 1 to 120000 milliseconds";
        return Err(ConfigError::new("client.timeout-ms", message));
    }
    Ok(CompiledClient {
        issuer,
        authentication: authentication(config, scheduler)?,
        assertion_audience: config.assertion_audience.unwrap_or_default(),
        token_endpoint,
        destinations,
        timeout_ms,
        cache: cache(
            config
                .cache
                .as_ref()
                .unwrap_or(&ExchangeCacheConfig::default()),
        ),
    })
}

fn authentication(
    config: &ClientConfig,
    scheduler: &Rc<Scheduler>,
) -> Result<ClientAuthentication, ConfigError> {
    let id = config.id.clone().unwrap_or_default();
    if !(1..=ID_BYTES).contains(&id.len()) || id.chars().any(char::is_control) {
        let message = "the client_id is missing, or longer than 2048 characters: set \
                       TOLLGATE_CLIENT_ID, or the option `client.id`, to the one that the issuer \
                       gave this application";
        return Err(ConfigError::new("client.id", message));
    }
    let secret = config.secret.as_ref().filter(|secret| !secret.is_empty());
    if secret.is_some_and(|secret| secret.len() > ID_BYTES) {
        let message =
            "the secret is longer than 2048 characters: give the client secret and nothing else";
        return Err(ConfigError::new("client.secret", message));
    }
    let keys = config.keys.as_deref().filter(|keys| !keys.is_empty());
    let method = match (config.authentication, keys, secret) {
        (Some(method), _, _) => method,
        (None, Some(_), _) => Method::PrivateKeyJwt,
        (None, None, Some(_)) => Method::ClientSecretBasic,
        // A missing secret must not turn the client into a public one.
        (None, None, None) => {
            let message = "the client has neither a secret nor a private key: set \
                           TOLLGATE_CLIENT_SECRET or TOLLGATE_PRIVATE_KEY; for a public client \
                           set the option `client.authentication` to none";
            return Err(ConfigError::new("client.id", message));
        }
    };
    let needs_secret = || {
        secret.cloned().ok_or_else(|| {
            let message = "this authentication method needs the client's secret: set \
                           TOLLGATE_CLIENT_SECRET, or the option `client.secret`";
            ConfigError::new("client.secret", message)
        })
    };
    Ok(match method {
        Method::ClientSecretBasic => ClientAuthentication::Basic {
            secret: needs_secret()?,
            id,
        },
        Method::ClientSecretPost => ClientAuthentication::Post {
            secret: needs_secret()?,
            id,
        },
        Method::None => ClientAuthentication::None { id },
        Method::PrivateKeyJwt => {
            let keys = keys.ok_or_else(|| {
                let message = "private_key_jwt needs a private key: set TOLLGATE_PRIVATE_KEY, or \
                               the option `client.keys`";
                ConfigError::new("client.keys", message)
            })?;
            if keys.len() > limits::CLIENT_KEYS {
                let message = "the client has more than 8 keys: remove retired ones";
                return Err(ConfigError::new("client.keys", message));
            }
            ClientAuthentication::PrivateKeyJwt {
                keys: read_keys("client.keys", keys, scheduler)?,
                id,
            }
        }
    })
}

fn cache(config: &ExchangeCacheConfig) -> ExchangeCacheLimits {
    let default = ExchangeCacheLimits::default();
    let ms = |seconds: Option<u32>, default: u64| {
        seconds.map_or(default, |seconds| u64::from(seconds) * 1000)
    };
    ExchangeCacheLimits {
        max_entries: config.max_entries.unwrap_or(default.max_entries),
        max_bytes: config.max_bytes.unwrap_or(default.max_bytes),
        skew: ms(config.skew, default.skew),
        max_age: ms(config.max_age, default.max_age),
        default_lifetime: ms(config.default_lifetime, default.default_lifetime),
    }
}
