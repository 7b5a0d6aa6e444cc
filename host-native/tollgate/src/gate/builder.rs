//! Builds a gate from a configuration.

use std::hash::RandomState;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tollgate_config::{Config, Naming};

use super::fault_log::FaultLog;
use super::key_snapshot::KeySnapshot;
use super::program::Program;
use super::worker::{InstanceTemplate, Worker};
use super::{Gate, Inner};
use crate::host::build_error::BuildError;
use crate::host::capability::HostServices;
use crate::host::engine;
use crate::host::exchange::{HttpClient, NoTls};
use crate::host::instance::Limits;
use crate::host::request_origin::RequestOrigin;
use crate::host::shared_fetch::SharedFetch;
use crate::host::signer::{Signer, Signers};
use crate::host::worker::Failed;

/// Builds a [`Gate`].
#[derive(Clone, Debug)]
#[must_use]
pub struct GateBuilder {
    config: Config,
    signers: Signers,
    program: Option<Program>,
    origin: Option<RequestOrigin>,
    stores: Option<NonZeroUsize>,
    max_memory: usize,
    call_limit: Duration,
}

impl GateBuilder {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            signers: Signers::default(),
            program: None,
            origin: None,
            stores: None,
            max_memory: 64 << 20,
            call_limit: Duration::from_secs(1),
        }
    }

    /// Uses a program that was already compiled. Default: [`Program::embedded`].
    pub fn program(mut self, program: Program) -> Self {
        self.program = Some(program);
        self
    }

    /// Adds a private key under the name that [`ClientKey::named`](crate::ClientKey::named) refers
    /// to. A named key without a signer is a configuration error.
    pub fn signer(mut self, name: impl Into<String>, signer: impl Signer + 'static) -> Self {
        self.signers.insert(name.into(), Arc::new(signer));
        self
    }

    /// Sets how the public origin of a request is determined. Default: the origin of the configured
    /// `resource`; without one, `http` and the `Host` header.
    pub fn request_origin(mut self, origin: RequestOrigin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Sets how many stores decide in parallel. Each has its own cache of verified tokens. Default:
    /// one for each core.
    pub fn stores(mut self, stores: NonZeroUsize) -> Self {
        self.stores = Some(stores);
        self
    }

    /// Sets how much memory the component may use in each store, in bytes. A request that needs
    /// more fails, and its store is restarted with an empty cache. In addition, the host caches up
    /// to 4 MiB of identities for each store. Default: 64 MiB.
    pub fn max_memory(mut self, bytes: usize) -> Self {
        self.max_memory = bytes;
        self
    }

    /// Sets how long one call into the component may compute. A call normally takes at most a few
    /// milliseconds. A call that exceeds this limit fails, and its store is restarted. Default: 1
    /// second.
    pub fn call_limit(mut self, limit: Duration) -> Self {
        self.call_limit = limit;
        self
    }

    /// Checks the configuration, including the client's, and starts the stores. It makes no request
    /// to an issuer: the first decision or [`Gate::refresh`] does.
    ///
    /// # Errors
    ///
    /// See [`BuildError`].
    pub async fn build(self) -> Result<Gate, BuildError> {
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
        let mut config = self.config;
        config.naming.get_or_insert(Naming::SnakeCase);
        let fetch = Arc::new(SharedFetch::new(http.clone()));
        let signers = Arc::new(self.signers);
        let template = Arc::new(InstanceTemplate {
            program,
            config,
            limits: Limits {
                max_memory: self.max_memory,
                call_ticks: engine::ticks(self.call_limit),
            },
            keys: KeySnapshot::default(),
            faults: FaultLog::default(),
            failures: AtomicU64::new(0),
        });
        let stores = self
            .stores
            .or_else(|| std::thread::available_parallelism().ok());
        let workers = (0..stores.map_or(1, NonZeroUsize::get))
            .map(|_| {
                let services = Arc::new(HostServices {
                    runtime: runtime.clone(),
                    fetch: Arc::clone(&fetch),
                    reader: Arc::default(),
                    progress: Notify::new(),
                    signers: Arc::clone(&signers),
                    exchanged: AtomicBool::new(false),
                    memory: AtomicUsize::new(0),
                });
                Worker::start(Arc::clone(&template), services)
                    .map_err(|error| BuildError::Start(format!("{error:#}")))?
                    .map_err(BuildError::Config)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let broken = |Failed| BuildError::Start("the gate cannot be made; the log says why".into());
        // All of them have the same configuration, and there is at least one.
        let worker = &workers[0];
        worker
            .check_client()
            .map_err(broken)?
            .map_err(BuildError::Config)?;
        let settings = worker.settings().map_err(broken)?;
        fetch.set_cooldown(Duration::from_millis(settings.cooldown_ms));
        let origin = self
            .origin
            .unwrap_or_else(|| RequestOrigin::of_settings(settings.origin));
        Ok(Gate(Arc::new(Inner {
            template,
            workers,
            http,
            origin,
            hasher: RandomState::new(),
            next: AtomicUsize::new(0),
        })))
    }
}
