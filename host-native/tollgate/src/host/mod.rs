//! What every role of the component needs under wasmtime: the engine, instances that are replaced
//! when they fail, tasks that are driven to their end, and what the host lends.

pub(crate) mod answer;
pub(crate) mod bindings;
pub(crate) mod build_error;
pub(crate) mod capability;
pub(crate) mod engine;
pub(crate) mod exchange;
pub(crate) mod instance;
pub(crate) mod request_origin;
pub(crate) mod shared_fetch;
pub(crate) mod signatures;
pub(crate) mod signer;
pub(crate) mod spawned;
pub(crate) mod task;
pub(crate) mod worker;
