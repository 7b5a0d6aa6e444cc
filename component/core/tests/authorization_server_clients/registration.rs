//! The registration endpoint (RFC 7591).

use serde_json::{Value, json};
use tollgate_core::authorization_server::{
    AuthenticationMethod, Config, GrantType, RegistrationAccess, RegistrationConfig,
};
use tollgate_core::secret::Secret;

use crate::harness::{Key, jwks};
use crate::support::{
    ACCEPTED, CALLBACK, REGISTER, World, basic, body, config, error, json_post, least,
    metadata_with, outcome, request, text,
};

fn open() -> RegistrationConfig {
    RegistrationConfig::new(RegistrationAccess::Open)
}

fn with_registration(registration: RegistrationConfig) -> Config {
    Config {
        registration: Some(registration),
        ..config()
    }
}

fn world() -> World {
    World::new(&with_registration(open()))
}

/// Registers these changes of [`least`], and returns what was registered.
fn registered(world: &World, changes: &Value) -> Value {
    let answer = world.register(&metadata_with(changes));
    assert_eq!(answer.status, 201, "{answer:?}");
    body(&answer)
}

fn refused(world: &World, changes: &Value) -> (String, &'static str) {
    let answer = world.register(&metadata_with(changes));
    assert_eq!(answer.status, 400, "{answer:?}");
    (error(&answer), answer.reason.unwrap())
}

#[test]
fn it_is_off_by_default() {
    let world = World::new(&config());
    let request = json_post(&[], &least().to_string());
    assert!(!world.server.serves(&request.url));
}

#[test]
fn the_defaults_are_those_of_the_rfc() {
    let world = world();
    let answer = world.register(&least());
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let mut client = body(&answer);
    let members = client.as_object_mut().unwrap();
    let secret = members.remove("client_secret").unwrap();
    let id = members.remove("client_id").unwrap();
    assert_eq!(secret.as_str().unwrap().len(), 43);
    assert_eq!(id.as_str().unwrap().len(), 22);
    let now = world.now();
    assert_eq!(
        client,
        json!({
            "client_id_issued_at": now,
            "client_secret_expires_at": now + 90 * 86_400,
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_basic",
        })
    );
}

#[test]
fn everything_that_was_registered_is_returned() {
    let world = world();
    let metadata = json!({
        "redirect_uris": [CALLBACK, "http://127.0.0.1/cb"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": "read write",
        "client_name": "App",
        "client_name#ja-Jpan": "アプリ",
        "client_uri": "https://app.example/",
        "client_uri#de": "https://app.example/de",
        "logo_uri": "http://app.example/logo.png",
        "policy_uri": "https://app.example/policy",
        "tos_uri": "https://app.example/terms",
        "contacts": ["ops@app.example"],
        "software_id": "4NRB1-0XZABZI9E6-5SM3R",
        "software_version": "2.1",
        "application_type": "web",
        "jwks_uri": "https://app.example/jwks",
    });
    let answer = body(&world.register(&metadata));
    for (name, value) in metadata.as_object().unwrap() {
        assert_eq!(&answer[name], value, "{name}");
    }
    assert_eq!(answer.get("client_secret"), None);
    assert_eq!(answer.get("client_secret_expires_at"), None);
}

#[test]
fn unknown_and_empty_members_are_ignored() {
    let world = world();
    let client = registered(
        &world,
        &json!({
            "client_id": "mine",
            "client_secret": "mine",
            "software_statement": "a.b.c",
            "subject_type": "pairwise",
            "x#de": 1,
            "client_uri": "",
            "client_name#de": "",
        }),
    );
    assert_ne!(client["client_id"], "mine");
    assert_ne!(client["client_secret"], "mine");
    for name in [
        "software_statement",
        "subject_type",
        "x#de",
        "client_uri",
        "client_name#de",
    ] {
        assert_eq!(client.get(name), None, "{name}");
    }
    let mut metadata = least();
    metadata["logo_uri"] = Value::Null;
    metadata["grant_types"] = Value::Null;
    assert_eq!(world.register(&metadata).status, 201);
}

#[test]
fn a_registered_client_can_authenticate() {
    let world = world();
    let client = registered(&world, &json!({}));
    let (id, secret) = (text(&client, "client_id"), text(&client, "client_secret"));
    let header = basic(&id, &secret);
    assert_eq!(world.reason(&[("authorization", &header)], &[]), ACCEPTED);
    // It did not choose a method, so it may send the secret in the body.
    let form = [("client_id", &*id), ("client_secret", &*secret)];
    assert_eq!(world.reason(&[], &form), ACCEPTED);
    let chosen = json!({ "token_endpoint_auth_method": "client_secret_basic" });
    let client = registered(&world, &chosen);
    let (id, secret) = (text(&client, "client_id"), text(&client, "client_secret"));
    let form = [("client_id", &*id), ("client_secret", &*secret)];
    assert_eq!(world.reason(&[], &form), "client-authentication-method");
    let public = registered(&world, &json!({ "token_endpoint_auth_method": "none" }));
    assert_eq!(public.get("client_secret"), None);
    let form = [("client_id", public["client_id"].as_str().unwrap())];
    assert_eq!(world.reason(&[], &form), ACCEPTED);
    // Another instance knows it.
    let other = world.again(&with_registration(open()));
    assert_eq!(other.reason(&[], &form), ACCEPTED);
}

#[test]
fn what_the_server_does_not_have_is_left_out() {
    let world = World::new(&Config {
        scopes: Some(vec!["read".into(), "write".into()]),
        ..with_registration(open())
    });
    let client = registered(
        &world,
        &json!({
            "grant_types": [
                "authorization_code", "refresh_token", "implicit", "client_credentials",
                "urn:ietf:params:oauth:grant-type:device_code",
            ],
            "response_types": ["code", "token"],
            "scope": "openid read admin",
        }),
    );
    let grant_types = json!(["authorization_code", "refresh_token"]);
    assert_eq!(client["grant_types"], grant_types);
    assert_eq!(client["response_types"], json!(["code"]));
    assert_eq!(client["scope"], "read");
    let nothing = json!({ "grant_types": ["implicit"], "response_types": ["token"] });
    let bad = "invalid_client_metadata".to_owned();
    assert_eq!(
        refused(&world, &nothing),
        (bad.clone(), "client-metadata-grant-types")
    );
    let refresh_alone = json!({ "grant_types": ["refresh_token"], "response_types": [] });
    assert_eq!(
        refused(&world, &refresh_alone),
        (bad.clone(), "client-metadata-grant-types")
    );
    let no_scope = json!({ "scope": "admin" });
    assert_eq!(refused(&world, &no_scope), (bad, "client-metadata-scope"));
}

#[test]
fn grant_types_and_response_types_belong_together() {
    let world = World::new(&with_registration(RegistrationConfig {
        grant_types: Some(vec![
            GrantType::AuthorizationCode,
            GrantType::ClientCredentials,
        ]),
        ..open()
    }));
    for changes in [
        json!({ "grant_types": ["authorization_code"], "response_types": [] }),
        json!({ "grant_types": ["client_credentials"], "response_types": ["code"] }),
        json!({ "grant_types": ["authorization_code"], "response_types": ["token"] }),
    ] {
        let (_, reason) = refused(&world, &changes);
        assert_eq!(reason, "client-metadata-response-types", "{changes}");
    }
    let machine = json!({ "grant_types": ["client_credentials"], "redirect_uris": null });
    let machine = registered(&world, &machine);
    assert_eq!(machine["response_types"], json!([]));
    let public = json!({
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "none",
    });
    let (_, reason) = refused(&world, &public);
    assert_eq!(reason, "client-metadata-public-client");
}

#[test]
fn redirect_uris_have_an_error_of_their_own() {
    let world = world();
    for (uris, reason) in [
        (json!(null), "redirect-uri-missing"),
        (json!([]), "redirect-uri-missing"),
        (json!("https://app.example/"), "redirect-uri-malformed"),
        (json!([1]), "redirect-uri-malformed"),
        (json!(vec![CALLBACK; 33]), "redirect-uri-too-many"),
        (json!(["http://app.example/"]), "redirect-uri"),
        (json!(["https://app.example/#a"]), "redirect-uri"),
        (json!(["cursor://callback"]), "redirect-uri"),
        (json!([CALLBACK, "javascript:alert(1)"]), "redirect-uri"),
    ] {
        let expected = ("invalid_redirect_uri".to_owned(), reason);
        let changes = json!({ "redirect_uris": uris });
        assert_eq!(refused(&world, &changes), expected, "{changes}");
    }
    registered(&world, &json!({ "redirect_uris": vec![CALLBACK; 32] }));
}

#[test]
fn private_use_schemes_are_an_option() {
    let world = World::new(&Config {
        private_use_redirect_uris: Some(true),
        ..with_registration(open())
    });
    let uris = json!(["cursor://callback", "com.example.app:/cb"]);
    let native = json!({ "redirect_uris": uris, "application_type": "native" });
    assert_eq!(registered(&world, &native)["redirect_uris"], uris);
    registered(&world, &json!({ "redirect_uris": uris }));
    let web = json!({ "redirect_uris": uris, "application_type": "web" });
    assert_eq!(
        refused(&world, &web),
        ("invalid_redirect_uri".to_owned(), "redirect-uri-not-web")
    );
    for scheme in [
        "javascript:alert(1)",
        "data:text/html,a",
        "file:///etc/passwd",
    ] {
        let (error, _) = refused(&world, &json!({ "redirect_uris": [scheme] }));
        assert_eq!(error, "invalid_redirect_uri", "{scheme}");
    }
}

#[test]
fn members_have_their_forms() {
    let world = world();
    let key = jwks(&[&Key::new("one", 1)]);
    for (changes, reason) in [
        (json!({ "client_name": 1 }), "client-metadata-malformed"),
        (
            json!({ "client_name": "a".repeat(257) }),
            "client-metadata-malformed",
        ),
        (
            json!({ "client_name": "a\nb" }),
            "client-metadata-malformed",
        ),
        (
            json!({ "client_name": "a\u{202e}b" }),
            "client-metadata-malformed",
        ),
        (json!({ "client_name": " " }), "client-metadata-malformed"),
        (json!({ "client_name#": "a" }), "client-metadata-malformed"),
        (
            json!({ "client_name#de_DE": "a" }),
            "client-metadata-malformed",
        ),
        (
            json!({ "client_name#de": "a\u{200b}" }),
            "client-metadata-malformed",
        ),
        (
            json!({ "client_uri": "javascript:alert(1)" }),
            "client-metadata-malformed",
        ),
        (
            json!({ "logo_uri": "data:image/png,a" }),
            "client-metadata-malformed",
        ),
        (
            json!({ "policy_uri": ["https://app.example/"] }),
            "client-metadata-malformed",
        ),
        (
            json!({ "tos_uri#de": "ftp://app.example/" }),
            "client-metadata-malformed",
        ),
        (
            json!({ "contacts": "ops@app.example" }),
            "client-metadata-malformed",
        ),
        (
            json!({ "contacts": ["a\r\nb"] }),
            "client-metadata-malformed",
        ),
        (
            json!({ "contacts": vec!["a"; 17] }),
            "client-metadata-too-many",
        ),
        (json!({ "software_id": {} }), "client-metadata-malformed"),
        (
            json!({ "application_type": "browser" }),
            "client-metadata-malformed",
        ),
        (json!({ "scope": "a\"b" }), "client-metadata-malformed"),
        (json!({ "scope": ["a"] }), "client-metadata-malformed"),
        (
            json!({ "grant_types": "authorization_code" }),
            "client-metadata-malformed",
        ),
        (
            json!({ "response_types": [1] }),
            "client-metadata-malformed",
        ),
        (
            json!({ "token_endpoint_auth_method": 1 }),
            "client-metadata-malformed",
        ),
        (
            json!({ "token_endpoint_auth_method": "client_secret_jwt" }),
            "client-metadata-authentication",
        ),
        (
            json!({ "token_endpoint_auth_method": "private_key_jwt" }),
            "client-metadata-no-keys",
        ),
        (
            json!({ "jwks": key, "jwks_uri": "https://app.example/jwks" }),
            "client-metadata-two-key-sources",
        ),
        (json!({ "jwks": "{}" }), "client-metadata-malformed"),
        (json!({ "jwks": {} }), "client-metadata-malformed"),
        (
            json!({ "jwks": { "keys": [] } }),
            "client-metadata-no-usable-key",
        ),
        (
            json!({ "jwks": { "keys": [{ "kty": "oct", "k": "AA" }] } }),
            "client-metadata-private-key",
        ),
        (
            json!({ "jwks_uri": "http://app.example/jwks" }),
            "client-metadata-malformed",
        ),
        (
            json!({ "jwks_uri": "https://localhost/jwks" }),
            "client-metadata-malformed",
        ),
        (
            json!({ "jwks_uri": "http://127.0.0.1/jwks" }),
            "client-metadata-malformed",
        ),
        (
            json!({ "jwks_uri": "https://10.0.0.1/jwks" }),
            "client-metadata-malformed",
        ),
        (json!({ "jwks_uri": 1 }), "client-metadata-malformed"),
    ] {
        let expected = ("invalid_client_metadata".to_owned(), reason);
        assert_eq!(refused(&world, &changes), expected, "{changes}");
    }
}

#[test]
fn a_private_key_among_public_ones_is_refused() {
    let world = world();
    let mut set = jwks(&[&Key::new("one", 1), &Key::new("two", 2)]);
    set["keys"][1]["d"] = json!("AA");
    let changes = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": set });
    let (_, reason) = refused(&world, &changes);
    assert_eq!(reason, "client-metadata-private-key");
}

#[test]
fn inline_keys_are_registered() {
    let world = world();
    let set = jwks(&[&Key::new("one", 1)]);
    let changes = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": set });
    assert_eq!(registered(&world, &changes)["jwks"], set);
    // They have no use for a client that does not sign.
    let client = registered(&world, &json!({ "jwks": set }));
    assert_eq!(client.get("jwks"), None);
}

#[test]
fn errors_do_not_repeat_the_request() {
    let world = world();
    let changes = json!({ "redirect_uris": ["<script>"], "client_name": "<script>" });
    let answer = world.register(&metadata_with(&changes));
    assert!(!answer.body.unwrap().contains('<'));
}

#[test]
fn only_json_is_read() {
    let world = world();
    let good = least().to_string();
    for (content_type, body, reason) in [
        ("text/plain", &*good, "not-json"),
        ("", &*good, "not-json"),
        ("application/x-www-form-urlencoded", "a=b", "not-json"),
        ("application/json", "", "client-metadata-not-json"),
        ("application/json", "[]", "client-metadata-not-json"),
        (
            "application/json",
            r#"{"redirect_uris":[],"redirect_uris":[]}"#,
            "client-metadata-not-json",
        ),
    ] {
        let headers = [("content-type", content_type)];
        let answer = world.respond(request("POST", REGISTER, &headers, body));
        assert_eq!(answer.reason, Some(reason), "{content_type} {body}");
        assert_eq!(
            (answer.status, error(&answer).as_str()),
            (400, "invalid_client_metadata")
        );
    }
    for method in ["GET", "PUT", "OPTIONS"] {
        let answer = world.respond(request(method, REGISTER, &[], ""));
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("POST, OPTIONS"));
    }
}

#[test]
fn requests_are_limited_in_size() {
    let world = World::new(&with_registration(RegistrationConfig {
        max_body_bytes: Some(1024),
        ..open()
    }));
    let least = least().to_string();
    let body = |size: usize| least.clone() + &" ".repeat(size - least.len());
    assert_eq!(world.respond(json_post(&[], &body(1024))).status, 201);
    let large = world.respond(json_post(&[], &body(1025)));
    assert_eq!(
        (large.status, large.reason),
        (413, Some("request-too-large"))
    );
    let world = self::world();
    let large = world.respond(json_post(&[], &body(64 * 1024 + 1)));
    assert_eq!(large.status, 413);
}

#[test]
fn initial_access_tokens_are_checked_before_anything_else() {
    let tokens = ["the first initial token", "the second initial token"];
    let tokens = tokens.map(Secret::new).to_vec();
    let access = RegistrationAccess::InitialAccessTokens(tokens);
    let world = World::new(&with_registration(RegistrationConfig::new(access)));
    let send = |headers: &[(&str, &str)]| world.respond(json_post(headers, &least().to_string()));
    let missing = send(&[]);
    assert_eq!(missing.reason, Some("initial-access-token-missing"));
    assert_eq!(
        (missing.status, error(&missing).as_str()),
        (401, "invalid_token")
    );
    let challenge = missing.header("www-authenticate");
    assert_eq!(challenge, Some("Bearer realm=\"OAuth\""));
    let exposed = missing.header("access-control-expose-headers").unwrap();
    assert!(exposed.contains("WWW-Authenticate"));
    for value in ["Basic YTpi", "Bearer", "BearerX"] {
        let answer = send(&[("authorization", value)]);
        assert_eq!(
            answer.reason,
            Some("initial-access-token-missing"),
            "{value}"
        );
    }
    for value in [
        "Bearer wrong",
        "Bearer ",
        "Bearer the first initial token, Bearer x",
    ] {
        let answer = send(&[("authorization", value)]);
        assert_eq!(answer.reason, Some("initial-access-token"), "{value}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
    let twice = ("authorization", "Bearer the first initial token");
    assert_eq!(send(&[twice, twice]).status, 401);
    assert_eq!(world.store.reads.get(), 0);
    for value in [
        "Bearer the first initial token",
        "bearer  the second initial token",
    ] {
        assert_eq!(send(&[("authorization", value)]).status, 201, "{value}");
    }
}

#[test]
fn methods_and_grant_types_are_the_operators_choice() {
    let confidential = World::new(&with_registration(RegistrationConfig {
        authentication: Some(vec![
            AuthenticationMethod::ClientSecret,
            AuthenticationMethod::PrivateKeyJwt,
        ]),
        ..open()
    }));
    let public = json!({ "token_endpoint_auth_method": "none" });
    let (_, reason) = refused(&confidential, &public);
    assert_eq!(reason, "client-metadata-authentication");
    let post = json!({ "token_endpoint_auth_method": "client_secret_post" });
    registered(&confidential, &post);
    // The default of the RFC is not offered: the client gets what is, and is told.
    let world = World::new(&with_registration(RegistrationConfig {
        authentication: Some(vec![AuthenticationMethod::None]),
        ..open()
    }));
    let client = registered(&world, &json!({}));
    assert_eq!(client["token_endpoint_auth_method"], "none");
    assert_eq!(client.get("client_secret"), None);
}

#[test]
fn a_host_that_verifies_nothing_registers_no_keys() {
    let world = world();
    world.host.signatures.verify.set(&[]);
    let set = jwks(&[&Key::new("one", 1)]);
    let changes = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": set });
    let (_, reason) = refused(&world, &changes);
    assert_eq!(reason, "client-metadata-authentication");
}

#[test]
fn scopes_of_registered_clients_are_the_operators_choice() {
    let world = World::new(&with_registration(RegistrationConfig {
        scopes: Some(vec!["read".into()]),
        ..open()
    }));
    assert_eq!(registered(&world, &json!({}))["scope"], "read");
    let client = registered(&world, &json!({ "scope": "read read write" }));
    assert_eq!(client["scope"], "read");
    // Without that, a client that names none may have all, those of later as well.
    let world = World::new(&Config {
        scopes: Some(vec!["read".into()]),
        ..with_registration(open())
    });
    assert_eq!(registered(&world, &json!({})).get("scope"), None);
}

#[test]
fn registrations_are_counted_by_the_hour() {
    let config = with_registration(RegistrationConfig {
        max_per_hour: Some(2),
        ..open()
    });
    let world = World::new(&config);
    world.advance_seconds(600);
    registered(&world, &json!({}));
    // What is refused does not count.
    assert_eq!(world.register(&json!({})).status, 400);
    registered(&world, &json!({}));
    let commits = world.store.commits.get();
    // Another instance counts with it.
    let other = world.again(&config);
    let answer = other.register(&least());
    assert_eq!(
        (answer.status, answer.reason),
        (429, Some("too-many-registrations"))
    );
    assert_eq!(error(&answer), "temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), Some("3000"));
    assert_eq!(world.store.commits.get(), commits, "nothing is written");
    world.advance_seconds(3000);
    registered(&world, &json!({}));
}

#[test]
fn registrations_at_once_are_all_counted() {
    let world = World::new(&with_registration(RegistrationConfig {
        max_per_hour: Some(1),
        ..open()
    }));
    registered(&world, &json!({}));
    world.advance_seconds(3600);
    let other = world.again(&with_registration(RegistrationConfig {
        max_per_hour: Some(1),
        ..open()
    }));
    // Another instance registers a client between the read and the write of this one.
    let task = other.server.respond(json_post(&[], &least().to_string()));
    let result = std::rc::Rc::new(std::cell::Cell::new(0));
    let seen = std::rc::Rc::clone(&result);
    let host = std::rc::Rc::clone(&world.host);
    *world.store.before_commit.borrow_mut() = Some(Box::new(move || {
        let mut task = task;
        host.advance(1);
        if let tollgate_core::task::Progress::Ready(answer) = task.poll() {
            seen.set(answer.status);
        }
    }));
    let answer = world.register(&least());
    assert_eq!(result.get(), 201);
    assert_eq!(answer.reason, Some("too-many-registrations"));
}

#[test]
fn an_expired_registration_says_so() {
    let world = world();
    let client = registered(&world, &json!({ "token_endpoint_auth_method": "none" }));
    let form = [("client_id", client["client_id"].as_str().unwrap())];
    world.advance_seconds(90 * 86_400 - 1);
    assert_eq!(world.reason(&[], &form), ACCEPTED);
    world.advance_seconds(1);
    let expired = world.token(&[], &form);
    assert_eq!(outcome(&expired), "registration-expired");
    assert_eq!(
        (expired.status, error(&expired).as_str()),
        (401, "invalid_client")
    );
    let text = body(&expired)["error_description"].to_string();
    assert!(text.contains("register the client again"), "{text}");
    // Much later, nothing is left of it.
    world.advance_seconds(91 * 86_400);
    assert_eq!(world.reason(&[], &form), "unknown-client");
}

#[test]
fn registrations_may_have_no_end() {
    let world = World::new(&with_registration(RegistrationConfig {
        lifetime: Some(0),
        ..open()
    }));
    let client = registered(&world, &json!({}));
    assert_eq!(client["client_secret_expires_at"], 0);
    world.advance_seconds(10 * 366 * 86_400);
    let header = basic(&text(&client, "client_id"), &text(&client, "client_secret"));
    assert_eq!(world.reason(&[("authorization", &header)], &[]), ACCEPTED);
}

#[test]
fn an_outage_leaves_no_client_without_an_entry() {
    for commits in 0..4 {
        let world = world();
        // The first registration makes the keys of the deployment.
        registered(&world, &json!({}));
        world.store.commits_left.set(Some(commits));
        let answer = world.register(&least());
        if commits < 3 {
            assert_eq!(
                (answer.status, answer.reason),
                (503, Some("store-unavailable"))
            );
        } else {
            assert_eq!(answer.status, 201);
        }
        world.store.commits_left.set(None);
        let page = world.finish(world.server.list_clients(None, 100)).unwrap();
        assert_eq!(page.clients.len(), if commits < 3 { 1 } else { 2 });
    }
}

#[test]
fn only_hashes_of_secrets_are_stored() {
    let world = world();
    let secret = text(&registered(&world, &json!({})), "client_secret");
    let all = world.store.written();
    let texts = all.iter().map(|value| String::from_utf8_lossy(value));
    assert!(texts.clone().any(|text| text.contains("\"secrets\"")));
    for text in texts {
        assert!(!text.contains(&secret));
    }
}
