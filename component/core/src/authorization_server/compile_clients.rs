//! Compiles what the configuration says about clients: those that it has, and who else may be one.

use super::client::{
    AuthenticationMethod, Client, ClientKeys, ClientOrigin, GrantType, HashedSecret,
};
use super::client_id_url::DocumentRules;
use super::compile::{MAX_LIFETIME, scopes};
use super::config::{ClientConfig, Config, MetadataDocumentsConfig, RegistrationAccess};
use super::parameters::FORM_BYTES;
use super::registration::RegistrationRules;
use super::special_use::is_public_name;
use super::{client_metadata, redirect_uri, sealing};
use crate::config_error::ConfigError;
use crate::http_url::HttpUrl;
use crate::jose::limits::{KEY_SET_BYTES, KEY_SET_DEPTH};
use crate::json::Object;
use crate::trusted_url::trusted_url;

const CLIENTS: usize = 1024;
const HOSTS: usize = 256;

pub(super) fn clients(
    configs: &[ClientConfig],
    private_use: bool,
) -> Result<Vec<Client>, ConfigError> {
    if configs.len() > CLIENTS {
        return Err(ConfigError::too_many(format_args!("clients"), CLIENTS));
    }
    let mut clients: Vec<Client> = Vec::new();
    for (index, config) in configs.iter().enumerate() {
        let error = |name: &str, message: &str| {
            ConfigError::at(format_args!("clients[{index}].{name}"), message)
        };
        if config.id.is_empty() || config.id.len() > 2048 || config.id.chars().any(char::is_control)
        {
            return Err(error(
                "id",
                "the client_id is missing, or longer than 2048 characters",
            ));
        }
        if clients.iter().any(|client| client.id == config.id) {
            return Err(error(
                "id",
                "another client has the same id: give each its own",
            ));
        }
        clients.push(client(config, private_use, &error)?);
    }
    Ok(clients)
}

fn client(
    config: &ClientConfig,
    private_use: bool,
    error: &dyn Fn(&str, &str) -> ConfigError,
) -> Result<Client, ConfigError> {
    let keys = match (&config.jwks, &config.jwks_uri) {
        (Some(_), Some(_)) => {
            return Err(error("jwks", "set either `jwks` or `jwks-uri`, not both"));
        }
        (Some(json), None) => {
            let set = Object::parse(json.as_bytes(), KEY_SET_DEPTH);
            let checked = set.map(|set| client_metadata::check_key_set(&set));
            if json.len() > KEY_SET_BYTES || !matches!(checked, Ok(Ok(()))) {
                let message = "this is not a JWK Set of public keys with at least one that can be \
                               used: give the JSON object with \"keys\"";
                return Err(error("jwks", message));
            }
            Some(ClientKeys::Inline(json.clone()))
        }
        (None, Some(uri)) => {
            trusted_url(format_args!("clients.jwks-uri"), uri)?;
            Some(ClientKeys::Uri(uri.clone()))
        }
        (None, None) => None,
    };
    let (has_keys, has_secret) = (keys.is_some(), !config.secrets.is_empty());
    let authentication = config.authentication.unwrap_or(match () {
        () if has_keys => AuthenticationMethod::PrivateKeyJwt,
        () if has_secret => AuthenticationMethod::ClientSecret,
        () => AuthenticationMethod::None,
    });
    let fits = match authentication {
        AuthenticationMethod::None => !has_keys && !has_secret,
        AuthenticationMethod::PrivateKeyJwt => has_keys && !has_secret,
        _ => has_secret && !has_keys,
    };
    if !fits {
        let message = "the credentials do not fit: private_key_jwt needs `jwks` or `jwks-uri`, \
                       the secret methods need `secrets`, and `none` has neither";
        return Err(error("authentication", message));
    }
    if config.secrets.iter().any(|secret| secret.len() < 16) {
        let message = "a secret is shorter than 16 characters: set a random one";
        return Err(error("secrets", message));
    }
    let grant_types = match &config.grant_types {
        Some(types) => types.clone(),
        None => vec![GrantType::AuthorizationCode],
    };
    if grant_types.contains(&GrantType::ClientCredentials)
        && authentication == AuthenticationMethod::None
    {
        let message = "client_credentials needs a client that authenticates: set `secrets` or \
                       `jwks` (RFC 6749 section 4.4)";
        return Err(error("grant-types", message));
    }
    let needs_redirect = grant_types.contains(&GrantType::AuthorizationCode);
    if needs_redirect && config.redirect_uris.is_empty() {
        let message = "authorization_code needs at least one redirect URI";
        return Err(error("redirect-uris", message));
    }
    for uri in &config.redirect_uris {
        if let Err(problem) = redirect_uri::check_registered(uri, private_use) {
            return Err(error("redirect-uris", problem.sentence()));
        }
    }
    let scopes = scopes(config.scopes.as_deref(), "clients.scopes")?;
    let secrets = config.secrets.iter().map(|secret| HashedSecret {
        hash: sealing::hash(secret.expose()),
        expires_at: None,
    });
    Ok(Client {
        id: config.id.clone(),
        origin: ClientOrigin::Configured,
        epoch: 0,
        redirect_uris: config.redirect_uris.clone(),
        grant_types,
        authentication,
        secrets: secrets.collect(),
        keys,
        scopes,
        serves: config.serves.clone(),
        exchanges_tokens_of_others: config.exchanges_tokens_of_others,
        name: config.name.clone(),
        metadata: None,
        registered_at: None,
        expires_at: None,
        lifetime: None,
    })
}

pub(super) fn registration(config: &Config) -> Result<Option<RegistrationRules>, ConfigError> {
    let Some(own) = &config.registration else {
        return Ok(None);
    };
    let error = |name: &str, message: &str| {
        Err(ConfigError::at(
            format_args!("registration.{name}"),
            message,
        ))
    };
    let tokens = match &own.access {
        RegistrationAccess::Open => None,
        RegistrationAccess::InitialAccessTokens(tokens) => {
            if tokens.is_empty() || tokens.iter().any(|token| token.len() < 16) {
                let message = "an initial access token is missing, or shorter than 16 characters: \
                               set random ones";
                return error("access", message);
            }
            let hashes = tokens.iter().map(|token| sealing::hash(token.expose()));
            Some(hashes.collect())
        }
    };
    let lifetime = match own.lifetime {
        Some(0) => None,
        Some(seconds) if (3600..=MAX_LIFETIME).contains(&seconds) => Some(u64::from(seconds)),
        Some(_) => {
            let message = "the value is out of range: set an hour to a year in seconds, or 0 for \
                           registrations without end";
            return error("lifetime", message);
        }
        None => Some(90 * 86_400),
    };
    let max_body_bytes = own.max_body_bytes.unwrap_or(64 * 1024) as usize;
    if !(1024..=FORM_BYTES).contains(&max_body_bytes) {
        let message = "the value is out of range: set 1024 to 131072 bytes";
        return error("max-body-bytes", message);
    }
    let max_per_hour = own.max_per_hour.unwrap_or(1000);
    if max_per_hour == 0 {
        let message = "the value is 0: leave out `registration` if nobody may register";
        return error("max-per-hour", message);
    }
    let grant_types = own.grant_types.as_deref();
    let grant_types = client_grant_types(grant_types, "registration.grant-types")?;
    let methods = match &own.authentication {
        None => vec![
            AuthenticationMethod::ClientSecretBasic,
            AuthenticationMethod::ClientSecretPost,
            AuthenticationMethod::None,
            AuthenticationMethod::PrivateKeyJwt,
        ],
        Some(methods) => methods
            .iter()
            .flat_map(|method| match method {
                AuthenticationMethod::ClientSecret => vec![
                    AuthenticationMethod::ClientSecretBasic,
                    AuthenticationMethod::ClientSecretPost,
                ],
                method => vec![*method],
            })
            .collect(),
    };
    if methods.is_empty() {
        let message = "the list is empty: leave out `registration` if nobody may register";
        return error("authentication", message);
    }
    let scopes = client_scopes(config, own.scopes.as_deref(), "registration.scopes")?;
    Ok(Some(RegistrationRules {
        tokens,
        lifetime,
        max_body_bytes,
        max_per_hour,
        grant_types,
        methods,
        scopes,
    }))
}

/// The grant types that clients may have.
fn client_grant_types(
    own: Option<&[GrantType]>,
    field: &str,
) -> Result<Vec<GrantType>, ConfigError> {
    let default = [GrantType::AuthorizationCode, GrantType::RefreshToken];
    let grant_types = own.unwrap_or(&default);
    if grant_types
        .iter()
        .all(|own| *own == GrantType::RefreshToken)
    {
        let message = "the list has no grant type that gives a token: add authorization_code";
        return Err(ConfigError::new(field, message));
    }
    Ok(grant_types.to_vec())
}

/// The scopes that clients may have. `None`: all of the server's.
fn client_scopes(
    config: &Config,
    own: Option<&[String]>,
    field: &str,
) -> Result<Option<Vec<String>>, ConfigError> {
    let own = scopes(own, field)?;
    if own.as_ref().is_some_and(Vec::is_empty) {
        let message = "the list is empty: leave it out for all scopes of the server";
        return Err(ConfigError::new(field, message));
    }
    if let (Some(own), Some(all)) = (&own, &config.scopes)
        && !own.iter().all(|scope| all.contains(scope))
    {
        let message = "a scope is not among `scopes`: add it there, or remove it here";
        return Err(ConfigError::new(field, message));
    }
    Ok(own)
}

pub(super) fn metadata_documents(config: &Config) -> Result<Option<DocumentRules>, ConfigError> {
    let Some(MetadataDocumentsConfig {
        hosts,
        queries,
        grant_types,
        scopes,
    }) = &config.metadata_documents
    else {
        return Ok(None);
    };
    let mut names = None;
    if let Some(hosts) = hosts {
        if hosts.len() > HOSTS {
            return Err(ConfigError::too_many(
                format_args!("metadata-documents.hosts"),
                HOSTS,
            ));
        }
        for (index, host) in hosts.iter().enumerate() {
            let url = HttpUrl::parse(&format!("https://{host}/"));
            let is_host = url.is_ok_and(|url| url.host() == host && is_public_name(host));
            if !is_host {
                let message = "this is not a host name in lower case, such as claude.ai, or it is \
                               one of a local network";
                return Err(ConfigError::at(
                    format_args!("metadata-documents.hosts[{index}]"),
                    message,
                ));
            }
        }
        names = Some(hosts.clone());
    }
    Ok(Some(DocumentRules {
        hosts: names,
        queries: queries.unwrap_or(false),
        grant_types: client_grant_types(grant_types.as_deref(), "metadata-documents.grant-types")?,
        scopes: client_scopes(config, scopes.as_deref(), "metadata-documents.scopes")?,
    }))
}
