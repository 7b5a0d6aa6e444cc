//! Secrets, public clients, and the rules that all methods have in common (RFC 6749 section 2.3).

use tollgate_core::authorization_server::{AuthenticationMethod, ClientConfig, Config, NewClient};
use tollgate_core::secret::Secret;

use crate::support::{ACCEPTED, CALLBACK, World, basic, body, config, error, outcome, post};
use crate::support::{EXCHANGE, TOKEN, form_encoded};

const SECRET: &str = "s3cret/with+signs%and:colons";

fn client(id: &str, authentication: Option<AuthenticationMethod>) -> ClientConfig {
    let is_public = authentication == Some(AuthenticationMethod::None);
    ClientConfig {
        id: id.into(),
        secrets: if is_public {
            Vec::new()
        } else {
            vec![
                Secret::new("an older secret of the client"),
                Secret::new(SECRET),
            ]
        },
        authentication,
        redirect_uris: vec![CALLBACK.into()],
        ..ClientConfig::default()
    }
}

fn world() -> World {
    use AuthenticationMethod::{ClientSecretBasic, ClientSecretPost, None as Public};
    World::new(&Config {
        clients: vec![
            client("public", Some(Public)),
            client("basic", Some(ClientSecretBasic)),
            client("post", Some(ClientSecretPost)),
            client("either:é", None),
        ],
        ..config()
    })
}

#[test]
fn each_client_uses_the_method_that_it_registered() {
    let world = world();
    let methods = |id: &str| {
        let header = basic(id, SECRET);
        [
            world.reason(&[], &[("client_id", id)]),
            world.reason(&[("Authorization", &header)], &[]),
            world.reason(&[], &[("client_id", id), ("client_secret", SECRET)]),
        ]
    };
    let (missing, wrong) = (
        "client-authentication-missing",
        "client-authentication-method",
    );
    assert_eq!(methods("public"), [ACCEPTED, wrong, wrong]);
    assert_eq!(methods("basic"), [missing, ACCEPTED, wrong]);
    assert_eq!(methods("post"), [missing, wrong, ACCEPTED]);
    assert_eq!(methods("either:é"), [missing, ACCEPTED, ACCEPTED]);
}

#[test]
fn wrong_secrets_and_unknown_clients_are_refused() {
    let world = world();
    let header = basic("basic", "wrong");
    let wrong = world.token(&[("authorization", &header)], &[]);
    assert_eq!(outcome(&wrong), "client-secret");
    assert_eq!(
        (wrong.status, error(&wrong).as_str()),
        (401, "invalid_client")
    );
    let challenge = wrong.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Basic realm="), "{challenge}");
    assert_eq!(wrong.header("cache-control"), Some("no-store"));
    let either = [("client_id", "either:é"), ("client_secret", "wrong")];
    assert_eq!(world.reason(&[], &either), "client-secret");
    // Both secrets of the configuration are valid.
    let older = basic("basic", "an older secret of the client");
    assert_eq!(world.reason(&[("authorization", &older)], &[]), ACCEPTED);
    let header = basic("nobody", SECRET);
    let unknown = world.token(&[("authorization", &header)], &[]);
    assert_eq!(outcome(&unknown), "unknown-client");
    assert_eq!(
        (unknown.status, error(&unknown).as_str()),
        (401, "invalid_client")
    );
    let long = "a".repeat(2049);
    assert_eq!(world.reason(&[], &[("client_id", &long)]), "unknown-client");
}

#[test]
fn headers_that_cannot_be_read_are_refused() {
    let world = world();
    let good = basic("basic", SECRET);
    for bad in ["Bearer abc", "Basic", "Basic %", "", "Digest a=\"b\""] {
        let refused = world.token(&[("authorization", bad)], &[("client_id", "public")]);
        assert_eq!(outcome(&refused), "client-authentication-header", "{bad}");
        assert!(refused.header("www-authenticate").is_some());
    }
    let twice = [("authorization", &*good), ("Authorization", &*good)];
    assert_eq!(world.reason(&twice, &[]), "client-authentication-header");
    let long = basic("basic", &"%".repeat(4096));
    let long = [("authorization", &*long)];
    assert_eq!(world.reason(&long, &[]), "client-authentication-header");
}

#[test]
fn two_methods_in_one_request_are_refused() {
    let world = world();
    let header = basic("either:é", SECRET);
    let headers = [("authorization", &*header)];
    for more in [
        &[("client_secret", SECRET)][..],
        &[("client_assertion", "x")],
        &[("client_id", "either:é"), ("client_secret", SECRET)],
    ] {
        let refused = world.token(&headers, more);
        assert_eq!(outcome(&refused), "client-authentication-twice");
        assert_eq!(
            (refused.status, error(&refused).as_str()),
            (400, "invalid_request")
        );
    }
    let two = [("client_secret", SECRET), ("client_assertion", "x")];
    assert_eq!(world.reason(&[], &two), "client-authentication-twice");
}

#[test]
fn empty_parameters_count_as_omitted() {
    let world = world();
    let header = basic("basic", SECRET);
    let empty = [
        ("client_id", ""),
        ("client_secret", ""),
        ("client_assertion", ""),
        ("client_assertion_type", ""),
    ];
    assert_eq!(
        world.reason(&[("authorization", &header)], &empty),
        ACCEPTED
    );
    let empty = [("client_id", "public"), ("client_secret", "")];
    assert_eq!(world.reason(&[], &empty), ACCEPTED);
}

#[test]
fn client_id_may_repeat_the_header_and_not_contradict_it() {
    let world = world();
    let header = basic("basic", SECRET);
    let headers = [("authorization", &*header)];
    assert_eq!(world.reason(&headers, &[("client_id", "basic")]), ACCEPTED);
    let other = world.token(&headers, &[("client_id", "public")]);
    assert_eq!(other.reason, Some("bad-parameter"));
    let description = body(&other)["error_description"].to_string();
    assert!(description.contains("client_id"), "{description}");
}

#[test]
fn a_request_without_a_client_is_told_what_is_missing() {
    let world = world();
    let form = form_encoded(&[("grant_type", EXCHANGE)]);
    let refused = world.respond(post(TOKEN, &[], &form));
    assert_eq!(refused.status, 400);
    let description = body(&refused)["error_description"].to_string();
    assert!(description.contains("client_id"), "{description}");
}

#[test]
fn secrets_are_replaced_with_an_overlap() {
    let world = world();
    let created = world.finish(world.server.create_client(NewClient {
        redirect_uris: vec![CALLBACK.into()],
        ..NewClient::default()
    }));
    let created = created.unwrap();
    let (id, first) = (created.client.id, created.secret.unwrap());
    let changes = tollgate_core::authorization_server::ClientChanges {
        new_secret: Some(600),
        ..Default::default()
    };
    let changed = world.finish(world.server.update_client(id.clone(), changes));
    let second = changed.unwrap().secret.unwrap();
    let accepts = |secret: &Secret| {
        let form = [("client_id", &*id), ("client_secret", secret.expose())];
        world.reason(&[], &form)
    };
    assert_ne!(first, second);
    assert_eq!(accepts(&first), ACCEPTED);
    assert_eq!(accepts(&second), ACCEPTED);
    world.advance_seconds(600);
    assert_eq!(accepts(&first), "client-secret");
    assert_eq!(accepts(&second), ACCEPTED);
}

#[test]
fn an_outage_of_the_store_is_never_the_clients_fault() {
    let world = world();
    let created = world.finish(world.server.create_client(NewClient {
        redirect_uris: vec![CALLBACK.into()],
        ..NewClient::default()
    }));
    let created = created.unwrap();
    world.store.down.set(true);
    let secret = created.secret.unwrap();
    for secret in [secret.expose(), "wrong"] {
        let form = [
            ("client_id", &*created.client.id),
            ("client_secret", secret),
        ];
        let answer = world.token(&[], &form);
        assert_eq!(outcome(&answer), "store-unavailable");
        assert_eq!(answer.status, 503);
        assert_eq!(error(&answer), "temporarily_unavailable");
        assert!(answer.header("retry-after").is_some());
    }
}
