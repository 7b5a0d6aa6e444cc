//! Storage: records in partitions, changed under conditions.
//!
//! A store has two reads and one change, and each concerns one partition. So nothing can ask for a
//! change of two partitions together, and a host may keep each partition on another machine.
//!
//! Core relies on three promises of a store:
//!
//! - **All or nothing.** A commit writes everything, or nothing.
//! - **Durable.** A commit that was answered survives a crash of the host.
//! - **In order.** A read sees every commit to the partition that was answered before it began, and
//!   no two commits to a partition overlap.
//!
//! Where a store breaks the first or the third, a code can be redeemed twice; where it breaks the
//! second, a revoked token can come back.

mod limits;
mod memory;

use crate::capability::Pending;

pub use limits::{list_is_within_limits, read_is_within_limits};
pub use memory::MemoryStore;

/// Seconds since 1970-01-01T00:00:00Z.
pub type UnixSeconds = u64;

/// The longest key, in bytes. Keys are a short word and a hash or an id.
pub const KEY_BYTES: usize = 256;

/// The longest value, in bytes: half of what a row of a Durable Object holds (2 MB).
pub const VALUE_BYTES: usize = 1024 * 1024;

/// Keys of one read, and conditions or changes of one commit: the statements of one short
/// transaction.
pub const KEYS_AT_ONCE: usize = 32;

/// The values of one read, one page or one commit together, in bytes: a quarter of what one message
/// between a Worker and a Durable Object holds (32 MiB).
pub const BYTES_AT_ONCE: usize = 8 * 1024 * 1024;

/// The longest name of a partition, in bytes.
pub const PARTITION_BYTES: usize = 64;

/// The longest version, in bytes.
pub const VERSION_BYTES: usize = 32;

/// The latest time: the end of the year 9999. JavaScript's numbers and SQLite's integers hold it.
pub const LATEST: UnixSeconds = 253_402_300_799;

/// Records of one page.
pub const PAGE_RECORDS: u32 = 1000;

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Printable ASCII, at most [`KEY_BYTES`].
    pub key: String,
    /// The version that the record was written with: see [`Put::version`].
    pub version: String,
    /// At most [`VALUE_BYTES`].
    pub value: Vec<u8>,
    /// From this second on, the record does not exist. `None`: it does not expire.
    pub expires_at: Option<UnixSeconds>,
}

/// What a commit demands of a key. If it does not hold, nothing is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// There is no record, or it has expired.
    Absent,
    /// The record has this version, and has not expired.
    Version(String),
}

/// A record to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// See [`Record::key`].
    pub key: String,
    /// 1 to 32 letters, digits, `-` and `_`, chosen by core and never used before in the partition:
    /// random. So a record that was deleted and written again never has an old version, and core
    /// can see whether a commit whose answer was lost took place.
    pub version: String,
    /// See [`Record::value`].
    pub value: Vec<u8>,
    /// See [`Record::expires_at`].
    pub expires_at: Option<UnixSeconds>,
}

/// A change of one partition: all or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commit {
    /// Every one must hold. A key may have a condition and be neither written nor deleted. No key
    /// twice.
    pub conditions: Vec<(String, Condition)>,
    /// Records to write, in place of what the keys had. No key twice. Their values together have at
    /// most [`BYTES_AT_ONCE`].
    pub puts: Vec<Put>,
    /// Keys to delete. A key without a record is not an error. None of `puts`.
    pub deletes: Vec<String>,
}

/// The result of a commit that the store carried out or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// Everything is written, durably.
    Done,
    /// A condition does not hold. Nothing was changed.
    Conflict,
}

/// Records in the order of their keys (by bytes).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// At most as many as were asked for.
    pub records: Vec<Record>,
    /// Whether there are more behind the last one.
    pub more: bool,
}

/// Why the store did not answer. After a commit it is unknown whether the change took place, except
/// that an operation over a limit of this module changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreError {
    /// The store cannot be reached, or is overloaded. The same operation may succeed later.
    Unavailable,
    /// The operation failed, and will fail again: the database is damaged, full or of a newer
    /// schema, and the operator must act. An operation over a limit of this module, which core never
    /// starts, fails like this too.
    Failed,
}

/// The result of a store operation.
pub type PendingStore<T> = Box<dyn Pending<Result<T, StoreError>>>;

/// Storage that the host lends. The module has the promises that core relies on.
///
/// `partition` is 1 to 64 letters, digits, `-` and `_`. A partition that was never written is
/// empty. `now` is the time of the operation in seconds: a record whose `expires_at` is not later
/// counts as absent. A store may delete expired records whenever it likes.
pub trait Store {
    /// Starts a read of some keys, all at the same moment. The result has an entry for each key, in
    /// the same order; `None` if there is no record. It fails if the values together have more than
    /// [`BYTES_AT_ONCE`].
    fn read(
        &self,
        partition: &str,
        keys: &[&str],
        now: UnixSeconds,
    ) -> PendingStore<Vec<Option<Record>>>;

    /// Starts a read of the records whose key begins with `prefix` and comes after `after`, at most
    /// `limit` (1 to [`PAGE_RECORDS`]) and at most [`BYTES_AT_ONCE`] of values. A record that exists
    /// during a whole walk through the pages is on exactly one of them. An empty prefix matches
    /// every key.
    fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
        now: UnixSeconds,
    ) -> PendingStore<Page>;

    /// Starts a change.
    fn commit(&self, partition: &str, commit: Commit, now: UnixSeconds) -> PendingStore<Committed>;
}
