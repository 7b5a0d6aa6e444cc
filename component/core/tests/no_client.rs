//! A build without the feature `token-client` refuses a client, wherever it is configured.
#![cfg(not(feature = "token-client"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod harness;

use harness::{FakeHost, Key, World, head, status};
use tollgate_core::config_error::{ConfigError, ConfigPart};
use tollgate_core::deployment::{ClientConfig, Config, Deployment, Setting};

fn key() -> Key {
    Key::new("k", 7)
}

fn working() -> Config {
    harness::inline(&[&key()])
}

fn refused(config: Config) -> ConfigError {
    let made = Deployment::new(config, FakeHost::new());
    let error = made.map(|_| ()).unwrap_err();
    assert_eq!(error.part, ConfigPart::Gate, "nothing works");
    assert!(
        error.message.contains("import from \"tollgate\" instead"),
        "{error}"
    );
    error
}

#[test]
fn a_client_in_the_options_is_refused() {
    let error = refused(Config {
        client: Some(ClientConfig::default()),
        ..working()
    });
    assert_eq!(error.field, "client");
}

#[test]
fn a_client_in_the_environment_is_refused() {
    for name in [
        "TOLLGATE_CLIENT_ID",
        "TOLLGATE_CLIENT_SECRET",
        "TOLLGATE_PRIVATE_KEY",
        "TOLLGATE_PRIVATE_KEY_NEXT",
        "TOLLGATE_PRIVATE_KEY_RETIRED",
        "TOLLGATE_TOKEN_ENDPOINT",
    ] {
        let setting = |value: &str| Some(vec![(name.to_owned(), Setting::from(value))]);
        let error = refused(Config {
            env: setting("x"),
            ..working()
        });
        assert_eq!(error.field, name);
        // Empty counts as left out.
        World::new(Config {
            env: setting(" "),
            ..working()
        });
    }
}

#[test]
fn it_verifies_and_publishes_no_keys() {
    let world = World::new(working());
    assert!(!world.deployment.has_client());
    assert_eq!(world.status(&key().token()), 200);
    let keys = head("GET", "https://mcp.example.com/.well-known/jwks.json");
    assert_eq!(status(&world.send(&keys)), 401, "a path like any other");
}
