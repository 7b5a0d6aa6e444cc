//! Builds an issuer from a configuration.

use std::fmt;
use std::hash::RandomState;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tollgate_config::{Naming, Secret};
use url::Url;

use super::hooks::{AuditQueue, Hooks, NoHooks};
use super::instance::IssuerTemplate;
use super::program::Program;
use super::store::Store;
use super::{Inner, Issuer};
use crate::host::build_error::BuildError;
use crate::host::capability::HostServices;
use crate::host::engine;
use crate::host::exchange::{HttpClient, NoTls};
use crate::host::instance::Limits;
use crate::host::request_origin::RequestOrigin;
use crate::host::shared_fetch::SharedFetch;
use crate::host::worker::Worker;

/// The configuration of an issuer: JSON, with the options of `docs/issuer.md`. It contains secrets,
/// and is never printed.
#[derive(Clone, Debug)]
pub struct IssuerConfig {
    json: Secret,
    naming: Naming,
}

impl IssuerConfig {
    /// A configuration in JSON whose options are spelled like this. `From` a text takes
    /// [`Naming::KebabCase`], as configuration files have it.
    #[must_use]
    pub fn new(json: impl Into<String>, naming: Naming) -> Self {
        Self {
            json: Secret::new(json),
            naming,
        }
    }

    pub(super) fn json(&self) -> &str {
        self.json.expose()
    }

    pub(super) fn naming(&self) -> Naming {
        self.naming
    }

    /// The origin of the issuer identifier, if it has one. The component checks the rest.
    fn origin(&self) -> Option<String> {
        let config: serde_json::Value = serde_json::from_str(self.json()).ok()?;
        let url = Url::parse(config.get("issuer")?.as_str()?).ok()?;
        let origin = url.origin();
        origin.is_tuple().then(|| origin.ascii_serialization())
    }
}

impl From<&str> for IssuerConfig {
    fn from(json: &str) -> Self {
        Self::new(json, Naming::KebabCase)
    }
}

impl From<String> for IssuerConfig {
    fn from(json: String) -> Self {
        Self::new(json, Naming::KebabCase)
    }
}

impl From<serde_json::Value> for IssuerConfig {
    fn from(config: serde_json::Value) -> Self {
        Self::new(config.to_string(), Naming::KebabCase)
    }
}

/// Builds an [`Issuer`].
#[must_use]
pub struct IssuerBuilder {
    config: IssuerConfig,
    store: Arc<dyn Store>,
    hooks: Arc<dyn Hooks>,
    program: Option<Program>,
    origin: Option<RequestOrigin>,
    instances: Option<NonZeroUsize>,
    max_memory: usize,
    call_limit: Duration,
    body_timeout: Duration,
}

impl IssuerBuilder {
    pub(super) fn new(config: IssuerConfig, store: Arc<dyn Store>) -> Self {
        Self {
            config,
            store,
            hooks: Arc::new(NoHooks),
            program: None,
            origin: None,
            instances: None,
            max_memory: 64 << 20,
            call_limit: Duration::from_secs(1),
            body_timeout: Duration::from_secs(10),
        }
    }

    /// Sets the application's part. Default: [`NoHooks`].
    pub fn hooks(mut self, hooks: impl Hooks) -> Self {
        self.hooks = Arc::new(hooks);
        self
    }

    /// Uses a program that was already compiled. Default: [`Program::embedded`].
    pub fn program(mut self, program: Program) -> Self {
        self.program = Some(program);
        self
    }

    /// Sets how the public origin of a request is determined. Default: the origin of `issuer` in the
    /// configuration, whatever the client says.
    pub fn request_origin(mut self, origin: RequestOrigin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Sets how many instances of the component answer in parallel. They share the store. Default:
    /// one for each core.
    pub fn instances(mut self, instances: NonZeroUsize) -> Self {
        self.instances = Some(instances);
        self
    }

    /// Sets how much memory each instance may use, in bytes. A request that needs more fails, and
    /// its instance is replaced. Default: 64 MiB.
    pub fn max_memory(mut self, bytes: usize) -> Self {
        self.max_memory = bytes;
        self
    }

    /// Sets how long one call into the component may compute. A call that exceeds this limit fails,
    /// and its instance is replaced. Default: 1 second.
    pub fn call_limit(mut self, limit: Duration) -> Self {
        self.call_limit = limit;
        self
    }

    /// Sets how long a client may take to send the body of a request to the service. Default: 10
    /// seconds.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    /// Checks the configuration and starts the instances. It neither reads nor writes the store, and
    /// makes no request to another server.
    ///
    /// # Errors
    ///
    /// See [`BuildError`].
    pub async fn build(self) -> Result<Issuer, BuildError> {
        let runtime = Handle::try_current().map_err(|_| BuildError::NoRuntime)?;
        let program = match self.program {
            Some(program) => program,
            None => runtime
                .spawn_blocking(Program::embedded)
                .await
                .expect("compiling does not panic")
                .map_err(BuildError::Program)?,
        };
        let http = HttpClient::new().map_err(|NoTls(error)| BuildError::Tls(error))?;
        let fetch = Arc::new(SharedFetch::new(http));
        // A configuration without a usable issuer is refused below.
        let origin = self
            .origin
            .unwrap_or_else(|| RequestOrigin::of_settings(self.config.origin()));
        let audit = AuditQueue::start(&runtime, Arc::clone(&self.hooks));
        let template = Arc::new(IssuerTemplate {
            program,
            config: self.config,
            limits: Limits {
                max_memory: self.max_memory,
                call_ticks: engine::ticks(self.call_limit),
            },
            store: self.store,
            hooks: self.hooks,
            audit,
            failures: AtomicU64::new(0),
        });
        let instances = self
            .instances
            .or_else(|| std::thread::available_parallelism().ok());
        let workers = (0..instances.map_or(1, NonZeroUsize::get))
            .map(|_| {
                let services = Arc::new(HostServices {
                    runtime: runtime.clone(),
                    fetch: Arc::clone(&fetch),
                    reader: Arc::default(),
                    progress: Notify::new(),
                    signers: Arc::default(),
                    exchanged: AtomicBool::new(false),
                    memory: AtomicUsize::new(0),
                });
                Worker::start(Arc::clone(&template), services)
                    .map_err(|error| BuildError::Start(format!("{error:#}")))?
                    .map_err(BuildError::Config)
            })
            .collect::<Result<Vec<_>, _>>()?;
        // All of them are the same, and there is at least one.
        let max_body_bytes = workers[0].with(|running| running.instance.max_body_bytes());
        let max_body_bytes = max_body_bytes
            .ok()
            .and_then(|bytes| usize::try_from(bytes).ok())
            .ok_or_else(|| BuildError::Start("the log says why".to_owned()))?;
        Ok(Issuer(Arc::new(Inner {
            template,
            workers,
            origin,
            max_body_bytes,
            body_timeout: self.body_timeout,
            hasher: RandomState::new(),
            next: AtomicUsize::new(0),
        })))
    }
}

impl fmt::Debug for IssuerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerBuilder").finish_non_exhaustive()
    }
}
