//! Key snapshots: exported by one gate, imported by a later one.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

use harness::{ISSUER, Key, World, discovering, inline};
use tollgate_core::issuers::SnapshotError;
use tollgate_core::limits;
use tollgate_core::resource_server::Decision;

fn world(keys: &[&Key]) -> World {
    let world = World::new(discovering());
    world.host.publish(keys);
    world
}

#[test]
fn exported_keys_work_in_another_isolate() {
    let key = Key::new("k1", 7);
    let world = world(&[&key]);
    assert_eq!(world.status(&key.token()), 200);
    let exported = world.gate.export_keys();
    assert!(!exported.contains("\"d\""));
    let next = world.again(discovering());
    assert_eq!(next.gate.import_keys(&exported), Ok(1));
    let fetched = next.host.sent.borrow().len();
    assert_eq!(next.status(&key.token()), 200);
    assert_eq!(next.host.sent.borrow().len(), fetched);
    for bad in ["", "{}", "[]", "{\"version\":2,\"issuers\":[]}"] {
        assert!(next.gate.import_keys(bad).is_err(), "{bad}");
    }
    let future = exported.replace("\"fetched_at\":1", "\"fetched_at\":9");
    assert_eq!(world.again(discovering()).gate.import_keys(&future), Ok(0));
    let foreign = exported.replace(ISSUER, "https://evil.example");
    assert_eq!(world.again(discovering()).gate.import_keys(&foreign), Ok(0));
    assert_eq!(
        next.gate.import_keys(&exported),
        Ok(0),
        "what is kept is as new"
    );
}

#[test]
fn snapshots_are_limited_in_size() {
    let world = world(&[]);
    let snapshot = "{\"version\":1,\"issuers\":[]}";
    let padding = " ".repeat(limits::SNAPSHOT_BYTES - snapshot.len());
    let largest = format!("{snapshot}{padding}");
    assert_eq!(world.gate.import_keys(&largest), Ok(0));
    let larger = largest + " ";
    assert_eq!(
        world.gate.import_keys(&larger),
        Err(SnapshotError::TooLarge)
    );
}

#[test]
fn given_keys_are_not_replaced_by_imported_ones() {
    let (given, fetched) = (Key::new("k1", 7), Key::new("k2", 8));
    let world = world(&[&fetched]);
    assert_eq!(world.status(&fetched.token()), 200);
    let exported = world.gate.export_keys();
    let other = world.again(inline(&[&given]));
    assert_eq!(other.gate.import_keys(&exported), Ok(0));
    assert_eq!(other.status(&given.token()), 200);
    assert_eq!(other.reason(&fetched.token()), "token-unknown-key");
}

#[test]
fn imported_known_keys_keep_cached_tokens() {
    let key = Key::new("k1", 7);
    let world = world(&[&key]);
    let token = key.token();
    let identity = || match world.get(&token).decision {
        Decision::Allow(allowed) => allowed.identity,
        Decision::Respond(answer) => panic!("{answer:?}"),
    };
    assert_eq!(world.status(&token), 200);
    let first = world.gate.export_keys();
    let other = world.again(discovering());
    world.host.advance(1_000);
    assert_eq!(other.status(&token), 200);
    let newer = other.gate.export_keys();
    assert_ne!(first, newer);
    let verified = identity();
    assert_eq!(world.gate.import_keys(&newer), Ok(1));
    // Verified again, it would have another id.
    assert_eq!(identity(), verified);
}
