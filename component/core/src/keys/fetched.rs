//! One document that is fetched when needed, by one caller for all, and kept.

use std::cell::RefCell;
use std::rc::Rc;

use super::{FetchError, KeyPolicy, Unavailable};
use crate::capability::UnixMillis;
use crate::lease::{LEASE_MS, LOOK_AGAIN_MS, Lease, Owner};
use crate::task::Scheduler;

/// The first delay after a failure when there is nothing older to serve: an outage of a second
/// must not cost a whole cooldown.
const FIRST_RETRY_MS: u64 = 1_000;
/// Delays double up to this many times the cooldown.
const MAX_BACKOFF: u64 = 16;

/// A fetched value and how long it counts.
#[derive(Debug)]
pub(super) struct Stored<T> {
    pub(super) value: Rc<T>,
    pub(super) fetched_at: UnixMillis,
    pub(super) fresh_until: UnixMillis,
}

impl<T> Clone for Stored<T> {
    fn clone(&self) -> Self {
        Self {
            value: Rc::clone(&self.value),
            ..*self
        }
    }
}

#[derive(Debug)]
struct State<T> {
    stored: Option<Stored<T>>,
    /// No attempt before this, after a failure.
    resume_at: UnixMillis,
    failures: u32,
    last_error: FetchError,
    /// When somebody last asked for news although the value was fresh.
    asked_for_news_at: Option<UnixMillis>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Fetched<T> {
    state: RefCell<State<T>>,
    lease: Lease,
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
            state: RefCell::new(State {
                stored: None,
                resume_at: 0,
                failures: 0,
                last_error: FetchError::Unreachable,
                asked_for_news_at: None,
            }),
            lease: Lease::default(),
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
        }
        newer
    }

    /// Makes the next reader fetch, without forgetting the value.
    pub(super) fn expire(&self, now: UnixMillis) {
        if let Some(stored) = &mut self.state.borrow_mut().stored {
            stored.fresh_until = stored.fresh_until.min(now);
        }
    }

    /// The value if it may be served as things stand: fresh; or stale by less than the time that
    /// it was to be fresh at the most; or stale within the policy while a fetch cannot start.
    pub(super) fn served(&self, now: UnixMillis, policy: &KeyPolicy) -> Option<Served<T>> {
        let state = self.state.borrow();
        let stored = state.stored.as_ref()?;
        let can_fetch = !self.lease.is_held(now) && !state.is_cooling(now, policy);
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
        self.read_unless(scheduler, policy, fetch, |now| self.served(now, policy))
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
        fetch: impl AsyncFn() -> Result<(T, u64), FetchError>,
    ) -> Result<Rc<T>, Unavailable> {
        let fresh = |now| {
            let stored = self.stored()?;
            let value = stored.value.clone();
            stored.age_past_fresh(now).is_none().then_some(Served {
                value,
                refresh_due: false,
            })
        };
        self.read_unless(scheduler, policy, fetch, fresh).await
    }

    async fn read_unless(
        &self,
        scheduler: &Scheduler,
        policy: &KeyPolicy,
        fetch: impl AsyncFn() -> Result<(T, u64), FetchError>,
        good_enough: impl Fn(UnixMillis) -> Option<Served<T>>,
    ) -> Result<Rc<T>, Unavailable> {
        let read = self.run(scheduler, policy, fetch, |now| match good_enough(now) {
            Some(served) => Look::Use(served.value),
            None => self.look_for_turn(now, policy),
        });
        match read.await {
            Ok(value) => Ok(value),
            // The failure has started a cooldown, in which stale values serve.
            Err(unavailable) => {
                let served = self.served(scheduler.now(), policy);
                served.map(|served| served.value).ok_or(unavailable)
            }
        }
    }

    /// The value after one more fetch, because what is kept did not have what the caller needs.
    /// There is at most one such fetch per cooldown: beyond that the kept value is the answer.
    ///
    /// # Errors
    /// When the fetch that would have told fails, or a failed one is cooling down.
    pub(super) async fn read_news(
        &self,
        scheduler: &Scheduler,
        policy: &KeyPolicy,
        seen: &Rc<T>,
        fetch: impl AsyncFn() -> Result<(T, u64), FetchError>,
    ) -> Result<Rc<T>, Unavailable> {
        self.run(scheduler, policy, fetch, |now| {
            let mut state = self.state.borrow_mut();
            match &state.stored {
                Some(stored) if !Rc::ptr_eq(&stored.value, seen) => {
                    return Look::Use(Rc::clone(&stored.value));
                }
                _ => {}
            }
            if self.lease.is_held(now) {
                return Look::Wait;
            }
            if state.is_cooling(now, policy) {
                return Look::Fail(state.unavailable(now));
            }
            let recent = |at: UnixMillis| now >= at && now - at < policy.cooldown;
            if state.asked_for_news_at.is_some_and(recent) {
                return Look::Use(Rc::clone(seen));
            }
            state.asked_for_news_at = Some(now);
            Look::Fetch(self.lease.take(now))
        })
        .await
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
        fetch: impl AsyncFn() -> Result<(T, u64), FetchError>,
        look: impl Fn(UnixMillis) -> Look<T>,
    ) -> Result<Rc<T>, Unavailable> {
        // Discovery tries three places at most, then the keys: nobody waits longer than that.
        let patience = u64::from(policy.timeout) * 4 + LEASE_MS;
        let start = scheduler.now();
        loop {
            let now = scheduler.now();
            match look(now) {
                Look::Use(value) => return Ok(value),
                Look::Fail(unavailable) => return Err(unavailable),
                Look::Wait if now >= start && now - start > patience => {
                    return Err(Unavailable {
                        error: FetchError::TimedOut,
                        retry_after: 1,
                    });
                }
                Look::Wait => scheduler.wait(LOOK_AGAIN_MS).await,
                Look::Fetch(owner) => {
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
        if state.is_cooling(now, policy) {
            return Look::Fail(state.unavailable(now));
        }
        Look::Fetch(self.lease.take(now))
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
                state.failures = 0;
                state.resume_at = 0;
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
                // With nothing to serve, every request fails until the next attempt: the end of an
                // outage must be noticed within a cooldown.
                let (base, longest) = match state.stored {
                    Some(_) => {
                        let longest = policy.cooldown.saturating_mul(MAX_BACKOFF);
                        (policy.cooldown, longest)
                    }
                    None => (policy.cooldown.min(FIRST_RETRY_MS), policy.cooldown),
                };
                let delay = base.saturating_mul(1 << state.failures.min(16));
                let delay = delay.min(longest);
                state.failures = state.failures.saturating_add(1);
                state.resume_at = now + scheduler.jittered(delay);
                Err(state.unavailable(now))
            }
        }
    }
}

impl<T> Stored<T> {
    /// How long it has been stale; `None` while fresh. From the future counts as just stale.
    fn age_past_fresh(&self, now: UnixMillis) -> Option<u64> {
        if now < self.fetched_at {
            return Some(0);
        }
        (now >= self.fresh_until).then(|| now - self.fresh_until)
    }
}

impl<T> State<T> {
    fn is_cooling(&self, now: UnixMillis, policy: &KeyPolicy) -> bool {
        // The longest delay with its jitter; more is a clock that jumped back.
        let longest = policy.cooldown.saturating_mul(MAX_BACKOFF) / 4 * 5;
        now < self.resume_at && self.resume_at - now <= longest.max(FIRST_RETRY_MS * 2)
    }

    fn unavailable(&self, now: UnixMillis) -> Unavailable {
        let left = self.resume_at.saturating_sub(now);
        Unavailable {
            error: self.last_error,
            retry_after: left.div_ceil(1000).max(1),
        }
    }
}
