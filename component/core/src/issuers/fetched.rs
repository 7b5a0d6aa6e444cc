//! One document that is fetched when needed, by one caller for all, and kept.

use std::cell::RefCell;
use std::rc::Rc;

use super::back_off::Need;
use super::fetched_state::{State, Stored};
use super::waiters::{WAITERS, WAITERS_FOR_NEWER, Waiter, Waiters};
use super::{FetchError, KeyPolicy, Unavailable};
use crate::capability::UnixMillis;
use crate::lease::{LEASE_MS, Lease, Owner, look_again_after};
use crate::task::Scheduler;

/// See the module.
#[derive(Debug)]
pub(super) struct Fetched<T> {
    state: RefCell<State<T>>,
    lease: Lease,
    waiters: Waiters,
}

/// What a caller finds when it looks.
enum Look<T> {
    Use(Rc<T>),
    Fail(Unavailable),
    Wait,
    Fetch(Owner),
}

/// What may be served now, without waiting.
pub(super) struct Served<T> {
    pub(super) value: Rc<T>,
    /// It is stale, and a fetch may start.
    pub(super) refresh_due: bool,
}

impl<T> Fetched<T> {
    pub(super) fn new() -> Self {
        Self {
            state: RefCell::new(State::new()),
            lease: Lease::default(),
            waiters: Waiters::default(),
        }
    }

    /// What is kept, whatever its age.
    pub(super) fn stored(&self) -> Option<Stored<T>> {
        self.state.borrow().stored.clone()
    }

    /// Keeps a value that came from elsewhere, unless what is kept is newer.
    pub(super) fn offer(&self, offered: Stored<T>) -> bool {
        let mut state = self.state.borrow_mut();
        let newer = state
            .stored
            .as_ref()
            .is_none_or(|s| s.fetched_at < offered.fetched_at);
        if newer {
            state.stored = Some(offered);
            state.doubted = false;
        }
        newer
    }

    /// What is kept did not do: the next reader fetches. It is not forgotten.
    pub(super) fn doubt(&self, now: UnixMillis) {
        let mut state = self.state.borrow_mut();
        state.doubted = state.stored.is_some();
        if let Some(stored) = &mut state.stored {
            stored.fresh_until = stored.fresh_until.min(now);
        }
    }

    /// [`Self::doubt`] by callers who may be many: it leads to one fetch per cooldown at the most.
    pub(super) fn doubt_again(&self, now: UnixMillis, policy: &KeyPolicy) {
        let mut state = self.state.borrow_mut();
        state.doubted = state.stored.is_some();
        // Further away than that is a clock that jumped back.
        let next = state
            .doubted_from
            .map(|from| from.saturating_add(policy.cooldown))
            .filter(|next| *next <= now.saturating_add(2 * policy.cooldown));
        let from = next.unwrap_or(now).max(now);
        if let Some(stored) = &mut state.stored
            && from < stored.fresh_until
        {
            stored.fresh_until = from;
            state.doubted_from = Some(from);
        }
    }

    /// The value if it may be served as things stand: fresh; or stale by less than the time that
    /// it was to be fresh at the most; or stale within the policy while a fetch cannot start.
    pub(super) fn served(&self, now: UnixMillis, policy: &KeyPolicy) -> Option<Served<T>> {
        let state = self.state.borrow();
        let stored = state.stored.as_ref()?;
        let cooling = state.back_off.resume_at(Need::Refresh, now, policy);
        let can_fetch = !self.lease.is_held(now) && cooling.is_none();
        let serve = |refresh_due| {
            Some(Served {
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

    /// The value, fetched if it may not be served as it is.
    ///
    /// # Errors
    /// When it cannot be fetched now and nothing older may serve.
    pub(super) async fn read(
        &self,
        scheduler: &Scheduler,
        policy: &KeyPolicy,
        fetch: impl AsyncFn() -> Result<(T, u64), FetchError>,
    ) -> Result<Rc<T>, Unavailable> {
        let served = |now| self.served(now, policy);
        self.read_unless(scheduler, policy, WAITERS, fetch, served)
            .await
    }

    /// The value, fetched if it is stale: for documents that nobody waits for at every request.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) async fn read_fresh(
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

    /// [`Self::read_fresh`] for a caller that backs off by itself: two delays must not add up.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) async fn read_fresh_at_once(
        &self,
        scheduler: &Scheduler,
        policy: &KeyPolicy,
        fetch: impl AsyncFn() -> Result<(T, u64), FetchError>,
    ) -> Result<Rc<T>, Unavailable> {
        let read = self.run(scheduler, policy, WAITERS, fetch, |now| {
            match self.fresh(now) {
                Some(served) => Look::Use(served.value),
                None if self.lease.is_held(now) => Look::Wait,
                None => Look::Fetch(self.lease.take(now)),
            }
        });
        let read = read.await;
        self.or_stale(read, scheduler, policy)
    }

    fn fresh(&self, now: UnixMillis) -> Option<Served<T>> {
        let stored = self.stored()?;
        let value = Rc::clone(&stored.value);
        stored.age_past_fresh(now).is_none().then_some(Served {
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
        good_enough: impl Fn(UnixMillis) -> Option<Served<T>>,
    ) -> Result<Rc<T>, Unavailable> {
        let read = self.run(
            scheduler,
            policy,
            max_waiters,
            fetch,
            |now| match good_enough(now) {
                Some(served) => Look::Use(served.value),
                None => self.look_for_turn(now, policy),
            },
        );
        let read = read.await;
        self.or_stale(read, scheduler, policy)
    }

    /// A failure has started a cooldown, in which stale values serve.
    fn or_stale(
        &self,
        read: Result<Rc<T>, Unavailable>,
        scheduler: &Scheduler,
        policy: &KeyPolicy,
    ) -> Result<Rc<T>, Unavailable> {
        read.or_else(|unavailable| {
            let served = self.served(scheduler.now(), policy);
            served.map(|served| served.value).ok_or(unavailable)
        })
    }

    /// The value after one more fetch, because what is kept did not have what the caller needs.
    /// There is at most one such fetch per cooldown: beyond that the kept value is the answer.
    ///
    /// # Errors
    /// When the fetch that would have told fails, or a failed one is cooling down.
    pub(super) async fn refetch(
        &self,
        scheduler: &Scheduler,
        policy: &KeyPolicy,
        seen: &Rc<T>,
        fetch: impl AsyncFn() -> Result<(T, u64), FetchError>,
    ) -> Result<Rc<T>, Unavailable> {
        self.run(scheduler, policy, WAITERS_FOR_NEWER, fetch, |now| {
            if let Some(settled) = self.newer_at_once(now, policy, seen) {
                return settled.map_or_else(Look::Fail, Look::Use);
            }
            if self.lease.is_held(now) {
                return Look::Wait;
            }
            self.state.borrow_mut().refetched_at = Some(now);
            Look::Fetch(self.lease.take(now))
        })
        .await
    }

    /// What [`Self::refetch`] would find without a fetch and without waiting, if it can tell.
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
        // The last attempt failed, so that nobody knows whether there is a newer value.
        let resume_at = state.back_off.resume_at(Need::Missing, now, policy);
        let resume_at = resume_at.max(next_ask)?;
        Some(Err(state.unavailable(now, resume_at)))
    }

    /// Fetches if the value is stale and nothing speaks against it.
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
        if let Look::Fetch(owner) = self.look_for_turn(now, policy) {
            // The outcome is kept either way; there is nobody to tell.
            let _ = self.fetch_as(owner, scheduler, policy, &fetch).await;
        }
    }

    async fn run(
        &self,
        scheduler: &Scheduler,
        policy: &KeyPolicy,
        max_waiters: usize,
        fetch: impl AsyncFn() -> Result<(T, u64), FetchError>,
        look: impl Fn(UnixMillis) -> Look<T>,
    ) -> Result<Rc<T>, Unavailable> {
        // Discovery tries three places at most, then the keys: nobody waits longer than that.
        let patience = u64::from(policy.timeout) * 4 + LEASE_MS;
        let start = scheduler.now();
        let mut waiter: Option<Waiter<'_>> = None;
        loop {
            let now = scheduler.now();
            match look(now) {
                Look::Use(value) => return Ok(value),
                Look::Fail(unavailable) => return Err(unavailable),
                Look::Wait if now.saturating_sub(start) > patience => {
                    return Err(Unavailable {
                        error: FetchError::TimedOut,
                        retry_after: 1,
                    });
                }
                Look::Wait => {
                    if waiter.is_none() {
                        waiter = self.waiters.enter(max_waiters);
                    }
                    if waiter.is_none() {
                        return Err(Unavailable::TOO_MANY_WAITING);
                    }
                    let waited = now.saturating_sub(start);
                    scheduler.wait(look_again_after(waited)).await;
                }
                Look::Fetch(owner) => {
                    drop(waiter);
                    return self.fetch_as(owner, scheduler, policy, &fetch).await;
                }
            }
        }
    }

    fn look_for_turn(&self, now: UnixMillis, policy: &KeyPolicy) -> Look<T> {
        let state = self.state.borrow();
        if self.lease.is_held(now) {
            return Look::Wait;
        }
        match state
            .back_off
            .resume_at(state.need(now, policy), now, policy)
        {
            Some(resume_at) => Look::Fail(state.unavailable(now, resume_at)),
            None => Look::Fetch(self.lease.take(now)),
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
                state.doubted = false;
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
