//! Polls a task of the component until it is ready.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::instance::{Instance, Progress, Task, Template};
use super::worker::{Failed, Worker};

/// The maximum time between two polls, in case a notification is lost.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// A task that is dropped in the component when this is dropped.
pub(crate) struct OwnedTask<'a, T: Template> {
    worker: &'a Worker<T>,
    generation: u64,
    task: Task,
}

impl<'a, T: Template> OwnedTask<'a, T> {
    /// A task in the worker's instance of this generation.
    pub(crate) fn new(worker: &'a Worker<T>, generation: u64, task: Task) -> Self {
        Self {
            worker,
            generation,
            task,
        }
    }

    /// Polls the task until it is ready. None if its instance has failed in another call.
    pub(crate) async fn drive<R>(
        &self,
        notify: &Arc<Notify>,
        poll: fn(&mut T::Instance, Task) -> wasmtime::Result<Progress<R>>,
    ) -> Result<Option<R>, Failed> {
        loop {
            let progress = self.worker.services.progress.notified();
            tokio::pin!(progress);
            // From here on, no notification is missed.
            progress.as_mut().enable();
            let progressed = self.with(|instance, task| {
                instance.capabilities().set_notify(Arc::clone(notify));
                let progressed = poll(instance, task);
                instance.capabilities().take_notify();
                progressed
            });
            match progressed? {
                None => return Ok(None),
                Some(Progress::Ready(end)) => return Ok(Some(end)),
                Some(Progress::Pending(wait)) => {
                    tokio::select! {
                        () = notify.notified() => {}
                        () = progress => {}
                        () = tokio::time::sleep(pause(wait)) => {}
                    }
                }
            }
        }
    }

    /// Runs `call` in the task's instance. None if that instance has been replaced.
    pub(crate) fn with<R>(
        &self,
        call: impl FnOnce(&mut T::Instance, Task) -> wasmtime::Result<R>,
    ) -> Result<Option<R>, Failed> {
        self.worker.with(|running| {
            if running.generation == self.generation {
                call(&mut running.instance, self.task).map(Some)
            } else {
                Ok(None)
            }
        })
    }
}

impl<T: Template> Drop for OwnedTask<'_, T> {
    fn drop(&mut self) {
        // A failure was already logged.
        let _ = self.with(|instance, task| instance.drop_task(task));
    }
}

fn pause(wait: Option<u32>) -> Duration {
    wait.map_or(MAX_WAIT, |millis| {
        Duration::from_millis(millis.into()).min(MAX_WAIT)
    })
}
