//! A document that is fetched when it is needed, by one caller for all, and cached.

use std::cell::RefCell;
use std::rc::Rc;

use super::back_off::Need;
use super::fetched_state::{State, Stored};
use super::waiters::{WAITERS, WAITERS_FOR_NEWER, Waiter, Waiters};
use super::{FetchError, KeyPolicy, Unavailable};
use crate::capability::UnixMillis;
use crate::lease::{LEASE_MS, Lease, Owner, poll_after};
use crate::task::Scheduler;

/// See the module.
#[derive(Debug)]
pub(crate) struct Fetched<T> {
    state: RefCell<State<T>>,
    lease: Lease,
    waiters: Waiters,
}

/// What a caller does next.
enum Action<T> {
    Use(Rc<T>),
    Fail(Unavailable),
    Wait,
    Fetch(Owner),
}

/// The value that may be used now, without waiting.
pub(super) struct Usable<T> {
    pub(super) value: Rc<T>,
    /// Whether it is stale and a fetch may start.
    pub(super) refresh_due: bool,
}

impl<T> Fetched<T> {
    pub(crate) fn new() -> Self {
        Self {
            state: RefCell::new(State::new()),
            lease: Lease::default(),
            waiters: Waiters::default(),
        }
    }

    /// The stored value, whatever its age.
    pub(super) fn stored(&self) -> Option<Stored<T>> {
        self.state.borrow().stored.clone()
    }

    /// Why the last fetch failed, if it did.
    pub(super) fn failure(&self) -> Option<FetchError> {
        let state = self.state.borrow();
        state.back_off.has_failed().then_some(state.last_error)
    }

    /// Stores a value from another source, unless the stored one is newer.
    pub(super) fn store_if_newer(&self, candidate: Stored<T>) -> bool {
        let mut state = self.state.borrow_mut();
        let newer = state
            .stored
            .as_ref()
            .is_none_or(|s| s.fetched_at < candidate.fetched_at);
        if newer {
            state.stored = Some(candidate);
            state.invalidated = false;
        }
        newer
    }

    /// Invalidates the stored value, because it did not work: the next reader fetches. The value is
    /// kept for outages.
    pub(super) fn invalidate(&self, now: UnixMillis) {
        let mut state = self.state.borrow_mut();
        state.invalidated = state.stored.is_some();
        if let Some(stored) = &mut state.stored {
            stored.fresh_until = stored.fresh_until.min(now);
        }
    }

    /// [`Self::invalidate`] for many callers: it causes at most one fetch per cooldown.
    pub(super) fn invalidate_with_cooldown(&self, now: UnixMillis, policy: &KeyPolicy) {
        let mut state = self.state.borrow_mut();
        state.invalidated = state.stored.is_some();
        // A longer delay means that the clock jumped back.
        let next = state
            .invalidated_from
            .map(|from| from.saturating_add(policy.cooldown))
            .filter(|next| *next <= now.saturating_add(2 * policy.cooldown));
        let from = next.unwrap_or(now).max(now);
        if let Some(stored) = &mut state.stored
            && from < stored.fresh_until
        {
            stored.fresh_until = from;
            state.invalidated_from = Some(from);
        }
    }

    /// The value, if it may be used now: it is fresh, or stale by less than its maximum fresh time,
    /// or stale within the policy while a fetch cannot start.
    pub(super) fn usable(&self, now: UnixMillis, policy: &KeyPolicy) -> Option<Usable<T>> {
        let state = self.state.borrow();
        let stored = state.stored.as_ref()?;
        let cooling = state.back_off.resume_at(Need::Refresh, now, policy);
        let can_fetch = !self.lease.is_held(now) && cooling.is_none();
        let serve = |refresh_due| {
            Some(Usable {
                value: Rc::clone(&stored.value),
                refresh_due,
            })
        };
        match stored.age_past_fresh(now) {
            None => serve(false),
            Some(past) if past < policy.max_fresh.min(policy.max_stale) => serve(can_fetch),
            Some(past) if past < policy.max_stale && !can_fetch => serve(false),
            Some(_) => None,
        }
    }

    /// Returns the value, and fetches it first if the stored one may not be used.
    ///
    /// # Errors
    /// It cannot be fetched now, and there is no older value that may be used.
    pub(super) async fn read(
        &self,
        scheduler: &Scheduler,
        policy: &KeyPolicy,
        fetch: impl AsyncFn() -> Result<(T, u64), FetchError>,
    ) -> Result<Rc<T>, Unavailable> {
        let usable = |now| self.usable(now, policy);
        self.read_unless(scheduler, policy, WAITERS, fetch, usable)
            .await
    }

    /// Returns the value, and fetches it first if it is stale. For documents that are not needed at
    /// every request.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) async fn read_fresh(
        &self,
        scheduler: &Scheduler,
        policy: &KeyPolicy,
        max_waiters: usize,
        fetch: impl AsyncFn() -> Result<(T, u64), FetchError>,
    ) -> Result<Rc<T>, Unavailable> {
        let fresh = |now| self.fresh(now);
        self.read_unless(scheduler, policy, max_waiters, fetch, fresh)
            .await
    }

    /// [`Self::read_fresh`] for a caller with its own back-off, so that two delays do not add up.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) async fn read_fresh_at_once(
        &self,
        scheduler: &Scheduler,
        policy: &KeyPolicy,
        fetch: impl AsyncFn() -> Result<(T, u64), FetchError>,
    ) -> Result<Rc<T>, Unavailable> {
        // There is one such caller at a time. It must not be turned away because others wait too.
        let read = self.run(scheduler, policy, usize::MAX, fetch, |now| {
            match self.fresh(now) {
                Some(usable) => Action::Use(usable.value),
                None if self.lease.is_held(now) => Action::Wait,
                None => Action::Fetch(self.lease.take(now)),
            }
        });
        let read = read.await;
        self.or_stale(read, scheduler, policy)
    }

    fn fresh(&self, now: UnixMillis) -> Option<Usable<T>> {
        let stored = self.stored()?;
        let value = Rc::clone(&stored.value);
        stored.age_past_fresh(now).is_none().then_some(Usable {
            value,
            refresh_due: false,
        })
    }

    async fn read_unless(
        &self,
        scheduler: &Scheduler,
        policy: &KeyPolicy,
        max_waiters: usize,
        fetch: impl AsyncFn() -> Result<(T, u64), FetchError>,
        good_enough: impl Fn(UnixMillis) -> Option<Usable<T>>,
    ) -> Result<Rc<T>, Unavailable> {
        let read = self.run(
            scheduler,
            policy,
            max_waiters,
            fetch,
            |now| match good_enough(now) {
                Some(usable) => Action::Use(usable.value),
                None => self.wait_or_fetch(now, policy),
            },
        );
        let read = read.await;
        self.or_stale(read, scheduler, policy)
    }

    /// A failure has started a cooldown, during which stale values may be used.
    fn or_stale(
        &self,
        read: Result<Rc<T>, Unavailable>,
        scheduler: &Scheduler,
        policy: &KeyPolicy,
    ) -> Result<Rc<T>, Unavailable> {
        read.or_else(|unavailable| {
            let usable = self.usable(scheduler.now(), policy);
            usable.map(|usable| usable.value).ok_or(unavailable)
        })
    }

    /// Fetches the value again, because the stored one lacks what the caller needs. There is at
    /// most one such fetch per cooldown; otherwise the stored value is returned.
    ///
    /// # Errors
    /// The fetch failed, or a failed fetch is in its cooldown.
    pub(super) async fn refetch(
        &self,
        scheduler: &Scheduler,
        policy: &KeyPolicy,
        seen: &Rc<T>,
        fetch: impl AsyncFn() -> Result<(T, u64), FetchError>,
    ) -> Result<Rc<T>, Unavailable> {
        self.run(scheduler, policy, WAITERS_FOR_NEWER, fetch, |now| {
            if let Some(settled) = self.newer_at_once(now, policy, seen) {
                return settled.map_or_else(Action::Fail, Action::Use);
            }
            if self.lease.is_held(now) {
                return Action::Wait;
            }
            self.state.borrow_mut().refetched_at = Some(now);
            Action::Fetch(self.lease.take(now))
        })
        .await
    }

    /// The result of [`Self::refetch`], if it is known without a fetch and without waiting.
    fn newer_at_once(
        &self,
        now: UnixMillis,
        policy: &KeyPolicy,
        seen: &Rc<T>,
    ) -> Option<Result<Rc<T>, Unavailable>> {
        let state = self.state.borrow();
        match &state.stored {
            Some(stored) if !Rc::ptr_eq(&stored.value, seen) => {
                return Some(Ok(Rc::clone(&stored.value)));
            }
            _ => {}
        }
        if self.lease.is_held(now) {
            return None;
        }
        let next_ask = state.refetched_at.map(|at| (at, at + policy.cooldown));
        let next_ask = next_ask.filter(|(asked, next)| now >= *asked && now < *next);
        let next_ask = next_ask.map(|(_, next)| next);
        if !state.back_off.has_failed() {
            return next_ask.map(|_| Ok(Rc::clone(seen)));
        }
        // The last attempt failed, so it is unknown whether there is a newer value.
        let resume_at = state.back_off.resume_at(Need::Missing, now, policy);
        let resume_at = resume_at.max(next_ask)?;
        Some(Err(state.unavailable(now, resume_at)))
    }

    /// Fetches the value if it is stale and a fetch may start.
    pub(super) async fn refresh(
        &self,
        scheduler: &Scheduler,
        policy: &KeyPolicy,
        fetch: impl AsyncFn() -> Result<(T, u64), FetchError>,
    ) {
        let now = scheduler.now();
        let stale = self
            .stored()
            .is_none_or(|stored| stored.age_past_fresh(now).is_some());
        if !stale {
            return;
        }
        if let Action::Fetch(owner) = self.wait_or_fetch(now, policy) {
            // The outcome is stored either way. No caller waits for it.
            let _ = self.fetch_as(owner, scheduler, policy, &fetch).await;
        }
    }

    async fn run(
        &self,
        scheduler: &Scheduler,
        policy: &KeyPolicy,
        max_waiters: usize,
        fetch: impl AsyncFn() -> Result<(T, u64), FetchError>,
        look: impl Fn(UnixMillis) -> Action<T>,
    ) -> Result<Rc<T>, Unavailable> {
        // Discovery tries at most three URLs, then fetches the keys. A waiter needs no more time
        // than that.
        let patience = u64::from(policy.timeout) * 4 + LEASE_MS;
        let start = scheduler.now();
        let mut waiter: Option<Waiter<'_>> = None;
        loop {
            let now = scheduler.now();
            match look(now) {
                Action::Use(value) => return Ok(value),
                Action::Fail(unavailable) => return Err(unavailable),
                Action::Wait if now.saturating_sub(start) > patience => {
                    return Err(Unavailable {
                        error: FetchError::TimedOut,
                        retry_after: 1,
                    });
                }
                Action::Wait => {
                    if waiter.is_none() {
                        waiter = self.waiters.enter(max_waiters);
                    }
                    if waiter.is_none() {
                        return Err(Unavailable::TOO_MANY_WAITING);
                    }
                    let waited = now.saturating_sub(start);
                    scheduler.wait(poll_after(waited)).await;
                }
                Action::Fetch(owner) => {
                    drop(waiter);
                    return self.fetch_as(owner, scheduler, policy, &fetch).await;
                }
            }
        }
    }

    fn wait_or_fetch(&self, now: UnixMillis, policy: &KeyPolicy) -> Action<T> {
        let state = self.state.borrow();
        if self.lease.is_held(now) {
            return Action::Wait;
        }
        match state
            .back_off
            .resume_at(state.need(now, policy), now, policy)
        {
            Some(resume_at) => Action::Fail(state.unavailable(now, resume_at)),
            None => Action::Fetch(self.lease.take(now)),
        }
    }

    async fn fetch_as(
        &self,
        owner: Owner,
        scheduler: &Scheduler,
        policy: &KeyPolicy,
        fetch: &impl AsyncFn() -> Result<(T, u64), FetchError>,
    ) -> Result<Rc<T>, Unavailable> {
        let result = self.lease.work(owner, scheduler, fetch()).await;
        let now = scheduler.now();
        let mut state = self.state.borrow_mut();
        match result {
            Ok((value, lifetime)) => {
                state.back_off.succeeded();
                state.invalidated = false;
                let value = Rc::new(value);
                state.stored = Some(Stored {
                    value: Rc::clone(&value),
                    fetched_at: now,
                    fresh_until: now + lifetime,
                });
                Ok(value)
            }
            Err(error) => {
                state.last_error = error;
                state.back_off.failed(scheduler, policy);
                let need = state.need(now, policy);
                let resume_at = state.back_off.resume_at(need, now, policy);
                Err(state.unavailable(now, resume_at.unwrap_or(now)))
            }
        }
    }
}

#[cfg(test)]
#[path = "fetched/tests.rs"]
mod tests;
