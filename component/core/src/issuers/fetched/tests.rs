//! What may be served at which age, and when a fetch may start.

use super::*;

/// Fetched at 0, fresh until 100.
fn fetched() -> Fetched<()> {
    let fetched = Fetched::new();
    let stored = Stored {
        value: Rc::new(()),
        fetched_at: 0,
        fresh_until: 100,
    };
    assert!(fetched.store_if_newer(stored));
    fetched
}

fn policy(max_fresh: u64, max_stale: u64) -> KeyPolicy {
    KeyPolicy {
        max_fresh,
        max_stale,
        ..KeyPolicy::default()
    }
}

/// Whether the value is served, and whether a refresh is due.
fn served(fetched: &Fetched<()>, now: UnixMillis, policy: &KeyPolicy) -> Option<bool> {
    fetched.usable(now, policy).map(|served| served.refresh_due)
}

#[test]
fn a_stale_value_serves_for_a_while_and_longer_during_a_fetch() {
    let policy = policy(1_000, 5_000);
    for (now, free, held) in [
        (99, Some(false), Some(false)),
        (100, Some(true), Some(false)),
        (1_099, Some(true), Some(false)),
        (1_100, None, Some(false)),
        (5_099, None, Some(false)),
        (5_100, None, None),
    ] {
        let fetched = fetched();
        assert_eq!(served(&fetched, now, &policy), free, "{now}");
        fetched.lease.take(now);
        assert_eq!(served(&fetched, now, &policy), held, "{now}");
    }
}

#[test]
fn nothing_serves_longer_than_the_policy_allows() {
    let policy = policy(5_000, 1_000);
    let fetched = fetched();
    assert_eq!(served(&fetched, 1_099, &policy), Some(true));
    assert_eq!(served(&fetched, 1_100, &policy), None);
}

#[test]
fn newer_values_are_asked_for_once_in_a_cooldown() {
    let policy = KeyPolicy::default();
    let fetched = fetched();
    let seen = fetched.stored().unwrap().value;
    fetched.state.borrow_mut().refetched_at = Some(1_000);
    let at_once = |now| {
        let settled = fetched.newer_at_once(now, &policy, &seen);
        settled.map(|settled| Rc::ptr_eq(&settled.unwrap(), &seen))
    };
    for (now, settled) in [
        // A clock that jumped back.
        (999, None),
        (1_000, Some(true)),
        (30_999, Some(true)),
        (31_000, None),
    ] {
        assert_eq!(at_once(now), settled, "{now}");
    }
    // Whoever saw another value gets what is kept, even while somebody fetches.
    fetched.lease.take(1_000);
    assert_eq!(at_once(1_000), None);
    let other = Rc::new(());
    let settled = fetched.newer_at_once(1_000, &policy, &other);
    assert!(Rc::ptr_eq(&settled.unwrap().unwrap(), &seen));
}

#[test]
fn invalidations_by_many_callers_lead_to_one_fetch_in_a_cooldown() {
    let policy = KeyPolicy::default();
    let fetched = Fetched::new();
    let offer = |fetched_at, fresh_until| {
        let value = Rc::new(());
        assert!(fetched.store_if_newer(Stored {
            value,
            fetched_at,
            fresh_until,
        }));
    };
    let invalidate = |now| {
        fetched.invalidate_with_cooldown(now, &policy);
        fetched.stored().unwrap().fresh_until
    };
    offer(0, 200_000);
    assert_eq!(invalidate(10_000), 10_000);
    assert_eq!(invalidate(10_001), 10_000);
    offer(11_000, 200_000);
    assert_eq!(invalidate(12_000), 40_000);
    // A value that ends by itself just then is not fetched because of an invalidation.
    offer(41_000, 70_000);
    assert_eq!(invalidate(42_000), 70_000);
    assert_eq!(fetched.state.borrow().invalidated_from, Some(40_000));
    // A time that is further away than two cooldowns is one of a clock that jumped back.
    offer(71_000, 200_000);
    fetched.state.borrow_mut().invalidated_from = Some(180_000);
    assert_eq!(invalidate(80_000), 80_000);
}
