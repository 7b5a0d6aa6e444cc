//! Keys: one fetch for all, outages, rotation, hostile issuers.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

use harness::{
    DISCOVERY, ISSUER, JWKS, Key, NOW, Site, World, answer, bearer, discovering, inline, reason,
    status,
};
use serde_json::json;
use tollgate_core::capability::HttpError;
use tollgate_core::deployment::{Config, IssuerConfig, KeyLocationConfig, KeyPolicyConfig};
use tollgate_core::limits;
use tollgate_core::resource_server::Step;
use tollgate_core::task::{Progress, Task};

fn world(keys: &[&Key]) -> World {
    let world = World::new(discovering());
    world.host.publish(keys);
    world
}

fn waiting(step: Step) -> Task<tollgate_core::resource_server::Outcome> {
    match step {
        Step::Waiting(task) => task,
        Step::Done(outcome) => panic!("done: {outcome:?}"),
    }
}

#[test]
fn a_hundred_concurrent_requests_make_one_fetch_of_each_document() {
    let key = Key::new("k1", 7);
    let world = world(&[&key]);
    let head = bearer(&key.token());
    let mut tasks: Vec<_> = (0..100)
        .map(|_| Some(waiting(world.gate.decide(&head))))
        .collect();
    // Half of the clients disconnect during the fetch, including the one that fetches.
    for task in tasks.iter_mut().step_by(2) {
        *task = None;
    }
    let mut answered = 0;
    for _ in 0..1000 {
        for slot in &mut tasks {
            if let Some(task) = slot
                && let Progress::Ready(outcome) = task.poll()
            {
                assert_eq!(status(&outcome), 200);
                answered += 1;
                *slot = None;
            }
        }
        world.host.advance(5);
    }
    assert_eq!(answered, 50);
    assert!(world.host.fetches(DISCOVERY) <= 2 && world.host.fetches(JWKS) == 1);
    // Without disconnects, there is one fetch each.
    let calm = self::world(&[&key]);
    let mut tasks: Vec<_> = (0..100)
        .map(|_| Some(waiting(calm.gate.decide(&head))))
        .collect();
    while tasks.iter().any(Option::is_some) {
        for slot in &mut tasks {
            if let Some(task) = slot
                && let Progress::Ready(outcome) = task.poll()
            {
                assert_eq!(status(&outcome), 200);
                *slot = None;
            }
        }
        calm.host.advance(5);
    }
    assert_eq!(
        (calm.host.fetches(DISCOVERY), calm.host.fetches(JWKS)),
        (1, 1)
    );
}

#[test]
fn an_abandoned_fetch_is_taken_over() {
    let key = Key::new("k1", 7);
    let world = world(&[&key]);
    let head = bearer(&key.token());
    // The host lost this task without dropping it.
    let forgotten = waiting(world.gate.decide(&head));
    let start = world.host.now_ms.get();
    assert_eq!(status(&world.send(&head)), 200);
    let waited = world.host.now_ms.get() - start;
    assert!((900..2_000).contains(&waited), "{waited}");
    drop(forgotten);
}

#[test]
fn random_kids_cost_two_fetches_a_cooldown() {
    let key = Key::new("k1", 7);
    let world = world(&[&key]);
    for n in 0..1000 {
        let mut header = key.header();
        header["kid"] = json!(format!("random-{n}"));
        let claims = harness::claims_with(&json!({})).to_string();
        assert_eq!(
            world.reason(&key.sign(&header, &claims)),
            "token-unknown-key"
        );
    }
    assert_eq!(world.host.fetches(JWKS), 2);
    world.host.advance(30_000);
    assert_eq!(
        world.reason(&Key::new("k9", 9).token()),
        "token-unknown-key"
    );
    assert_eq!(
        world.reason(&Key::new("k8", 9).token()),
        "token-unknown-key"
    );
    assert_eq!(world.host.fetches(JWKS), 3);
    assert_eq!(world.status(&key.token()), 200);
}

#[test]
fn rotation_is_noticed_at_once_and_withdrawn_keys_are_dropped() {
    let (old, new) = (Key::new("k1", 7), Key::new("k2", 8));
    let world = world(&[&old]);
    let token = old.token();
    assert_eq!(world.status(&token), 200);
    world.host.publish(&[&new]);
    assert_eq!(world.status(&new.token()), 200);
    // The verified token goes with its key.
    assert_eq!(world.reason(&token), "token-unknown-key");
    // The same kid with another key is noticed by the signature.
    let replaced = Key::new("k2", 9);
    world.host.publish(&[&replaced]);
    world.host.advance(31_000);
    assert_eq!(world.status(&replaced.token()), 200);
    assert_eq!(world.reason(&new.token()), "token-bad-signature");
}

#[test]
fn unchanged_keys_keep_cached_tokens() {
    let (one, two) = (Key::new("k1", 7), Key::new("k2", 8));
    let world = world(&[&one]);
    assert_eq!(world.status(&one.token()), 200);
    world.host.publish(&[&one, &two]);
    assert_eq!(world.status(&two.token()), 200);
    assert_eq!(world.gate.cache_size().0, 2);
    assert_eq!(world.status(&one.token()), 200);
    assert_eq!(world.gate.cache_size().0, 2);
}

#[test]
fn an_unreachable_issuer_is_not_an_invalid_token() {
    let key = Key::new("k1", 7);
    let world = World::new(discovering());
    for (site, code) in [
        (Site::Fails(HttpError::Unreachable), "issuer-unreachable"),
        (Site::Fails(HttpError::TimedOut), "issuer-timed-out"),
        (Site::Never, "issuer-timed-out"),
        (Site::Fails(HttpError::TooLarge), "issuer-answer-too-large"),
        (Site::Body(302, String::new(), ""), "issuer-redirected"),
        (Site::Body(500, String::new(), ""), "issuer-status"),
        (Site::Body(200, "<html>".into(), ""), "issuer-not-json"),
        (
            Site::Body(200, "{\"issuer\":\"https://issuer.exam".into(), ""),
            "issuer-not-json",
        ),
        (Site::Body(200, "[".repeat(10_000), ""), "issuer-not-json"),
        (
            Site::Body(200, "x".repeat(20 << 20), ""),
            "issuer-answer-too-large",
        ),
        (
            Site::Body(
                200,
                json!({ "issuer": "https://evil.example", "jwks_uri": JWKS }).to_string(),
                "",
            ),
            "issuer-mismatch",
        ),
        (
            Site::Body(200, json!({ "issuer": ISSUER }).to_string(), ""),
            "issuer-no-keys-uri",
        ),
        (
            Site::Body(
                200,
                json!({ "issuer": ISSUER, "jwks_uri": "https://evil.example/jwks" }).to_string(),
                "",
            ),
            "issuer-cross-origin-keys",
        ),
    ] {
        world.host.set(DISCOVERY, site);
        world.host.advance(10_000_000);
        // Results of an earlier round must not be used.
        let fresh = world.again(discovering());
        let start = fresh.host.now_ms.get();
        let outcome = fresh.get(&key.token_with(&json!({ "exp": 4_000_000_000_u64 })));
        assert_eq!((status(&outcome), reason(&outcome)), (503, code));
        let refused = answer(outcome);
        assert_eq!(refused.header("www-authenticate"), None, "{code}");
        assert!(refused.header("retry-after").is_some(), "{code}");
        assert!(
            fresh.host.now_ms.get() - start < 10_000,
            "{code} took too long"
        );
        // The next request does not wait: the failure is in its cooldown.
        let sent = fresh.host.sent.borrow().len();
        assert_eq!(
            fresh.status(&key.token_with(&json!({ "exp": 4_000_000_000_u64 }))),
            503
        );
        assert_eq!(fresh.host.sent.borrow().len(), sent, "{code}");
    }
}

#[test]
fn broken_key_sets_are_outages_and_broken_keys_are_skipped() {
    let key = Key::new("k1", 7);
    for body in [
        "",
        "[]",
        "{}",
        "{\"keys\":{}}",
        "{\"keys\":[1],\"keys\":[]}",
    ] {
        let world = world(&[&key]);
        world.host.set(JWKS, Site::Body(200, body.into(), ""));
        assert_eq!(world.reason(&key.token()), "issuer-not-key-set", "{body}");
    }
    let world = world(&[&key]);
    world.host.set_json(
        JWKS,
        &json!({ "keys": [
        { "kty": "OKP", "crv": "Ed448", "x": "AA", "kid": "a" },
        { "kty": "oct", "k": "AA", "kid": "b" },
        { "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "c" },
        { "kty": "AKP", "alg": "ML-DSA-44", "kid": "d" },
        { "kid": "e" },
        key.jwk(),
    ] }),
    );
    assert_eq!(world.status(&key.token()), 200);
}

#[test]
fn a_recovered_issuer_is_contacted_again_soon() {
    let key = Key::new("k1", 7);
    let world = World::new(discovering());
    world
        .host
        .set(DISCOVERY, Site::Fails(HttpError::Unreachable));
    assert_eq!(world.status(&key.token()), 503);
    world.host.publish(&[&key]);
    world.host.advance(1_300);
    assert_eq!(world.status(&key.token()), 200);
}

#[test]
fn stale_keys_are_used_while_the_issuer_is_down() {
    let key = Key::new("k1", 7);
    let token = key.token_with(&json!({ "exp": 4_000_000_000_u64 }));
    let world = world(&[&key]);
    assert_eq!(world.status(&token), 200);
    world.host.take_down();
    let mut fetches = world.host.sent.borrow().len();
    // Twelve hours, a request a minute.
    for minute in 0..720 {
        world.host.advance(60_000);
        let outcome = world.get(&token);
        assert_eq!(status(&outcome), 200, "minute {minute}");
        if outcome.refresh_due {
            world.finish(world.gate.refresh());
        }
    }
    fetches = world.host.sent.borrow().len() - fetches;
    assert!((10..200).contains(&fetches), "{fetches}");
    // A token with an unknown key cannot be decided now.
    let other = Key::new("k2", 8).token_with(&json!({ "exp": 4_000_000_000_u64 }));
    assert_eq!(world.status(&other), 503);
    // A forgery under a known key can.
    let forged = Key::new("k1", 8).token_with(&json!({ "exp": 4_000_000_000_u64 }));
    assert_eq!(world.reason(&forged), "token-bad-signature");
    // After a day, the keys are too old.
    world.host.advance(86_400_000);
    assert_eq!(world.status(&token), 503);
    // The issuer recovers.
    world.host.publish(&[&key]);
    world.host.advance(600_000);
    assert_eq!(world.status(&token), 200);
}

#[test]
fn freshness_comes_from_the_issuer() {
    let key = Key::new("k1", 7);
    let world = world(&[&key]);
    let jwks = harness::jwks(&[&key]).to_string();
    world.host.set(JWKS, Site::Body(200, jwks, "max-age=120"));
    assert!(!world.get(&key.token()).refresh_due);
    world.host.advance(119_000);
    assert!(!world.get(&key.token()).refresh_due);
    world.host.advance(2_000);
    assert!(world.get(&key.token()).refresh_due);
    world.finish(world.gate.refresh());
    assert!(!world.get(&key.token()).refresh_due);
    assert_eq!(world.host.fetches(JWKS), 2);
    // A second refresh does nothing.
    world.finish(world.gate.refresh());
    assert_eq!(world.host.fetches(JWKS), 2);
}

#[test]
fn a_failing_jwks_uri_is_discovered_again() {
    let key = Key::new("k1", 7);
    let world = world(&[&key]);
    world.host.set(JWKS, Site::Body(404, String::new(), ""));
    assert_eq!(world.reason(&key.token()), "issuer-status");
    let moved = "https://issuer.example/keys";
    world
        .host
        .set_json(DISCOVERY, &json!({ "issuer": ISSUER, "jwks_uri": moved }));
    world.host.set_json(moved, &harness::jwks(&[&key]));
    world.host.advance(1_300);
    assert_eq!(world.status(&key.token()), 200);
}

#[test]
fn metadata_that_are_fetched_already_are_waited_for() {
    let key = Key::new("k1", 7);
    let world = world(&[&key]);
    let published = "https://api.example/.well-known/oauth-authorization-server";
    let published = waiting(world.gate.decide(&harness::head("GET", published)));
    assert_eq!(world.host.fetches(DISCOVERY), 1);
    let decision = waiting(world.gate.decide(&bearer(&key.token())));
    let mut tasks = [Some(published), Some(decision)];
    while tasks.iter().any(Option::is_some) {
        for slot in &mut tasks {
            if let Some(task) = slot
                && let Progress::Ready(outcome) = task.poll()
            {
                assert_eq!(status(&outcome), 200);
                *slot = None;
            }
        }
        world.host.advance(5);
    }
    assert_eq!(world.host.fetches(DISCOVERY), 1);
}

#[test]
fn nobody_waits_longer_than_one_fetch_may_take() {
    const ELSEWHERE: &str = "https://issuer.example/tenant";
    let issuer = IssuerConfig {
        issuer: ELSEWHERE.into(),
        ..harness::issuer()
    };
    let world = World::new(Config {
        issuers: Some(vec![issuer]),
        keys: Some(KeyPolicyConfig {
            timeout_ms: Some(10),
            ..KeyPolicyConfig::default()
        }),
        ..Config::default()
    });
    // Four exchanges of 10 ms, and a second.
    let patience = 1_040;
    // The metadata are in none of three places, and each takes its time to say so.
    world.host.delay_ms.set(500);
    let token = Key::new("k1", 7).token_with(&json!({ "iss": ELSEWHERE }));
    let start = world.host.now_ms.get();
    let mut fetching = waiting(world.gate.decide(&bearer(&token)));
    let mut other = waiting(world.gate.decide(&bearer(&token)));
    let mut at = |ms| {
        world.host.now_ms.set(start + ms);
        assert!(matches!(fetching.poll(), Progress::Pending(_)), "{ms}");
    };
    at(500);
    assert!(matches!(other.poll(), Progress::Pending(_)));
    // The next look is at the very end.
    at(1_000);
    at(patience);
    assert!(matches!(other.poll(), Progress::Pending(_)));
    at(patience + 250);
    let Progress::Ready(outcome) = other.poll() else {
        panic!("it still waits")
    };
    assert_eq!(reason(&outcome), "issuer-timed-out");
}

#[test]
fn a_token_that_expires_during_a_fetch_is_refused() {
    let key = Key::new("k1", 7);
    let world = world(&[&key]);
    world.host.delay_ms.set(600);
    let token = key.token_with(&json!({ "exp": NOW + 1 }));
    assert_eq!(world.reason(&token), "token-expired");
    assert_eq!(world.host.fetches(JWKS), 1);
}

#[test]
fn openid_discovery_is_tried_second() {
    let key = Key::new("k1", 7);
    let world = World::new(discovering());
    let openid = "https://issuer.example/.well-known/openid-configuration";
    world
        .host
        .set_json(openid, &json!({ "issuer": ISSUER, "jwks_uri": JWKS }));
    world.host.set_json(JWKS, &harness::jwks(&[&key]));
    assert_eq!(world.status(&key.token()), 200);
}

#[test]
fn unknown_and_malformed_tokens_cost_no_fetch() {
    let key = Key::new("k1", 7);
    let world = world(&[&key]);
    for claims in [
        json!({ "iss": "https://other.example" }),
        json!({ "exp": 5 }),
        json!({ "aud": "x" }),
        json!({ "sub": null }),
    ] {
        assert_eq!(world.status(&key.token_with(&claims)), 401);
    }
    assert_eq!(world.status("a.b.c"), 401);
    assert!(world.host.sent.borrow().is_empty());
}

#[test]
fn keys_by_uri_and_inline_need_no_discovery() {
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
    assert_eq!(world.status(&key.token()), 200);
    assert_eq!(
        (world.host.fetches(DISCOVERY), world.host.fetches(JWKS)),
        (0, 1)
    );
    let inline = World::new(inline(&[&key]));
    assert_eq!(
        inline.reason(&Key::new("k2", 8).token()),
        "token-unknown-key"
    );
    assert!(inline.host.sent.borrow().is_empty());
}

#[test]
fn an_answer_has_a_largest_size() {
    let key = Key::new("k1", 7);
    let reason_at = |bytes: usize| {
        let world = world(&[&key]);
        let metadata = json!({ "issuer": ISSUER, "jwks_uri": JWKS }).to_string();
        let padding = " ".repeat(bytes - metadata.len());
        let site = Site::Body(200, metadata + &padding, "");
        world.host.set(DISCOVERY, site);
        world.reason(&key.token())
    };
    let largest = limits::METADATA_BYTES as usize;
    assert_eq!(reason_at(largest), "allowed");
    assert_eq!(reason_at(largest + 1), "issuer-answer-too-large");
}

#[test]
fn an_issuer_that_is_silent_is_asked_at_one_place_only() {
    let world = World::new(discovering());
    world
        .host
        .set(DISCOVERY, Site::Fails(HttpError::Unreachable));
    assert_eq!(world.status(&Key::new("k1", 7).token()), 503);
    assert_eq!(world.host.sent.borrow().len(), 1);
}

#[test]
fn a_task_that_is_polled_early_waits_for_the_rest() {
    let key = Key::new("k1", 7);
    let world = world(&[&key]);
    let head = bearer(&key.token());
    let _fetching = waiting(world.gate.decide(&head));
    // It looks again after 15 ms.
    let mut other = waiting(world.gate.decide(&head));
    world.host.advance(5);
    assert_eq!(other.poll(), Progress::Pending(Some(10)));
    // A clock that jumps back ends the wait.
    world.host.now_ms.set((NOW - 60) * 1000);
    assert!(matches!(other.poll(), Progress::Pending(_)));
    assert_eq!(world.host.fetches(DISCOVERY), 2);
}

#[test]
fn a_finished_task_can_be_polled_again() {
    let key = Key::new("k1", 7);
    let world = world(&[&key]);
    let mut task = waiting(world.gate.decide(&bearer(&key.token())));
    while let Progress::Pending(_) = task.poll() {
        world.host.advance(5);
    }
    assert_eq!(task.poll(), Progress::Pending(None));
}
