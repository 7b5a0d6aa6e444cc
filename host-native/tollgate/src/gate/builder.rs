//! From a configuration to a gate.

use std::fmt;
use std::hash::RandomState;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tollgate_config::{Config, ConfigError, Naming};

use super::capability::HostServices;
use super::exchange::{HttpClient, NoTls};
use super::fault_log::FaultLog;
use super::instance::Limits;
use super::key_snapshot::KeySnapshot;
use super::program::{self, Program, ProgramError};
use super::request_head::RequestOrigin;
use super::shared_fetch::SharedFetch;
use super::signer::{Signer, Signers};
use super::worker::{Blueprint, Failed, Worker};
use super::{Gate, Inner};

/// What a [`Gate`] is made of.
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

/// Why there is no gate.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The configuration cannot work: the gate's, or that of its client.
    Config(ConfigError),
    /// The component cannot be compiled here.
    Program(ProgramError),
    /// The component fails as soon as it starts; most likely it may use too little memory.
    Start(String),
    /// TLS cannot be set up, so no issuer could be reached.
    Tls(String),
    /// There is no Tokio runtime, which makes the fetches.
    NoRuntime,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Program(error) => error.fmt(f),
            Self::Start(error) => write!(
                f,
                "the component does not start; if it may use too little memory, raise max_memory: \
                 {error}"
            ),
            Self::Tls(error) => write!(f, "TLS cannot be set up: {error}"),
            Self::NoRuntime => f.write_str("build the gate inside a Tokio runtime"),
        }
    }
}

impl std::error::Error for BuildError {}

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

    /// A program that was compiled before. Default: [`Program::embedded`].
    pub fn program(mut self, program: Program) -> Self {
        self.program = Some(program);
        self
    }

    /// The private key that [`ClientKey::named`](crate::ClientKey::named) has this name for. A key
    /// whose name has no signer is an error of the configuration.
    pub fn signer(mut self, name: impl Into<String>, signer: impl Signer + 'static) -> Self {
        self.signers.insert(name.into(), Arc::new(signer));
        self
    }

    /// How the public origin of a request is known. Default: the origin of the configured
    /// `resource`; without one, `http` and the `Host` header.
    pub fn request_origin(mut self, origin: RequestOrigin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// How many stores decide in parallel. Each keeps its own cache of verified tokens. Default:
    /// one for each core.
    pub fn stores(mut self, stores: NonZeroUsize) -> Self {
        self.stores = Some(stores);
        self
    }

    /// How much memory each store may use for the component, in bytes. A request that needs more
    /// fails, and its store starts anew with an empty cache. The host keeps up to 4 MiB of
    /// identities for each store beside that. Default: 64 MiB.
    pub fn max_memory(mut self, bytes: usize) -> Self {
        self.max_memory = bytes;
        self
    }

    /// How long one call into the component may compute. None should take more than some
    /// milliseconds; one that takes longer fails, and its store starts anew. Default: 1 second.
    pub fn call_limit(mut self, limit: Duration) -> Self {
        self.call_limit = limit;
        self
    }

    /// Checks the configuration, that of the client included, and starts the stores. Makes no request: the first one does, or
    /// [`Gate::refresh`].
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
        let blueprint = Arc::new(Blueprint {
            program,
            config,
            limits: Limits {
                max_memory: self.max_memory,
                call_ticks: program::ticks(self.call_limit),
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
                Worker::start(Arc::clone(&blueprint), services)
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
            blueprint,
            workers,
            http,
            origin,
            hasher: RandomState::new(),
            next: AtomicUsize::new(0),
        })))
    }
}
