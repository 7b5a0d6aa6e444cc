//! The import `store`, as core's [`Store`].

use tollgate_core::capability::Pending;
use tollgate_core::store::{
    Commit, Committed, Condition, Page, PendingStore, Record, Store, StoreError, UnixSeconds,
};

use crate::bindings::tollgate::auth::store;

pub(crate) struct HostStore;

impl Store for HostStore {
    fn read(
        &self,
        partition: &str,
        keys: &[&str],
        now: UnixSeconds,
    ) -> PendingStore<Vec<Option<Record>>> {
        let keys: Vec<_> = keys.iter().map(|&key| key.to_owned()).collect();
        Box::new(Read(store::read(partition, &keys, now)))
    }

    fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
        now: UnixSeconds,
    ) -> PendingStore<Page> {
        Box::new(List(store::list(partition, prefix, after, limit, now)))
    }

    fn commit(&self, partition: &str, commit: Commit, now: UnixSeconds) -> PendingStore<Committed> {
        let conditions = commit.conditions.into_iter();
        let puts = commit.puts.into_iter();
        let changes = store::Changes {
            conditions: conditions
                .map(|(key, condition)| {
                    let condition = match condition {
                        Condition::Absent => store::Condition::Absent,
                        Condition::Version(version) => store::Condition::Version(version),
                    };
                    (key, condition)
                })
                .collect(),
            puts: puts
                .map(|put| store::Put {
                    key: put.key,
                    version: put.version,
                    value: put.value,
                    expires_at: put.expires_at,
                })
                .collect(),
            deletes: commit.deletes,
        };
        Box::new(Change(store::commit(partition, &changes, now)))
    }
}

struct Read(store::PendingRead);

impl Pending<Result<Vec<Option<Record>>, StoreError>> for Read {
    fn poll(&mut self) -> Option<Result<Vec<Option<Record>>, StoreError>> {
        let records = self.0.poll()?.map_err(error);
        Some(records.map(|records| records.into_iter().map(|own| own.map(record)).collect()))
    }
}

struct List(store::PendingPage);

impl Pending<Result<Page, StoreError>> for List {
    fn poll(&mut self) -> Option<Result<Page, StoreError>> {
        let page = self.0.poll()?.map_err(error);
        Some(page.map(|page| Page {
            records: page.records.into_iter().map(record).collect(),
            more: page.more,
        }))
    }
}

struct Change(store::PendingCommit);

impl Pending<Result<Committed, StoreError>> for Change {
    fn poll(&mut self) -> Option<Result<Committed, StoreError>> {
        let committed = self.0.poll()?.map_err(error);
        Some(committed.map(|committed| match committed {
            store::Committed::Done => Committed::Done,
            store::Committed::Conflict => Committed::Conflict,
        }))
    }
}

fn record(record: store::StoredRecord) -> Record {
    Record {
        key: record.key,
        version: record.version,
        value: record.value,
        expires_at: record.expires_at,
    }
}

fn error(error: store::StoreError) -> StoreError {
    match error {
        store::StoreError::Unavailable => StoreError::Unavailable,
        store::StoreError::Failed => StoreError::Failed,
    }
}
