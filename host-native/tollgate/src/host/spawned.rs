//! Work of the host that a task of the component waits for.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// A finished or running piece of work with one outcome. Dropping it cancels the work.
#[derive(Debug)]
pub(crate) struct Spawned<T> {
    outcome: Arc<Mutex<Option<T>>>,
    task: Option<AbortHandle>,
}

impl<T> Spawned<T> {
    /// An outcome that is already known.
    pub(crate) fn ready(outcome: T) -> Self {
        Self {
            outcome: Arc::new(Mutex::new(Some(outcome))),
            task: None,
        }
    }

    /// Runs `work` on `runtime`, and calls `done` when there is an outcome. If the work panics, that
    /// is `lost`.
    pub(crate) fn start(
        runtime: &Handle,
        work: impl Future<Output = T> + Send + 'static,
        lost: T,
        done: impl FnOnce() + Send + 'static,
    ) -> Self
    where
        T: Send + 'static,
    {
        let outcome = Arc::default();
        let report = Report {
            outcome: Arc::clone(&outcome),
            last: Some((lost, done)),
        };
        let task = runtime.spawn(async move {
            let ended = work.await;
            report.set(ended);
        });
        Self {
            outcome,
            task: Some(task.abort_handle()),
        }
    }

    /// The outcome, returned once.
    pub(crate) fn take(&self) -> Option<T> {
        self.outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl<T> Drop for Spawned<T> {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Stores the outcome and notifies whoever waits for it, even if the work panics.
struct Report<T, F: FnOnce()> {
    outcome: Arc<Mutex<Option<T>>>,
    last: Option<(T, F)>,
}

impl<T, F: FnOnce()> Report<T, F> {
    fn set(mut self, ended: T) {
        if let Some((outcome, _)) = &mut self.last {
            *outcome = ended;
        }
    }
}

impl<T, F: FnOnce()> Drop for Report<T, F> {
    fn drop(&mut self) {
        if let Some((outcome, done)) = self.last.take() {
            *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            done();
        }
    }
}
