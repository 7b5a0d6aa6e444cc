//! Single flight: one request for all who wish for the same token at the same time.
//!
//! State is shared, not promises: who makes the request holds a lease on it, the others look again
//! a little later, and where the one goes away another takes over.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use super::client::{Inner, Outcome, TokenStep, Wish};
use super::exchanged_tokens::{CacheKey, Owner};
use super::token_request::TokenTarget;
use super::token_response::Token;
use crate::capability::UnixMillis;
use crate::lease::{Lease, look_again_after};

/// After a failure, the same token is not asked for again for so long. Who wishes for it in that
/// time waits for the rest of it instead of being told of an outage that may be over.
const COOLDOWN_MS: u64 = 500;
/// Failures that are remembered: beyond that many users at once, the issuer's own limits count.
const COOLING_ENTRIES: usize = 1024;

/// One request that several wait for.
pub(super) struct Flight {
    lease: Lease,
    outcome: RefCell<Option<Outcome>>,
    pub(super) owner: Owner,
    /// Somebody asked to forget such tokens while it was under way: what it brings is not kept.
    pub(super) forgotten: Cell<bool>,
}

impl Inner {
    pub(super) fn wait_for(
        self: &Rc<Self>,
        key: CacheKey,
        subject: Option<String>,
        wish: Wish,
    ) -> TokenStep {
        let inner = Rc::clone(self);
        self.run(async move {
            if let Some(token) = inner.wait_out_cooldown(&key).await {
                return Ok(token);
            }
            let boarded = Boarded {
                flight: inner.join(key, subject, &wish.target),
                inner: &inner,
                key: &key,
            };
            inner.fly(&key, &boarded.flight, &wish).await
        })
    }

    /// Ready when a request may be made, or with a token that somebody else got meanwhile.
    async fn wait_out_cooldown(&self, key: &CacheKey) -> Option<Rc<Token>> {
        loop {
            let now = self.scheduler().now();
            let resume_at = self.cooling.borrow().peek(key).copied()?;
            let left = resume_at.saturating_sub(now);
            // More than that is a clock that jumped back.
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

    fn join(&self, key: CacheKey, subject: Option<String>, target: &TokenTarget) -> Rc<Flight> {
        let mut flights = self.flights.borrow_mut();
        if let Some(flight) = flights.get(&key).and_then(Weak::upgrade) {
            return flight;
        }
        let targets = target.resources.iter().chain(&target.audiences);
        let flight = Rc::new(Flight {
            lease: Lease::default(),
            outcome: RefCell::new(None),
            owner: Owner {
                subject,
                targets: targets.cloned().collect(),
            },
            forgotten: Cell::new(false),
        });
        flights.put(key, Rc::downgrade(&flight));
        flight
    }

    /// Waits for the flight's outcome, or makes the request for everybody on it.
    async fn fly(&self, key: &CacheKey, flight: &Rc<Flight>, wish: &Wish) -> Outcome {
        let start = self.scheduler().now();
        loop {
            if let Some(outcome) = flight.outcome.borrow().as_ref() {
                return outcome.clone();
            }
            let now = self.scheduler().now();
            if flight.lease.is_held(now) {
                let waited = now.saturating_sub(start);
                self.scheduler().wait(look_again_after(waited)).await;
                continue;
            }
            let owner = flight.lease.take(now);
            let work = self.ask(wish, None);
            let outcome = flight.lease.work(owner, self.scheduler(), work).await;
            let outcome = outcome.map(Rc::new);
            self.land(key, flight, wish, &outcome, now);
            return outcome;
        }
    }

    /// Keeps what came of a request, for those who wait for it and for those who come later.
    fn land(
        &self,
        key: &CacheKey,
        flight: &Rc<Flight>,
        wish: &Wish,
        outcome: &Outcome,
        asked_at: UnixMillis,
    ) {
        let now = self.scheduler().now();
        *flight.outcome.borrow_mut() = Some(outcome.clone());
        self.strike(key, flight);
        match outcome {
            Ok(token) if !flight.forgotten.get() => self.tokens.borrow_mut().insert(
                *key,
                token,
                flight.owner.clone(),
                asked_at,
                wish.user_until,
                now,
            ),
            Ok(_) => {}
            Err(_) => {
                let mut cooling = self.cooling.borrow_mut();
                cooling.put(*key, now + COOLDOWN_MS);
                if cooling.len() > COOLING_ENTRIES {
                    cooling.pop_lru();
                }
            }
        }
    }

    /// Takes a flight out of the books, if it is still the one that the key means.
    fn strike(&self, key: &CacheKey, flight: &Rc<Flight>) {
        let mut flights = self.flights.borrow_mut();
        let is_this = |other: &Weak<Flight>| std::ptr::eq(other.as_ptr(), Rc::as_ptr(flight));
        if flights.peek(key).is_some_and(is_this) {
            flights.pop(key);
        }
    }
}

/// A place on a flight. The last who leaves takes the flight out of the books.
struct Boarded<'a> {
    inner: &'a Inner,
    key: &'a CacheKey,
    flight: Rc<Flight>,
}

impl Drop for Boarded<'_> {
    fn drop(&mut self) {
        if Rc::strong_count(&self.flight) == 1 {
            self.inner.strike(self.key, &self.flight);
        }
    }
}
