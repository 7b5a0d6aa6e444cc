//! A store that fails on command.

use std::cell::Cell;

use tollgate_core::capability::Pending;
use tollgate_core::store::{
    Commit, Committed, Page, PendingStore, Record, Store, StoreError, UnixSeconds,
};

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not carried out, and this is the result.
    Refused(StoreError),
    /// It is carried out, but its result is lost: the caller gets [`StoreError::Unavailable`].
    ResultLost,
    /// It is not carried out, and there is never a result.
    Unanswered,
    /// It is carried out, and there is never a result.
    UnansweredAfter,
}

impl Fault {
    /// Every way to fail.
    pub const ALL: [Self; 5] = [
        Self::Refused(StoreError::Unavailable),
        Self::Refused(StoreError::Failed),
        Self::ResultLost,
        Self::Unanswered,
        Self::UnansweredAfter,
    ];
}

/// Passes every operation on to another store, except one that fails.
#[derive(Debug)]
pub struct FaultyStore<S> {
    store: S,
    started: Cell<usize>,
    fault: Cell<Option<(usize, Fault)>>,
}

impl<S: Store> FaultyStore<S> {
    /// A store without a fault.
    pub const fn new(store: S) -> Self {
        Self {
            store,
            started: Cell::new(0),
            fault: Cell::new(None),
        }
    }

    /// The store behind it.
    pub const fn inner(&self) -> &S {
        &self.store
    }

    /// How many operations were started since the last call of [`Self::fail_at`].
    pub fn started(&self) -> usize {
        self.started.get()
    }

    /// Lets the operation with this number fail. The next one has number 0.
    pub fn fail_at(&self, number: usize, fault: Fault) {
        self.started.set(0);
        self.fault.set(Some((number, fault)));
    }

    /// From now on, no operation fails.
    pub fn recover(&self) {
        self.started.set(0);
        self.fault.set(None);
    }

    fn next<T: 'static>(&self, start: impl FnOnce(&S) -> PendingStore<T>) -> PendingStore<T> {
        let number = self.started.replace(self.started.get() + 1);
        let fault = self.fault.get();
        match fault
            .filter(|(at, _)| *at == number)
            .map(|(_, fault)| fault)
        {
            None => start(&self.store),
            Some(Fault::Refused(error)) => Box::new(Once(Some(Err(error)))),
            Some(Fault::ResultLost) => Box::new(Lost(start(&self.store))),
            Some(Fault::Unanswered) => Box::new(Once(None)),
            Some(Fault::UnansweredAfter) => Box::new(Never(start(&self.store))),
        }
    }
}

struct Once<T>(Option<Result<T, StoreError>>);

impl<T> Pending<Result<T, StoreError>> for Once<T> {
    fn poll(&mut self) -> Option<Result<T, StoreError>> {
        self.0.take()
    }
}

struct Lost<T>(PendingStore<T>);

impl<T> Pending<Result<T, StoreError>> for Lost<T> {
    fn poll(&mut self) -> Option<Result<T, StoreError>> {
        self.0.poll().map(|_| Err(StoreError::Unavailable))
    }
}

struct Never<T>(PendingStore<T>);

impl<T> Pending<Result<T, StoreError>> for Never<T> {
    fn poll(&mut self) -> Option<Result<T, StoreError>> {
        let _ = self.0.poll();
        None
    }
}

impl<S: Store> Store for FaultyStore<S> {
    fn read(
        &self,
        partition: &str,
        keys: &[&str],
        now: UnixSeconds,
    ) -> PendingStore<Vec<Option<Record>>> {
        self.next(|store| store.read(partition, keys, now))
    }

    fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
        now: UnixSeconds,
    ) -> PendingStore<Page> {
        self.next(|store| store.list(partition, prefix, after, limit, now))
    }

    fn commit(&self, partition: &str, commit: Commit, now: UnixSeconds) -> PendingStore<Committed> {
        self.next(|store| store.commit(partition, commit, now))
    }
}
