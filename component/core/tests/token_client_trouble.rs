//! The client: unusable metadata, and an issuer that sends `Retry-After`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

use std::rc::Rc;

use harness::{DISCOVERY, ISSUER, Key, NOW, Site, World, inline};
use serde_json::{Value, json};
use tollgate_core::deployment::{ClientConfig, Config};
use tollgate_core::secret::Secret;
use tollgate_core::token_client::{
    Delegation, Token, TokenClient, TokenFailure, TokenStep, TokenTarget, TypedToken,
};

const ENDPOINT: &str = "https://issuer.example/token";
const COOLDOWN: u64 = 30_000;

fn world() -> (World, TokenClient) {
    let client = ClientConfig {
        id: Some("app".into()),
        secret: Some(Secret::new("s3cret")),
        ..ClientConfig::default()
    };
    let world = World::new(Config {
        client: Some(client),
        ..inline(&[&Key::new("k", 7)])
    });
    let issued = json!({ "access_token": "a", "token_type": "Bearer", "expires_in": 600 });
    world.host.set_json(ENDPOINT, &issued);
    let client = world.deployment.token_client().unwrap();
    (world, client)
}

fn publish(world: &World, metadata: &Value) {
    let site = Site::Body(200, metadata.to_string(), "max-age=3600");
    world.host.set(DISCOVERY, site);
}

fn get(world: &World, client: &TokenClient, user: &str) -> Result<Rc<Token>, TokenFailure> {
    let delegation = Delegation {
        subject: Some(user.into()),
        subject_token: TypedToken {
            token: Secret::new(format!("token-{user}")),
            token_type: None,
        },
        subject_expires_at: Some(NOW + 36_000),
        actor_token: None,
        target: TokenTarget {
            resources: vec!["https://upstream.example".into()],
            ..TokenTarget::default()
        },
        destination: None,
    };
    match client.get_token(delegation) {
        TokenStep::Done(outcome) => outcome,
        TokenStep::Waiting(task) => world.finish(task),
    }
}

#[test]
fn metadata_without_a_usable_token_endpoint_is_fetched_again_within_a_cooldown() {
    for endpoint in [
        json!(null),
        json!("/token"),
        json!("https://evil.example/token"),
    ] {
        let (world, client) = world();
        publish(
            &world,
            &json!({ "issuer": ISSUER, "token_endpoint": endpoint }),
        );
        let start = world.host.now_ms.get();
        // Many users, for ten minutes.
        let mut user = 0;
        while world.host.now_ms.get() < start + 600_000 {
            user += 1;
            assert!(get(&world, &client, &user.to_string()).is_err());
            world.host.advance(1_000);
        }
        let fetches = world.host.fetches(DISCOVERY);
        assert!((15..=22).contains(&fetches), "{endpoint}: {fetches}");
        publish(
            &world,
            &json!({ "issuer": ISSUER, "token_endpoint": ENDPOINT }),
        );
        world.host.advance(COOLDOWN);
        assert!(get(&world, &client, "alice").is_ok(), "{endpoint}");
    }
}

#[test]
fn retry_after_of_the_issuer_reaches_the_caller() {
    let (world, client) = world();
    publish(
        &world,
        &json!({ "issuer": ISSUER, "token_endpoint": ENDPOINT }),
    );
    for (status, header, retry_after) in [
        (429, "17", Some("17")),
        (429, "99999", Some("3600")),
        (429, "never", None),
        (503, "17", Some("17")),
    ] {
        world.host.set(ENDPOINT, Site::Later(status, header));
        let failure = get(&world, &client, "alice").unwrap_err();
        assert_eq!(failure.status(), Some(status));
        let answer = failure.to_answer();
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("retry-after"), retry_after, "{header}");
    }
}

#[test]
fn failures_of_many_users_are_remembered_up_to_a_bound() {
    let (world, client) = world();
    world.host.delay_ms.set(0);
    publish(
        &world,
        &json!({ "issuer": ISSUER, "token_endpoint": ENDPOINT }),
    );
    world.host.set(ENDPOINT, Site::Body(500, String::new(), ""));
    for user in 0..1_025 {
        assert!(get(&world, &client, &user.to_string()).is_err());
    }
    let waited = |user: &str| {
        let start = world.host.now_ms.get();
        assert!(get(&world, &client, user).is_err());
        world.host.now_ms.get() - start
    };
    assert_eq!(waited("0"), 0, "forgotten");
    assert_eq!(waited("1024"), 500);
}
