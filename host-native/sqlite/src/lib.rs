//! Storage in one SQLite file: the contract of [`tollgate_core::store`] on a server.
//!
//! [`SqliteStore::open`] opens or creates the file. One thread writes: commits that arrive while it
//! waits for the disk are written together, so that one `fsync` serves many. A few threads read. An
//! operation returns at once with an [`Operation`], which can be polled or awaited.
//!
//! Several processes on one machine may use one file. A file on a network file system must not be
//! used: locks do not work there.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod backup;
mod commit;
mod connection;
mod fault_log;
mod library;
mod open;
mod operation;
mod queue;
mod read;
mod schema;
mod store;
mod sweep;
mod writer;

pub use backup::BackupError;
pub use open::{OpenError, Settings};
pub use operation::Operation;
pub use store::{Counters, SqliteStore};
