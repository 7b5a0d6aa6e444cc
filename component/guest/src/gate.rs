//! The export `resource-server`.

use std::cell::RefCell;
use std::rc::Rc;

use tollgate_core::answer::Answer;
use tollgate_core::config_error::{ConfigError, ConfigPart, Naming};
use tollgate_core::deployment::{self, Deployment};
#[cfg(feature = "token-client")]
use tollgate_core::deployment::{AssertionAudience, ClientAuthenticationMethod, ClientKeySource};
use tollgate_core::resource_server as core;
#[cfg(feature = "token-client")]
use tollgate_core::secret::Secret;
use tollgate_core::task::{Progress, Task};

use crate::Component;
use crate::bindings::exports::tollgate::auth::resource_server as wit;
use crate::capabilities::Imports;

impl wit::Guest for Component {
    type Gate = Gate;
    type Task = Decision;
    type RefreshTask = Refresh;
}

pub(crate) struct Gate(pub(crate) Deployment);

pub(crate) struct Decision(RefCell<Task<core::Outcome>>);

pub(crate) struct Refresh(RefCell<Task<()>>);

impl wit::GuestTask for Decision {
    fn poll(&self) -> wit::Progress {
        match self.0.borrow_mut().poll() {
            Progress::Ready(result) => wit::Progress::Ready(outcome(result)),
            Progress::Pending(wait) => wit::Progress::Pending(wait),
        }
    }
}

impl wit::GuestRefreshTask for Refresh {
    fn poll(&self) -> wit::RefreshProgress {
        match self.0.borrow_mut().poll() {
            Progress::Ready(()) => wit::RefreshProgress::Ready,
            Progress::Pending(wait) => wit::RefreshProgress::Pending(wait),
        }
    }
}

impl wit::GuestGate for Gate {
    fn create(given: wit::Config) -> Result<wit::Gate, wit::ConfigError> {
        let created = Deployment::new(config(given), Rc::new(Imports));
        created
            .map(|deployment| wit::Gate::new(Self(deployment)))
            .map_err(config_error)
    }

    fn has_client(&self) -> bool {
        self.0.has_client()
    }

    fn settings(&self) -> wit::Settings {
        let gate = self.0.gate();
        wit::Settings {
            origin: gate.origin().map(str::to_owned),
            cooldown_ms: gate.cooldown_ms(),
        }
    }

    fn decide(&self, given: wit::RequestHead) -> wit::Step {
        step(self.0.gate().decide(&head(given)))
    }

    fn metadata(&self, given: wit::RequestHead) -> Option<wit::Step> {
        self.0.gate().metadata(&head(given)).map(step)
    }

    fn authenticate(&self, given: wit::RequestHead, scopes: Vec<String>) -> wit::Step {
        step(self.0.gate().authenticate(&head(given), &scopes))
    }

    fn verify(&self, token: String, scopes: Vec<String>) -> wit::Step {
        step(self.0.gate().verify(&token, &scopes))
    }

    fn identity(&self, id: wit::IdentityId) -> Option<wit::Identity> {
        let identity = self.0.gate().identity(id)?;
        Some(wit::Identity {
            subject: identity.subject.clone(),
            client_id: identity.client_id.clone(),
            scopes: identity.scopes.clone(),
            issuer: identity.issuer.clone(),
            audience: identity.audience.clone(),
            // Whole seconds, rounded down. Negative dates were refused as expired.
            expires_at: identity.dates.expires_at as u64,
            issued_at: identity.dates.issued_at.map(|date| date as u64),
            actors: identity
                .actors
                .iter()
                .map(|actor| wit::Actor {
                    subject: actor.subject.clone(),
                    issuer: actor.issuer.clone(),
                    client_id: actor.client_id.clone(),
                })
                .collect(),
            claims: identity.claims.clone(),
        })
    }

    fn require_scopes(
        &self,
        given: wit::RequestHead,
        granted: Vec<String>,
        required: Vec<String>,
    ) -> Option<wit::Answer> {
        self.0
            .gate()
            .require_scopes(&head(given), &granted, &required)
            .map(answer)
    }

    fn refresh(&self) -> wit::RefreshTask {
        wit::RefreshTask::new(Refresh(RefCell::new(self.0.gate().refresh())))
    }

    fn new_faults(&self) -> Vec<wit::IssuerFault> {
        let faults = self.0.gate().new_faults().into_iter();
        faults
            .map(|fault| wit::IssuerFault {
                issuer: fault.issuer,
                code: fault.code.to_owned(),
                message: fault.message,
            })
            .collect()
    }

    fn export_keys(&self) -> String {
        self.0.gate().export_keys()
    }

    fn import_keys(&self, state: String) -> Result<u32, wit::ConfigError> {
        self.0
            .gate()
            .import_keys(&state)
            .map_err(|error| wit::ConfigError {
                part: wit::ConfigPart::Gate,
                field: "state".to_owned(),
                message: error.sentence().to_owned(),
            })
    }
}

fn step(step: core::Step) -> wit::Step {
    match step {
        core::Step::Done(result) => wit::Step::Done(outcome(result)),
        core::Step::Waiting(task) => {
            wit::Step::Waiting(wit::Task::new(Decision(RefCell::new(task))))
        }
    }
}

fn outcome(outcome: core::Outcome) -> wit::Outcome {
    wit::Outcome {
        decision: match outcome.decision {
            core::Decision::Allow(allowed) => wit::Decision::Allow(wit::Allowed {
                identity: allowed.identity,
                token_start: u32::try_from(allowed.token_start).expect("headers are short"),
                headers: allowed.headers,
            }),
            core::Decision::Respond(given) => wit::Decision::Respond(answer(given)),
        },
        refresh_due: outcome.refresh_due,
    }
}

pub(crate) fn config_error(error: ConfigError) -> wit::ConfigError {
    wit::ConfigError {
        part: match error.part {
            ConfigPart::Gate => wit::ConfigPart::Gate,
            ConfigPart::Client => wit::ConfigPart::Client,
        },
        field: error.field,
        message: error.message,
    }
}

pub(crate) fn answer(answer: Answer) -> wit::Answer {
    wit::Answer {
        status: answer.status,
        headers: answer.headers,
        body: answer.body,
        reason: answer.reason.map(str::to_owned),
    }
}

fn head(head: wit::RequestHead) -> core::RequestHead {
    core::RequestHead {
        method: head.method,
        url: head.url,
        authorization: head.authorization,
        origin: head.origin,
        requested_method: head.requested_method,
        requested_headers: head.requested_headers,
    }
}

/// Its parts are not inlined, so that an engine compiles only those that a configuration uses.
#[inline(never)]
fn config(config: wit::Config) -> deployment::Config {
    deployment::Config {
        issuer: config.issuer,
        audience: config.audience,
        issuers: config
            .issuers
            .map(|list| list.into_iter().map(issuer).collect()),
        resource: config.resource,
        resource_from_request: config.resource_from_request,
        routes: config
            .routes
            .map(|list| list.into_iter().map(route).collect()),
        case_insensitive_paths: config.case_insensitive_paths,
        scopes: config.scopes,
        scope_hierarchy: config.scope_hierarchy,
        realm: config.realm,
        metadata: config.metadata.map(|metadata| deployment::Metadata {
            scopes_supported: metadata.scopes_supported,
            resource_name: metadata.resource_name,
            resource_documentation: metadata.resource_documentation,
            resource_policy_uri: metadata.resource_policy_uri,
            resource_tos_uri: metadata.resource_tos_uri,
            serve_issuer_metadata: metadata.serve_issuer_metadata,
            single_resource: metadata.single_resource,
        }),
        cors: config.cors.map(|cors| deployment::Cors {
            origins: cors.origins,
            max_age: cors.max_age,
        }),
        token_cache: config
            .token_cache
            .map(|cache| deployment::TokenCacheConfig {
                max_entries: cache.max_entries,
                max_bytes: cache.max_bytes,
                max_age: cache.max_age,
            }),
        keys: config.keys.map(|keys| deployment::KeyPolicyConfig {
            min_fresh: keys.min_fresh,
            max_fresh: keys.max_fresh,
            max_stale: keys.max_stale,
            cooldown: keys.cooldown,
            timeout_ms: keys.timeout_ms,
        }),
        client: config.client.map(client),
        env: config.env.map(|env| {
            let settings = env.into_iter();
            settings
                .map(|(name, value)| (name, setting(value)))
                .collect()
        }),
        naming: config.naming.map(|naming| match naming {
            wit::Naming::KebabCase => Naming::KebabCase,
            wit::Naming::CamelCase => Naming::CamelCase,
            wit::Naming::SnakeCase => Naming::SnakeCase,
        }),
    }
}

fn setting(value: wit::Setting) -> deployment::Setting {
    match value {
        wit::Setting::Text(text) => deployment::Setting::Text(text),
        wit::Setting::Texts(texts) => deployment::Setting::Texts(texts),
        wit::Setting::Unusable(kind) => deployment::Setting::Unusable(match kind {
            wit::ValueKind::Null => deployment::ValueKind::Null,
            wit::ValueKind::Boolean => deployment::ValueKind::Boolean,
            wit::ValueKind::Number => deployment::ValueKind::Number,
            wit::ValueKind::MixedList => deployment::ValueKind::MixedList,
            wit::ValueKind::Object => deployment::ValueKind::Object,
            wit::ValueKind::Binding => deployment::ValueKind::Binding,
            wit::ValueKind::Function => deployment::ValueKind::Function,
            wit::ValueKind::NotUtf8 => deployment::ValueKind::NotUtf8,
            wit::ValueKind::Other => deployment::ValueKind::Other,
        }),
    }
}

fn issuer(issuer: wit::Issuer) -> deployment::IssuerConfig {
    deployment::IssuerConfig {
        issuer: issuer.issuer,
        audiences: issuer.audiences,
        algorithms: issuer.algorithms,
        types: issuer.types,
        required_claims: issuer.required_claims,
        clock_tolerance: issuer.clock_tolerance,
        max_age: issuer.max_age,
        keys: issuer.keys.map(|location| match location {
            wit::KeyLocation::Discovery => deployment::KeyLocationConfig::Discovery,
            wit::KeyLocation::Uri(uri) => deployment::KeyLocationConfig::Uri(uri),
            wit::KeyLocation::Inline(json) => deployment::KeyLocationConfig::Inline(json),
        }),
        cross_origin_keys: issuer.cross_origin_keys,
    }
}

#[inline(never)]
fn route(route: wit::Route) -> deployment::RouteConfig {
    deployment::RouteConfig {
        path: route.path,
        methods: route.methods,
        access: match route.access {
            wit::Access::Public => deployment::Access::Public,
            wit::Access::Protected(scopes) => deployment::Access::Protected(scopes),
        },
    }
}

/// Core refuses any client.
#[cfg(not(feature = "token-client"))]
#[inline(never)]
fn client(_: wit::Client) -> deployment::ClientConfig {
    deployment::ClientConfig::default()
}

#[cfg(feature = "token-client")]
#[inline(never)]
fn client(client: wit::Client) -> deployment::ClientConfig {
    deployment::ClientConfig {
        issuer: client.issuer,
        id: client.id,
        secret: client.secret.map(Secret::new),
        keys: client
            .keys
            .map(|keys| keys.into_iter().map(client_key).collect()),
        authentication: client.authentication.map(|method| match method {
            wit::ClientAuthentication::ClientSecretBasic => {
                ClientAuthenticationMethod::ClientSecretBasic
            }
            wit::ClientAuthentication::ClientSecretPost => {
                ClientAuthenticationMethod::ClientSecretPost
            }
            wit::ClientAuthentication::PrivateKeyJwt => ClientAuthenticationMethod::PrivateKeyJwt,
            wit::ClientAuthentication::None => ClientAuthenticationMethod::None,
        }),
        assertion_audience: client.assertion_audience.map(|audience| match audience {
            wit::AssertionAudience::Issuer => AssertionAudience::Issuer,
            wit::AssertionAudience::TokenEndpoint => AssertionAudience::TokenEndpoint,
        }),
        token_endpoint: client.token_endpoint,
        destinations: client.destinations,
        timeout_ms: client.timeout_ms,
        cache: client.cache.map(|cache| deployment::ExchangeCacheConfig {
            max_entries: cache.max_entries,
            max_bytes: cache.max_bytes,
            skew: cache.skew,
            max_age: cache.max_age,
            default_lifetime: cache.default_lifetime,
        }),
    }
}

#[cfg(feature = "token-client")]
fn client_key(key: wit::ClientKey) -> deployment::ClientKeyConfig {
    deployment::ClientKeyConfig {
        key: match key.key {
            wit::ClientKeySource::Text(text) => ClientKeySource::Text(Secret::new(text)),
            wit::ClientKeySource::Named(name) => ClientKeySource::Named(name),
        },
        kid: key.kid,
        algorithm: key.algorithm,
    }
}
