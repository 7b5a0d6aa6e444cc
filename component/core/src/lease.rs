//! Single flight without shared promises: who does the work for everybody takes a lease on it,
//! keeps it alive while working, and the others look again a little later. A lease that is no
//! longer kept alive, because its owner's client has gone, passes to the next who looks.

use std::cell::Cell;
use std::future::Future;

use crate::capability::UnixMillis;
use crate::task::Scheduler;

/// A lease that was not renewed for so long belongs to a caller that is gone.
pub(crate) const LEASE_MS: u64 = 1_000;
/// How often its owner renews it: often enough that a busy host does not lose it.
const HEARTBEAT_MS: u64 = 250;
/// How soon the others look for the first time. Shorter would burn timers, longer would be felt.
const LOOK_AGAIN_MS: u64 = 15;
/// The longest time between two looks: a host with many waiters must not spend itself on polling.
const LONGEST_LOOK_AGAIN_MS: u64 = 250;

/// When to look again after `waited` milliseconds: later and later, so that waiting long is cheap
/// and costs at most a quarter of the time it took.
pub(crate) fn look_again_after(waited: u64) -> u64 {
    (waited / 4).clamp(LOOK_AGAIN_MS, LONGEST_LOOK_AGAIN_MS)
}

/// Who is at work, if anybody.
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
    /// Whether somebody is at work. "From the future" is a clock that jumped back, not a patient
    /// owner.
    pub(crate) fn is_held(&self, now: UnixMillis) -> bool {
        self.held
            .get()
            .is_some_and(|held| now < held.kept_until && held.kept_until - now <= LEASE_MS)
    }

    /// Takes the lease, from whoever had it.
    pub(crate) fn take(&self, now: UnixMillis) -> Owner {
        let owner = self.owners.get() + 1;
        self.owners.set(owner);
        self.held.set(Some(Held {
            owner,
            kept_until: now + LEASE_MS,
        }));
        Owner(owner)
    }

    /// Does the work as `owner`, keeping the lease alive. It is free again when the work is done,
    /// and when the future is dropped half-way.
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
        // Taken over: let the new owner finish; whoever stores last stores a good value.
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
            waited += look_again_after(waited);
            looks += 1;
        }
        assert!(looks < 40, "{looks}");
        assert_eq!(look_again_after(0), 15);
        assert_eq!(look_again_after(400), 100);
        assert_eq!(look_again_after(u64::MAX), 250);
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
