//! One store: an instance behind a lock, replaced when it traps.
//!
//! No call into the component blocks, so the lock is held only for microseconds (a few milliseconds
//! if a new key is prepared), and the caller's thread makes the call: a queue and a separate thread
//! would cost more than a decision.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tollgate_config::ConfigError;

use super::capability::HostServices;
use super::instance::{Instance, Progress, Step, Task, Template};
use super::task::OwnedTask;

/// The instance failed, and the call with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Failed;

/// See the module.
pub(crate) struct Worker<T: Template> {
    pub(crate) template: Arc<T>,
    pub(crate) services: Arc<HostServices>,
    running: Mutex<Option<Box<Running<T::Instance>>>>,
    generations: AtomicU64,
}

/// An instance that is in use.
pub(crate) struct Running<I> {
    pub(crate) instance: I,
    /// Identifies the instance. Tasks of an older instance are lost.
    pub(crate) generation: u64,
}

/// How often a call is repeated if its instance failed in another call.
pub(crate) const MAX_RESTARTS: usize = 2;

impl<T: Template> Worker<T> {
    /// A worker with its first instance.
    pub(crate) fn start(
        template: Arc<T>,
        services: Arc<HostServices>,
    ) -> wasmtime::Result<Result<Self, ConfigError>> {
        let worker = Self {
            template,
            services,
            running: Mutex::new(None),
            generations: AtomicU64::new(0),
        };
        Ok(worker.new_running()?.map(|running| {
            *worker
                .running
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(running);
            worker
        }))
    }

    fn new_running(&self) -> wasmtime::Result<Result<Box<Running<T::Instance>>, ConfigError>> {
        Ok(self.template.start(&self.services)?.map(|instance| {
            Box::new(Running {
                instance,
                generation: self.generations.fetch_add(1, Ordering::Relaxed),
            })
        }))
    }

    /// Runs `call` in the instance. If it fails the instance is dropped, and the next call gets a
    /// new one.
    pub(crate) fn with<R>(
        &self,
        call: impl FnOnce(&mut Running<T::Instance>) -> wasmtime::Result<R>,
    ) -> Result<R, Failed> {
        // After a panic the slot is empty, because the instance had been taken out of it.
        let mut slot = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let result = self.run(&mut slot, call);
        result.map_err(|error| {
            drop(slot);
            self.template.count_failure();
            tracing::error!(
                error = format!("{error:#}"),
                "{} failed and is replaced",
                T::ROLE
            );
            // Callers with a task in the old instance must start it again.
            self.services.progress.notify_waiters();
            Failed
        })
    }

    fn run<R>(
        &self,
        slot: &mut Option<Box<Running<T::Instance>>>,
        call: impl FnOnce(&mut Running<T::Instance>) -> wasmtime::Result<R>,
    ) -> wasmtime::Result<R> {
        let mut running = match slot.take() {
            Some(running) => running,
            None => match self.new_running()? {
                Ok(running) => running,
                // The configuration was accepted before.
                Err(error) => wasmtime::bail!("{}: {}", error.field, error.message),
            },
        };
        let ticks = self.template.limits().call_ticks;
        running.instance.set_deadline(ticks);
        self.template
            .prepare(&mut running.instance, &self.services)?;
        let result = call(&mut running)?;
        *slot = Some(running);
        Ok(result)
    }

    /// Starts a task and drives it to its end. If its instance failed in another call, the task is
    /// started again, at most this many times. If the future is dropped, the task in the component
    /// is dropped too.
    pub(crate) async fn drive<R>(
        &self,
        begin: impl Fn(&mut T::Instance) -> wasmtime::Result<Step<R>>,
        poll: fn(&mut T::Instance, Task) -> wasmtime::Result<Progress<R>>,
        restarts: usize,
    ) -> Result<R, Failed> {
        for _ in 0..=restarts {
            let (generation, step, notify) = self.with(|running| {
                let step = begin(&mut running.instance)?;
                let notify = running.instance.capabilities().take_notify();
                Ok((running.generation, step, notify))
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
                return Ok(end);
            }
        }
        Err(Failed)
    }

    /// Linear memory, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.services.memory.load(Ordering::Relaxed)
    }
}
