//! Single flight: concurrent requests for the same token share one request.
//!
//! Tasks share state, not promises: the task that makes the request holds a lease, the others poll
//! again a little later, and if the first is cancelled, another takes over.

use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::rc::{Rc, Weak};

use lru::LruCache;

use super::client::{Inner, Outcome, TokenRequest, TokenStep};
use super::exchanged_tokens::{CacheKey, Owner};
use super::token_request::TokenTarget;
use super::token_response::Token;
use crate::capability::UnixMillis;
use crate::lease::{Lease, poll_after};

/// The minimum time between a failure and the next request for the same token. A caller in this
/// time waits for the rest of it, because the outage may be over by then.
const COOLDOWN_MS: u64 = 500;
/// The maximum number of stored failures. With more users at once, the issuer's own limits apply.
const COOLING_ENTRIES: NonZeroUsize = NonZeroUsize::new(1024).expect("is not 0");

/// When a failed request may be made again, by the token that it asked for.
pub(super) type Cooling = LruCache<CacheKey, UnixMillis>;

/// An empty list of failures. Its memory is not reserved in advance.
pub(super) fn cooling() -> Cooling {
    let mut cooling = LruCache::unbounded();
    cooling.resize(COOLING_ENTRIES);
    cooling
}

/// One request that several tasks wait for.
pub(super) struct InFlight {
    lease: Lease,
    outcome: RefCell<Option<Outcome>>,
    pub(super) owner: Owner,
    /// Whether such tokens were invalidated while the request was running, so that its result is
    /// not cached.
    pub(super) invalidated: Cell<bool>,
}

impl Inner {
    pub(super) fn wait_for(
        self: &Rc<Self>,
        key: CacheKey,
        subject: Option<String>,
        request: TokenRequest,
    ) -> TokenStep {
        let inner = Rc::clone(self);
        self.run(async move {
            if let Some(token) = inner.wait_out_cooldown(&key).await {
                return Ok(token);
            }
            let waiter = Waiter {
                shared: inner.join(key, subject, &request.target),
                inner: &inner,
                key: &key,
            };
            inner.await_outcome(&key, &waiter.shared, &request).await
        })
    }

    /// Ready when a request may be made, or with a token that another task got in the meantime.
    async fn wait_out_cooldown(&self, key: &CacheKey) -> Option<Rc<Token>> {
        loop {
            let now = self.scheduler().now();
            let resume_at = self.cooling.borrow().peek(key).copied()?;
            let left = resume_at.saturating_sub(now);
            // A longer delay means that the clock jumped back.
            if left == 0 || left > COOLDOWN_MS {
                self.cooling.borrow_mut().pop(key);
                return None;
            }
            self.scheduler().wait(left).await;
            if let Some(token) = self.find(key) {
                return Some(token);
            }
        }
    }

    fn join(&self, key: CacheKey, subject: Option<String>, target: &TokenTarget) -> Rc<InFlight> {
        let mut in_flight = self.in_flight.borrow_mut();
        if let Some(shared) = in_flight.get(&key).and_then(Weak::upgrade) {
            return shared;
        }
        let targets = target.resources.iter().chain(&target.audiences);
        let shared = Rc::new(InFlight {
            lease: Lease::default(),
            outcome: RefCell::new(None),
            owner: Owner {
                subject,
                targets: targets.cloned().collect(),
            },
            invalidated: Cell::new(false),
        });
        in_flight.put(key, Rc::downgrade(&shared));
        shared
    }

    /// Waits for the outcome, or makes the request for all waiting tasks.
    async fn await_outcome(
        &self,
        key: &CacheKey,
        shared: &Rc<InFlight>,
        request: &TokenRequest,
    ) -> Outcome {
        let start = self.scheduler().now();
        loop {
            if let Some(outcome) = shared.outcome.borrow().as_ref() {
                return outcome.clone();
            }
            let now = self.scheduler().now();
            if shared.lease.is_held(now) {
                let waited = now.saturating_sub(start);
                self.scheduler().wait(poll_after(waited)).await;
                continue;
            }
            let owner = shared.lease.take(now);
            let work = self.send_request(request, None);
            let outcome = shared.lease.work(owner, self.scheduler(), work).await;
            let outcome = outcome.map(Rc::new);
            self.store_outcome(key, shared, request, &outcome, now);
            return outcome;
        }
    }

    /// Stores the outcome of a request for the waiting tasks, and the token for later callers.
    fn store_outcome(
        &self,
        key: &CacheKey,
        shared: &Rc<InFlight>,
        request: &TokenRequest,
        outcome: &Outcome,
        asked_at: UnixMillis,
    ) {
        let now = self.scheduler().now();
        *shared.outcome.borrow_mut() = Some(outcome.clone());
        self.remove(key, shared);
        match outcome {
            Ok(token) if !shared.invalidated.get() => self.tokens.borrow_mut().insert(
                *key,
                token,
                shared.owner.clone(),
                asked_at,
                request.user_until,
                now,
            ),
            Ok(_) => {}
            Err(_) => {
                let resume_at = now + COOLDOWN_MS;
                self.cooling.borrow_mut().put(*key, resume_at);
            }
        }
    }

    /// Removes a request from the list, if the key still belongs to it.
    fn remove(&self, key: &CacheKey, shared: &Rc<InFlight>) {
        let mut in_flight = self.in_flight.borrow_mut();
        let is_this = |other: &Weak<InFlight>| std::ptr::eq(other.as_ptr(), Rc::as_ptr(shared));
        if in_flight.peek(key).is_some_and(is_this) {
            in_flight.pop(key);
        }
    }
}

/// A waiting task. The last one removes the request from the list when it is dropped.
struct Waiter<'a> {
    inner: &'a Inner,
    key: &'a CacheKey,
    shared: Rc<InFlight>,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if Rc::strong_count(&self.shared) == 1 {
            self.inner.remove(self.key, &self.shared);
        }
    }
}
