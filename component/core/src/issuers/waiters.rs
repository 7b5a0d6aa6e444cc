//! How many callers may wait for one fetch.
//!
//! Anyone with a token, valid or not, can make a gate wait for keys. Each waiter is polled
//! repeatedly, so their number must be limited if an endpoint hangs.

use std::cell::Cell;

/// The limit for callers that have no keys yet: one instance rarely has more concurrent requests
/// when it starts, and this many cost at most a few polls per millisecond.
pub(super) const WAITERS: usize = 256;
/// The limit for callers whose token names a key that the stored set does not have. Tokens of known
/// keys do not wait, so these are the first tokens of a new key, or forgeries.
pub(super) const WAITERS_FOR_NEWER: usize = 64;

/// The callers that are waiting.
#[derive(Debug, Default)]
pub(super) struct Waiters(Cell<usize>);

/// One waiting caller, until it is dropped.
#[derive(Debug)]
pub(super) struct Waiter<'a>(&'a Cell<usize>);

impl Waiters {
    /// Whether `limit` callers are already waiting.
    pub(super) fn reach(&self, limit: usize) -> bool {
        self.0.get() >= limit
    }

    /// `None` if `limit` callers are already waiting.
    pub(super) fn enter(&self, limit: usize) -> Option<Waiter<'_>> {
        if self.reach(limit) {
            return None;
        }
        self.0.set(self.0.get() + 1);
        Some(Waiter(&self.0))
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiters_are_counted_until_dropped() {
        let waiters = Waiters::default();
        let first = waiters.enter(2);
        let second = waiters.enter(2);
        assert!(first.is_some() && second.is_some());
        assert!(waiters.enter(2).is_none());
        assert!(waiters.enter(3).is_some(), "and left at once");
        drop(first);
        assert!(!waiters.reach(2));
        assert!(waiters.enter(2).is_some());
    }
}
