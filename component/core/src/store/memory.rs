//! A store in memory, for tests and development: everything is lost with the process.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use super::{
    BYTES_AT_ONCE, Commit, Committed, Condition, Page, PendingStore, Record, Store, StoreError,
    UnixSeconds, list_is_within_limits, read_is_within_limits,
};
use crate::capability::Pending;

/// See the module. It answers at once.
#[derive(Debug, Default)]
pub struct MemoryStore {
    partitions: RefCell<HashMap<String, BTreeMap<String, Record>>>,
}

struct Answered<T>(Option<Result<T, StoreError>>);

impl<T> Pending<Result<T, StoreError>> for Answered<T> {
    fn poll(&mut self) -> Option<Result<T, StoreError>> {
        self.0.take()
    }
}

fn answered<T: 'static>(value: T) -> PendingStore<T> {
    Box::new(Answered(Some(Ok(value))))
}

fn refused<T: 'static>() -> PendingStore<T> {
    Box::new(Answered(Some(Err(StoreError::Failed))))
}

fn exists(record: &Record, now: UnixSeconds) -> bool {
    record.expires_at.is_none_or(|end| end > now)
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Deletes every record that has expired.
    pub fn sweep(&self, now: UnixSeconds) {
        let mut partitions = self.partitions.borrow_mut();
        partitions.retain(|_, records| {
            records.retain(|_, record| exists(record, now));
            !records.is_empty()
        });
    }
}

impl Store for MemoryStore {
    fn read(
        &self,
        partition: &str,
        keys: &[&str],
        now: UnixSeconds,
    ) -> PendingStore<Vec<Option<Record>>> {
        if !read_is_within_limits(partition, keys, now) {
            return refused();
        }
        let partitions = self.partitions.borrow();
        let records = partitions.get(partition);
        let read = |key: &&str| {
            let record = records?.get(*key)?;
            exists(record, now).then_some(record)
        };
        let found: Vec<_> = keys.iter().map(read).collect();
        let bytes: usize = found.iter().flatten().map(|found| found.value.len()).sum();
        if bytes > BYTES_AT_ONCE {
            return refused();
        }
        answered(found.into_iter().map(|found| found.cloned()).collect())
    }

    fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
        now: UnixSeconds,
    ) -> PendingStore<Page> {
        if !list_is_within_limits(partition, prefix, after, limit, now) {
            return refused();
        }
        let partitions = self.partitions.borrow();
        let Some(records) = partitions.get(partition) else {
            return answered(Page::default());
        };
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let found = records
            .range::<str, _>((start, Bound::Unbounded))
            .map(|(_, record)| record)
            .take_while(|record| record.key.starts_with(prefix))
            .filter(|record| exists(record, now));
        let mut page = Page::default();
        let mut bytes = 0;
        for record in found {
            bytes += record.value.len();
            if page.records.len() == limit as usize || bytes > BYTES_AT_ONCE {
                page.more = true;
                break;
            }
            page.records.push(record.clone());
        }
        answered(page)
    }

    fn commit(&self, partition: &str, commit: Commit, now: UnixSeconds) -> PendingStore<Committed> {
        if !commit.is_within_limits(partition, now) {
            return refused();
        }
        let mut partitions = self.partitions.borrow_mut();
        let records = partitions.entry(partition.to_owned()).or_default();
        let holds = |(key, condition): &(String, Condition)| {
            let record = records.get(key).filter(|record| exists(record, now));
            match (condition, record) {
                (Condition::Absent, None) => true,
                (Condition::Version(version), Some(record)) => record.version == *version,
                (Condition::Absent, Some(_)) | (Condition::Version(_), None) => false,
            }
        };
        if !commit.conditions.iter().all(holds) {
            return answered(Committed::Conflict);
        }
        for key in &commit.deletes {
            records.remove(key);
        }
        for put in commit.puts {
            let record = Record {
                key: put.key,
                version: put.version,
                value: put.value,
                expires_at: put.expires_at,
            };
            records.insert(record.key.clone(), record);
        }
        answered(Committed::Done)
    }
}
