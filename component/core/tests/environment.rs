//! Settings of the environment: which are read, which are refused, and how errors name them.

mod harness;

use harness::{AUDIENCE, FakeHost, ISSUER, Key, World};
use serde_json::json;
use tollgate_core::config_error::{ConfigError, ConfigPart, Naming};
use tollgate_core::deployment::{
    Config, Deployment, IssuerConfig, KeyLocationConfig, Setting, ValueKind,
};

const NAMES: [&str; 12] = [
    "TOLLGATE_ISSUER",
    "TOLLGATE_AUDIENCE",
    "TOLLGATE_RESOURCE",
    "TOLLGATE_SCOPES",
    "TOLLGATE_JWKS_URI",
    "TOLLGATE_JWKS",
    "TOLLGATE_CLIENT_ID",
    "TOLLGATE_CLIENT_SECRET",
    "TOLLGATE_PRIVATE_KEY",
    "TOLLGATE_PRIVATE_KEY_NEXT",
    "TOLLGATE_PRIVATE_KEY_RETIRED",
    "TOLLGATE_TOKEN_ENDPOINT",
];
const KINDS: [ValueKind; 9] = [
    ValueKind::Null,
    ValueKind::Boolean,
    ValueKind::Number,
    ValueKind::MixedList,
    ValueKind::Object,
    ValueKind::Binding,
    ValueKind::Function,
    ValueKind::NotUtf8,
    ValueKind::Other,
];

fn key() -> Key {
    Key::new("k", 7)
}

fn env<const N: usize>(settings: [(&str, Setting); N]) -> Option<Vec<(String, Setting)>> {
    Some(
        settings
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
    )
}

fn list(entries: &[&str]) -> Setting {
    Setting::Texts(entries.iter().map(|&entry| entry.to_owned()).collect())
}

/// A configuration that works, with these settings beside it.
fn with<const N: usize>(settings: [(&str, Setting); N]) -> Config {
    Config {
        env: env(settings),
        ..harness::inline(&[&key()])
    }
}

fn refused(config: Config) -> ConfigError {
    let Err(error) = Deployment::new(config, FakeHost::new()) else {
        panic!("the configuration works")
    };
    error
}

#[test]
fn a_value_that_is_not_text_is_refused_for_every_setting() {
    for name in NAMES {
        for kind in KINDS {
            let error = refused(with([(name, Setting::Unusable(kind))]));
            assert_eq!(error.field, name, "{kind:?}");
            assert_eq!(error.part, ConfigPart::Gate);
            assert!(error.message.contains("text"), "{error}");
        }
    }
    let other = with([("OTHER", Setting::Unusable(ValueKind::Object))]);
    assert!(Deployment::new(other, FakeHost::new()).is_ok());
}

#[test]
fn an_error_names_the_kind_of_value_and_the_required_one() {
    let message = |name, kind| refused(with([(name, Setting::Unusable(kind))])).message;
    assert_eq!(
        message("TOLLGATE_SCOPES", ValueKind::Number),
        "the value is a number: give it as text or a list of texts"
    );
    assert_eq!(
        message("TOLLGATE_ISSUER", ValueKind::Object),
        "the value is an object: give it as text"
    );
    let binding = message("TOLLGATE_CLIENT_SECRET", ValueKind::Binding);
    assert!(binding.contains("read it first"), "{binding}");
}

#[test]
fn lists_are_accepted_for_list_settings() {
    let world = World::new(with([(
        "TOLLGATE_SCOPES",
        list(&["mcp:read", "mcp:admin"]),
    )]));
    assert_eq!(world.status(&key().token()), 403);
    let token = key().token_with(&json!({ "scope": "mcp:admin mcp:read" }));
    assert_eq!(world.status(&token), 200);

    let jwks = harness::jwks(&[&key()]).to_string();
    let config = Config {
        env: env([
            ("TOLLGATE_ISSUER", ISSUER.into()),
            ("TOLLGATE_AUDIENCE", list(&["https://x.example", AUDIENCE])),
            ("TOLLGATE_JWKS", (&*jwks).into()),
        ]),
        ..Config::default()
    };
    assert_eq!(World::new(config).status(&key().token()), 200);
}

#[test]
fn lists_are_refused_for_single_settings() {
    for name in NAMES {
        if matches!(name, "TOLLGATE_AUDIENCE" | "TOLLGATE_SCOPES") {
            continue;
        }
        let error = refused(with([(name, list(&["a"]))]));
        assert_eq!(error.field, name);
        assert!(error.message.contains("a list"), "{error}");
    }
}

#[test]
fn a_list_entry_is_one_scope() {
    let error = refused(with([("TOLLGATE_SCOPES", list(&["a b"]))]));
    assert_eq!(error.field, "TOLLGATE_SCOPES");
    let error = refused(with([("TOLLGATE_SCOPES", list(&[""]))]));
    assert_eq!(error.field, "TOLLGATE_SCOPES");
}

#[test]
fn an_unknown_setting_is_refused_with_a_suggestion() {
    for (name, meant) in [
        ("TOLLGATE_ISUER", "TOLLGATE_ISSUER"),
        ("TOLLGATE_ISSUERS", "TOLLGATE_ISSUER"),
        ("TOLLGATE_SCOPE", "TOLLGATE_SCOPES"),
        ("TOLLGATE_JWKS_URL", "TOLLGATE_JWKS_URI"),
        ("TOLLGATE_CLIENT_SECERT", "TOLLGATE_CLIENT_SECRET"),
        ("TOLLGATE_Issuer", ""),
    ] {
        for value in [
            "x".into(),
            list(&["x"]),
            Setting::Unusable(ValueKind::Object),
        ] {
            let error = refused(with([(name, value)]));
            assert_eq!(error.field, name);
            let suggested = error.message.split("did you mean ").nth(1);
            let expected = format!("{meant}?");
            let expected = Some(&*expected).filter(|_| !meant.is_empty());
            assert_eq!(suggested, expected, "{error}");
            assert!(suggested.is_some() || error.message.contains("TOLLGATE_ISSUER, "));
        }
    }
    let odd = Config {
        naming: Some(Naming::CamelCase),
        ..with([("TOLLGATE_a-b", "x".into())])
    };
    assert_eq!(refused(odd).field, "TOLLGATE_a-b");
    let odd = refused(with([("TOLLGATE_\n\u{fffd}", "x".into())]));
    assert_eq!(odd.field, "TOLLGATE_\\n\u{fffd}");
}

#[test]
fn key_sources_exclude_each_other() {
    let error = refused(with([
        ("TOLLGATE_JWKS", "{}".into()),
        ("TOLLGATE_JWKS_URI", "https://issuer.example/jwks".into()),
    ]));
    assert_eq!(error.field, "TOLLGATE_JWKS_URI");
}

#[cfg(feature = "token-client")]
#[test]
fn a_published_key_without_a_signing_key_is_refused() {
    for name in ["TOLLGATE_PRIVATE_KEY_NEXT", "TOLLGATE_PRIVATE_KEY_RETIRED"] {
        let error = refused(with([
            (name, "pem".into()),
            ("TOLLGATE_CLIENT_ID", "app".into()),
        ]));
        assert_eq!(error.field, name);
        assert!(error.message.contains("TOLLGATE_PRIVATE_KEY"), "{error}");
    }
}

#[test]
fn errors_name_the_setting_that_the_value_came_from() {
    let base = || Config {
        naming: Some(Naming::CamelCase),
        ..Config::default()
    };
    let issuer = || ("TOLLGATE_ISSUER", ISSUER.into());
    let audience = || ("TOLLGATE_AUDIENCE", AUDIENCE.into());
    for (settings, field) in [
        (
            vec![("TOLLGATE_ISSUER", "http://x.example".into()), audience()],
            "TOLLGATE_ISSUER",
        ),
        (
            vec![issuer(), ("TOLLGATE_AUDIENCE", list(&[""]))],
            "TOLLGATE_AUDIENCE",
        ),
        (
            vec![issuer(), ("TOLLGATE_RESOURCE", "x".into())],
            "TOLLGATE_RESOURCE",
        ),
        (
            vec![issuer(), audience(), ("TOLLGATE_SCOPES", "a\"".into())],
            "TOLLGATE_SCOPES",
        ),
        (
            vec![issuer(), audience(), ("TOLLGATE_JWKS", "{}".into())],
            "TOLLGATE_JWKS",
        ),
        (
            vec![
                issuer(),
                audience(),
                ("TOLLGATE_JWKS_URI", "https://x.example".into()),
            ],
            "TOLLGATE_JWKS_URI",
        ),
        // Nothing was set.
        (vec![issuer()], "issuers[0].audiences"),
        (vec![], "issuers"),
    ] {
        let settings = settings.into_iter();
        let env = settings.map(|(name, value): (&str, _)| (name.to_owned(), value));
        let error = refused(Config {
            env: Some(env.collect()),
            ..base()
        });
        assert_eq!(error.field, field, "{error}");
    }
    // Options from code take precedence over the setting, and errors name them.
    let code = Config {
        scopes: Some(vec!["a b".into()]),
        ..with([("TOLLGATE_SCOPES", "fine".into())])
    };
    assert_eq!(refused(code).field, "scopes");
}

#[cfg(feature = "token-client")]
#[test]
fn client_errors_name_the_setting_that_the_value_came_from() {
    let id = || ("TOLLGATE_CLIENT_ID", "app".into());
    for (settings, field) in [
        (vec![id()], "TOLLGATE_CLIENT_ID"),
        (vec![("TOLLGATE_CLIENT_SECRET", "s".into())], "client.id"),
        (
            vec![
                id(),
                ("TOLLGATE_CLIENT_SECRET", Setting::Text("x".repeat(2049))),
            ],
            "TOLLGATE_CLIENT_SECRET",
        ),
        (
            vec![id(), ("TOLLGATE_PRIVATE_KEY", "pem".into())],
            "TOLLGATE_PRIVATE_KEY",
        ),
        (
            vec![
                id(),
                ("TOLLGATE_CLIENT_SECRET", "s".into()),
                ("TOLLGATE_TOKEN_ENDPOINT", "x".into()),
            ],
            "TOLLGATE_TOKEN_ENDPOINT",
        ),
    ] {
        let settings = settings.into_iter();
        let env = settings.map(|(name, value): (&str, _)| (name.to_owned(), value));
        let world = World::new(Config {
            env: Some(env.collect()),
            ..harness::inline(&[&key()])
        });
        let error = world.deployment.token_client().unwrap_err();
        assert_eq!(
            (&*error.field, error.part),
            (field, ConfigPart::Client),
            "{error}"
        );
        assert_eq!(world.status(&key().token()), 200, "the gate works");
    }
}

#[test]
fn options_are_spelled_as_the_host_spells_them() {
    let error = |naming| {
        refused(Config {
            issuers: Some(vec![IssuerConfig {
                clock_tolerance: Some(301),
                ..harness::issuer()
            }]),
            naming,
            ..Config::default()
        })
    };
    assert_eq!(error(None).field, "issuers[0].clock-tolerance");
    assert_eq!(
        error(Some(Naming::CamelCase)).field,
        "issuers[0].clockTolerance"
    );
    assert_eq!(
        error(Some(Naming::SnakeCase)).field,
        "issuers[0].clock_tolerance"
    );
}

#[cfg(feature = "token-client")]
#[test]
fn options_of_the_client_are_spelled_as_the_host_spells_them() {
    use tollgate_core::deployment::{ClientAuthenticationMethod, ClientConfig};

    let field = |naming| {
        let client = ClientConfig {
            id: Some("app".into()),
            authentication: Some(ClientAuthenticationMethod::ClientSecretPost),
            token_endpoint: Some("http://x.example".into()),
            ..ClientConfig::default()
        };
        let world = World::new(Config {
            client: Some(client),
            naming,
            ..harness::inline(&[&key()])
        });
        assert!(world.deployment.has_client());
        world.deployment.token_client().unwrap_err().field
    };
    assert_eq!(field(Some(Naming::CamelCase)), "client.tokenEndpoint");
}

#[test]
fn one_issuer_and_its_audience_have_short_names() {
    let short = |issuer: Option<&str>, audience: Option<&str>| Config {
        issuer: issuer.map(str::to_owned),
        audience: audience.map(|audience| vec![audience.to_owned()]),
        ..Config::default()
    };
    let jwks = harness::jwks(&[&key()]).to_string();
    let world = World::new(Config {
        env: env([
            ("TOLLGATE_JWKS", (&*jwks).into()),
            ("TOLLGATE_AUDIENCE", "https://x.example".into()),
        ]),
        ..short(Some(ISSUER), Some(AUDIENCE))
    });
    assert_eq!(world.status(&key().token()), 200);
    // The issuer may come from the environment.
    let world = World::new(Config {
        env: env([
            ("TOLLGATE_JWKS", (&*jwks).into()),
            ("TOLLGATE_ISSUER", ISSUER.into()),
        ]),
        ..short(None, Some(AUDIENCE))
    });
    assert_eq!(world.status(&key().token()), 200);

    assert_eq!(refused(short(Some("x"), Some(AUDIENCE))).field, "issuer");
    assert_eq!(refused(short(Some(ISSUER), Some(""))).field, "audience");
    assert_eq!(refused(short(Some(ISSUER), None)).field, "audience");
    assert_eq!(refused(short(None, Some(AUDIENCE))).field, "issuers");
    let both = |issuer, audience| Config {
        issuers: Some(vec![harness::issuer()]),
        ..short(issuer, audience)
    };
    assert_eq!(refused(both(Some(ISSUER), None)).field, "issuer");
    assert_eq!(refused(both(None, Some(AUDIENCE))).field, "audience");
}

#[test]
fn values_are_not_printed() {
    let shown = format!("{:?}", with([("TOLLGATE_CLIENT_SECRET", "s3cret".into())]));
    assert!(!shown.contains("s3cret"), "{shown}");
    let shown = format!("{:?}", with([("TOLLGATE_SCOPES", list(&["s3cret"]))]));
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn settings_that_fit_one_of_several_issuers_are_refused() {
    let jwks = harness::jwks(&[&key()]).to_string();
    let several = |name: &str, value: &str, given: bool| {
        let issuer = |issuer: &str| IssuerConfig {
            issuer: issuer.into(),
            audiences: given.then(|| vec![AUDIENCE.into()]),
            keys: given.then(|| KeyLocationConfig::Inline(jwks.clone())),
            ..IssuerConfig::default()
        };
        Config {
            issuers: Some(vec![issuer(ISSUER), issuer("https://other.example")]),
            resource: Some(AUDIENCE.into()),
            env: env([(name, Setting::Text(value.into()))]),
            ..Config::default()
        }
    };
    for (name, value) in [
        ("TOLLGATE_AUDIENCE", "https://other-audience.example"),
        ("TOLLGATE_JWKS_URI", "https://issuer.example/jwks"),
        ("TOLLGATE_JWKS", &jwks),
    ] {
        let error = refused(several(name, value, false));
        assert_eq!(error.field, name);
        assert!(error.message.contains("several issuers"), "{error}");
        // The code says it for each, and the code comes first.
        assert!(Deployment::new(several(name, value, true), FakeHost::new()).is_ok());
    }
}

#[test]
fn a_list_of_separators_is_refused() {
    for text in [",", " , ", ",\n,"] {
        for name in ["TOLLGATE_SCOPES", "TOLLGATE_AUDIENCE"] {
            let error = refused(with([(name, Setting::Text(text.into()))]));
            assert_eq!(error.field, name, "{text:?}");
        }
    }
    for text in ["", " \n"] {
        let left_out = with([("TOLLGATE_SCOPES", Setting::Text(text.into()))]);
        assert!(
            Deployment::new(left_out, FakeHost::new()).is_ok(),
            "{text:?}"
        );
    }
}
