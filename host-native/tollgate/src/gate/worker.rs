//! One store of the gate: what is asked of its instance, and the keys that it shares with others.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tollgate_config::{Config, ConfigError, Settings};

use super::bindings::exports::tollgate::auth::resource_server as wit;
use super::delegation::CallReport;
use super::fault_log::FaultLog;
use super::instance::{
    Assertion, DecisionCall, GateInstance, IdentifiedDecision, Issued, TokenCall,
};
use super::key_snapshot::KeySnapshot;
use super::program::Program;
use crate::host::capability::HostServices;
use crate::host::instance::{Instance, Limits, Progress, Step, Task, Template};
use crate::host::worker::{self, Failed, MAX_RESTARTS};

/// The parts that all workers of a gate need to start instances.
pub(super) struct InstanceTemplate {
    pub(super) program: Program,
    pub(super) config: Config,
    pub(super) limits: Limits,
    /// The most recently fetched keys of any instance.
    pub(super) keys: KeySnapshot,
    pub(super) faults: FaultLog,
    /// Instances that failed so far.
    pub(super) failures: AtomicU64,
}

impl Template for InstanceTemplate {
    type Instance = GateInstance;

    const ROLE: &'static str = "a gate";

    fn start(
        &self,
        services: &Arc<HostServices>,
    ) -> wasmtime::Result<Result<GateInstance, ConfigError>> {
        let started = GateInstance::start(&self.program, &self.config, self.limits, services)?;
        let mut instance = match started {
            Ok(instance) => instance,
            Err(error) => return Ok(Err(error)),
        };
        self.faults.log_new(instance.new_faults()?);
        Ok(Ok(instance))
    }

    /// Gives the instance the newest keys.
    fn prepare(
        &self,
        instance: &mut GateInstance,
        services: &HostServices,
    ) -> wasmtime::Result<()> {
        // An instance that is fetching gets the same documents from its fetch.
        if instance.keys_seen != self.keys.version() && !instance.capabilities().is_fetching() {
            let (version, state) = self.keys.latest();
            // The same component exported it for the same configuration. If it refuses the keys
            // nevertheless, it fetches them.
            let _ = instance.import_keys(&state)?;
            instance.keys_seen = version;
            services.reader.caught_up();
            instance.set_deadline(self.limits.call_ticks);
        }
        Ok(())
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }
}

pub(super) struct Worker {
    host: worker::Worker<InstanceTemplate>,
    refreshing: AtomicBool,
}

impl Deref for Worker {
    type Target = worker::Worker<InstanceTemplate>;

    fn deref(&self) -> &Self::Target {
        &self.host
    }
}

impl Worker {
    /// A worker with its first instance.
    pub(super) fn start(
        template: Arc<InstanceTemplate>,
        services: Arc<HostServices>,
    ) -> wasmtime::Result<Result<Arc<Self>, ConfigError>> {
        Ok(worker::Worker::start(template, services)?.map(|host| {
            Arc::new(Self {
                host,
                refreshing: AtomicBool::new(false),
            })
        }))
    }

    /// Starts a decision and waits for it. None if the gate does not answer this request. If the
    /// future is dropped, the task in the component is dropped too.
    pub(super) async fn decide(
        self: &Arc<Self>,
        call: DecisionCall<'_>,
    ) -> Result<Option<IdentifiedDecision>, Failed> {
        let begin = |instance: &mut GateInstance| instance.decide(call);
        let decided = self
            .drive_and_publish(begin, GateInstance::poll, MAX_RESTARTS)
            .await?;
        if decided.as_ref().is_some_and(|decided| decided.refresh_due) {
            self.refresh_in_background();
        }
        Ok(decided)
    }

    /// Starts a token request and waits for its result.
    pub(super) async fn start_token(
        self: &Arc<Self>,
        call: TokenCall<'_>,
    ) -> Result<Issued, Failed> {
        let restarts = match call {
            // A request that bypasses the cache is not repeated: an assertion or a refresh token
            // may be valid for one use only.
            TokenCall::Request(..) => 0,
            TokenCall::GetToken(_) | TokenCall::GetOwnToken(_) => MAX_RESTARTS,
        };
        let begin = |instance: &mut GateInstance| instance.start_token(call);
        self.drive_and_publish(begin, GateInstance::poll_token, restarts)
            .await
    }

    /// Starts a client assertion and waits for its result.
    pub(super) async fn client_assertion(&self, audience: &str) -> Result<Assertion, Failed> {
        let begin = |instance: &mut GateInstance| instance.client_assertion(audience);
        self.drive_and_publish(begin, GateInstance::poll_assertion, MAX_RESTARTS)
            .await
    }

    /// Fetches what is stale.
    pub(super) async fn refresh(self: &Arc<Self>) -> Result<(), Failed> {
        self.drive_and_publish(GateInstance::refresh, GateInstance::poll_refresh, 0)
            .await
    }

    async fn drive_and_publish<T>(
        &self,
        begin: impl Fn(&mut GateInstance) -> wasmtime::Result<Step<T>>,
        poll: fn(&mut GateInstance, Task) -> wasmtime::Result<Progress<T>>,
        restarts: usize,
    ) -> Result<T, Failed> {
        let end = self.host.drive(begin, poll, restarts).await?;
        // Also if there was nothing to wait for: on a busy machine, a response may arrive before
        // the call that requested it has returned.
        self.publish_keys();
        Ok(end)
    }

    /// After an exchange: publishes the keys for other instances and the successors of this one, and
    /// logs new faults.
    fn publish_keys(&self) {
        let exchanged = &self.services.exchanged;
        // Most decisions need no exchange, and a load is cheaper than a swap.
        if !exchanged.load(Ordering::Acquire) || !exchanged.swap(false, Ordering::AcqRel) {
            return;
        }
        // Other tasks may have waited for the document that this one fetched.
        self.services.progress.notify_waiters();
        // The failure was logged. The next export may succeed.
        let _ = self.with(|running| {
            let instance = &mut running.instance;
            self.template.faults.log_new(instance.new_faults()?);
            let state = instance.export_keys()?;
            instance.keys_seen = self.template.keys.publish(state, instance.keys_seen);
            Ok(())
        });
    }

    /// Refreshes keys in the background, unless a refresh is already running.
    fn refresh_in_background(self: &Arc<Self>) {
        if !self.refreshing.swap(true, Ordering::AcqRel) {
            let worker = Arc::clone(self);
            self.services.runtime.spawn(async move {
                let _ = worker.refresh().await;
                worker.refreshing.store(false, Ordering::Release);
            });
        }
    }

    pub(super) fn require_scopes(
        &self,
        head: &wit::RequestHead,
        granted: &[String],
        required: &[String],
    ) -> Result<Option<wit::Answer>, Failed> {
        self.with(|running| running.instance.require_scopes(head, granted, required))
    }

    pub(super) fn export_keys(&self) -> Result<String, Failed> {
        self.with(|running| running.instance.export_keys())
    }

    pub(super) fn import_keys(&self, state: &str) -> Result<Result<u32, ConfigError>, Failed> {
        self.with(|running| running.instance.import_keys(state))
    }

    /// The effective settings.
    pub(super) fn settings(&self) -> Result<Settings, Failed> {
        self.with(|running| running.instance.settings())
    }

    /// Whether a client is configured. An error if it is invalid.
    pub(super) fn check_client(&self) -> Result<Result<(), ConfigError>, Failed> {
        self.with(|running| running.instance.check_client())
    }

    pub(super) fn call_again(&self, report: &CallReport<'_>) -> Result<bool, Failed> {
        self.with(|running| running.instance.call_again(report))
    }

    pub(super) fn invalidate(
        &self,
        subject: Option<&str>,
        resource: Option<&str>,
    ) -> Result<u32, Failed> {
        self.with(|running| running.instance.invalidate(subject, resource))
    }
}

#[cfg(test)]
mod tests;
