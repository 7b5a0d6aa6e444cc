//! Identity providers, as they are compiled from the configuration.

use super::claim_rules::ClaimRules;
use super::config::{ProviderConfig, ProviderKind};
use crate::access_token::{Audiences, IssuerPolicy, Tolerance, TypeRule, is_scope_token};
use crate::config_error::ConfigError;
use crate::issuers::{KeyLocation, KeyPolicy, KeySource, issuer_url};
use crate::jose::Algorithm;
use crate::secret::Secret;
use crate::trusted_url::trusted_url;

/// The id of a provider: a part of a URL.
const ID_BYTES: usize = 32;
const NAME_BYTES: usize = 128;
const SCOPES: usize = 64;
const PARAMETERS: usize = 16;
const PARAMETER_BYTES: usize = 1024;
/// Clocks differ a little. An ID token comes at once, so that more would only help an old one.
pub(super) const TOLERANCE: Tolerance = Tolerance { end: 30, start: 30 };
/// An ID token must have been issued for this request: no older one is accepted, in seconds.
const MAX_AGE: u32 = 600;
/// Parameters that this server sets.
const RESERVED: [&str; 11] = [
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

/// See the module.
#[derive(Debug)]
pub(super) struct Provider {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) client_id: String,
    pub(super) client_secret: Option<Secret>,
    pub(super) scopes: Vec<String>,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) rules: ClaimRules,
    pub(super) protocol: Protocol,
}

/// How a provider says who the user is.
#[derive(Debug)]
pub(super) enum Protocol {
    OpenId(Box<OpenIdProvider>),
    OAuth {
        authorization_endpoint: String,
        token_endpoint: String,
        user_endpoint: String,
        issuer: Option<String>,
    },
}

/// An OpenID provider.
#[derive(Debug)]
pub(super) struct OpenIdProvider {
    pub(super) source: KeySource,
    /// The rules for its ID tokens (OpenID Connect Core section 3.1.3.7). One.
    pub(super) policies: [IssuerPolicy; 1],
    pub(super) cross_origin: bool,
}

impl Provider {
    /// `algorithms` are those that the host verifies.
    pub(super) fn compile(
        config: &ProviderConfig,
        index: usize,
        algorithms: &[Algorithm],
    ) -> Result<Self, ConfigError> {
        let error = |name: &str, message: &str| {
            ConfigError::at(format_args!("sign-in.providers[{index}].{name}"), message)
        };
        let is_id = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if !(1..=ID_BYTES).contains(&config.id.len()) || !config.id.bytes().all(is_id) {
            let message = "the id must be 1 to 32 lower-case letters, digits and hyphens";
            return Err(error("id", message));
        }
        let name = config.name.as_deref().unwrap_or(&config.id);
        if name.is_empty() || name.len() > NAME_BYTES {
            return Err(error("name", "the name is empty, or longer than 128 bytes"));
        }
        if config.client_id.is_empty() {
            let message = "the client_id is missing: register this server at the provider";
            return Err(error("client-id", message));
        }
        if config.client_secret.as_ref().is_some_and(Secret::is_empty) {
            return Err(error(
                "client-secret",
                "the secret is empty: set it, or remove it",
            ));
        }
        check_parameters(config, &error)?;
        let (protocol, scopes, user_id) = match &config.kind {
            ProviderKind::OpenId {
                issuer,
                cross_origin,
            } => {
                let field = format_args!("sign-in.providers[{index}]");
                let url = issuer_url(field, issuer)?;
                let policy = id_token_policy(issuer, &config.client_id, algorithms);
                if policy.algorithms.is_empty() {
                    let message = "this host verifies no signature algorithm";
                    return Err(error("issuer", message));
                }
                let source = KeySource::new(
                    issuer.clone(),
                    url,
                    KeyLocation::Discovery,
                    *cross_origin,
                    KeyPolicy::default(),
                );
                let provider = OpenIdProvider {
                    source,
                    policies: [policy],
                    cross_origin: *cross_origin,
                };
                let scopes = &["openid", "email", "profile"][..];
                (Protocol::OpenId(Box::new(provider)), scopes, "sub")
            }
            ProviderKind::OAuth {
                authorization_endpoint,
                token_endpoint,
                user_endpoint,
                issuer,
            } => {
                let all = [
                    (authorization_endpoint, "authorization-endpoint"),
                    (token_endpoint, "token-endpoint"),
                    (user_endpoint, "user-endpoint"),
                ];
                for (url, name) in all {
                    trusted_url(format_args!("sign-in.providers[{index}].{name}"), url)?;
                }
                let protocol = Protocol::OAuth {
                    authorization_endpoint: authorization_endpoint.clone(),
                    token_endpoint: token_endpoint.clone(),
                    user_endpoint: user_endpoint.clone(),
                    issuer: issuer.clone(),
                };
                (protocol, &[][..], "id")
            }
        };
        let scopes = match &config.scopes {
            Some(scopes) => scopes.clone(),
            None => scopes.iter().map(|&scope| scope.to_owned()).collect(),
        };
        if scopes.len() > SCOPES || !scopes.iter().all(|scope| is_scope_token(scope)) {
            let message = "a scope is not printable ASCII without spaces, or there are too many";
            return Err(error("scopes", message));
        }
        let is_open_id = matches!(protocol, Protocol::OpenId(_));
        if is_open_id && !scopes.iter().any(|scope| scope == "openid") {
            let message = "the scope openid is missing: without it, there is no ID token";
            return Err(error("scopes", message));
        }
        Ok(Self {
            id: config.id.clone(),
            name: name.to_owned(),
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
            scopes,
            parameters: config.parameters.clone(),
            rules: ClaimRules::compile(config, user_id, &error)?,
            protocol,
        })
    }
}

fn check_parameters(
    config: &ProviderConfig,
    error: &dyn Fn(&str, &str) -> ConfigError,
) -> Result<(), ConfigError> {
    if config.parameters.len() > PARAMETERS {
        return Err(error("parameters", "there are more than 16: remove some"));
    }
    for (name, value) in &config.parameters {
        if RESERVED.contains(&name.as_str()) {
            let message = format!("{name:?} is set by this server: remove it");
            return Err(error("parameters", &message));
        }
        if name.is_empty() || name.len() + value.len() > PARAMETER_BYTES {
            let message = "a parameter has no name, or is longer than 1024 bytes";
            return Err(error("parameters", message));
        }
    }
    Ok(())
}

/// The rules for ID tokens. Nonce and `azp` depend on the request, and are checked with it.
fn id_token_policy(issuer: &str, client_id: &str, lent: &[Algorithm]) -> IssuerPolicy {
    let all = Algorithm::ALL.iter().copied();
    let claims = ["sub", "iat", "nonce"];
    IssuerPolicy {
        issuer: issuer.to_owned(),
        audiences: Audiences::Named(vec![client_id.to_owned()]),
        algorithms: all
            .filter(|own| lent.contains(&own.by_one_name()))
            .collect(),
        types: TypeRule::OneOfOrNone(vec!["jwt".to_owned()]),
        required_claims: claims.map(str::to_owned).to_vec(),
        tolerance: TOLERANCE,
        max_age: Some(MAX_AGE),
    }
}
