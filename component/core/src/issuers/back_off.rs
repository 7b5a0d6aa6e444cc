//! When a fetch may be tried again after failures.
//!
//! There are two delays after a failure. While an older value can be used, attempts become rare, to
//! reduce the load on the issuer. While a caller needs a missing value, the end of an outage must
//! be noticed within one cooldown.

use super::KeyPolicy;
use crate::capability::UnixMillis;
use crate::task::Scheduler;

/// The first delay after a failure if there is no older value: an outage of a second must not last
/// for a whole cooldown.
const FIRST_RETRY_MS: u64 = 1_000;
/// While an older value can be used, delays double up to this many times the cooldown.
const MAX_BACKOFF: u64 = 16;

/// Whether a caller can do without the fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// An older value can be used in the meantime.
    Refresh,
    /// There is no usable value until it has succeeded.
    Missing,
}

/// The failures since the last success.
#[derive(Debug, Default)]
pub(super) struct BackOff {
    failures: u32,
    /// No attempt before this for [`Need::Refresh`].
    refresh_at: UnixMillis,
    /// No attempt before this for [`Need::Missing`].
    missing_at: UnixMillis,
}

impl BackOff {
    pub(super) fn has_failed(&self) -> bool {
        self.failures > 0
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    pub(super) fn failed(&mut self, scheduler: &Scheduler, policy: &KeyPolicy) {
        let doubled = |base: u64| base.saturating_mul(1 << self.failures.min(16));
        // Including its jitter of up to a quarter, it is no longer than the cooldown.
        let missing = doubled(FIRST_RETRY_MS).min(policy.cooldown / 5 * 4);
        let refresh = doubled(policy.cooldown).min(longest(policy));
        let now = scheduler.now();
        self.missing_at = now + scheduler.jittered(missing);
        self.refresh_at = now + scheduler.jittered(refresh);
        self.failures = self.failures.saturating_add(1);
    }

    /// When the next attempt may be made. `None` means now.
    pub(super) fn resume_at(
        &self,
        need: Need,
        now: UnixMillis,
        policy: &KeyPolicy,
    ) -> Option<UnixMillis> {
        let at = match need {
            Need::Refresh => self.refresh_at,
            Need::Missing => self.missing_at,
        };
        // The longest delay with its jitter. A longer one means that the clock jumped back.
        let plausible = match need {
            Need::Refresh => longest(policy) / 4 * 5,
            Need::Missing => policy.cooldown,
        };
        (now < at && at - now <= plausible).then_some(at)
    }
}

fn longest(policy: &KeyPolicy) -> u64 {
    policy.cooldown.saturating_mul(MAX_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_wait_for_their_time_but_not_for_a_clock_that_jumped_back() {
        let policy = KeyPolicy::default();
        let resume_at = |need, at| {
            let back_off = BackOff {
                failures: 1,
                refresh_at: at,
                missing_at: at,
            };
            back_off.resume_at(need, 1_000, &policy)
        };
        for (need, longest) in [(Need::Missing, 30_000), (Need::Refresh, 600_000)] {
            assert_eq!(resume_at(need, 999), None);
            assert_eq!(resume_at(need, 1_000), None);
            assert_eq!(resume_at(need, 1_001), Some(1_001));
            assert_eq!(resume_at(need, 1_000 + longest), Some(1_000 + longest));
            assert_eq!(resume_at(need, 1_001 + longest), None);
        }
    }
}
