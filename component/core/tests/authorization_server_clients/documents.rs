//! Client ID metadata documents.

use serde_json::{Value, json};
use tollgate_core::authorization_server::{
    AuthenticationMethod, ClientInfo, ClientOrigin, Config, GrantType, MetadataDocumentFailure,
    MetadataDocumentsConfig, Rejection,
};
use tollgate_core::capability::{HttpError, HttpResponse};

use crate::harness::{Key, Site, jwks};
use crate::support::{ACCEPTED, CALLBACK, World, config, error, outcome, with};

const URL: &str = "https://app.example/client.json";

fn with_documents(documents: MetadataDocumentsConfig) -> Config {
    Config {
        metadata_documents: Some(documents),
        ..config()
    }
}

fn world() -> World {
    let world = World::new(&with_documents(MetadataDocumentsConfig::default()));
    world.publish(URL, &document(&json!({})), "max-age=600");
    world
}

fn document(changes: &Value) -> Value {
    with(
        json!({ "client_id": URL, "client_name": "App", "redirect_uris": [CALLBACK] }),
        changes,
    )
}

fn client(world: &World) -> Result<ClientInfo, Rejection> {
    world.finish(world.server.client(URL.into()))
}

fn reason(world: &World) -> &'static str {
    world.reason(&[], &[("client_id", URL)])
}

fn response(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Site {
    Site::Response(HttpResponse {
        status,
        headers: vec![("content-type".into(), content_type.into())],
        body: body.into(),
    })
}

#[test]
fn they_are_off_by_default() {
    let world = World::new(&config());
    world.publish(URL, &document(&json!({})), "");
    assert_eq!(reason(&world), "unknown-client");
    assert_eq!(world.host.fetches(URL), 0);
}

#[test]
fn a_document_is_a_client() {
    let world = world();
    assert_eq!(reason(&world), ACCEPTED);
    let client = client(&world).unwrap();
    assert_eq!(client.id, URL);
    assert_eq!(client.origin, ClientOrigin::MetadataDocument);
    assert_eq!(client.name.as_deref(), Some("App"));
    assert_eq!(client.redirect_uris, [CALLBACK]);
    assert_eq!(client.grant_types, [GrantType::AuthorizationCode]);
    assert_eq!(world.host.fetches(URL), 1);
    let sent = world.host.sent.borrow();
    assert_eq!(sent[0].method, "GET");
    assert_eq!(
        sent[0].headers,
        [("accept".to_owned(), "application/json".to_owned())]
    );
    assert_eq!(sent[0].max_body_bytes, 16 * 1024);
    // Nothing about it is stored.
    assert_eq!(world.store.reads.get(), 0);
}

#[test]
fn documents_of_clients_in_use_are_accepted() {
    let world = world();
    // As clients that know many servers write them.
    let wide = document(&json!({
        "grant_types": [
            "authorization_code", "refresh_token", "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
        "redirect_uris": [CALLBACK, "http://127.0.0.1:33418/"],
        "client_uri": "https://app.example/",
        "logo_uri": "https://app.example/logo.svg",
    }));
    world.publish(URL, &wide, "");
    let client = client(&world).unwrap();
    let expected = [GrantType::AuthorizationCode, GrantType::RefreshToken];
    assert_eq!(client.grant_types, expected);
}

#[test]
fn a_document_may_offer_several_methods() {
    let key = Key::new("one", 1);
    let changes = json!({
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": jwks(&[&key]),
    });
    let world = world();
    world.publish(URL, &document(&changes), "");
    let method = client(&world).unwrap().authentication;
    assert_eq!(method, AuthenticationMethod::PrivateKeyJwt);
    // A host that verifies nothing does not offer it.
    let world = self::world();
    world.host.signatures.verify.set(&[]);
    world.publish(URL, &document(&changes), "");
    let method = client(&world).unwrap().authentication;
    assert_eq!(method, AuthenticationMethod::None);
}

#[test]
fn what_documents_may_not_say() {
    let world = world();
    for (changes, expected) in [
        (json!({ "client_id": null }), "metadata-document-client-id"),
        (
            json!({ "client_id": "https://app.example/CLIENT.json" }),
            "metadata-document-client-id",
        ),
        (
            json!({ "client_id": "https://app.example:443/client.json" }),
            "metadata-document-client-id",
        ),
        (json!({ "client_name": null }), "metadata-document-name"),
        (json!({ "client_name": "" }), "metadata-document-name"),
        (json!({ "client_name": 1 }), "client-metadata-malformed"),
        (json!({ "redirect_uris": null }), "redirect-uri-missing"),
        (
            json!({ "redirect_uris": ["http://app.example/"] }),
            "redirect-uri",
        ),
        (
            json!({ "redirect_uris": ["javascript:alert(1)"] }),
            "redirect-uri",
        ),
        (json!({ "client_secret": "s" }), "metadata-document-secret"),
        (
            json!({ "client_secret_expires_at": 0 }),
            "metadata-document-secret",
        ),
        (
            json!({ "token_endpoint_auth_method": "client_secret_basic" }),
            "metadata-document-secret",
        ),
        (
            json!({ "token_endpoint_auth_method": "client_secret_jwt" }),
            "metadata-document-secret",
        ),
        (
            json!({ "token_endpoint_auth_method": "tls_client_auth" }),
            "client-metadata-authentication",
        ),
        (
            json!({ "token_endpoint_auth_method": "private_key_jwt" }),
            "client-metadata-no-keys",
        ),
        (
            json!({ "jwks": { "keys": [{ "kty": "oct", "k": "AA" }] } }),
            "client-metadata-private-key",
        ),
        (
            json!({ "jwks_uri": "https://10.0.0.1/jwks" }),
            "client-metadata-malformed",
        ),
        (
            json!({ "grant_types": ["client_credentials"], "response_types": [] }),
            "client-metadata-grant-types",
        ),
    ] {
        world.publish(URL, &document(&changes), "max-age=600");
        let answer = world.token(&[], &[("client_id", URL)]);
        assert_eq!(outcome(&answer), expected, "{changes}");
        assert_eq!(
            (answer.status, error(&answer).as_str()),
            (401, "invalid_client")
        );
        // A wrong document is not kept: a corrected one is found soon.
        world.publish(URL, &document(&json!({})), "max-age=60");
        world.advance_seconds(30);
        assert_eq!(reason(&world), ACCEPTED, "{changes}");
        world.advance_seconds(60);
    }
}

#[test]
fn a_document_always_has_redirect_uris() {
    let world = World::new(&with_documents(MetadataDocumentsConfig {
        grant_types: Some(vec![GrantType::JwtBearer]),
        ..MetadataDocumentsConfig::default()
    }));
    let changes = json!({
        "redirect_uris": null,
        "grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"],
    });
    world.publish(URL, &document(&changes), "");
    assert_eq!(reason(&world), "redirect-uri-missing");
}

#[test]
fn answers_that_are_no_document_are_refused_and_asked_for_rarely() {
    let good = document(&json!({})).to_string();
    let padded = |size: usize| good.clone() + &" ".repeat(size - good.len());
    for (site, expected) in [
        (
            response(404, "application/json", &*good),
            "metadata-document-not-found",
        ),
        (
            response(410, "application/json", &*good),
            "metadata-document-not-found",
        ),
        (
            response(301, "application/json", &*good),
            "metadata-document-not-found",
        ),
        (
            response(307, "application/json", &*good),
            "metadata-document-not-found",
        ),
        (
            response(200, "text/html", &*good),
            "metadata-document-content-type",
        ),
        (response(200, "", &*good), "metadata-document-content-type"),
        (
            response(200, "application/json", "[]"),
            "client-metadata-not-json",
        ),
        (
            response(200, "application/json", [0xff]),
            "client-metadata-not-json",
        ),
        (
            response(
                200,
                "application/json",
                good.replacen('{', "{\"client_id\":\"a\",", 1),
            ),
            "client-metadata-not-json",
        ),
        (
            response(200, "application/json", padded(16 * 1024 + 1)),
            "metadata-document-too-large",
        ),
        (
            Site::Fails(HttpError::TooLarge),
            "metadata-document-too-large",
        ),
        (Site::Fails(HttpError::Refused), "metadata-document-host"),
    ] {
        let world = world();
        world.host.set(URL, site);
        assert_eq!(reason(&world), expected);
        assert_eq!(reason(&world), expected);
        assert_eq!(world.host.fetches(URL), 1, "{expected}");
        world.advance_seconds(30);
        assert_eq!(reason(&world), expected);
        assert_eq!(world.host.fetches(URL), 2, "{expected}");
    }
    let world = world();
    world
        .host
        .set(URL, response(200, "application/json", padded(16 * 1024)));
    assert_eq!(reason(&world), ACCEPTED);
    world.host.set(
        URL,
        response(200, "application/oauth-client+json; charset=utf-8", &*good),
    );
    world.advance_seconds(600);
    assert_eq!(reason(&world), ACCEPTED);
}

#[test]
fn redirects_are_not_followed() {
    let world = world();
    world.host.set(
        URL,
        Site::Response(HttpResponse {
            status: 302,
            headers: vec![("location".into(), "https://other.example/x".into())],
            body: Vec::new(),
        }),
    );
    assert_eq!(reason(&world), "metadata-document-not-found");
    assert_eq!(world.host.sent.borrow().len(), 1);
}

#[test]
fn urls_that_are_not_fetched() {
    let world = world();
    for (url, expected) in [
        ("https://app.example/", MetadataDocumentFailure::Url),
        (
            "https://app.example/client.json?x",
            MetadataDocumentFailure::Url,
        ),
        (
            "https://app.example/a/../client.json",
            MetadataDocumentFailure::Url,
        ),
        (
            "https://user@app.example/client.json",
            MetadataDocumentFailure::Url,
        ),
        (
            "https://localhost/client.json",
            MetadataDocumentFailure::Host,
        ),
        (
            "https://169.254.169.254/latest/meta-data",
            MetadataDocumentFailure::Host,
        ),
        (
            "https://[fd00::1]/client.json",
            MetadataDocumentFailure::Host,
        ),
        (
            "https://metadata.google.internal/x",
            MetadataDocumentFailure::Host,
        ),
    ] {
        let refused = world.finish(world.server.client(url.into()));
        assert_eq!(refused, Err(Rejection::MetadataDocument(expected)), "{url}");
    }
    let plain = world.finish(world.server.client("http://app.example/client.json".into()));
    assert_eq!(plain, Err(Rejection::UnknownClient));
    assert_eq!(world.host.sent.borrow().len(), 0);
}

#[test]
fn hosts_queries_and_scopes_are_the_operators_choice() {
    let world = World::new(&with_documents(MetadataDocumentsConfig {
        hosts: Some(vec!["app.example".into()]),
        queries: Some(true),
        scopes: Some(vec!["read".into()]),
        ..MetadataDocumentsConfig::default()
    }));
    let url = "https://app.example/client?v=1";
    world.publish(url, &document(&json!({ "client_id": url })), "");
    let client = world.finish(world.server.client(url.into())).unwrap();
    assert_eq!(client.scopes, Some(vec!["read".to_owned()]));
    let other = world.finish(world.server.client("https://other.example/client".into()));
    let host = MetadataDocumentFailure::Host;
    assert_eq!(other, Err(Rejection::MetadataDocument(host)));
}

#[test]
fn documents_are_kept_as_http_says() {
    for (cache, kept) in [
        ("max-age=600", 600),
        ("max-age=1", 60),
        ("no-store", 60),
        ("max-age=31536000", 86_400),
        ("", 600),
    ] {
        let world = world();
        world.publish(URL, &document(&json!({})), cache);
        assert_eq!(reason(&world), ACCEPTED);
        world.publish(URL, &document(&json!({ "client_name": "New" })), cache);
        world.advance_seconds(kept - 1);
        assert_eq!(
            client(&world).unwrap().name.as_deref(),
            Some("App"),
            "{cache}"
        );
        world.advance_seconds(1);
        assert_eq!(
            client(&world).unwrap().name.as_deref(),
            Some("New"),
            "{cache}"
        );
        assert_eq!(world.host.fetches(URL), 2, "{cache}");
    }
}

#[test]
fn many_requests_at_once_fetch_once() {
    let world = world();
    let mut tasks: Vec<_> = (0..20).map(|_| world.server.client(URL.into())).collect();
    for task in &mut tasks {
        assert!(matches!(
            task.poll(),
            tollgate_core::task::Progress::Pending(_)
        ));
    }
    for task in tasks {
        assert!(world.finish(task).is_ok());
    }
    assert_eq!(world.host.fetches(URL), 1);
}

#[test]
fn an_outage_is_never_the_clients_fault() {
    for site in [
        Site::Fails(HttpError::Unreachable),
        Site::Fails(HttpError::TimedOut),
        Site::Fails(HttpError::Internal),
        Site::Never,
        Site::Later(500, ""),
        Site::Later(429, "10"),
        Site::Later(403, ""),
    ] {
        let world = world();
        world.host.set(URL, site);
        let answer = world.token(&[], &[("client_id", URL)]);
        assert_eq!(outcome(&answer), "metadata-document-unavailable");
        assert_eq!(answer.status, 503);
        assert_eq!(error(&answer), "temporarily_unavailable");
        let retry: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=30).contains(&retry), "{retry}");
        // The end of a short outage is noticed soon.
        world.publish(URL, &document(&json!({})), "");
        world.advance_seconds(retry);
        assert_eq!(reason(&world), ACCEPTED);
    }
}

#[test]
fn a_known_client_stays_valid_during_an_outage_for_a_day() {
    let world = world();
    assert_eq!(reason(&world), ACCEPTED);
    world.host.take_down();
    world.advance_seconds(600 + 86_400 - 60);
    assert_eq!(reason(&world), ACCEPTED);
    world.advance_seconds(60);
    assert_eq!(reason(&world), "metadata-document-unavailable");
}

#[test]
fn a_document_that_is_withdrawn_ends_its_client() {
    let world = world();
    assert_eq!(reason(&world), ACCEPTED);
    world.host.set(URL, response(404, "", ""));
    world.advance_seconds(600);
    assert_eq!(reason(&world), "metadata-document-not-found");
    // What was wrong before an outage is not known to be wrong in it.
    world.host.take_down();
    world.advance_seconds(31);
    assert_eq!(reason(&world), "metadata-document-unavailable");
}

#[test]
fn a_failure_is_remembered_for_half_a_minute_and_no_longer() {
    let world = world();
    world.host.delay_ms.set(0);
    world.host.set(URL, response(404, "", ""));
    assert_eq!(reason(&world), "metadata-document-not-found");
    world.host.take_down();
    world.host.advance(29_999);
    assert_eq!(reason(&world), "metadata-document-not-found");
    world.host.advance(1);
    assert_eq!(reason(&world), "metadata-document-unavailable");
}

#[test]
fn made_up_urls_do_not_drive_out_known_clients() {
    let world = world();
    assert_eq!(reason(&world), ACCEPTED);
    for number in 0..400 {
        let url = format!("https://app.example/made-up/{number}");
        assert_eq!(
            world.reason(&[], &[("client_id", &url)]),
            "metadata-document-not-found"
        );
    }
    world.host.take_down();
    assert_eq!(reason(&world), ACCEPTED);
    assert_eq!(world.host.fetches(URL), 1);
}

#[test]
fn fetches_at_once_are_limited() {
    let world = world();
    let mut tasks: Vec<_> = (0..32)
        .map(|number| {
            let url = format!("https://app.example/slow/{number}");
            world.host.set(&url, Site::Never);
            world.server.client(url)
        })
        .collect();
    for task in &mut tasks {
        assert!(matches!(
            task.poll(),
            tollgate_core::task::Progress::Pending(_)
        ));
    }
    assert_eq!(reason(&world), "metadata-document-unavailable");
    assert_eq!(world.host.fetches(URL), 0);
    // A request that was given up leaves its place.
    drop(tasks);
    world.advance_seconds(2);
    assert_eq!(reason(&world), ACCEPTED);
}

#[test]
fn a_document_with_keys_authenticates_by_assertion() {
    let world = world();
    let key = Key::new("one", 1);
    let changes = json!({
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": jwks(&[&key]),
    });
    world.publish(URL, &document(&changes), "");
    assert_eq!(reason(&world), "client-authentication-missing");
    let now = world.now();
    let claims = json!({
        "iss": URL, "sub": URL, "aud": "https://auth.example", "jti": "1", "exp": now + 60,
    });
    let assertion = key.sign(
        &json!({ "alg": "ES256", "kid": "one" }),
        &claims.to_string(),
    );
    let form = [
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", &*assertion),
    ];
    assert_eq!(world.reason(&[], &form), ACCEPTED);
}
