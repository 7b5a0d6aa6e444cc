//! The store, and its threads.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tollgate_core::store::{
    Commit, Committed, Page, PendingStore, Record, Store, StoreError, UnixSeconds,
    list_is_within_limits, read_is_within_limits,
};

use crate::backup::{BackupError, back_up};
use crate::connection::reading;
use crate::fault_log::FaultLog;
use crate::open::{OpenError, Settings, open, sqlite_error};
use crate::operation::{Answer, Operation, failed, operation};
use crate::queue::Queue;
use crate::read;
use crate::sweep::Sweeper;
use crate::writer::{Change, Counts, Writer};

/// Operations that wait at most, of each kind: about a second's work. More are
/// [`StoreError::Unavailable`].
const WAITING: usize = 4096;

/// The values of commits that wait, in bytes together. One commit may have 8 MiB.
const WAITING_BYTES: usize = 64 * 1024 * 1024;

type ReadJob = Box<dyn FnOnce(&Connection) + Send>;

/// A store in one SQLite file. A clone is the same store. When the last one is dropped, what was
/// started is finished, and the file is closed.
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    settings: Settings,
    changes: Arc<Queue<Change>>,
    reads: Arc<Queue<ReadJob>>,
    log: Arc<FaultLog>,
    counts: Arc<Counts>,
    /// Dropped to stop the sweeper.
    sweeping: Option<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

/// What a store has done since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Commits that were carried out.
    pub commits: u64,
    /// Commits that were refused because of a condition.
    pub conflicts: u64,
    /// Transactions that they took: each waited for the disk once.
    pub transactions: u64,
}

impl SqliteStore {
    /// Opens a file, or creates it, with the default settings. It blocks.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(path, Settings::default())
    }

    /// Opens a file, or creates it. It blocks.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn open_with(path: impl AsRef<Path>, settings: Settings) -> Result<Self, OpenError> {
        let (path, connection) = open(path.as_ref(), &settings)?;
        let readers = (0..settings.readers.max(1))
            .map(|_| reading(&path, settings.busy_timeout))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| sqlite_error(&path, error))?;
        let mut inner = Inner {
            changes: Arc::new(Queue::new(WAITING, WAITING_BYTES)),
            reads: Arc::new(Queue::new(WAITING, 0)),
            log: Arc::new(FaultLog::new(path.clone())),
            counts: Arc::default(),
            sweeping: None,
            threads: Vec::new(),
            path,
            settings,
        };
        inner
            .start(connection, readers)
            .map_err(|error| OpenError::File {
                path: inner.path.clone(),
                error,
            })?;
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Starts a read: see [`Store::read`].
    pub fn read(
        &self,
        partition: &str,
        keys: &[&str],
        now: UnixSeconds,
    ) -> Operation<Vec<Option<Record>>> {
        if !read_is_within_limits(partition, keys, now) {
            return failed(StoreError::Failed);
        }
        let partition = partition.to_owned();
        let keys: Vec<_> = keys.iter().map(|&key| key.to_owned()).collect();
        self.inner.reader(move |connection, log| {
            let found = read::read(connection, &partition, &keys, now);
            found
                .map_err(|error| log.report(&error))?
                .ok_or(StoreError::Failed)
        })
    }

    /// Starts a read of a page: see [`Store::list`].
    pub fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
        now: UnixSeconds,
    ) -> Operation<Page> {
        if !list_is_within_limits(partition, prefix, after, limit, now) {
            return failed(StoreError::Failed);
        }
        let partition = partition.to_owned();
        let prefix = prefix.to_owned();
        let after = after.map(str::to_owned);
        self.inner.reader(move |connection, log| {
            let page = read::list(
                connection,
                &partition,
                &prefix,
                after.as_deref(),
                limit,
                now,
            );
            page.map_err(|error| log.report(&error))
        })
    }

    /// Starts a commit: see [`Store::commit`].
    pub fn commit(
        &self,
        partition: &str,
        commit: Commit,
        now: UnixSeconds,
    ) -> Operation<Committed> {
        if !commit.is_within_limits(partition, now) {
            return failed(StoreError::Failed);
        }
        let (operation, answer) = operation();
        let change = Change::Commit {
            partition: partition.to_owned(),
            commit,
            now,
            answer,
        };
        // If the queue is full, the answer is dropped, which says so.
        let bytes = change.bytes();
        drop(self.inner.changes.push(change, bytes));
        operation
    }

    /// Copies the database of this moment to a new file, while others read and write. It blocks.
    ///
    /// # Errors
    /// Why there is no backup.
    pub fn backup_to(&self, path: impl AsRef<Path>) -> Result<(), BackupError> {
        let Inner {
            path: own,
            settings,
            ..
        } = &*self.inner;
        back_up(own, settings.busy_timeout, path.as_ref())
    }

    /// Deletes the records that expired before this time, and says how many there were. It blocks.
    /// The store does this by itself, an hour after the expiry.
    ///
    /// # Errors
    /// Why it stopped.
    pub fn sweep(&self, before: UnixSeconds) -> Result<u64, StoreError> {
        self.inner.sweeper().sweep(before, &|| false)
    }

    /// What was done since the store was opened.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let counts = &self.inner.counts;
        Counters {
            commits: counts.commits.load(Ordering::Relaxed),
            conflicts: counts.conflicts.load(Ordering::Relaxed),
            transactions: counts.transactions.load(Ordering::Relaxed),
        }
    }
}

impl Inner {
    fn start(&mut self, connection: Connection, readers: Vec<Connection>) -> std::io::Result<()> {
        let writer = Writer {
            connection,
            queue: Arc::clone(&self.changes),
            log: Arc::clone(&self.log),
            counts: Arc::clone(&self.counts),
        };
        self.spawn("store-writer", move || writer.run())?;
        for connection in readers {
            let reads = Arc::clone(&self.reads);
            self.spawn("store-reader", move || {
                while let Some(job) = reads.pop() {
                    job(&connection);
                }
            })?;
        }
        if self.settings.sweep {
            let sweeper = self.sweeper();
            let (sweeping, stop) = mpsc::channel();
            self.sweeping = Some(sweeping);
            self.spawn("store-sweeper", move || sweeper.run(&stop))?;
        }
        Ok(())
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run)?;
        self.threads.push(thread);
        Ok(())
    }

    fn sweeper(&self) -> Sweeper {
        Sweeper {
            path: self.path.clone(),
            busy_timeout: self.settings.busy_timeout,
            queue: Arc::clone(&self.changes),
            log: Arc::clone(&self.log),
        }
    }

    /// Has a thread read. It begins its transaction after this, so it sees every commit that was
    /// answered before.
    fn reader<T: Send + 'static>(
        &self,
        run: impl FnOnce(&Connection, &FaultLog) -> Result<T, StoreError> + Send + 'static,
    ) -> Operation<T> {
        let (operation, answer): (_, Answer<T>) = operation();
        let log = Arc::clone(&self.log);
        let job: ReadJob = Box::new(move |connection| {
            if answer.is_wanted() {
                answer.give(run(connection, &log));
            }
        });
        // If the queue is full, the answer is dropped with the job, which says so.
        drop(self.reads.push(job, 0));
        operation
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.changes.close();
        self.reads.close();
        self.sweeping = None;
        for thread in self.threads.drain(..) {
            // If it panicked, its operations have failed.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.inner.path)
            .finish_non_exhaustive()
    }
}

impl Store for SqliteStore {
    fn read(
        &self,
        partition: &str,
        keys: &[&str],
        now: UnixSeconds,
    ) -> PendingStore<Vec<Option<Record>>> {
        Box::new(self.read(partition, keys, now))
    }

    fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
        now: UnixSeconds,
    ) -> PendingStore<Page> {
        Box::new(self.list(partition, prefix, after, limit, now))
    }

    fn commit(&self, partition: &str, commit: Commit, now: UnixSeconds) -> PendingStore<Committed> {
        Box::new(self.commit(partition, commit, now))
    }
}
