//! Compiles the configuration of a gate: every check that needs no request.

use std::fmt::Arguments;
use std::rc::Rc;

use super::config::{Access, Cors, Metadata, RouteConfig, TokenCacheConfig};
use super::cors::CorsRules;
use super::metadata::MetadataTemplate;
use super::route::{Route, Routes, Rule};
use super::route_path::RoutePath;
use crate::access_token::{IssuerPolicy, ScopeHierarchy, TokenCacheLimits, is_scope_token};
use crate::config_error::ConfigError;
use crate::http_url::HttpUrl;
#[cfg(feature = "token-client")]
use crate::jose::SigningKeySet;
use crate::limits;

/// The gate's part of a configuration. See the record `config` in WIT.
pub(crate) struct GateConfig {
    /// The origin of the option `resource`. `None` uses the origin of each request.
    pub(crate) origin: Option<Rc<str>>,
    pub(crate) routes: Option<Vec<RouteConfig>>,
    pub(crate) case_insensitive_paths: Option<bool>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) scope_hierarchy: Option<Vec<(String, Vec<String>)>>,
    pub(crate) realm: Option<String>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) cors: Option<Cors>,
    pub(crate) token_cache: Option<TokenCacheConfig>,
}

/// The content of `/.well-known/jwks.json`.
#[cfg(feature = "token-client")]
#[derive(Clone)]
pub(crate) enum PublishedKeys {
    /// The public halves of this application's keys.
    Of(SigningKeySet),
    /// Keys are configured, but cannot be used. The reason is reported when they are needed to
    /// sign.
    Unusable,
}

/// The checked gate's part of a configuration.
pub(crate) struct GateRules {
    pub(super) origin: Option<Rc<str>>,
    /// In the order of the issuers.
    pub(super) policies: Vec<IssuerPolicy>,
    /// The content of `/.well-known/jwks.json`. `None` if there is no such document.
    #[cfg(feature = "token-client")]
    pub(crate) client_keys: Option<PublishedKeys>,
    pub(super) routes: Routes,
    pub(super) scopes: Vec<String>,
    pub(super) hierarchy: ScopeHierarchy,
    pub(super) realm: Option<String>,
    pub(super) metadata: MetadataTemplate,
    pub(super) serve_issuer_metadata: bool,
    pub(super) single_resource: bool,
    pub(super) cors: CorsRules,
    pub(super) token_cache: TokenCacheLimits,
}

impl GateRules {
    /// Checks a gate's part of a configuration.
    ///
    /// Functions for optional parts are not inlined, and called only if the part is configured: an
    /// engine compiles a function on its first call, and the first request of a fresh isolate waits
    /// for that.
    ///
    /// # Errors
    /// The first part of it that cannot work.
    pub(crate) fn compile(
        config: GateConfig,
        policies: Vec<IssuerPolicy>,
    ) -> Result<Self, ConfigError> {
        let scopes = scope_list(format_args!("scopes"), config.scopes.unwrap_or_default())?;
        let routes = match config.routes {
            None => Vec::new(),
            Some(routes) => compile_routes(routes)?,
        };
        let direct = config.scope_hierarchy.unwrap_or_default();
        let hierarchy = if direct.is_empty() {
            ScopeHierarchy::default()
        } else {
            compile_hierarchy(&direct)?
        };
        if let Some(realm) = &config.realm {
            quotable(format_args!("realm"), realm)?;
        }
        let named = named_scopes(&scopes, &routes, &direct);
        let settings = match config.metadata {
            None => Metadata::default(),
            Some(settings) => checked_metadata(settings)?,
        };
        Ok(Self {
            #[cfg(feature = "token-client")]
            client_keys: None,
            origin: config.origin,
            serve_issuer_metadata: settings.serve_issuer_metadata.unwrap_or(true),
            single_resource: settings.single_resource.unwrap_or(false),
            metadata: MetadataTemplate {
                issuers: policies
                    .iter()
                    .map(|policy| policy.issuer.clone())
                    .collect(),
                named_scopes: named,
                settings,
            },
            policies,
            routes: Routes {
                list: routes,
                ignore_case: config.case_insensitive_paths.unwrap_or(false),
            },
            scopes,
            hierarchy,
            realm: config.realm,
            cors: match config.cors {
                None => CorsRules::default(),
                Some(cors) => compile_cors(cors)?,
            },
            token_cache: token_cache(&config.token_cache.unwrap_or_default()),
        })
    }
}

#[inline(never)]
fn compile_routes(configs: Vec<RouteConfig>) -> Result<Vec<Route>, ConfigError> {
    if configs.len() > limits::ROUTES {
        return Err(ConfigError::too_many(
            format_args!("routes"),
            limits::ROUTES,
        ));
    }
    let mut routes: Vec<Route> = Vec::new();
    for (index, config) in configs.into_iter().enumerate() {
        let field = format_args!("routes[{index}]");
        let path = RoutePath::parse(&config.path)
            .map_err(|why| ConfigError::at(format_args!("{field}.path"), why.sentence()))?;
        let methods = config.methods.map(|methods| {
            methods
                .iter()
                .map(|method| method.to_ascii_uppercase())
                .collect::<Vec<_>>()
        });
        if methods.as_ref().is_some_and(Vec::is_empty) {
            let message = "the list is empty: remove the option to cover all methods";
            return Err(ConfigError::at(format_args!("{field}.methods"), message));
        }
        if routes
            .iter()
            .any(|route| route.path == path && route.methods == methods)
        {
            let message = "another route has the same path and methods: merge the two routes";
            return Err(ConfigError::at(field, message));
        }
        let rule = match config.access {
            Access::Public => Rule::Public,
            Access::Protected(scopes) => {
                Rule::Protected(scope_list(format_args!("{field}.scopes"), scopes)?)
            }
        };
        routes.push(Route {
            path,
            methods,
            rule,
        });
    }
    Ok(routes)
}

#[inline(never)]
fn compile_hierarchy(direct: &[(String, Vec<String>)]) -> Result<ScopeHierarchy, ConfigError> {
    for (index, (scope, implied)) in direct.iter().enumerate() {
        let field = format_args!("scope-hierarchy[{index}]");
        scope_list(field, vec![scope.clone()])?;
        scope_list(field, implied.clone())?;
    }
    Ok(ScopeHierarchy::new(direct))
}

#[inline(never)]
fn named_scopes(
    gate: &[String],
    routes: &[Route],
    hierarchy: &[(String, Vec<String>)],
) -> Vec<String> {
    let of_routes = routes.iter().flat_map(|route| match &route.rule {
        Rule::Public => &[][..],
        Rule::Protected(scopes) => scopes,
    });
    let of_hierarchy = hierarchy
        .iter()
        .flat_map(|(scope, implied)| std::iter::once(scope).chain(implied));
    let mut named: Vec<String> = Vec::new();
    for scope in gate.iter().chain(of_routes).chain(of_hierarchy) {
        // MCP authorization, "Refresh Tokens": a resource must not advertise this scope.
        if scope != "offline_access" && !named.contains(scope) {
            named.push(scope.clone());
        }
    }
    named
}

#[inline(never)]
fn checked_metadata(mut settings: Metadata) -> Result<Metadata, ConfigError> {
    if let Some(scopes) = settings.scopes_supported.take() {
        let field = format_args!("metadata.scopes-supported");
        settings.scopes_supported = Some(scope_list(field, scopes)?);
    }
    for (name, value) in [
        ("resource-documentation", &settings.resource_documentation),
        ("resource-policy-uri", &settings.resource_policy_uri),
        ("resource-tos-uri", &settings.resource_tos_uri),
    ] {
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            let page = value.split('#').next().unwrap_or_default();
            HttpUrl::parse(page).map_err(|error| {
                ConfigError::at(format_args!("metadata.{name}"), error.sentence())
            })?;
        }
    }
    Ok(settings)
}

#[inline(never)]
fn compile_cors(config: Cors) -> Result<CorsRules, ConfigError> {
    let origins = config
        .origins
        .filter(|origins| !origins.iter().any(|origin| origin == "*"));
    for (index, origin) in origins.iter().flatten().enumerate() {
        let field = format_args!("cors.origins[{index}]");
        let url = HttpUrl::parse(origin).map_err(|e| ConfigError::at(field, e.sentence()))?;
        if url.origin() != *origin {
            let message = format!(
                "an origin must be in lower case and have no path: write {:?}",
                url.origin()
            );
            return Err(ConfigError::at(field, message));
        }
    }
    Ok(CorsRules {
        origins,
        max_age: config.max_age.unwrap_or(CorsRules::MAX_AGE),
    })
}

fn token_cache(config: &TokenCacheConfig) -> TokenCacheLimits {
    let default = TokenCacheLimits::default();
    TokenCacheLimits {
        max_entries: config.max_entries.unwrap_or(default.max_entries),
        max_bytes: config.max_bytes.unwrap_or(default.max_bytes),
        max_age: config
            .max_age
            .map_or(default.max_age, |seconds| u64::from(seconds) * 1000),
    }
}

fn scope_list(field: Arguments<'_>, scopes: Vec<String>) -> Result<Vec<String>, ConfigError> {
    if scopes.len() > limits::SCOPES {
        return Err(ConfigError::too_many(field, limits::SCOPES));
    }
    match scopes.iter().find(|scope| !is_scope_token(scope)) {
        None => Ok(scopes),
        Some(scope) => {
            let message = format!(
                "{scope:?} is not a valid scope: write printable ASCII without spaces and quotes, \
                 one scope per list entry"
            );
            Err(ConfigError::at(field, message))
        }
    }
}

pub(super) fn quotable(field: Arguments<'_>, text: &str) -> Result<(), ConfigError> {
    let safe = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    if !text.is_empty() && text.chars().all(safe) {
        Ok(())
    } else {
        let message = "it must be printable ASCII without quotes and backslashes";
        Err(ConfigError::at(field, message))
    }
}
