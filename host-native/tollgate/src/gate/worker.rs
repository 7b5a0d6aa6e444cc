//! One store: an instance behind a lock, replaced when it traps.
//!
//! No call into the component waits for anything, so the lock is held for microseconds (some
//! milliseconds when a new key is prepared) and the caller's own thread makes the call: a queue
//! and a thread of its own would cost more than a decision.

mod task;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tollgate_config::{Config, ConfigError, Settings};

use super::bindings::exports::tollgate::auth::resource_server as wit;
use super::capability::HostServices;
use super::delegation::CallReport;
use super::fault_log::FaultLog;
use super::instance::{
    Assertion, Instance, Issued, Limits, Progress, Question, Step, Task, TokenQuestion, Verdict,
};
use super::key_snapshot::KeySnapshot;
use super::program::Program;
use task::OwnedTask;

/// The instance failed and with it what was asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Failed;

/// What every worker of a gate starts instances from.
pub(super) struct Blueprint {
    pub(super) program: Program,
    pub(super) config: Config,
    pub(super) limits: Limits,
    /// The newest keys that any instance has fetched.
    pub(super) keys: KeySnapshot,
    pub(super) faults: FaultLog,
    /// Instances that failed so far.
    pub(super) failures: AtomicU64,
}

pub(super) struct Worker {
    blueprint: Arc<Blueprint>,
    services: Arc<HostServices>,
    running: Mutex<Option<Box<Running>>>,
    generations: AtomicU64,
    refreshing: AtomicBool,
}

struct Running {
    instance: Instance,
    /// Tasks belong to one instance: an older one's are gone.
    generation: u64,
    /// The version of the key snapshot that it has.
    keys_seen: u64,
}

/// How often a question is asked anew when the instance that worked on it failed on another.
const MAX_RESTARTS: usize = 2;

impl Worker {
    /// A worker with its first instance.
    pub(super) fn start(
        blueprint: Arc<Blueprint>,
        services: Arc<HostServices>,
    ) -> wasmtime::Result<Result<Arc<Self>, ConfigError>> {
        let worker = Self {
            blueprint,
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
        let Blueprint {
            program,
            config,
            limits,
            ..
        } = &*self.blueprint;
        let mut instance = match Instance::start(program, config, *limits, &self.services)? {
            Ok(instance) => instance,
            Err(error) => return Ok(Err(error)),
        };
        self.blueprint.faults.tell(instance.new_faults()?);
        Ok(Ok(Box::new(Running {
            instance,
            generation: self.generations.fetch_add(1, Ordering::Relaxed),
            keys_seen: 0,
        })))
    }

    /// Runs `call` in the instance. If it fails the instance is dropped, and the next call gets a
    /// new one, with the newest keys.
    fn with<R>(&self, call: impl FnOnce(&mut Running) -> wasmtime::Result<R>) -> Result<R, Failed> {
        // After a panic the slot is empty, because the instance was taken out of it.
        let mut slot = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let result = self.run(&mut slot, call);
        result.map_err(|error| {
            drop(slot);
            self.blueprint.failures.fetch_add(1, Ordering::Relaxed);
            tracing::error!(
                error = format!("{error:#}"),
                "a gate failed and is replaced"
            );
            // Whoever has a task there must ask anew.
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
                // It was accepted before.
                Err(error) => wasmtime::bail!("{}: {}", error.field, error.message),
            },
        };
        let keys = &self.blueprint.keys;
        running.instance.wind_up(self.blueprint.limits.call_ticks);
        // One that fetches gets the same documents by that.
        if running.keys_seen != keys.version() && !running.instance.is_fetching() {
            let (version, state) = keys.latest();
            // Exported by the same component for the same configuration; what it refuses all the
            // same, it fetches.
            let _ = running.instance.import_keys(&state)?;
            running.keys_seen = version;
            self.services.reader.caught_up();
            running.instance.wind_up(self.blueprint.limits.call_ticks);
        }
        let result = call(&mut running)?;
        *slot = Some(running);
        Ok(result)
    }

    /// Asks the component and waits for its decision; none where the question is not its own.
    /// Nothing is left behind in the component when the future is dropped.
    pub(super) async fn ask(
        self: &Arc<Self>,
        question: Question<'_>,
    ) -> Result<Option<Verdict>, Failed> {
        let ask = |instance: &mut Instance| instance.ask(question);
        let verdict = self.settle(ask, Instance::poll, MAX_RESTARTS).await?;
        if verdict.as_ref().is_some_and(|verdict| verdict.refresh_due) {
            self.refresh_in_background();
        }
        Ok(verdict)
    }

    /// Asks for a token and waits for it, or for why there is none.
    pub(super) async fn ask_for_token(
        self: &Arc<Self>,
        question: TokenQuestion<'_>,
    ) -> Result<Issued, Failed> {
        let restarts = match question {
            // What was sent once as it stands is not sent again: an assertion and a refresh token
            // may be good for one use only.
            TokenQuestion::Request(..) => 0,
            TokenQuestion::GetToken(_) | TokenQuestion::GetOwnToken(_) => MAX_RESTARTS,
        };
        let ask = |instance: &mut Instance| instance.ask_for_token(question);
        self.settle(ask, Instance::poll_token, restarts).await
    }

    /// Asks for a client assertion and waits for it, or for why there is none.
    pub(super) async fn client_assertion(&self, audience: &str) -> Result<Assertion, Failed> {
        let ask = |instance: &mut Instance| instance.client_assertion(audience);
        self.settle(ask, Instance::poll_assertion, MAX_RESTARTS)
            .await
    }

    /// Fetches what is stale.
    pub(super) async fn refresh(self: &Arc<Self>) -> Result<(), Failed> {
        self.settle(Instance::refresh, Instance::poll_refresh, 0)
            .await
    }

    /// Begins something and drives it to its end. It is begun anew, so many times, where its
    /// instance failed on something else.
    async fn settle<T>(
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
                // Also where nothing had to be waited for: on a busy machine a response may be
                // there before the call that asked for it has returned.
                self.publish_keys();
                return Ok(end);
            }
        }
        Err(Failed)
    }

    /// After an exchange: shows the other instances, and the successors of this one, what it knows, and
    /// the log what is wrong.
    fn publish_keys(&self) {
        let exchanged = &self.services.exchanged;
        // Most decisions need no exchange, and a look is cheaper than a swap.
        if !exchanged.load(Ordering::Acquire) || !exchanged.swap(false, Ordering::AcqRel) {
            return;
        }
        // Others may have waited for what this one fetched.
        self.services.progress.notify_waiters();
        // A failure was logged; the next export may do better.
        let _ = self.with(|running| {
            self.blueprint.faults.tell(running.instance.new_faults()?);
            let state = running.instance.export_keys()?;
            running.keys_seen = self.blueprint.keys.publish(state, running.keys_seen);
            Ok(())
        });
    }

    /// Refreshes keys while nobody waits for it, unless that is under way.
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

    /// The settings in force.
    pub(super) fn settings(&self) -> Result<Settings, Failed> {
        self.with(|running| running.instance.settings())
    }

    /// Whether the client works; what is wrong where one is configured that does not.
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
