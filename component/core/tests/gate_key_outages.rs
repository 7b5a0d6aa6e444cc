//! Outages and unusable answers of an issuer: how soon their end is noticed, and what waiting costs.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

use harness::{DISCOVERY, ISSUER, JWKS, Key, Site, World, bearer, discovering, reason, status};
use serde_json::json;
use tollgate_core::capability::HttpError;
use tollgate_core::deployment::{Config, IssuerConfig, KeyLocationConfig};
use tollgate_core::resource_server::Step;
use tollgate_core::task::Progress;

const COOLDOWN: u64 = 30_000;
const HOUR: u64 = 3_600_000;

/// Sends a request every second while the answer is `wanted`. Returns the time that this took.
fn milliseconds_until(world: &World, token: &str, wanted: u16) -> u64 {
    let start = world.host.now_ms.get();
    loop {
        let outcome = world.get(token);
        let waited = world.host.now_ms.get() - start;
        if status(&outcome) == wanted {
            return waited;
        }
        assert!(
            waited < 100 * COOLDOWN,
            "still {} ({})",
            status(&outcome),
            reason(&outcome)
        );
        world.host.advance(1_000);
    }
}

/// Sends a request every second for this time.
fn ask_for(world: &World, token: &str, ms: u64) {
    let end = world.host.now_ms.get() + ms;
    while world.host.now_ms.get() < end {
        let outcome = world.get(token);
        if outcome.refresh_due {
            world.finish(world.gate.refresh());
        }
        world.host.advance(1_000);
    }
}

fn long_lived(key: &Key) -> String {
    key.token_with(&json!({ "exp": 4_000_000_000_u64 }))
}

#[test]
fn unusable_metadata_is_fetched_again_within_a_cooldown() {
    let key = Key::new("k1", 7);
    for metadata in [
        json!({ "issuer": ISSUER }),
        json!({ "issuer": ISSUER, "jwks_uri": 5 }),
        json!({ "issuer": ISSUER, "jwks_uri": "https://evil.example/jwks" }),
        json!({ "issuer": ISSUER, "jwks_uri": "http://issuer.example/jwks" }),
    ] {
        let world = World::new(discovering());
        world.host.publish(&[&key]);
        let body = metadata.to_string();
        world
            .host
            .set(DISCOVERY, Site::Body(200, body, "max-age=3600"));
        let token = long_lived(&key);
        ask_for(&world, &token, 10 * 60_000);
        assert_eq!(world.status(&token), 503, "{metadata}");
        world.host.publish(&[&key]);
        let waited = milliseconds_until(&world, &token, 200);
        assert!(waited <= COOLDOWN + 1_000, "{metadata}: {waited}");
    }
}

#[test]
fn keys_by_uri_need_no_usable_metadata() {
    let key = Key::new("k1", 7);
    let issuer = IssuerConfig {
        keys: Some(KeyLocationConfig::Uri(JWKS.into())),
        ..harness::issuer()
    };
    let world = World::new(Config {
        issuers: Some(vec![issuer]),
        ..Config::default()
    });
    world.host.publish(&[&key]);
    let body = json!({ "issuer": ISSUER }).to_string();
    world
        .host
        .set(DISCOVERY, Site::Body(200, body, "max-age=3600"));
    assert_eq!(world.status(&key.token()), 200);
    let url = "https://api.example/.well-known/oauth-authorization-server";
    for _ in 0..3 {
        assert_eq!(status(&world.send(&harness::head("GET", url))), 200);
        world.host.advance(COOLDOWN);
    }
    assert_eq!(world.host.fetches(DISCOVERY), 1);
}

#[test]
fn the_end_of_an_outage_is_noticed_within_a_cooldown() {
    let key = Key::new("k1", 7);
    // Outages from the start with various durations, so that the delays of the two documents
    // differ.
    for seconds in [1, 10, 100, 1_000, 1_234, 2_000, 3_600] {
        for site in [
            Site::Fails(HttpError::Unreachable),
            Site::Body(500, String::new(), ""),
        ] {
            for down in [DISCOVERY, JWKS] {
                let world = World::new(discovering());
                world.host.publish(&[&key]);
                world.host.set(down, site.clone());
                let token = long_lived(&key);
                ask_for(&world, &token, seconds * 1_000);
                world.host.publish(&[&key]);
                let waited = milliseconds_until(&world, &token, 200);
                assert!(
                    waited <= COOLDOWN + 1_000,
                    "{seconds} s of {down}: {waited}"
                );
            }
        }
    }
}

#[test]
fn delays_of_metadata_and_keys_do_not_add_up() {
    let key = Key::new("k1", 7);
    for seconds in [600, 1_200, 1_500, 1_800, 2_400, 3_600] {
        let world = World::new(discovering());
        world.host.publish(&[&key]);
        let token = long_lived(&key);
        // The metadata is known when the whole issuer goes down; keys never were.
        world.host.set(JWKS, Site::Body(500, String::new(), ""));
        ask_for(&world, &token, 60_000);
        world.host.take_down();
        ask_for(&world, &token, seconds * 1_000);
        world.host.publish(&[&key]);
        let waited = milliseconds_until(&world, &token, 200);
        assert!(waited <= COOLDOWN + 1_000, "{seconds} s: {waited}");
    }
}

#[test]
fn past_max_stale_an_outage_ends_within_a_cooldown() {
    let key = Key::new("k1", 7);
    let world = World::new(discovering());
    world.host.publish(&[&key]);
    let token = long_lived(&key);
    assert_eq!(world.status(&token), 200);
    world.host.take_down();
    for _ in 0..26 * 60 {
        ask_for(&world, &token, 1_000);
        world.host.advance(59_000);
    }
    assert_eq!(world.status(&token), 503);
    ask_for(&world, &token, 60_000);
    world.host.publish(&[&key]);
    let waited = milliseconds_until(&world, &token, 200);
    assert!(waited <= COOLDOWN + 1_000, "{waited}");
}

#[test]
fn a_new_key_is_found_within_a_cooldown_after_an_outage() {
    let (old, new) = (Key::new("k1", 7), Key::new("k2", 8));
    let world = World::new(discovering());
    world.host.publish(&[&old]);
    assert_eq!(world.status(&long_lived(&old)), 200);
    world.host.take_down();
    let before = world.host.fetches(JWKS);
    let (old_token, new_token) = (long_lived(&old), long_lived(&new));
    for _ in 0..HOUR / 1_000 {
        let outcome = world.get(&old_token);
        assert_eq!(status(&outcome), 200);
        if outcome.refresh_due {
            world.finish(world.gate.refresh());
        }
        assert_eq!(world.status(&new_token), 503);
        world.host.advance(1_000);
    }
    // Unknown keys cause one attempt per cooldown, and the refreshes few more.
    let attempts = world.host.fetches(JWKS) - before;
    assert!(attempts as u64 <= HOUR / COOLDOWN + 20, "{attempts}");
    world.host.publish(&[&old, &new]);
    let waited = milliseconds_until(&world, &new_token, 200);
    assert!(waited <= COOLDOWN + 1_000, "{waited}");
}

#[test]
fn attempts_become_rare_while_keys_are_usable() {
    let key = Key::new("k1", 7);
    let world = World::new(discovering());
    world.host.publish(&[&key]);
    assert_eq!(world.status(&long_lived(&key)), 200);
    world.host.take_down();
    world.host.advance(HOUR);
    let before = world.host.fetches(JWKS);
    ask_for(&world, &long_lived(&key), 2 * HOUR);
    let attempts = world.host.fetches(JWKS) - before;
    assert!((10..30).contains(&attempts), "{attempts}");
}

#[test]
fn a_set_without_usable_keys_is_an_outage() {
    let (old, new) = (Key::new("k1", 7), Key::new("k2", 8));
    for set in [
        json!({ "keys": [] }),
        json!({ "keys": [{ "kty": "oct", "k": "AA", "kid": "k1" }] }),
        json!({ "keys": [1, {}] }),
    ] {
        // Without older keys, it is a failure of the issuer.
        let world = World::new(discovering());
        world.host.publish(&[&old]);
        world.host.set_json(JWKS, &set);
        let outcome = world.get(&long_lived(&old));
        let found = (status(&outcome), reason(&outcome));
        assert_eq!(found, (503, "issuer-no-usable-key"), "{set}");
        world.host.publish(&[&old]);
        let waited = milliseconds_until(&world, &long_lived(&old), 200);
        assert!(waited <= COOLDOWN, "{waited}");
        // With older keys, they are used, a forgery is refused, and an unknown key is not decided.
        world.host.set_json(JWKS, &set);
        for _ in 0..60 {
            ask_for(&world, &long_lived(&old), 1_000);
            assert_eq!(world.status(&long_lived(&old)), 200);
            assert_eq!(world.reason(&long_lived(&new)), "issuer-no-usable-key");
            let forged = Key::new("k1", 9);
            assert_eq!(world.reason(&long_lived(&forged)), "token-bad-signature");
            world.host.advance(59_000);
        }
        // But not forever.
        world.host.advance(86_400_000);
        assert_eq!(world.reason(&long_lived(&old)), "issuer-no-usable-key");
        // A set with other keys takes the old ones away at once.
        world.host.publish(&[&new]);
        milliseconds_until(&world, &long_lived(&new), 200);
        assert_eq!(world.status(&long_lived(&old)), 401);
    }
}

/// Sends these tokens at once and polls as the host would, each task when it asked to be; answers
/// by status, and polls.
fn storm(world: &World, tokens: &[String], ms: u64) -> (Vec<(u16, &'static str)>, usize) {
    let start = world.host.now_ms.get();
    let (mut answers, mut polls, mut tasks) = (Vec::new(), 0, Vec::new());
    for token in tokens {
        match world.gate.decide(&bearer(token)) {
            Step::Done(outcome) => answers.push((status(&outcome), reason(&outcome))),
            Step::Waiting(task) => tasks.push((start, task)),
        }
    }
    while world.host.now_ms.get() < start + ms {
        let now = world.host.now_ms.get();
        tasks.retain_mut(|(due, task)| {
            if now < *due {
                return true;
            }
            polls += 1;
            match task.poll() {
                Progress::Ready(outcome) => {
                    answers.push((status(&outcome), reason(&outcome)));
                    false
                }
                Progress::Pending(wait) => {
                    *due = now + u64::from(wait.unwrap_or(u32::MAX));
                    true
                }
            }
        });
        world.host.advance(1);
    }
    assert!(tasks.is_empty(), "{} wait for ever", tasks.len());
    (answers, polls)
}

fn tokens_of_unknown_keys(key: &Key, count: usize) -> Vec<String> {
    let claims = harness::claims_with(&json!({})).to_string();
    let mut header = key.header();
    let token = |n| {
        header["kid"] = json!(format!("random-{n}"));
        key.sign(&header, &claims)
    };
    (0..count).map(token).collect()
}

#[test]
fn waiting_for_a_hanging_issuer_is_cheap_and_bounded() {
    let key = Key::new("k1", 7);
    let tokens = tokens_of_unknown_keys(&key, 2_000);
    // Without any key yet.
    let world = World::new(discovering());
    world.host.publish(&[&key]);
    world.host.set(JWKS, Site::Never);
    let (answers, polls) = storm(&world, &tokens, 6_000);
    assert!(answers.iter().all(|(status, _)| *status == 503));
    let full = |answers: &[(u16, &str)]| {
        let full = answers
            .iter()
            .filter(|(_, reason)| *reason == "issuer-too-many-waiting");
        full.count()
    };
    assert_eq!(full(&answers), 2_000 - 257);
    assert!(polls < 257 * 45, "{polls}");
    // With keys, while newer ones are looked for.
    let world = World::new(discovering());
    world.host.publish(&[&key]);
    assert_eq!(world.status(&key.token()), 200);
    world.host.set(JWKS, Site::Never);
    let (answers, polls) = storm(&world, &tokens, 6_000);
    assert!(answers.iter().all(|(status, _)| *status == 503));
    assert_eq!(full(&answers), 2_000 - 65);
    assert!(polls < 65 * 45, "{polls}");
    assert_eq!(world.status(&key.token()), 200);
    // The places are free again.
    world.host.advance(COOLDOWN);
    assert_eq!(full(&storm(&world, &tokens[..65], 6_000).0), 0);
}

#[test]
fn few_bad_signatures_wait_for_newer_keys() {
    let key = Key::new("k1", 7);
    let world = World::new(discovering());
    world.host.publish(&[&key]);
    assert_eq!(world.status(&key.token()), 200);
    world.host.set(JWKS, Site::Never);
    let forged = vec![Key::new("k1", 9).token(); 2_000];
    let (answers, polls) = storm(&world, &forged, 6_000);
    assert!(
        answers
            .iter()
            .all(|answer| *answer == (401, "token-bad-signature"))
    );
    assert!(polls < 65 * 45, "{polls}");
    // If waiting cannot help, the answer comes at once.
    for token in &forged[..3] {
        assert!(matches!(world.gate.decide(&bearer(token)), Step::Done(_)));
    }
}

#[test]
fn requests_for_metadata_do_not_keep_tokens_from_their_keys() {
    let key = Key::new("k1", 7);
    let world = World::new(discovering());
    world.host.publish(&[&key]);
    let url = "https://api.example/.well-known/oauth-authorization-server";
    let mut readers: Vec<_> = (0..300)
        .filter_map(|_| match world.gate.decide(&harness::head("GET", url)) {
            Step::Waiting(task) => Some(task),
            Step::Done(_) => None,
        })
        .collect();
    assert!(readers.len() > 200, "{}", readers.len());
    let Step::Waiting(mut task) = world.gate.decide(&bearer(&key.token())) else {
        panic!("nothing to wait for");
    };
    for _ in 0..1_000 {
        if let Progress::Ready(outcome) = task.poll() {
            assert_eq!(status(&outcome), 200);
            assert!(world.gate.new_faults().is_empty());
            return;
        }
        for reader in &mut readers {
            let _ = reader.poll();
        }
        world.host.advance(5);
    }
    panic!("no decision");
}
