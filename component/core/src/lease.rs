//! Single flight without shared promises: the task that does the work for all takes a lease and
//! renews it while working, and the others poll again a little later. If a lease is no longer
//! renewed, because its owner was cancelled, the next task that polls takes it over.

use std::cell::Cell;
use std::future::Future;

use crate::capability::UnixMillis;
use crate::task::Scheduler;

/// A lease that was not renewed for this long belongs to a cancelled task.
pub(crate) const LEASE_MS: u64 = 1_000;
/// How often its owner renews it: often enough that it is not lost on a busy host.
const HEARTBEAT_MS: u64 = 250;
/// The delay before the others poll for the first time. A shorter one would cost many timers; a
/// longer one would be noticeable.
const LOOK_AGAIN_MS: u64 = 15;
/// The maximum time between two polls: short enough to notice the result, and long enough that many
/// waiters cost little.
const LONGEST_LOOK_AGAIN_MS: u64 = 250;

/// When to poll again after `waited` milliseconds. The interval grows, so that a long wait is cheap
/// and is extended by at most a quarter.
pub(crate) fn poll_after(waited: u64) -> u64 {
    (waited / 4).clamp(LOOK_AGAIN_MS, LONGEST_LOOK_AGAIN_MS)
}

/// The current owner, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Lease {
    held: Cell<Option<Held>>,
    owners: Cell<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    owner: u64,
    kept_until: UnixMillis,
}

/// The right to do the work, until it is dropped or taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner(u64);

impl Lease {
    /// Whether a task is at work. A renewal in the future means that the clock jumped back, so it
    /// does not count.
    pub(crate) fn is_held(&self, now: UnixMillis) -> bool {
        self.held
            .get()
            .is_some_and(|held| now < held.kept_until && held.kept_until - now <= LEASE_MS)
    }

    /// Takes the lease from its current owner, if any.
    pub(crate) fn take(&self, now: UnixMillis) -> Owner {
        let owner = self.owners.get() + 1;
        self.owners.set(owner);
        self.held.set(Some(Held {
            owner,
            kept_until: now + LEASE_MS,
        }));
        Owner(owner)
    }

    /// Does the work as `owner`, and renews the lease. The lease is released when the work is done
    /// or the future is dropped.
    pub(crate) async fn work<T>(
        &self,
        owner: Owner,
        scheduler: &Scheduler,
        work: impl Future<Output = T>,
    ) -> T {
        let _free_at_end = Guard { lease: self, owner };
        let beat = |now| self.renew(owner, now);
        scheduler.with_heartbeat(HEARTBEAT_MS, beat, work).await
    }

    fn renew(&self, Owner(owner): Owner, now: UnixMillis) {
        // The lease was taken over. Both tasks finish; the last one to store stores a valid value.
        if self.held.get().is_some_and(|held| held.owner == owner) {
            let kept_until = now + LEASE_MS;
            self.held.set(Some(Held { owner, kept_until }));
        }
    }

    fn release(&self, Owner(owner): Owner) {
        if self.held.get().is_some_and(|held| held.owner == owner) {
            self.held.set(None);
        }
    }
}

struct Guard<'a> {
    lease: &'a Lease,
    owner: Owner,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.lease.release(self.owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_takes_few_polls() {
        let (mut waited, mut looks) = (0, 0);
        while waited < 5_000 {
            waited += poll_after(waited);
            looks += 1;
        }
        assert!(looks < 40, "{looks}");
        assert_eq!(poll_after(0), 15);
        assert_eq!(poll_after(400), 100);
        assert_eq!(poll_after(u64::MAX), 250);
    }

    #[test]
    fn a_lease_expires_when_it_is_not_renewed() {
        let lease = Lease::default();
        assert!(!lease.is_held(5_000));
        let first = lease.take(5_000);
        assert!(lease.is_held(5_999));
        assert!(!lease.is_held(6_000));
        assert!(!lease.is_held(0), "a clock that jumped back");
        lease.renew(first, 5_900);
        assert!(lease.is_held(6_800));
        let second = lease.take(6_900);
        lease.renew(first, 9_000);
        lease.release(first);
        assert!(lease.is_held(7_800), "an old owner changes nothing");
        assert!(!lease.is_held(7_900));
        lease.release(second);
        assert!(!lease.is_held(7_000));
    }
}
