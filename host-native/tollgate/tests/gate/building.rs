//! The start of a gate.

use std::time::Instant;

use tollgate::{
    BuildError, Config, Gate, Issuer, Metadata, Program, ProgramOptions, RequestOrigin, Route,
};
use tollgate_dev::issuer::TokenSpec;

use crate::support::{RESOURCE, ask, config, issuer};

#[tokio::test]
async fn the_host_header_counts_only_without_a_resource() {
    let issuer = issuer().await;
    let config = Config {
        issuers: Some(vec![Issuer::new(issuer.url()).audience(RESOURCE)]),
        routes: Some(vec![Route::public("/public")]),
        ..Config::default()
    };
    let host = Gate::builder(config.clone()).build().await.expect("a gate");
    let answer = ask(&host, "/", None).await;
    assert!(
        answer
            .challenge()
            .contains("\"http://api.example.com/.well-known/"),
        "{answer:?}"
    );
    let origin = RequestOrigin::Host {
        scheme: "https".into(),
    };
    let https = Gate::builder(config)
        .request_origin(origin)
        .build()
        .await
        .expect("a gate");
    let answer = ask(&https, "/", None).await;
    assert!(
        answer
            .challenge()
            .contains("\"https://api.example.com/.well-known/"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn the_origin_of_a_request_is_an_audience_only_if_configured() {
    let issuer = issuer().await;
    let audience = |audience: &str| TokenSpec {
        audiences: vec![audience.to_owned()],
        ..TokenSpec::default()
    };
    let here = issuer.mint(audience("http://api.example.com")).await;
    let elsewhere = issuer.mint(audience("http://other.example.com")).await;
    let config = Config {
        issuers: Some(vec![Issuer::new(issuer.url())]),
        resource_from_request: Some(true),
        ..Config::default()
    };
    let gate = Gate::builder(config.clone()).build().await.expect("a gate");
    assert_eq!(ask(&gate, "/", Some(&here)).await.status, 200);
    assert_eq!(ask(&gate, "/", Some(&elsewhere)).await.status, 401);
    let silent = Config {
        resource_from_request: None,
        ..config
    };
    let refused = Gate::builder(silent).build().await;
    assert!(matches!(refused, Err(BuildError::Config(_))), "{refused:?}");
}

#[tokio::test]
async fn a_host_may_be_one_resource() {
    let issuer = issuer().await;
    let mut config = config(&issuer);
    config.metadata = Some(Metadata {
        single_resource: Some(true),
        ..Metadata::default()
    });
    let gate = Gate::builder(config).build().await.expect("a gate");
    let answer = ask(&gate, "/reports", None).await;
    let root = format!("\"{RESOURCE}/.well-known/oauth-protected-resource\"");
    assert!(answer.challenge().contains(&root), "{answer:?}");
}

#[tokio::test]
async fn an_invalid_configuration_fails_at_the_start() {
    let broken = Config::new(RESOURCE).issuer(Issuer::new("http://login.example.com"));
    let error = Gate::builder(broken).build().await.expect_err("plain http");
    let BuildError::Config(error) = error else {
        panic!("{error}")
    };
    assert!(error.field.starts_with("issuers[0]"), "{error}");
    assert!(!error.message.is_empty());

    let tiny = Gate::builder(Config::default()).max_memory(1).build().await;
    assert!(matches!(tiny, Err(BuildError::Start(_))), "{tiny:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_setting_that_is_not_utf8_fails_at_the_start() {
    use std::os::unix::ffi::OsStringExt as _;

    let broken = || std::ffi::OsString::from_vec(b"TOLLGATE_SCOPES\xff".to_vec());
    for (name, value, field) in [
        ("TOLLGATE_SCOPES".into(), broken(), "TOLLGATE_SCOPES"),
        (broken(), "mcp:admin".into(), "TOLLGATE_SCOPES\u{fffd}"),
    ] {
        let config = Config::new(RESOURCE)
            .issuer(Issuer::new("https://login.example.com"))
            .env([(name, value)]);
        let refused = Gate::builder(config).build().await;
        let Err(BuildError::Config(error)) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(error.field, field, "{error}");
    }
}

#[test]
fn a_gate_needs_a_runtime() {
    let build = std::pin::pin!(Gate::builder(Config::default()).build());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let outcome = build.poll(&mut context);
    assert!(matches!(
        outcome,
        std::task::Poll::Ready(Err(BuildError::NoRuntime))
    ));
}

#[test]
fn machine_code_can_be_cached() {
    let directory = std::env::temp_dir().join(format!("tollgate-cache-{}", std::process::id()));
    let options = || ProgramOptions {
        cache: Some(directory.clone()),
        ..ProgramOptions::default()
    };
    let begun = Instant::now();
    Program::compile(options()).expect("it compiles");
    let compiling = begun.elapsed();
    let begun = Instant::now();
    Program::compile(options()).expect("it is read back");
    let reading = begun.elapsed();
    std::fs::remove_dir_all(&directory).expect("it was made");
    assert!(reading < compiling / 2, "{reading:?} after {compiling:?}");
}

#[test]
fn only_a_gate_is_a_program() {
    for component in [b"not wasm".to_vec(), b"\0asm\x0d\0\x01\0".to_vec()] {
        let options = ProgramOptions {
            component: Some(component),
            ..ProgramOptions::default()
        };
        let error = Program::compile(options).expect_err("no gate");
        assert!(
            error
                .to_string()
                .starts_with("the component cannot be used"),
            "{error}"
        );
    }
}
