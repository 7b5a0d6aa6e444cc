//! Compiles the configuration: every check that needs no request.

use super::client::Client;
use super::client_id_url::DocumentRules;
use super::compile_clients::{clients, metadata_documents, registration};
use super::config::{AccessTokenFormat, Config, EndpointsConfig};
use super::pages::Pages;
use super::registration::RegistrationRules;
use super::sign_in::SignIn;
use crate::access_token::is_scope_token;
use crate::config_error::ConfigError;
use crate::http_url::HttpUrl;
use crate::issuers::issuer_url;
use crate::jose::Algorithm;
use crate::secret::Secret;
use crate::trusted_url::trusted_url;

/// The least length of a secret, in characters. 32 random bytes have 43 in base64, but generators of
/// passwords count characters.
const SECRET_BYTES: usize = 32;
/// The former secrets that are kept.
const SECRETS: usize = 8;
const SCOPES: usize = 256;
const RESOURCES: usize = 64;
/// A year, in seconds. Longer lifetimes are most likely milliseconds.
pub(super) const MAX_LIFETIME: u32 = 366 * 86_400;

/// A configuration that can be used.
#[derive(Debug)]
pub(super) struct Settings {
    /// The issuer identifier, exactly as it was configured.
    pub(super) issuer: String,
    pub(super) issuer_url: HttpUrl,
    pub(super) secrets: Vec<Secret>,
    pub(super) scopes: Option<Vec<String>>,
    /// Never empty.
    pub(super) resources: Vec<String>,
    pub(super) endpoints: Endpoints,
    pub(super) access_token: AccessTokenFormat,
    /// Lifetimes in seconds.
    pub(super) access_token_lifetime: u64,
    /// `None`: no refresh tokens.
    pub(super) refresh_token_lifetime: Option<u64>,
    pub(super) refresh_token_idle_lifetime: Option<u64>,
    pub(super) refresh_grace: u64,
    pub(super) code_lifetime: u64,
    pub(super) clients: Vec<Client>,
    /// Public clients never may.
    pub(super) confidential_clients_may_omit_pkce: bool,
    pub(super) pages: Pages,
    pub(super) sign_in: Option<SignIn>,
    pub(super) registration: Option<RegistrationRules>,
    pub(super) metadata_documents: Option<DocumentRules>,
    pub(super) private_use_redirect_uris: bool,
}

/// Paths of the endpoints, complete.
#[derive(Debug)]
pub(super) struct Endpoints {
    pub(super) authorization: String,
    pub(super) token: String,
    pub(super) revocation: String,
    pub(super) introspection: String,
    pub(super) registration: String,
    pub(super) keys: String,
    /// The parent of the paths to which identity providers redirect.
    pub(super) callback: String,
    pub(super) sign_in: String,
    pub(super) consent: String,
}

impl Settings {
    /// The URL of a path.
    pub(super) fn url(&self, path: &str) -> String {
        self.issuer_url.origin() + path
    }

    /// The path of the issuer without a slash at its end: empty for most.
    pub(super) fn base_path(&self) -> &str {
        self.issuer_url.path().trim_end_matches('/')
    }
}

/// Checks a configuration. `algorithms` are those that the host verifies.
///
/// # Errors
/// The first part of it that cannot work.
pub(super) fn compile(config: &Config, algorithms: &[Algorithm]) -> Result<Settings, ConfigError> {
    let issuer_url = issuer(&config.issuer)?;
    let private_use = config.private_use_redirect_uris.unwrap_or(false);
    let lifetime = |value: Option<u32>, default, range: (u32, u32), field| {
        let value = value.unwrap_or(default);
        if (range.0..=range.1).contains(&value) {
            Ok(u64::from(value))
        } else {
            let message = format!(
                "the value is out of range: set {} to {} seconds",
                range.0, range.1
            );
            Err(ConfigError::new(field, message))
        }
    };
    let (access, refresh) = (config.access_token_lifetime, config.refresh_token_lifetime);
    let year = (1, MAX_LIFETIME);
    let access_token_lifetime = lifetime(access, 3600, (1, 86_400), "access-token-lifetime")?;
    let refresh_token_lifetime = match refresh {
        Some(0) => None,
        other => Some(lifetime(
            other,
            30 * 86_400,
            year,
            "refresh-token-lifetime",
        )?),
    };
    // The answer that is given again must still be of use.
    let max_grace = u32::try_from(access_token_lifetime / 2)
        .unwrap_or(600)
        .min(600);
    let grace = (config.refresh_grace, max_grace.min(60), (0, max_grace));
    let refresh_grace = lifetime(grace.0, grace.1, grace.2, "refresh-grace")?;
    let idle = config.refresh_token_idle_lifetime;
    let idle = idle.map(|value| lifetime(Some(value), 0, year, "refresh-token-idle-lifetime"));
    Ok(Settings {
        secrets: secrets(&config.secrets)?,
        scopes: scopes(config.scopes.as_deref(), "scopes")?,
        resources: resources(config.resources.as_deref(), &issuer_url)?,
        endpoints: endpoints(&config.endpoints, &issuer_url)?,
        access_token: config.access_token.unwrap_or_default(),
        access_token_lifetime,
        refresh_token_lifetime,
        refresh_token_idle_lifetime: idle.transpose()?,
        refresh_grace,
        code_lifetime: lifetime(config.code_lifetime, 60, (1, 600), "code-lifetime")?,
        confidential_clients_may_omit_pkce: config
            .confidential_clients_may_omit_pkce
            .unwrap_or(false),
        pages: Pages::compile(&config.pages, &issuer_url)?,
        sign_in: config
            .sign_in
            .as_ref()
            .map(|sign_in| SignIn::compile(sign_in, &issuer_url, algorithms))
            .transpose()?,
        clients: clients(&config.clients, private_use)?,
        registration: registration(config)?,
        metadata_documents: metadata_documents(config)?,
        private_use_redirect_uris: private_use,
        issuer: config.issuer.clone(),
        issuer_url,
    })
}

fn issuer(issuer: &str) -> Result<HttpUrl, ConfigError> {
    if issuer.is_empty() {
        let message = "the issuer is missing: set the public URL of this server, such as \
                       https://auth.example.com";
        return Err(ConfigError::new("issuer", message));
    }
    issuer_url(format_args!("issuer"), issuer).map_err(|error| ConfigError {
        field: "issuer".to_owned(),
        ..error
    })
}

fn secrets(secrets: &[Secret]) -> Result<Vec<Secret>, ConfigError> {
    if secrets.is_empty() {
        let message = "the deployment secret is missing: set 32 random bytes, for example the \
                       output of `openssl rand -base64 32`, and keep them";
        return Err(ConfigError::new("secrets", message));
    }
    if secrets.len() > SECRETS {
        return Err(ConfigError::too_many(format_args!("secrets"), SECRETS));
    }
    for (index, secret) in secrets.iter().enumerate() {
        if secret.len() < SECRET_BYTES {
            let message = "the secret is shorter than 32 characters: set 32 random bytes, for \
                           example the output of `openssl rand -base64 32`";
            return Err(ConfigError::at(format_args!("secrets[{index}]"), message));
        }
    }
    Ok(secrets.to_vec())
}

pub(super) fn scopes(
    scopes: Option<&[String]>,
    field: &str,
) -> Result<Option<Vec<String>>, ConfigError> {
    let Some(scopes) = scopes else {
        return Ok(None);
    };
    if scopes.len() > SCOPES {
        return Err(ConfigError::too_many(format_args!("{field}"), SCOPES));
    }
    for (index, scope) in scopes.iter().enumerate() {
        if !is_scope_token(scope) {
            let message = "this is not one scope: it must be printable ASCII without spaces, \
                           quotes and backslashes";
            return Err(ConfigError::at(format_args!("{field}[{index}]"), message));
        }
    }
    Ok(Some(scopes.to_vec()))
}

fn resources(resources: Option<&[String]>, issuer: &HttpUrl) -> Result<Vec<String>, ConfigError> {
    let resources = match resources {
        None | Some([]) => return Ok(vec![issuer.origin()]),
        Some(resources) => resources,
    };
    if resources.len() > RESOURCES {
        return Err(ConfigError::too_many(format_args!("resources"), RESOURCES));
    }
    for (index, resource) in resources.iter().enumerate() {
        trusted_url(format_args!("resources[{index}]"), resource)?;
    }
    Ok(resources.to_vec())
}

fn endpoints(config: &EndpointsConfig, issuer: &HttpUrl) -> Result<Endpoints, ConfigError> {
    let base = issuer.path().trim_end_matches('/');
    let path = |own: &Option<String>, default: &str, field: &str| {
        let path = own.as_deref().unwrap_or(default);
        let url = HttpUrl::parse(&format!("https://host{path}"));
        let is_plain = url.is_ok_and(|url| url.path() == path && url.query().is_none());
        if is_plain && path.starts_with('/') && !path.starts_with("/.well-known/") {
            Ok(format!("{base}{path}"))
        } else {
            let message = "this is not a path: it must begin with / and have no query, and must \
                           not begin with /.well-known/";
            Err(ConfigError::at(format_args!("endpoints.{field}"), message))
        }
    };
    let endpoints = Endpoints {
        authorization: path(&config.authorization, "/authorize", "authorization")?,
        token: path(&config.token, "/token", "token")?,
        revocation: path(&config.revocation, "/revoke", "revocation")?,
        introspection: path(&config.introspection, "/introspect", "introspection")?,
        registration: path(&config.registration, "/register", "registration")?,
        keys: path(&config.keys, "/jwks", "keys")?,
        callback: path(&config.callback, "/callback", "callback")?,
        sign_in: path(&config.sign_in, "/sign-in", "sign-in")?,
        consent: path(&config.consent, "/consent", "consent")?,
    };
    let all = [
        (&endpoints.authorization, "authorization"),
        (&endpoints.token, "token"),
        (&endpoints.revocation, "revocation"),
        (&endpoints.introspection, "introspection"),
        (&endpoints.registration, "registration"),
        (&endpoints.keys, "keys"),
        (&endpoints.callback, "callback"),
        (&endpoints.sign_in, "sign-in"),
        (&endpoints.consent, "consent"),
    ];
    for (index, (path, field)) in all.iter().enumerate() {
        if all[..index].iter().any(|(other, _)| other == path) {
            let message = "another endpoint has the same path: give each its own";
            return Err(ConfigError::at(format_args!("endpoints.{field}"), message));
        }
    }
    Ok(endpoints)
}
