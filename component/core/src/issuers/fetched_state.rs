//! The state of a fetched document: its value with its times, and the failures since.

use std::rc::Rc;

use super::back_off::{BackOff, Need};
use super::{FetchError, KeyPolicy, Unavailable};
use crate::capability::UnixMillis;

/// A fetched value, and how long it may be used.
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

/// The state of a document, and of the attempts to fetch it.
#[derive(Debug)]
pub(super) struct State<T> {
    pub(super) stored: Option<Stored<T>>,
    /// Whether the stored value was invalidated: callers that need it must fetch.
    pub(super) invalidated: bool,
    /// From when the last invalidation by
    /// [`Fetched::invalidate_with_cooldown`](super::fetched::Fetched) allowed a fetch.
    pub(super) invalidated_from: Option<UnixMillis>,
    pub(super) back_off: BackOff,
    pub(super) last_error: FetchError,
    /// When a caller last requested newer keys although the value was fresh.
    pub(super) refetched_at: Option<UnixMillis>,
}

impl<T> Stored<T> {
    /// How long it has been stale. `None` while it is fresh. A value from the future counts as just
    /// stale.
    pub(super) fn age_past_fresh(&self, now: UnixMillis) -> Option<u64> {
        if now < self.fetched_at {
            return Some(0);
        }
        (now >= self.fresh_until).then(|| now - self.fresh_until)
    }
}

impl<T> State<T> {
    pub(super) fn new() -> Self {
        Self {
            stored: None,
            invalidated: false,
            invalidated_from: None,
            back_off: BackOff::default(),
            last_error: FetchError::Unreachable,
            refetched_at: None,
        }
    }

    /// Whether the stored value may be used while a fetch cannot start.
    pub(super) fn need(&self, now: UnixMillis, policy: &KeyPolicy) -> Need {
        let serves = |stored: &Stored<T>| {
            let past = stored.age_past_fresh(now);
            past.is_none_or(|past| past < policy.max_stale)
        };
        if !self.invalidated && self.stored.as_ref().is_some_and(serves) {
            Need::Refresh
        } else {
            Need::Missing
        }
    }

    pub(super) fn unavailable(&self, now: UnixMillis, resume_at: UnixMillis) -> Unavailable {
        let left = resume_at.saturating_sub(now);
        Unavailable {
            error: self.last_error,
            retry_after: left.div_ceil(1000).max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> Stored<()> {
        Stored {
            value: Rc::new(()),
            fetched_at: 1_000,
            fresh_until: 2_000,
        }
    }

    #[test]
    fn a_value_is_fresh_from_its_fetch_to_its_end() {
        for (now, age) in [
            (999, Some(0)),
            (1_000, None),
            (1_999, None),
            (2_000, Some(0)),
            (2_001, Some(1)),
        ] {
            assert_eq!(stored().age_past_fresh(now), age, "{now}");
        }
    }

    #[test]
    fn values_that_are_too_old_or_invalidated_count_as_missing() {
        let policy = KeyPolicy {
            max_stale: 500,
            ..KeyPolicy::default()
        };
        let mut state = State::new();
        assert_eq!(state.need(1_000, &policy), Need::Missing);
        state.stored = Some(stored());
        for (now, need) in [
            (1_500, Need::Refresh),
            (2_499, Need::Refresh),
            (2_500, Need::Missing),
            (2_501, Need::Missing),
        ] {
            assert_eq!(state.need(now, &policy), need, "{now}");
        }
        state.invalidated = true;
        assert_eq!(state.need(1_500, &policy), Need::Missing);
    }
}
