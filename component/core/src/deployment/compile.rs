//! Compiles the configuration: every check that needs no request. Options are merged with the
//! settings of the environment here; each floor checks its own part.

use std::rc::Rc;

use super::client::Client;
use super::config::{Config, IssuerConfig};
use super::environment;
use crate::access_token::IssuerPolicy;
use crate::capability::Host;
use crate::config_error::{ConfigError, Origin, Origins};
use crate::issuers::{self, Issuers, KeyPolicy, KeySource};
use crate::limits;
use crate::resource_server::{GateConfig, GateRules, Resource, issuer_policy};
use crate::task::Scheduler;
use crate::trusted_url::trusted_url;

/// A valid configuration. Only its client may be invalid.
pub(super) struct Compiled {
    pub(super) issuers: Rc<Issuers>,
    pub(super) gate: GateRules,
    pub(super) client: Client,
}

/// Checks a configuration. Errors use the user's spelling of option names.
pub(super) fn compile(config: Config, host: Rc<dyn Host>) -> Result<Compiled, ConfigError> {
    let naming = config.naming.unwrap_or_default();
    let mut origins = Origins::default();
    let compiled = compile_all(config, &mut origins, host);
    let compiled = compiled.map_err(|error| error.spelled(naming, &origins))?;
    Ok(Compiled {
        client: compiled.client.spelled(naming, &origins),
        ..compiled
    })
}

fn compile_all(
    mut config: Config,
    origins: &mut Origins,
    host: Rc<dyn Host>,
) -> Result<Compiled, ConfigError> {
    expand_issuer(&mut config, origins)?;
    if let Some(env) = config.env.take().filter(|env| !env.is_empty()) {
        environment::apply(env, &mut config, origins)?;
    }
    expand_audience(&mut config, origins);
    compile_options(config, host)
}

/// `issuer` is short for a list of one.
fn expand_issuer(config: &mut Config, origins: &mut Origins) -> Result<(), ConfigError> {
    match (config.issuer.take(), &config.issuers) {
        (Some(_), Some(_)) => {
            let message = "`issuer` and `issuers` are both set: remove one of the two";
            Err(ConfigError::new("issuer", message))
        }
        (None, Some(_)) if config.audience.is_some() => {
            let message = "`audience` belongs to `issuer`: set `audiences` in each entry of `issuers` instead";
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

/// `audience` is short for the audiences of the only issuer, which may come from the environment.
fn expand_audience(config: &mut Config, origins: &mut Origins) {
    if let (Some(audience), Some([only])) = (config.audience.take(), config.issuers.as_deref_mut())
    {
        only.audiences = Some(audience);
        origins.note("issuers[0].audiences", Origin::Option("audience"));
    }
}

/// Functions for optional parts are not inlined, and called only if the part is configured: an
/// engine compiles a function on its first call, and the first request of a fresh isolate waits for
/// that.
fn compile_options(config: Config, host: Rc<dyn Host>) -> Result<Compiled, ConfigError> {
    let scheduler = Scheduler::new(host);
    let resource = match &config.resource {
        None => None,
        Some(text) => Some(trusted_url(format_args!("resource"), text)?),
    };
    let key_policy = match &config.keys {
        None => KeyPolicy::default(),
        Some(keys) => issuers::key_policy(keys)?,
    };
    let protected = match &config.resource {
        Some(resource) => Resource::Named(resource),
        None if config.resource_from_request == Some(true) => Resource::OfRequest,
        None => Resource::Unknown,
    };
    let configs = config.issuers.unwrap_or_default();
    let (policies, sources) = compile_issuers(configs, protected, &key_policy, &scheduler)?;
    let issuers = Rc::new(Issuers {
        scheduler,
        sources,
        naming: config.naming.unwrap_or_default(),
    });
    let mut gate = GateRules::compile(
        GateConfig {
            origin: resource.map(|url| url.origin().into()),
            routes: config.routes,
            case_insensitive_paths: config.case_insensitive_paths,
            scopes: config.scopes,
            scope_hierarchy: config.scope_hierarchy,
            realm: config.realm,
            metadata: config.metadata,
            cors: config.cors,
            token_cache: config.token_cache,
        },
        policies,
    )?;
    let client = Client::compile(config.client.as_ref(), &issuers, &mut gate)?;
    Ok(Compiled {
        issuers,
        gate,
        client,
    })
}

#[inline(never)]
fn compile_issuers(
    configs: Vec<IssuerConfig>,
    protected: Resource<'_>,
    key_policy: &KeyPolicy,
    scheduler: &Scheduler,
) -> Result<(Vec<IssuerPolicy>, Vec<KeySource>), ConfigError> {
    if configs.is_empty() {
        return Err(ConfigError::new(
            "issuers",
            "no issuer is configured: set TOLLGATE_ISSUER, or the option `issuers`, to the URL of \
             the authorization server whose tokens are accepted",
        ));
    }
    if configs.len() > limits::ISSUERS {
        return Err(ConfigError::too_many(
            format_args!("issuers"),
            limits::ISSUERS,
        ));
    }
    let lent = scheduler.host().verifying_algorithms();
    let mut policies: Vec<IssuerPolicy> = Vec::new();
    let mut sources = Vec::new();
    for (index, mut config) in configs.into_iter().enumerate() {
        let field = format_args!("issuers[{index}]");
        let url = issuers::issuer_url(field, &config.issuer)?;
        let keys = config.keys.take();
        let cross_origin = config.cross_origin_keys.unwrap_or(false);
        let policy = issuer_policy(field, config, protected, &lent)?;
        let location =
            issuers::key_location(format_args!("{field}.keys"), keys, &url, cross_origin)?;
        if policies.iter().any(|other| other.issuer == policy.issuer) {
            let message = "this issuer is listed twice: merge the two entries";
            return Err(ConfigError::at(format_args!("{field}.issuer"), message));
        }
        sources.push(KeySource::new(
            policy.issuer.clone(),
            url,
            location,
            cross_origin,
            key_policy.clone(),
        ));
        policies.push(policy);
    }
    Ok((policies, sources))
}
