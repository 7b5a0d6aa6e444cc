//! From what was configured to what decides: every check that needs no request.

use std::fmt::Arguments;
use std::rc::Rc;

use super::compile_issuer::{Resource, compile_issuer};
use super::config::{
    Access, Config, Cors, IssuerConfig, KeyPolicyConfig, Metadata, TokenCacheConfig,
};
use super::cors::CorsRules;
use super::environment;
use super::metadata::MetadataTemplate;
use super::route::{Route, RoutePath, Routes, Rule};
use crate::access_token::{IssuerPolicy, ScopeHierarchy, TokenCacheLimits, is_scope_token};
use crate::config_error::{ConfigError, ConfigPart, Naming, Origin, Origins};
use crate::http_url::HttpUrl;
use crate::keys::{KeyPolicy, KeySource};
use crate::limits;
use crate::task::Scheduler;
use crate::token_client::{ClientConfig, CompiledClient, compile_client};

/// What is at `/.well-known/jwks.json`.
#[derive(Clone)]
pub(super) enum ClientKeys {
    /// The public halves of this client's keys.
    Of(Rc<CompiledClient>),
    /// Keys are configured that cannot be used. The sentence is the client's to tell.
    Broken,
}

/// A configuration that works, but perhaps for its client.
pub(crate) struct Compiled {
    /// How the user spells options.
    pub(crate) naming: Naming,
    /// Of `config.resource`; `None` takes each request's.
    pub(super) origin: Option<Rc<str>>,
    pub(super) policies: Vec<IssuerPolicy>,
    pub(crate) sources: Vec<KeySource>,
    /// Kept apart: a client that cannot work takes nothing else down with it.
    pub(crate) client: Option<Result<Rc<CompiledClient>, ConfigError>>,
    /// What `/.well-known/jwks.json` holds; `None` where there is no such document.
    pub(super) client_keys: Option<ClientKeys>,
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

/// Checks a configuration, and says in its user's words what is wrong.
pub(super) fn compile(config: Config, scheduler: &Rc<Scheduler>) -> Result<Compiled, ConfigError> {
    let naming = config.naming.unwrap_or_default();
    let mut origins = Origins::default();
    let compiled = compile_all(config, &mut origins, scheduler);
    let mut compiled = compiled.map_err(|error| error.spelled(naming, &origins))?;
    if let Some(Err(error)) = &mut compiled.client {
        *error = error.clone().spelled(naming, &origins);
        error.part = ConfigPart::Client;
    }
    compiled.naming = naming;
    Ok(compiled)
}

fn compile_all(
    mut config: Config,
    origins: &mut Origins,
    scheduler: &Rc<Scheduler>,
) -> Result<Compiled, ConfigError> {
    expand_issuer(&mut config, origins)?;
    if let Some(env) = config.env.take().filter(|env| !env.is_empty()) {
        environment::apply(env, &mut config, origins)?;
    }
    expand_audience(&mut config, origins);
    compile_options(config, scheduler)
}

/// `issuer` is short for a list of one.
fn expand_issuer(config: &mut Config, origins: &mut Origins) -> Result<(), ConfigError> {
    match (config.issuer.take(), &config.issuers) {
        (Some(_), Some(_)) => {
            let message = "give either `issuer` or `issuers`, not both";
            Err(ConfigError::new("issuer", message))
        }
        (None, Some(_)) if config.audience.is_some() => {
            let message = "it belongs to `issuer`: give `audiences` to each of `issuers` instead";
            Err(ConfigError::new("audience", message))
        }
        (Some(issuer), None) => {
            config.issuers = Some(vec![IssuerConfig {
                issuer,
                ..IssuerConfig::default()
            }]);
            origins.note("issuers[0].issuer", Origin::Option("issuer"));
            origins.note("issuers[0].audiences", Origin::Option("audience"));
            Ok(())
        }
        (None, _) => Ok(()),
    }
}

/// `audience` is short for those of the one issuer, which may have come from the environment.
fn expand_audience(config: &mut Config, origins: &mut Origins) {
    if let (Some(audience), Some([only])) = (config.audience.take(), config.issuers.as_deref_mut())
    {
        only.audiences = Some(audience);
        origins.note("issuers[0].audiences", Origin::Option("audience"));
    }
}

/// What a configuration may leave out is out of line, and not called where it is: an engine compiles
/// a function when it is first called, and the first request of a fresh isolate waits for that.
fn compile_options(config: Config, scheduler: &Rc<Scheduler>) -> Result<Compiled, ConfigError> {
    let resource = match &config.resource {
        None => None,
        Some(text) => Some(trusted_url(format_args!("resource"), text)?),
    };
    let policy = match &config.keys {
        None => KeyPolicy::default(),
        Some(keys) => key_policy(keys)?,
    };
    let issuers = config.issuers.unwrap_or_default();
    if issuers.is_empty() {
        return Err(ConfigError::new(
            "issuers",
            "no issuer is configured: set TOLLGATE_ISSUER, or the option `issuers`, to the URL of \
             the authorization server whose tokens are accepted",
        ));
    }
    if issuers.len() > limits::ISSUERS {
        return Err(too_many(format_args!("issuers"), limits::ISSUERS));
    }
    let protected = match &config.resource {
        Some(resource) => Resource::Named(resource),
        None if config.resource_from_request == Some(true) => Resource::OfRequest,
        None => Resource::Unknown,
    };
    let lent = scheduler.host().verifying_algorithms();
    let mut policies: Vec<IssuerPolicy> = Vec::new();
    let mut sources = Vec::new();
    for (index, issuer) in issuers.into_iter().enumerate() {
        let field = format_args!("issuers[{index}]");
        let (policy, source) = compile_issuer(field, issuer, protected, &policy, &lent)?;
        if policies.iter().any(|other| other.issuer == policy.issuer) {
            let message = "this issuer is listed twice: merge the two entries";
            return Err(ConfigError::at(format_args!("{field}.issuer"), message));
        }
        policies.push(policy);
        sources.push(source);
    }
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
    let client = config.client.as_ref();
    let (client, client_keys) = client
        .map(|client| client_and_keys(client, &sources, scheduler))
        .unzip();
    let settings = match config.metadata {
        None => Metadata::default(),
        Some(settings) => checked_metadata(settings)?,
    };
    Ok(Compiled {
        naming: Naming::default(),
        client,
        client_keys: client_keys.flatten(),
        origin: resource.map(|url| url.origin().into()),
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
        sources,
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

#[inline(never)]
fn compile_routes(configs: Vec<super::RouteConfig>) -> Result<Vec<Route>, ConfigError> {
    if configs.len() > limits::ROUTES {
        return Err(too_many(format_args!("routes"), limits::ROUTES));
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
            let message = "the list is empty: leave it out to cover all methods";
            return Err(ConfigError::at(format_args!("{field}.methods"), message));
        }
        if routes
            .iter()
            .any(|route| route.path == path && route.methods == methods)
        {
            let message = "another route has the same path and methods: merge the two";
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

/// What it is to an issuer, and what `/.well-known/jwks.json` holds.
#[inline(never)]
fn client_and_keys(
    config: &ClientConfig,
    sources: &[KeySource],
    scheduler: &Rc<Scheduler>,
) -> (Result<Rc<CompiledClient>, ConfigError>, Option<ClientKeys>) {
    let client = compile_client(config, sources, scheduler).map(Rc::new);
    let keys = match &client {
        Ok(client) => client.own_keys().map(|_| ClientKeys::Of(Rc::clone(client))),
        Err(_) if config.keys.is_some() => Some(ClientKeys::Broken),
        Err(_) => None,
    };
    (client, keys)
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
        // MCP authorization, "Refresh Tokens": it is not the resource's to advertise.
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
                "an origin has no path and is in lower case: write {:?}",
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

#[inline(never)]
fn key_policy(config: &KeyPolicyConfig) -> Result<KeyPolicy, ConfigError> {
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
        let message = "it is longer than `max-fresh`: make it the shorter of the two";
        return Err(ConfigError::new("keys.min-fresh", message));
    }
    if policy.cooldown == 0 {
        let message = "without a cooldown anybody can make this gate flood its issuer: give at \
                       least 1 second";
        return Err(ConfigError::new("keys.cooldown", message));
    }
    if policy.timeout == 0 || policy.timeout > 60_000 {
        let message = "give between 1 and 60000 milliseconds";
        return Err(ConfigError::new("keys.timeout-ms", message));
    }
    Ok(policy)
}

pub(crate) fn trusted_url(field: Arguments<'_>, text: &str) -> Result<HttpUrl, ConfigError> {
    let url = HttpUrl::parse(text)
        .map_err(|error| ConfigError::at(field, format!("this is no URL: {}", error.sentence())))?;
    if !url.is_trustworthy() {
        let message = "plain http is only for loopback addresses: use https";
        return Err(ConfigError::at(field, message));
    }
    Ok(url)
}

fn scope_list(field: Arguments<'_>, scopes: Vec<String>) -> Result<Vec<String>, ConfigError> {
    if scopes.len() > limits::SCOPES {
        return Err(too_many(field, limits::SCOPES));
    }
    match scopes.iter().find(|scope| !is_scope_token(scope)) {
        None => Ok(scopes),
        Some(scope) => {
            let message = format!(
                "{scope:?} is not one scope: scopes are printable ASCII without \
                                   spaces and quotes, one list entry each"
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

pub(super) fn too_many(field: Arguments<'_>, limit: usize) -> ConfigError {
    ConfigError::at(
        field,
        format!("there are more than {limit} entries: remove some"),
    )
}
