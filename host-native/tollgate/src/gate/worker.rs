//! One store: an instance behind a lock, replaced when it traps.
//!
//! No call into the component blocks, so the lock is held only for microseconds (a few milliseconds
//! if a new key is prepared), and the caller's thread makes the call: a queue and a separate thread
//! would cost more than a decision.

mod task;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tollgate_config::{Config, ConfigError, Settings};

use super::bindings::exports::tollgate::auth::resource_server as wit;
use super::capability::HostServices;
use super::delegation::CallReport;
use super::fault_log::FaultLog;
use super::instance::{
    Assertion, DecisionCall, IdentifiedDecision, Instance, Issued, Limits, Progress, Step, Task,
    TokenCall,
};
use super::key_snapshot::KeySnapshot;
use super::program::Program;
use task::OwnedTask;

/// The instance failed, and the call with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Failed;

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

pub(super) struct Worker {
    template: Arc<InstanceTemplate>,
    services: Arc<HostServices>,
    running: Mutex<Option<Box<Running>>>,
    generations: AtomicU64,
    refreshing: AtomicBool,
}

struct Running {
    instance: Instance,
    /// Identifies the instance. Tasks of an older instance are lost.
    generation: u64,
    /// The version of the key snapshot that the instance has.
    keys_seen: u64,
}

/// How often a call is repeated if its instance failed in another call.
const MAX_RESTARTS: usize = 2;

impl Worker {
    /// A worker with its first instance.
    pub(super) fn start(
        template: Arc<InstanceTemplate>,
        services: Arc<HostServices>,
    ) -> wasmtime::Result<Result<Arc<Self>, ConfigError>> {
        let worker = Self {
            template,
            services,
            running: Mutex::new(None),
            generations: AtomicU64::new(0),
            refreshing: AtomicBool::new(false),
        };
        Ok(worker.new_running()?.map(|running| {
            *worker
                .running
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(running);
            Arc::new(worker)
        }))
    }

    fn new_running(&self) -> wasmtime::Result<Result<Box<Running>, ConfigError>> {
        let InstanceTemplate {
            program,
            config,
            limits,
            ..
        } = &*self.template;
        let mut instance = match Instance::start(program, config, *limits, &self.services)? {
            Ok(instance) => instance,
            Err(error) => return Ok(Err(error)),
        };
        self.template.faults.log_new(instance.new_faults()?);
        Ok(Ok(Box::new(Running {
            instance,
            generation: self.generations.fetch_add(1, Ordering::Relaxed),
            keys_seen: 0,
        })))
    }

    /// Runs `call` in the instance. If it fails the instance is dropped, and the next call gets a
    /// new one, with the newest keys.
    fn with<R>(&self, call: impl FnOnce(&mut Running) -> wasmtime::Result<R>) -> Result<R, Failed> {
        // After a panic the slot is empty, because the instance had been taken out of it.
        let mut slot = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let result = self.run(&mut slot, call);
        result.map_err(|error| {
            drop(slot);
            self.template.failures.fetch_add(1, Ordering::Relaxed);
            tracing::error!(
                error = format!("{error:#}"),
                "a gate failed and is replaced"
            );
            // Callers with a task in the old instance must start it again.
            self.services.progress.notify_waiters();
            Failed
        })
    }

    fn run<R>(
        &self,
        slot: &mut Option<Box<Running>>,
        call: impl FnOnce(&mut Running) -> wasmtime::Result<R>,
    ) -> wasmtime::Result<R> {
        let mut running = match slot.take() {
            Some(running) => running,
            None => match self.new_running()? {
                Ok(running) => running,
                // The configuration was accepted before.
                Err(error) => wasmtime::bail!("{}: {}", error.field, error.message),
            },
        };
        let keys = &self.template.keys;
        running
            .instance
            .set_deadline(self.template.limits.call_ticks);
        // An instance that is fetching gets the same documents from its fetch.
        if running.keys_seen != keys.version() && !running.instance.is_fetching() {
            let (version, state) = keys.latest();
            // The same component exported it for the same configuration. If it refuses the keys
            // nevertheless, it fetches them.
            let _ = running.instance.import_keys(&state)?;
            running.keys_seen = version;
            self.services.reader.caught_up();
            running
                .instance
                .set_deadline(self.template.limits.call_ticks);
        }
        let result = call(&mut running)?;
        *slot = Some(running);
        Ok(result)
    }

    /// Starts a decision and waits for it. None if the gate does not answer this request. If the
    /// future is dropped, the task in the component is dropped too.
    pub(super) async fn decide(
        self: &Arc<Self>,
        call: DecisionCall<'_>,
    ) -> Result<Option<IdentifiedDecision>, Failed> {
        let begin = |instance: &mut Instance| instance.decide(call);
        let decided = self.drive(begin, Instance::poll, MAX_RESTARTS).await?;
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
        let begin = |instance: &mut Instance| instance.start_token(call);
        self.drive(begin, Instance::poll_token, restarts).await
    }

    /// Starts a client assertion and waits for its result.
    pub(super) async fn client_assertion(&self, audience: &str) -> Result<Assertion, Failed> {
        let begin = |instance: &mut Instance| instance.client_assertion(audience);
        self.drive(begin, Instance::poll_assertion, MAX_RESTARTS)
            .await
    }

    /// Fetches what is stale.
    pub(super) async fn refresh(self: &Arc<Self>) -> Result<(), Failed> {
        self.drive(Instance::refresh, Instance::poll_refresh, 0)
            .await
    }

    /// Starts a task and drives it to its end. If its instance failed in another call, the task is
    /// started again, at most this many times.
    async fn drive<T>(
        &self,
        begin: impl Fn(&mut Instance) -> wasmtime::Result<Step<T>>,
        poll: fn(&mut Instance, Task) -> wasmtime::Result<Progress<T>>,
        restarts: usize,
    ) -> Result<T, Failed> {
        for _ in 0..=restarts {
            let (generation, step, notify) = self.with(|running| {
                let step = begin(&mut running.instance)?;
                Ok((running.generation, step, running.instance.take_notify()))
            })?;
            let end = match step {
                Step::Done(end) => Some(end),
                Step::Waiting(task) => {
                    let notify = notify.unwrap_or_default();
                    let task = OwnedTask::new(self, generation, task);
                    task.drive(&notify, poll).await?
                }
            };
            if let Some(end) = end {
                // Also if there was nothing to wait for: on a busy machine, a response may arrive
                // before the call that requested it has returned.
                self.publish_keys();
                return Ok(end);
            }
        }
        Err(Failed)
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
            self.template.faults.log_new(running.instance.new_faults()?);
            let state = running.instance.export_keys()?;
            running.keys_seen = self.template.keys.publish(state, running.keys_seen);
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

    /// Linear memory, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.services.memory.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
