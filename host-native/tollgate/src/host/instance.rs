//! An instance of a component, as the worker that runs it sees it.

use std::sync::Arc;

use tollgate_config::ConfigError;
use wasmtime::component::ResourceAny;

use super::capability::{Capabilities, HostServices};

/// A running operation in an instance.
pub(crate) type Task = ResourceAny;

/// Limits of one instance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Linear memory, in bytes.
    pub(crate) max_memory: usize,
    /// How long a call may take, in ticks of the engine's clock.
    pub(crate) call_ticks: u64,
}

/// What a call that starts an operation returns.
pub(crate) enum Step<T> {
    Done(T),
    Waiting(Task),
}

/// What a poll of a task returns.
pub(crate) enum Progress<T> {
    Ready(T),
    /// Poll again after an operation that the task started has ended, or after this many
    /// milliseconds.
    Pending(Option<u32>),
}

/// An instance. After a call has failed, it must be dropped, because the component may be in an
/// inconsistent state.
pub(crate) trait Instance {
    /// Sets the deadline of the next call. Must be called before each call from outside.
    fn set_deadline(&mut self, ticks: u64);

    /// What the host lends to it.
    fn capabilities(&mut self) -> &mut Capabilities;

    /// Drops a task of any kind.
    fn drop_task(&mut self, task: Task) -> wasmtime::Result<()>;
}

/// What the workers of one gate or issuer need to start instances.
pub(crate) trait Template {
    /// What it starts.
    type Instance: Instance;

    /// What the log calls it.
    const ROLE: &'static str;

    /// Starts an instance. The inner error is the component's: the configuration is invalid.
    fn start(
        &self,
        services: &Arc<HostServices>,
    ) -> wasmtime::Result<Result<Self::Instance, ConfigError>>;

    /// Called before each call into an instance, with the deadline set.
    fn prepare(
        &self,
        instance: &mut Self::Instance,
        services: &HostServices,
    ) -> wasmtime::Result<()>;

    /// The limits of each instance.
    fn limits(&self) -> Limits;

    /// Counts an instance that failed.
    fn count_failure(&self);
}
