//! Storage that the issuer is given.

use std::fmt;
use std::future::ready;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tollgate_core::store::{self as core, PendingStore, Store as _};

pub use tollgate_core::store::{
    Commit, Committed, Condition, Page, Put, Record, StoreError, UnixSeconds,
};
pub use tollgate_sqlite::SqliteStore;

/// A running operation of a store.
pub type StoreFuture<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// Storage: records in partitions, changed under conditions. `wit/store.wit` has what the issuer
/// relies on, and what happens if a store does not keep it.
///
/// All instances of the component share one store. A future is polled while its instance is locked,
/// so polling must not block, and must not call the issuer. If it is dropped, a commit may still
/// take place, as a whole. An operation that takes longer than 5 seconds counts as
/// [`StoreError::Unavailable`].
pub trait Store: Send + Sync + 'static {
    /// Starts a read of some keys, all at the same moment. The result has an entry for each key, in
    /// the same order.
    fn read(
        &self,
        partition: &str,
        keys: &[&str],
        now: UnixSeconds,
    ) -> StoreFuture<Vec<Option<Record>>>;

    /// Starts a read of the records whose key begins with `prefix` and comes after `after`, in the
    /// order of their keys.
    fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
        now: UnixSeconds,
    ) -> StoreFuture<Page>;

    /// Starts a change: all or nothing.
    fn commit(&self, partition: &str, commit: Commit, now: UnixSeconds) -> StoreFuture<Committed>;
}

impl<S: Store + ?Sized> Store for Arc<S> {
    fn read(
        &self,
        partition: &str,
        keys: &[&str],
        now: UnixSeconds,
    ) -> StoreFuture<Vec<Option<Record>>> {
        (**self).read(partition, keys, now)
    }

    fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
        now: UnixSeconds,
    ) -> StoreFuture<Page> {
        (**self).list(partition, prefix, after, limit, now)
    }

    fn commit(&self, partition: &str, commit: Commit, now: UnixSeconds) -> StoreFuture<Committed> {
        (**self).commit(partition, commit, now)
    }
}

/// Storage in one file, which survives the process.
impl Store for SqliteStore {
    fn read(
        &self,
        partition: &str,
        keys: &[&str],
        now: UnixSeconds,
    ) -> StoreFuture<Vec<Option<Record>>> {
        Box::pin(Self::read(self, partition, keys, now))
    }

    fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
        now: UnixSeconds,
    ) -> StoreFuture<Page> {
        Box::pin(Self::list(self, partition, prefix, after, limit, now))
    }

    fn commit(&self, partition: &str, commit: Commit, now: UnixSeconds) -> StoreFuture<Committed> {
        Box::pin(Self::commit(self, partition, commit, now))
    }
}

/// Storage in memory, for tests and development: everything is lost with the process. A clone is the
/// same store.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<core::MemoryStore>>);

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Deletes every record that has expired.
    pub fn sweep(&self, now: UnixSeconds) {
        self.lock().sweep(now);
    }

    fn lock(&self) -> MutexGuard<'_, core::MemoryStore> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

/// Core's store in memory answers at once.
fn answered<T: Send + 'static>(mut pending: PendingStore<T>) -> StoreFuture<T> {
    Box::pin(ready(pending.poll().unwrap_or(Err(StoreError::Failed))))
}

impl Store for MemoryStore {
    fn read(
        &self,
        partition: &str,
        keys: &[&str],
        now: UnixSeconds,
    ) -> StoreFuture<Vec<Option<Record>>> {
        answered(self.lock().read(partition, keys, now))
    }

    fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
        now: UnixSeconds,
    ) -> StoreFuture<Page> {
        answered(self.lock().list(partition, prefix, after, limit, now))
    }

    fn commit(&self, partition: &str, commit: Commit, now: UnixSeconds) -> StoreFuture<Committed> {
        answered(self.lock().commit(partition, commit, now))
    }
}
