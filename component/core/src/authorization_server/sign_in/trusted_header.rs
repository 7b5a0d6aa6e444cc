//! A user whom a reverse proxy has signed in.

use super::claim_rules::with_prefix;
use super::config::TrustedHeaderConfig;
use super::flow::SignedIn;
use crate::authorization_server::issuer::Request;
use crate::authorization_server::rejection::{Rejection, SignInFailure};
use crate::authorization_server::sealing::constant_time_eq;
use crate::authorization_server::sign_in::USER_ID_BYTES;
use crate::config_error::ConfigError;
use crate::grammar;
use crate::secret::Secret;

/// The proxy's secret: 128 random bits in any encoding.
const SECRET_BYTES: usize = 16;
/// A field name: longer ones are refused by common servers.
const NAME_BYTES: usize = 64;

/// See the module.
#[derive(Debug)]
pub(super) struct TrustedHeader {
    header: String,
    secret: Option<(String, Secret)>,
    prefix: Option<String>,
}

impl TrustedHeader {
    pub(super) fn compile(config: &TrustedHeaderConfig) -> Result<Self, ConfigError> {
        let error = |name: &str, message: &str| {
            Err(ConfigError::at(
                format_args!("sign-in.trusted-header.{name}"),
                message,
            ))
        };
        if !is_field_name(&config.header) {
            return error("header", "this is not the name of a header");
        }
        match &config.secret {
            Some((name, _)) if !is_field_name(name) => {
                return error("secret", "this is not the name of a header");
            }
            Some((_, secret)) if secret.len() < SECRET_BYTES => {
                let message = "the secret is shorter than 16 characters: set a random one";
                return error("secret", message);
            }
            None if !config.only_proxy_reaches_server => {
                let message = "anybody who reaches this server could set the header: set `secret`, \
                               or state `only-proxy-reaches-server`";
                return error("secret", message);
            }
            _ => {}
        }
        Ok(Self {
            header: config.header.to_ascii_lowercase(),
            secret: config.secret.clone(),
            prefix: config.user_id_prefix.clone(),
        })
    }

    /// The user that the proxy names. `None` if it names nobody.
    ///
    /// # Errors
    /// The header is there, but not from the proxy, or not once.
    pub(super) fn user(&self, request: &Request) -> Result<Option<SignedIn>, Rejection> {
        let refused = || Rejection::SignIn(SignInFailure::NoUser);
        let mut values = request.header_values(&self.header);
        let Some(user) = values.next().map(str::trim) else {
            return Ok(None);
        };
        // With two values, one may be the client's.
        if values.next().is_some() {
            return Err(refused());
        }
        if let Some((name, secret)) = &self.secret {
            let mut values = request.header_values(name);
            let is_same = values
                .next()
                .is_some_and(|own| constant_time_eq(own, secret.expose()));
            if !is_same || values.next().is_some() {
                return Err(refused());
            }
        }
        let user_id = with_prefix(self.prefix.as_deref(), user);
        let is_user = !user.is_empty()
            && user_id.len() <= USER_ID_BYTES
            && !user.chars().any(char::is_control);
        if !is_user {
            return Err(refused());
        }
        Ok(Some(SignedIn {
            user_id,
            shown: user.to_owned(),
            by_header: true,
            props: super::start::props("header", "{}"),
            upstream: None,
        }))
    }
}

/// `field-name` of RFC 9110 section 5.1.
fn is_field_name(name: &str) -> bool {
    (1..=NAME_BYTES).contains(&name.len())
        && grammar::FIELD_NAMES.contains_all(name)
        && !name.contains([',', ' '])
}
