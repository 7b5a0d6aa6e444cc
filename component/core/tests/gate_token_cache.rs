//! The cache of verified tokens: its content, its limits and its expiry.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

use harness::{Key, NOW, World, inline};
use serde_json::json;
use tollgate_core::deployment::{Config, TokenCacheConfig};
use tollgate_core::resource_server::Decision;

fn key() -> Key {
    Key::new("k1", 7)
}

fn world() -> World {
    World::new(inline(&[&key()]))
}

fn cache(max_entries: Option<u32>, max_bytes: Option<u32>) -> World {
    let token_cache = TokenCacheConfig {
        max_entries,
        max_bytes,
        max_age: None,
    };
    World::new(Config {
        token_cache: Some(token_cache),
        ..inline(&[&key()])
    })
}

/// Tokens of one length.
fn token(id: u32) -> String {
    key().token_with(&json!({ "jti": id.to_string() }))
}

/// Sends a token, and says how often the host checked its signature.
fn verdicts(world: &World, token: &str) -> u32 {
    let verdicts = &world.host.signatures.verdicts;
    let before = verdicts.get();
    assert_eq!(world.reason(token), "allowed");
    verdicts.get() - before
}

#[test]
fn a_cached_token_is_still_checked() {
    let world = world();
    let token = key().token_with(&json!({ "exp": NOW + 100 }));
    assert_eq!(world.reason(&token), "allowed");
    world.host.advance(99_999);
    assert_eq!(world.reason(&token), "allowed");
    world.host.advance(1);
    assert_eq!(world.reason(&token), "token-expired");
    // The clock steps back: what was cached in the future is verified again, not believed.
    world.host.now_ms.set((NOW - 5) * 1000);
    assert_eq!(world.reason(&token), "allowed");
}

#[test]
fn a_verification_is_cached_for_the_configured_time() {
    let token_cache = TokenCacheConfig {
        max_age: Some(60),
        ..TokenCacheConfig::default()
    };
    let world = World::new(Config {
        token_cache: Some(token_cache),
        ..inline(&[&key()])
    });
    let token = token(1);
    assert_eq!(verdicts(&world, &token), 1);
    world.host.advance(59_999);
    assert_eq!(verdicts(&world, &token), 0);
    world.host.advance(1);
    assert_eq!(verdicts(&world, &token), 1);
}

#[test]
fn the_cache_stays_within_its_bounds() {
    let few = cache(Some(3), None);
    let small = cache(None, Some(4_000));
    let none = cache(Some(0), None);
    for n in 0..10 {
        let token = key().token_with(&json!({ "jti": n.to_string() }));
        for world in [&few, &small, &none] {
            let Decision::Allow(allowed) = world.get(&token).decision else {
                panic!("refused")
            };
            assert!(world.gate.identity(allowed.identity.unwrap()).is_some());
        }
    }
    assert_eq!(few.gate.cache_size().0, 3);
    assert!(small.gate.cache_size().1 <= 4_000 && small.gate.cache_size().0 > 1);
    assert_eq!(none.gate.cache_size(), (0, 0));
}

#[test]
fn entries_that_just_fit_are_kept() {
    let world = world();
    assert_eq!(verdicts(&world, &token(1)), 1);
    let (_, bytes) = world.gate.cache_size();
    let bytes = u32::try_from(bytes).unwrap();
    let one = cache(None, Some(bytes));
    let two = cache(None, Some(2 * bytes));
    for id in [1, 2] {
        for world in [&one, &two] {
            assert_eq!(verdicts(world, &token(id)), 1);
            assert_eq!(verdicts(world, &token(id)), 0);
        }
    }
    assert_eq!(one.gate.cache_size().0, 1);
    assert_eq!(two.gate.cache_size().0, 2);
}

#[test]
fn a_token_too_large_for_the_cache_evicts_no_others() {
    let world = world();
    assert_eq!(verdicts(&world, &token(1)), 1);
    let (_, bytes) = world.gate.cache_size();
    let world = cache(None, u32::try_from(bytes).ok());
    assert_eq!(verdicts(&world, &token(1)), 1);
    let large = key().token_with(&json!({ "note": "x".repeat(bytes) }));
    for _ in 0..2 {
        assert_eq!(verdicts(&world, &large), 1);
    }
    assert_eq!(verdicts(&world, &token(1)), 0);
}

#[test]
fn each_identity_is_found_by_its_own_id() {
    let world = world();
    let allowed = |subject: &str| {
        let token = key().token_with(&json!({ "sub": subject }));
        let Decision::Allow(allowed) = world.get(&token).decision else {
            panic!("refused")
        };
        allowed.identity.unwrap()
    };
    let subject = |id| {
        world
            .gate
            .identity(id)
            .and_then(|found| found.subject.clone())
    };
    let (alice, bob, carol) = (allowed("alice"), allowed("bob"), allowed("carol"));
    assert_eq!(subject(alice).as_deref(), Some("alice"));
    assert_eq!(subject(bob).as_deref(), Some("bob"));
    assert_eq!(subject(carol).as_deref(), Some("carol"));
    assert_eq!(allowed("bob"), bob);
    assert_eq!(subject(carol).as_deref(), Some("carol"));
    assert_eq!(subject(carol + 1), None);
}
