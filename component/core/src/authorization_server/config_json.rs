//! The configuration as JSON: see [`Config::from_json`].

use super::client::{AuthenticationMethod, GrantType};
use super::config::{
    AccessTokenFormat, ClientConfig, Config, EndpointsConfig, MetadataDocumentsConfig,
    RegistrationAccess, RegistrationConfig,
};
use super::pages::{LanguageConfig, PagesConfig};
use super::sign_in::{
    ClaimRuleConfig, ProviderConfig, ProviderKind, SignInConfig, TrustedHeaderConfig,
};
use crate::config_error::{ConfigError, Naming, Origins};
use crate::json::Object;
use crate::options::Options;

/// The longest configuration: clients and texts of pages.
const BYTES: usize = 1024 * 1024;
const DEPTH: usize = 8;

const FORMATS: [(&str, AccessTokenFormat); 2] = [
    ("jwt", AccessTokenFormat::Jwt),
    ("opaque", AccessTokenFormat::Opaque),
];

impl Config {
    /// Reads a configuration. Options have the names of the fields of [`Config`], spelled as
    /// `naming` says, and the values of OAuth: a grant type is `"authorization_code"`, a method
    /// `"client_secret_basic"`.
    ///
    /// # Errors
    /// The text is not such a JSON object. Whether the values can be used is checked when the
    /// server is made.
    pub fn from_json(json: &str, naming: Naming) -> Result<Self, ConfigError> {
        let parsed = if json.len() > BYTES {
            Err("the configuration is longer than a megabyte: remove what is not needed".to_owned())
        } else {
            let parsed = Object::parse(json.as_bytes(), DEPTH);
            parsed.map_err(|error| format!("the configuration {error}"))
        };
        let parsed = parsed.map_err(|message| ConfigError::new("config", message))?;
        let config = read(Options::new(&parsed, naming));
        let config = config.map_err(|error| error.spelled(naming, &Origins::default()))?;
        Ok(Self {
            naming: Some(naming),
            ..config
        })
    }
}

fn read(options: Options<'_>) -> Result<Config, ConfigError> {
    let clients = options.objects("clients")?.unwrap_or_default();
    let config = Config {
        issuer: options.text("issuer")?.unwrap_or_default(),
        secrets: options.secrets("secrets")?.unwrap_or_default(),
        scopes: options.texts("scopes")?,
        resources: options.texts("resources")?,
        endpoints: match options.object("endpoints")? {
            Some(endpoints) => read_endpoints(endpoints)?,
            None => EndpointsConfig::default(),
        },
        access_token: options.word("access-token", &FORMATS)?,
        access_token_lifetime: options.number("access-token-lifetime")?,
        refresh_token_lifetime: options.number("refresh-token-lifetime")?,
        refresh_token_idle_lifetime: options.number("refresh-token-idle-lifetime")?,
        refresh_grace: options.number("refresh-grace")?,
        code_lifetime: options.number("code-lifetime")?,
        confidential_clients_may_omit_pkce: options.flag("confidential-clients-may-omit-pkce")?,
        sign_in: options.object("sign-in")?.map(read_sign_in).transpose()?,
        pages: match options.object("pages")? {
            Some(pages) => read_pages(pages)?,
            None => PagesConfig::default(),
        },
        registration: options
            .object("registration")?
            .map(read_registration)
            .transpose()?,
        metadata_documents: options
            .object("metadata-documents")?
            .map(read_metadata_documents)
            .transpose()?,
        private_use_redirect_uris: options.flag("private-use-redirect-uris")?,
        clients: clients
            .into_iter()
            .map(read_client)
            .collect::<Result<_, _>>()?,
        naming: None,
    };
    options.finish()?;
    Ok(config)
}

fn read_endpoints(options: Options<'_>) -> Result<EndpointsConfig, ConfigError> {
    let config = EndpointsConfig {
        authorization: options.text("authorization")?,
        token: options.text("token")?,
        revocation: options.text("revocation")?,
        introspection: options.text("introspection")?,
        registration: options.text("registration")?,
        keys: options.text("keys")?,
        callback: options.text("callback")?,
        sign_in: options.text("sign-in")?,
        consent: options.text("consent")?,
    };
    options.finish()?;
    Ok(config)
}

fn read_registration(options: Options<'_>) -> Result<RegistrationConfig, ConfigError> {
    let open = options.flag("open")?.unwrap_or(false);
    let tokens = options.secrets("initial-access-tokens")?;
    let config = RegistrationConfig {
        access: match (open, tokens) {
            (true, None) => RegistrationAccess::Open,
            (false, Some(tokens)) => RegistrationAccess::InitialAccessTokens(tokens),
            _ => {
                let message = "say who may register clients: either `open`, or \
                               `initial-access-tokens`";
                return Err(options.error("initial-access-tokens", message));
            }
        },
        lifetime: options.number("lifetime")?,
        max_body_bytes: options.number("max-body-bytes")?,
        max_per_hour: options.number("max-per-hour")?,
        grant_types: grant_types(|words| options.words("grant-types", words))?,
        authentication: methods(|words| options.words("authentication", words))?,
        scopes: options.texts("scopes")?,
    };
    options.finish()?;
    Ok(config)
}

fn read_metadata_documents(options: Options<'_>) -> Result<MetadataDocumentsConfig, ConfigError> {
    let config = MetadataDocumentsConfig {
        hosts: options.texts("hosts")?,
        queries: options.flag("queries")?,
        grant_types: grant_types(|words| options.words("grant-types", words))?,
        scopes: options.texts("scopes")?,
    };
    options.finish()?;
    Ok(config)
}

fn read_sign_in(options: Options<'_>) -> Result<SignInConfig, ConfigError> {
    let providers = options.objects("providers")?.unwrap_or_default();
    let header = options.object("trusted-header")?;
    let config = SignInConfig {
        providers: providers
            .into_iter()
            .map(read_provider)
            .collect::<Result<_, _>>()?,
        trusted_header: header.map(read_trusted_header).transpose()?,
        development_users: options.texts("development-users")?.unwrap_or_default(),
        remember_consent: options.number("remember-consent")?,
    };
    options.finish()?;
    Ok(config)
}

fn read_provider(options: Options<'_>) -> Result<ProviderConfig, ConfigError> {
    let rules = options.objects("rules")?.unwrap_or_default();
    let config = ProviderConfig {
        id: options.text("id")?.unwrap_or_default(),
        name: options.text("name")?,
        kind: read_provider_kind(&options)?,
        client_id: options.text("client-id")?.unwrap_or_default(),
        client_secret: options.secret("client-secret")?,
        scopes: options.texts("scopes")?,
        parameters: options.table("parameters")?.unwrap_or_default(),
        user_id: options.text("user-id")?,
        user_id_prefix: options.text("user-id-prefix")?,
        rules: rules.into_iter().map(read_rule).collect::<Result<_, _>>()?,
        email_domains: options.texts("email-domains")?.unwrap_or_default(),
        unverified_email: options.flag("unverified-email")?.unwrap_or(false),
        claims: options.texts("claims")?,
    };
    options.finish()?;
    Ok(config)
}

/// With `user-endpoint` it is OAuth, otherwise OpenID Connect.
fn read_provider_kind(options: &Options<'_>) -> Result<ProviderKind, ConfigError> {
    let issuer = options.text("issuer")?;
    let cross_origin = options.flag("cross-origin")?;
    let authorization = options.text("authorization-endpoint")?;
    let token = options.text("token-endpoint")?;
    let user = options.text("user-endpoint")?;
    match (authorization, token, user) {
        (None, None, None) => Ok(ProviderKind::OpenId {
            issuer: issuer.unwrap_or_default(),
            cross_origin: cross_origin.unwrap_or(false),
        }),
        (Some(authorization_endpoint), Some(token_endpoint), Some(user_endpoint))
            if cross_origin.is_none() =>
        {
            Ok(ProviderKind::OAuth {
                authorization_endpoint,
                token_endpoint,
                user_endpoint,
                issuer,
            })
        }
        _ => {
            let message = "with OpenID Connect set only `issuer`, and `cross-origin` if needed; \
                           with OAuth set `authorization-endpoint`, `token-endpoint` and \
                           `user-endpoint`";
            Err(options.error("issuer", message))
        }
    }
}

fn read_rule(options: Options<'_>) -> Result<ClaimRuleConfig, ConfigError> {
    let config = ClaimRuleConfig {
        claim: options.text("claim")?.unwrap_or_default(),
        values: options.texts("values")?.unwrap_or_default(),
    };
    options.finish()?;
    Ok(config)
}

fn read_trusted_header(options: Options<'_>) -> Result<TrustedHeaderConfig, ConfigError> {
    let secret = (options.text("secret-header")?, options.secret("secret")?);
    let config = TrustedHeaderConfig {
        header: options.text("header")?.unwrap_or_default(),
        secret: match secret {
            (Some(header), Some(secret)) => Some((header, secret)),
            (None, None) => None,
            _ => {
                let message = "set both `secret-header` and `secret`, or neither";
                return Err(options.error("secret", message));
            }
        },
        only_proxy_reaches_server: options.flag("only-proxy-reaches-server")?.unwrap_or(false),
        user_id_prefix: options.text("user-id-prefix")?,
    };
    options.finish()?;
    Ok(config)
}

fn read_pages(options: Options<'_>) -> Result<PagesConfig, ConfigError> {
    let languages = options.objects("languages")?.unwrap_or_default();
    let config = PagesConfig {
        name: options.text("name")?,
        theme: options.table("theme")?.unwrap_or_default(),
        languages: languages
            .into_iter()
            .map(read_language)
            .collect::<Result<_, _>>()?,
    };
    options.finish()?;
    Ok(config)
}

fn read_language(options: Options<'_>) -> Result<LanguageConfig, ConfigError> {
    let config = LanguageConfig {
        tag: options.text("tag")?.unwrap_or_default(),
        messages: options.table("messages")?.unwrap_or_default(),
        scopes: options.table("scopes")?.unwrap_or_default(),
    };
    options.finish()?;
    Ok(config)
}

fn read_client(options: Options<'_>) -> Result<ClientConfig, ConfigError> {
    let config = ClientConfig {
        id: options.text("id")?.unwrap_or_default(),
        secrets: options.secrets("secrets")?.unwrap_or_default(),
        jwks: options.text("jwks")?,
        jwks_uri: options.text("jwks-uri")?,
        authentication: methods(|words| options.word("authentication", words))?,
        grant_types: grant_types(|words| options.words("grant-types", words))?,
        redirect_uris: options.texts("redirect-uris")?.unwrap_or_default(),
        scopes: options.texts("scopes")?,
        serves: options.texts("serves")?.unwrap_or_default(),
        exchanges_tokens_of_others: options.flag("exchanges-tokens-of-others")?.unwrap_or(false),
        name: options.text("name")?,
    };
    options.finish()?;
    Ok(config)
}

/// Reads with the names of the grant types.
pub(super) fn grant_types<T>(read: impl FnOnce(&[(&str, GrantType)]) -> T) -> T {
    read(&GrantType::ALL.map(|own| (own.name(), own)))
}

/// Reads with the names of the authentication methods.
pub(super) fn methods<T>(read: impl FnOnce(&[(&str, AuthenticationMethod)]) -> T) -> T {
    read(&[
        ("none", AuthenticationMethod::None),
        (
            "client_secret_basic",
            AuthenticationMethod::ClientSecretBasic,
        ),
        ("client_secret_post", AuthenticationMethod::ClientSecretPost),
        ("client_secret", AuthenticationMethod::ClientSecret),
        ("private_key_jwt", AuthenticationMethod::PrivateKeyJwt),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_read() {
        let json = r#"{"issuer":"https://a.example","secrets":["s"],"scopes":["read"],
            "resources":["https://r.example"],"endpoints":{"token":"/t"},"accessToken":"opaque",
            "accessTokenLifetime":60,"refreshTokenLifetime":0,"refreshTokenIdleLifetime":5,
            "refreshGrace":1,"codeLifetime":9,"clients":[{"id":"a","secrets":["x"],
            "authentication":"client_secret_post","grantTypes":["client_credentials"],
            "redirectUris":["https://c.example"],"scopes":[],"serves":["r"],
            "exchangesTokensOfOthers":true,"name":"A"}]}"#;
        let config = Config::from_json(json, Naming::CamelCase).expect("a configuration");
        assert_eq!(config.issuer, "https://a.example");
        assert_eq!(config.access_token, Some(AccessTokenFormat::Opaque));
        assert_eq!(config.refresh_token_lifetime, Some(0));
        assert_eq!(config.endpoints.token.as_deref(), Some("/t"));
        let client = &config.clients[0];
        assert_eq!(
            client.authentication,
            Some(AuthenticationMethod::ClientSecretPost)
        );
        assert_eq!(client.grant_types, Some(vec![GrantType::ClientCredentials]));
        assert!(client.exchanges_tokens_of_others);
    }

    #[test]
    fn errors_name_the_option_as_the_user_spelled_it() {
        let error = |json| Config::from_json(json, Naming::CamelCase).expect_err("an error");
        let wrong = error(r#"{"clients":[{"id":"a","redirectUris":"https://c.example"}]}"#);
        assert_eq!(wrong.field, "clients[0].redirectUris");
        assert_eq!(error(r#"{"isuer":""}"#).field, "isuer");
        assert_eq!(error("[]").field, "config");
        assert_eq!(error(&" ".repeat(BYTES + 1)).field, "config");
    }
}
