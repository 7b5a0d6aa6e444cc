//! Sign-in and consent on this server's own pages, for applications that have none.
//!
//! ```text
//! GET  /authorize       a flow starts; one provider: to it; several ways: the page of choice
//! GET  /sign-in         to the provider that the user chose
//! POST /sign-in         a development user
//! GET  /callback/<id>   the provider's answer: the user is known
//! GET  /consent         the page
//! POST /consent         the decision: the answer to the client
//! ```
//!
//! Providers have different callbacks, so that the answer of one is never taken for that of another
//! (RFC 9700 section 4.4).

mod claim_rules;
mod config;
mod consent;
mod flow;
mod id_token;
mod provider;
pub(super) mod remembered_consent;
mod start;
mod trusted_header;
mod upstream;
mod upstream_exchange;

pub(super) use claim_rules::USER_ID_BYTES;
pub use config::{
    ClaimRuleConfig, ProviderConfig, ProviderKind, SignInConfig, TrustedHeaderConfig,
};

use provider::Provider;
use trusted_header::TrustedHeader;

use crate::config_error::ConfigError;
use crate::http_url::HttpUrl;
use crate::jose::Algorithm;

/// Providers of one server: each is a button.
const PROVIDERS: usize = 16;
const DEVELOPMENT_USERS: usize = 16;
/// A year, in seconds: longer, people do not remember themselves.
const REMEMBERED: u32 = 366 * 86_400;

/// See the module.
#[derive(Debug)]
pub(super) struct SignIn {
    providers: Vec<Provider>,
    trusted_header: Option<TrustedHeader>,
    development_users: Vec<String>,
    /// In seconds.
    remember_consent: Option<u64>,
}

impl SignIn {
    pub(super) fn compile(
        config: &SignInConfig,
        issuer: &HttpUrl,
        algorithms: &[Algorithm],
    ) -> Result<Self, ConfigError> {
        if config.providers.len() > PROVIDERS {
            let field = format_args!("sign-in.providers");
            return Err(ConfigError::too_many(field, PROVIDERS));
        }
        let mut providers: Vec<Provider> = Vec::new();
        for (index, provider) in config.providers.iter().enumerate() {
            let provider = Provider::compile(provider, index, algorithms)?;
            if providers.iter().any(|other| other.id == provider.id) {
                let field = format_args!("sign-in.providers[{index}].id");
                let message = "another provider has the same id: give each its own";
                return Err(ConfigError::at(field, message));
            }
            providers.push(provider);
        }
        let trusted_header = config.trusted_header.as_ref();
        let trusted_header = trusted_header.map(TrustedHeader::compile).transpose()?;
        let users = &config.development_users;
        if !users.is_empty() && !issuer.is_loopback() {
            let message = "anybody could sign in as these users: remove them, or set an `issuer` on \
                           a loopback address";
            return Err(ConfigError::new("sign-in.development-users", message));
        }
        let is_user = |user: &String| {
            (1..=USER_ID_BYTES).contains(&user.len()) && !user.chars().any(char::is_control)
        };
        if users.len() > DEVELOPMENT_USERS || !users.iter().all(is_user) {
            let message = "there are more than 16 users, or one is empty or too long";
            return Err(ConfigError::new("sign-in.development-users", message));
        }
        check_prefixes(config)?;
        if providers.is_empty() && trusted_header.is_none() && users.is_empty() {
            let message = "there is no way to sign in: set `sign-in.providers` or \
                           `sign-in.trusted-header`";
            return Err(ConfigError::new("sign-in", message));
        }
        Ok(Self {
            providers,
            trusted_header,
            development_users: users.clone(),
            remember_consent: match config.remember_consent {
                None | Some(0) => None,
                Some(seconds) if seconds <= REMEMBERED => Some(seconds.into()),
                Some(_) => {
                    let message = "consent is remembered for a year at most";
                    return Err(ConfigError::new("sign-in.remember-consent", message));
                }
            },
        })
    }

    /// The index of the provider whose callback this is: `path` is what follows the common part.
    pub(super) fn provider_of_callback(&self, path: &str) -> Option<usize> {
        let id = path.strip_prefix('/')?;
        self.providers.iter().position(|provider| provider.id == id)
    }
}

/// With several ways to sign in, no two of them may give the same id to two people.
fn check_prefixes(config: &SignInConfig) -> Result<(), ConfigError> {
    let providers = config.providers.iter().enumerate().map(|(index, own)| {
        let field = format!("sign-in.providers[{index}].user-id-prefix");
        (own.user_id_prefix.as_deref(), field)
    });
    let header = config.trusted_header.iter().map(|own| {
        let field = "sign-in.trusted-header.user-id-prefix".to_owned();
        (own.user_id_prefix.as_deref(), field)
    });
    let all: Vec<_> = providers.chain(header).collect();
    for (index, (prefix, field)) in all.iter().enumerate() {
        let is_prefix = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if prefix.is_some_and(|own| !(1..=32).contains(&own.len()) || !own.bytes().all(is_prefix)) {
            let message = "the prefix must be 1 to 32 letters, digits, - and _";
            return Err(ConfigError::new(field, message));
        }
        let is_taken = all[..index].iter().any(|(other, _)| other == prefix);
        if all.len() > 1 && (prefix.is_none() || is_taken) {
            let message = "two ways to sign in could give two people the same user id: set a \
                           different `user-id-prefix` for each";
            return Err(ConfigError::new(field, message));
        }
    }
    Ok(())
}
