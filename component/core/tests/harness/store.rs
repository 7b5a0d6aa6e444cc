//! A store in memory that fails on command, answers later, and counts.

use std::cell::{Cell, RefCell};

use tollgate_core::capability::Pending;
use tollgate_core::store::{
    Commit, Committed, MemoryStore, Page, PendingStore, Record, Store, StoreError,
};

/// What happens to an operation of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails, and nothing is done.
    Before,
    /// It is done, and the answer is lost.
    After,
    /// It is done, and there is never an answer.
    Silence,
}

/// See the module.
#[derive(Default)]
pub struct TestStore {
    pub memory: MemoryStore,
    /// Polls before each answer.
    pub delay: Cell<u32>,
    /// Operations so far.
    pub operations: Cell<usize>,
    /// The operation that fails, counted from 0, and how.
    pub fault: Cell<Option<(usize, Fault)>>,
    /// Every operation fails from the one on that fails.
    pub stays_down: Cell<bool>,
    /// Every operation fails.
    pub down: Cell<bool>,
    /// So many commits are carried out; those after them fail. `None`: all.
    pub commits_left: Cell<Option<u32>>,
    /// The next commit is carried out, and its answer is lost.
    pub lose_answer: Cell<bool>,
    /// Before the next commit, this happens.
    pub before_commit: RefCell<Option<Box<dyn FnOnce()>>>,
    /// Reads and commits that were carried out.
    pub reads: Cell<u32>,
    pub commits: Cell<u32>,
    written: RefCell<Vec<Vec<u8>>>,
}

struct Later<T> {
    answer: Option<Result<T, StoreError>>,
    polls: u32,
}

impl<T> Pending<Result<T, StoreError>> for Later<T> {
    fn poll(&mut self) -> Option<Result<T, StoreError>> {
        if self.polls > 0 {
            self.polls -= 1;
            return None;
        }
        self.answer.take()
    }
}

impl TestStore {
    /// Every key and every value that was ever written.
    pub fn written(&self) -> Vec<Vec<u8>> {
        self.written.borrow().clone()
    }

    fn run<T: 'static>(&self, start: impl FnOnce() -> PendingStore<T>) -> PendingStore<T> {
        let number = self.operations.get();
        self.operations.set(number + 1);
        let fault = self.fault.get().and_then(|(at, fault)| {
            (at == number || self.stays_down.get() && number > at).then_some(fault)
        });
        let fault = if self.down.get() {
            Some(Fault::Before)
        } else {
            fault
        };
        let answer = match fault {
            None => start().poll(),
            Some(Fault::Before) => Some(Err(StoreError::Unavailable)),
            Some(Fault::After) => {
                start();
                Some(Err(StoreError::Unavailable))
            }
            Some(Fault::Silence) => {
                start();
                None
            }
        };
        let polls = self.delay.get();
        Box::new(Later { answer, polls })
    }

    fn carry_out(&self, partition: &str, commit: Commit, now: u64) -> PendingStore<Committed> {
        let unavailable = || {
            Box::new(Later {
                answer: Some(Err(StoreError::Unavailable)),
                polls: 0,
            })
        };
        match self.commits_left.get() {
            Some(0) => return unavailable(),
            Some(left) => self.commits_left.set(Some(left - 1)),
            None => {}
        }
        let before = self.before_commit.borrow_mut().take();
        if let Some(before) = before {
            before();
        }
        self.commits.set(self.commits.get() + 1);
        for put in &commit.puts {
            let mut written = self.written.borrow_mut();
            written.push(put.key.clone().into_bytes());
            written.push(put.value.clone());
        }
        let answer = self.memory.commit(partition, commit, now);
        if self.lose_answer.take() {
            return unavailable();
        }
        answer
    }
}

impl Store for TestStore {
    fn read(&self, partition: &str, keys: &[&str], now: u64) -> PendingStore<Vec<Option<Record>>> {
        self.run(|| {
            self.reads.set(self.reads.get() + 1);
            self.memory.read(partition, keys, now)
        })
    }

    fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
        now: u64,
    ) -> PendingStore<Page> {
        self.run(|| self.memory.list(partition, prefix, after, limit, now))
    }

    fn commit(&self, partition: &str, commit: Commit, now: u64) -> PendingStore<Committed> {
        self.run(|| self.carry_out(partition, commit, now))
    }
}
