//! Valid configurations, and the errors of invalid ones.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

use harness::{ISSUER, Key, World, route, routed};
use serde_json::json;
use tollgate_core::config_error::ConfigError;
use tollgate_core::deployment::{
    Access, Config, Cors, Deployment, IssuerConfig, KeyLocationConfig, KeyPolicyConfig, Metadata,
    RouteConfig,
};

fn key() -> Key {
    Key::new("k1", 7)
}

fn config() -> Config {
    routed(&[&key()])
}

/// The error of a configuration, if it is invalid.
fn made(config: Config) -> Result<(), ConfigError> {
    Deployment::new(config, harness::FakeHost::new()).map(|_| ())
}

#[test]
fn the_environment_fills_in_options() {
    let jwks = harness::jwks(&[&key()]).to_string();
    let env = |pairs: &[(&str, &str)]| Config {
        env: Some(
            pairs
                .iter()
                .map(|(n, v)| ((*n).into(), (*v).into()))
                .collect(),
        ),
        ..Config::default()
    };
    let world = World::new(env(&[
        ("TOLLGATE_ISSUER", ISSUER),
        ("TOLLGATE_AUDIENCE", "x, https://api.example"),
        ("TOLLGATE_JWKS", &jwks),
        ("TOLLGATE_SCOPES", "mcp:read"),
        ("OTHER", "ignored"),
    ]));
    assert_eq!(world.status(&key().token()), 200);
    assert_eq!(
        world.status(&key().token_with(&json!({ "scope": "a" }))),
        403
    );
    let code = Config {
        scopes: Some(vec![]),
        ..env(&[("TOLLGATE_SCOPES", "a")])
    };
    let world = World::new(Config {
        issuers: config().issuers,
        ..code
    });
    assert_eq!(
        world.status(&key().token()),
        200,
        "code goes before the environment"
    );
}

#[test]
fn configuration_errors_say_what_to_change() {
    let with = |change: &dyn Fn(&mut Config)| {
        let mut config = config();
        change(&mut config);
        made(config).unwrap_err()
    };
    let issuer = |change: &dyn Fn(&mut IssuerConfig)| {
        with(&|config| change(&mut config.issuers.as_mut().unwrap()[0]))
    };
    let inline = |json: &str| Some(KeyLocationConfig::Inline(json.into()));
    let table: Vec<(ConfigError, &str)> = vec![
        (with(&|c| c.issuers = None), "issuers"),
        (with(&|c| c.issuers = Some(vec![])), "issuers"),
        (
            with(&|c| c.issuers = Some(vec![harness::issuer(); 2])),
            "issuers[1].issuer",
        ),
        (
            with(&|c| c.issuers = Some(vec![harness::issuer(); 33])),
            "issuers",
        ),
        (
            issuer(&|i| i.issuer = "issuer.example".into()),
            "issuers[0].issuer",
        ),
        (
            issuer(&|i| i.issuer = "http://issuer.example".into()),
            "issuers[0].issuer",
        ),
        (
            issuer(&|i| i.issuer = "https://issuer.example?x".into()),
            "issuers[0].issuer",
        ),
        (issuer(&|i| i.audiences = None), "issuers[0].audiences"),
        (
            issuer(&|i| i.audiences = Some(vec![])),
            "issuers[0].audiences",
        ),
        (
            issuer(&|i| i.audiences = Some(vec![String::new()])),
            "issuers[0].audiences",
        ),
        (
            issuer(&|i| i.audiences = Some(vec!["a".into(); 65])),
            "issuers[0].audiences",
        ),
        (
            issuer(&|i| i.algorithms = Some(vec!["none".into()])),
            "issuers[0].algorithms",
        ),
        (
            issuer(&|i| i.algorithms = Some(vec!["HS256".into()])),
            "issuers[0].algorithms",
        ),
        (
            issuer(&|i| i.algorithms = Some(vec![])),
            "issuers[0].algorithms",
        ),
        (issuer(&|i| i.types = Some(vec![])), "issuers[0].types"),
        (
            issuer(&|i| i.required_claims = Some(vec!["a\"b".into()])),
            "issuers[0].required-claims",
        ),
        (
            issuer(&|i| i.clock_tolerance = Some(301)),
            "issuers[0].clock-tolerance",
        ),
        (issuer(&|i| i.keys = inline("{}")), "issuers[0].keys"),
        (
            issuer(&|i| i.keys = inline("{\"keys\":[]}")),
            "issuers[0].keys",
        ),
        (
            issuer(&|i| i.keys = Some(KeyLocationConfig::Uri("https://other.example/k".into()))),
            "issuers[0].keys",
        ),
        (
            with(&|c| c.resource = Some("api.example".into())),
            "resource",
        ),
        (with(&|c| c.scopes = Some(vec!["a b".into()])), "scopes"),
        (with(&|c| c.realm = Some("a\"b".into())), "realm"),
        (
            with(&|c| c.scope_hierarchy = Some(vec![("a".into(), vec!["b c".into()])])),
            "scope-hierarchy[0]",
        ),
        (
            with(&|c| c.routes = Some(vec![route("mcp", Access::Public)])),
            "routes[0].path",
        ),
        (
            with(&|c| c.routes = Some(vec![route("/a", Access::Public); 2])),
            "routes[1]",
        ),
        (
            with(&|c| c.routes = Some(vec![route("/a", Access::Public); 257])),
            "routes",
        ),
        (
            with(&|c| c.routes = Some(vec![route("/a", Access::Protected(vec!["a\"".into()]))])),
            "routes[0].scopes",
        ),
        (
            with(&|c| {
                c.routes = Some(vec![RouteConfig {
                    methods: Some(vec![]),
                    ..route("/a", Access::Public)
                }])
            }),
            "routes[0].methods",
        ),
        (
            with(&|c| {
                c.cors = Some(Cors {
                    origins: Some(vec!["https://a.example/".into()]),
                    max_age: None,
                })
            }),
            "cors.origins[0]",
        ),
        (
            with(&|c| {
                c.keys = Some(KeyPolicyConfig {
                    cooldown: Some(0),
                    ..KeyPolicyConfig::default()
                })
            }),
            "keys.cooldown",
        ),
        (
            with(&|c| {
                c.keys = Some(KeyPolicyConfig {
                    min_fresh: Some(9999),
                    ..KeyPolicyConfig::default()
                })
            }),
            "keys.min-fresh",
        ),
        (
            with(&|c| {
                c.keys = Some(KeyPolicyConfig {
                    timeout_ms: Some(0),
                    ..KeyPolicyConfig::default()
                })
            }),
            "keys.timeout-ms",
        ),
        (
            with(&|c| {
                c.metadata = Some(Metadata {
                    resource_tos_uri: Some("x".into()),
                    ..Metadata::default()
                })
            }),
            "metadata.resource-tos-uri",
        ),
        (
            with(&|c| c.env = Some(vec![("TOLLGATE_ISUER".into(), "x".into())])),
            "TOLLGATE_ISUER",
        ),
    ];
    for (error, field) in table {
        assert_eq!(error.field, field, "{error}");
        assert!(
            error.message.len() > 15 && !error.message.contains('\n'),
            "{error}"
        );
    }
}

#[test]
fn a_configuration_at_its_limits_works() {
    let with = |change: &dyn Fn(&mut Config)| {
        let mut config = config();
        change(&mut config);
        made(config).map_err(|error| error.field)
    };
    let names = |count: usize| (0..count).map(|n| format!("n{n}")).collect::<Vec<_>>();
    let routes = |count| {
        let route = |name| route(&format!("/{name}"), Access::Public);
        names(count).into_iter().map(route).collect::<Vec<_>>()
    };
    assert_eq!(with(&|c| c.routes = Some(routes(256))), Ok(()));
    assert_eq!(
        with(&|c| c.routes = Some(routes(257))),
        Err("routes".into())
    );
    assert_eq!(with(&|c| c.scopes = Some(names(256))), Ok(()));
    assert_eq!(with(&|c| c.scopes = Some(names(257))), Err("scopes".into()));
    let issuers = |count| {
        let issuer = |name| IssuerConfig {
            issuer: format!("https://{name}.example"),
            ..harness::issuer()
        };
        names(count).into_iter().map(issuer).collect::<Vec<_>>()
    };
    assert_eq!(with(&|c| c.issuers = Some(issuers(32))), Ok(()));
    assert_eq!(
        with(&|c| c.issuers = Some(issuers(33))),
        Err("issuers".into())
    );
    let keys = |change: &dyn Fn(&mut KeyPolicyConfig)| {
        let mut keys = KeyPolicyConfig::default();
        change(&mut keys);
        with(&|c| c.keys = Some(keys.clone()))
    };
    assert_eq!(keys(&|k| k.timeout_ms = Some(60_000)), Ok(()));
    assert_eq!(
        keys(&|k| k.timeout_ms = Some(60_001)),
        Err("keys.timeout-ms".into())
    );
    let fresh = |min, max| keys(&|k| (k.min_fresh, k.max_fresh) = (Some(min), Some(max)));
    assert_eq!(fresh(60, 60), Ok(()));
    assert_eq!(fresh(61, 60), Err("keys.min-fresh".into()));
    let audiences =
        |count: usize| with(&|c| c.issuers.as_mut().unwrap()[0].audiences = Some(names(count)));
    assert_eq!(audiences(64), Ok(()));
    assert_eq!(audiences(65), Err("issuers[0].audiences".into()));
    let tolerance =
        |seconds| with(&|c| c.issuers.as_mut().unwrap()[0].clock_tolerance = Some(seconds));
    assert_eq!(tolerance(300), Ok(()));
    assert_eq!(tolerance(301), Err("issuers[0].clock-tolerance".into()));
}

#[test]
fn routes_of_one_path_may_differ_by_method() {
    let of_method = |method: &str| RouteConfig {
        methods: Some(vec![method.into()]),
        ..route("/a", Access::Public)
    };
    let with = |routes| {
        let config = Config {
            routes: Some(routes),
            ..config()
        };
        made(config)
    };
    assert!(with(vec![of_method("GET"), of_method("POST")]).is_ok());
    assert!(with(vec![of_method("GET"), of_method("get")]).is_err());
}

#[test]
fn values_in_challenges_can_be_quoted() {
    for realm in ["", "a\"b", "a\\b", "\u{e9}", "a\nb", "\u{7f}"] {
        let config = Config {
            realm: Some(realm.into()),
            ..config()
        };
        let field = made(config).map_err(|error| error.field);
        assert_eq!(field, Err("realm".into()), "{realm:?}");
    }
}

#[test]
fn refused_and_unknown_algorithms_have_different_messages() {
    for (name, why) in [
        ("none", "is never accepted"),
        ("HS512", "is never accepted"),
        ("ES999", "is not a known algorithm"),
    ] {
        let mut config = config();
        config.issuers.as_mut().unwrap()[0].algorithms = Some(vec![name.into()]);
        let message = made(config).unwrap_err().message;
        assert!(message.contains(why), "{message}");
    }
}

#[cfg(feature = "token-client")]
#[test]
fn a_missing_client_has_its_own_error() {
    use tollgate_core::config_error::ConfigPart;

    let world = World::new(config());
    assert!(!world.deployment.has_client());
    let error = world.deployment.token_client().map(|_| ()).unwrap_err();
    assert_eq!(
        (error.field.as_str(), error.part),
        ("client", ConfigPart::Client)
    );
}
