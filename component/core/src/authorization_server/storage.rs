//! The store, with core's own deadline, and with retries of commits whose answer was lost.

use std::rc::Rc;

use crate::jose::base64url;
use crate::store::{Commit, Committed, Page, Put, Record, Store, StoreError, UnixSeconds};
use crate::task::Scheduler;

/// How long core waits for one operation of the store, in milliseconds. A commit to a Durable
/// Object on another continent takes 300 ms; one that took longer than this is lost.
const OPERATION_MS: u64 = 5_000;
/// How often a commit without an answer is sent again.
const ATTEMPTS: u32 = 3;
/// The pause before the next attempt, in milliseconds.
const PAUSE_MS: u64 = 100;

/// The store did not answer, or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outage {
    /// The same request may succeed later.
    Unavailable,
    /// The operator must act.
    Failed,
}

/// See the module.
#[derive(Clone)]
pub(super) struct Storage {
    store: Rc<dyn Store>,
    scheduler: Rc<Scheduler>,
}

impl Storage {
    pub(super) const fn new(store: Rc<dyn Store>, scheduler: Rc<Scheduler>) -> Self {
        Self { store, scheduler }
    }

    pub(super) const fn scheduler(&self) -> &Rc<Scheduler> {
        &self.scheduler
    }

    /// The time in seconds.
    pub(super) fn now(&self) -> UnixSeconds {
        self.scheduler.now() / 1000
    }

    /// A record to write, with a version of its own.
    pub(super) fn put(
        &self,
        key: impl Into<String>,
        value: Vec<u8>,
        expires_at: Option<UnixSeconds>,
    ) -> Put {
        let mut version = [0; 12];
        self.scheduler.random(&mut version);
        Put {
            key: key.into(),
            version: base64url::encode(&version),
            value,
            expires_at,
        }
    }

    /// Reads some keys of a partition, in their order.
    pub(super) async fn read(
        &self,
        partition: &str,
        keys: &[&str],
    ) -> Result<Vec<Option<Record>>, Outage> {
        self.retried(|| self.store.read(partition, keys, self.now()))
            .await
            .map_err(outage)
    }

    /// Reads one key.
    pub(super) async fn read_one(
        &self,
        partition: &str,
        key: &str,
    ) -> Result<Option<Record>, Outage> {
        let mut records = self.read(partition, &[key]).await?;
        Ok(records.pop().flatten())
    }

    /// Reads a page.
    pub(super) async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page, Outage> {
        self.retried(|| self.store.list(partition, prefix, after, limit, self.now()))
            .await
            .map_err(outage)
    }

    /// Changes a partition. If an answer is lost, the commit is sent again: its conditions hold only
    /// once. A conflict then means that it took place, if its own versions are there.
    pub(super) async fn commit(
        &self,
        partition: &str,
        commit: Commit,
    ) -> Result<Committed, Outage> {
        debug_assert!(
            !commit.conditions.is_empty() || commit.puts.is_empty(),
            "a write could happen twice"
        );
        for attempt in 1.. {
            let pending = self.store.commit(partition, commit.clone(), self.now());
            match self.scheduler.store(pending, OPERATION_MS).await {
                Ok(Committed::Conflict) if attempt > 1 => {
                    return self.outcome(partition, &commit).await;
                }
                Ok(committed) => return Ok(committed),
                Err(StoreError::Unavailable) if attempt < ATTEMPTS => {
                    self.scheduler.wait(self.scheduler.jittered(PAUSE_MS)).await;
                }
                Err(error) => return Err(outage(error)),
            }
        }
        unreachable!("the last attempt returns")
    }

    /// Whether a commit took place, of which an earlier attempt got no answer.
    async fn outcome(&self, partition: &str, commit: &Commit) -> Result<Committed, Outage> {
        let puts = commit.puts.iter().map(|put| put.key.as_str());
        let deletes = commit.deletes.iter().map(String::as_str);
        let keys: Vec<_> = puts.chain(deletes).collect();
        let records = self.read(partition, &keys).await?;
        let (written, deleted) = records.split_at(commit.puts.len());
        let is_written = |(put, record): (&Put, &Option<Record>)| {
            record
                .as_ref()
                .is_some_and(|record| record.version == put.version)
        };
        let took_place =
            commit.puts.iter().zip(written).all(is_written) && deleted.iter().all(Option::is_none);
        Ok(if took_place {
            Committed::Done
        } else {
            Committed::Conflict
        })
    }

    async fn retried<T>(
        &self,
        start: impl Fn() -> crate::store::PendingStore<T>,
    ) -> Result<T, StoreError> {
        for _ in 1..ATTEMPTS {
            match self.scheduler.store(start(), OPERATION_MS).await {
                Err(StoreError::Unavailable) => {
                    self.scheduler.wait(self.scheduler.jittered(PAUSE_MS)).await;
                }
                result => return result,
            }
        }
        self.scheduler.store(start(), OPERATION_MS).await
    }
}

const fn outage(error: StoreError) -> Outage {
    match error {
        StoreError::Unavailable => Outage::Unavailable,
        StoreError::Failed => Outage::Failed,
    }
}
