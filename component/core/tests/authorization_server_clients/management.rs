//! Clients as the application manages them.

use std::collections::BTreeSet;

use serde_json::json;
use tollgate_core::authorization_server::{
    AuthenticationMethod, ChangedClient, ClientChanges, ClientConfig, ClientInfo,
    ClientMetadataFailure, ClientOrigin, Config, GrantType, NewClient, RedirectUriError, Rejection,
};
use tollgate_core::secret::Secret;

use crate::harness::{Key, jwks};
use crate::support::{ACCEPTED, CALLBACK, World, config};

fn new() -> NewClient {
    NewClient {
        redirect_uris: vec![CALLBACK.into()],
        ..NewClient::default()
    }
}

fn create(world: &World, new: NewClient) -> Result<ChangedClient, Rejection> {
    world.finish(world.server.create_client(new))
}

fn update(world: &World, id: &str, changes: ClientChanges) -> Result<ChangedClient, Rejection> {
    world.finish(world.server.update_client(id.into(), changes))
}

fn client(world: &World, id: &str) -> Result<ClientInfo, Rejection> {
    world.finish(world.server.client(id.into()))
}

fn delete(world: &World, id: &str) -> Result<(), Rejection> {
    world.finish(world.server.delete_client(id.into()))
}

/// The ids on all pages.
fn all(world: &World, limit: u32) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = None;
    loop {
        let page = world
            .finish(world.server.list_clients(cursor, limit))
            .unwrap();
        assert!(page.clients.len() <= limit as usize);
        ids.extend(page.clients.into_iter().map(|client| client.id));
        cursor = page.cursor;
        if cursor.is_none() {
            return ids;
        }
    }
}

#[test]
fn a_created_client_is_found_and_its_secret_is_shown_once() {
    let world = World::new(&config());
    let created = create(
        &world,
        NewClient {
            name: Some("App".into()),
            scopes: Some(vec!["read".into()]),
            metadata: Some(json!({ "client_uri": "https://app.example/", "x": 1 }).to_string()),
            ..new()
        },
    );
    let created = created.unwrap();
    let found = client(&world, &created.client.id).unwrap();
    assert_eq!(found, created.client);
    assert_eq!(found.origin, ClientOrigin::Registered);
    assert_eq!(found.authentication, AuthenticationMethod::ClientSecret);
    assert_eq!(found.grant_types, [GrantType::AuthorizationCode]);
    assert_eq!(found.name.as_deref(), Some("App"));
    assert_eq!(found.registered_at, Some(world.now()));
    assert_eq!(found.expires_at, None);
    let metadata: serde_json::Value = serde_json::from_str(&found.metadata).unwrap();
    assert_eq!(
        metadata,
        json!({
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_basic",
            "scope": "read",
            "client_name": "App",
            "client_uri": "https://app.example/",
        })
    );
    let secret = created.secret.unwrap();
    assert!(!format!("{found:?}").contains(secret.expose()));
    let form = [
        ("client_id", &*found.id),
        ("client_secret", secret.expose()),
    ];
    assert_eq!(world.reason(&[], &form), ACCEPTED);
}

#[test]
fn the_rules_are_those_of_registrations() {
    let world = World::new(&Config {
        scopes: Some(vec!["read".into()]),
        ..config()
    });
    let refused = |new: NewClient| create(&world, new).err();
    let failure = |failure| Some(Rejection::ClientMetadata(failure));
    use ClientMetadataFailure as Failure;
    assert_eq!(
        refused(NewClient::default()),
        failure(Failure::Missing("redirect_uris"))
    );
    assert_eq!(
        refused(NewClient {
            redirect_uris: vec!["http://app.example/".into()],
            ..new()
        }),
        failure(Failure::RedirectUri(RedirectUriError::Insecure))
    );
    // What the server does not have is not left out: the application would not notice.
    for scopes in [vec!["write".into()], vec![]] {
        let new = NewClient {
            scopes: Some(scopes),
            ..new()
        };
        assert_eq!(refused(new), failure(Failure::Scope));
    }
    let refresh = Some(vec![GrantType::RefreshToken]);
    let new_refresh = NewClient {
        grant_types: refresh,
        ..new()
    };
    assert_eq!(refused(new_refresh), failure(Failure::GrantTypes));
    let machine = NewClient {
        grant_types: Some(vec![GrantType::ClientCredentials]),
        authentication: Some(AuthenticationMethod::None),
        ..NewClient::default()
    };
    assert_eq!(refused(machine), failure(Failure::PublicClient));
    let large = jwks(&[&Key::new("one", 1)]).to_string() + &" ".repeat(64 * 1024);
    for jwks in ["{", "{}", "[]", &large] {
        let new = NewClient {
            jwks: Some(jwks.into()),
            ..new()
        };
        assert_eq!(refused(new), failure(Failure::Malformed("jwks")), "{jwks}");
    }
    let metadata = NewClient {
        metadata: Some("[]".into()),
        ..new()
    };
    assert_eq!(refused(metadata), failure(Failure::NotJson));
    assert_eq!(all(&world, 10), [""; 0]);
}

#[test]
fn metadata_cannot_pose_as_a_field() {
    let world = World::new(&config());
    let sneaky = json!({ "redirect_uris": ["https://evil.example/"], "scope": "admin",
        "token_endpoint_auth_method": "none", "client_name": "Other" });
    let created = create(
        &world,
        NewClient {
            metadata: Some(sneaky.to_string()),
            ..new()
        },
    );
    let created = created.unwrap().client;
    assert_eq!(created.redirect_uris, [CALLBACK]);
    assert_eq!(created.authentication, AuthenticationMethod::ClientSecret);
    assert_eq!((created.name, created.scopes), (None, None));
    let changes = ClientChanges {
        metadata: Some(sneaky.to_string()),
        ..ClientChanges::default()
    };
    let changed = update(&world, &created.id, changes).unwrap().client;
    assert_eq!(changed.redirect_uris, [CALLBACK]);
    assert_eq!((changed.name, changed.scopes), (None, None));
}

#[test]
fn changes_leave_the_rest_as_it_is() {
    let world = World::new(&config());
    let created = create(
        &world,
        NewClient {
            name: Some("App".into()),
            metadata: Some(json!({ "contacts": ["ops@app.example"] }).to_string()),
            ..new()
        },
    );
    let created = created.unwrap();
    let id = &created.client.id;
    let changed = update(
        &world,
        id,
        ClientChanges {
            redirect_uris: Some(vec!["https://app.example/other".into()]),
            scopes: Some(Some(vec!["read".into()])),
            ..ClientChanges::default()
        },
    );
    let changed = changed.unwrap();
    assert_eq!(changed.secret, None);
    assert_eq!(changed.client.redirect_uris, ["https://app.example/other"]);
    assert_eq!(changed.client.scopes, Some(vec!["read".to_owned()]));
    assert_eq!(changed.client.name.as_deref(), Some("App"));
    assert!(changed.client.metadata.contains("ops@app.example"));
    assert_eq!(
        changed.client.authentication,
        AuthenticationMethod::ClientSecret
    );
    assert_eq!(client(&world, id).unwrap(), changed.client);
    let secret = created.secret.unwrap();
    let form = [("client_id", &**id), ("client_secret", secret.expose())];
    assert_eq!(world.reason(&[], &form), ACCEPTED);
    // And back.
    let changed = update(
        &world,
        id,
        ClientChanges {
            scopes: Some(None),
            name: Some(None),
            metadata: Some("{}".into()),
            ..ClientChanges::default()
        },
    );
    let changed = changed.unwrap().client;
    assert_eq!((changed.scopes, changed.name), (None, None));
    assert!(!changed.metadata.contains("contacts"));
}

#[test]
fn a_change_of_the_method_changes_the_credentials() {
    let world = World::new(&config());
    let created = create(&world, new()).unwrap();
    let id = &created.client.id;
    let method = |method| ClientChanges {
        authentication: Some(method),
        ..ClientChanges::default()
    };
    let public = update(&world, id, method(AuthenticationMethod::None)).unwrap();
    assert_eq!(public.secret, None);
    assert_eq!(world.reason(&[], &[("client_id", id)]), ACCEPTED);
    // The old secret does not come back.
    let again = update(&world, id, method(AuthenticationMethod::ClientSecretPost)).unwrap();
    let (old, new) = (created.secret.unwrap(), again.secret.unwrap());
    let accepts = |secret: &Secret| {
        let form = [("client_id", &**id), ("client_secret", secret.expose())];
        world.reason(&[], &form)
    };
    assert_eq!(accepts(&old), "client-secret");
    assert_eq!(accepts(&new), ACCEPTED);
    let no_keys = update(&world, id, method(AuthenticationMethod::PrivateKeyJwt)).err();
    assert_eq!(
        no_keys,
        Some(Rejection::ClientMetadata(ClientMetadataFailure::NoKeys))
    );
    let keys = ClientChanges {
        jwks: Some(jwks(&[&Key::new("one", 1)]).to_string()),
        ..method(AuthenticationMethod::PrivateKeyJwt)
    };
    let keys = update(&world, id, keys).unwrap();
    assert!(keys.client.metadata.contains("\"kid\":\"one\""));
    assert_eq!(accepts(&new), "client-authentication-method");
    let uri = ClientChanges {
        jwks_uri: Some("https://app.example/jwks".into()),
        ..ClientChanges::default()
    };
    let uri = update(&world, id, uri).unwrap();
    assert!(!uri.client.metadata.contains("\"jwks\""));
    assert!(uri.client.metadata.contains("https://app.example/jwks"));
}

#[test]
fn a_secret_without_overlap_ends_at_once() {
    let world = World::new(&config());
    let created = create(&world, new()).unwrap();
    let id = &created.client.id;
    let rotate = |overlap| ClientChanges {
        new_secret: Some(overlap),
        ..ClientChanges::default()
    };
    let second = update(&world, id, rotate(0)).unwrap().secret.unwrap();
    let accepts = |secret: &Secret| {
        let form = [("client_id", &**id), ("client_secret", secret.expose())];
        world.reason(&[], &form)
    };
    let first = created.secret.unwrap();
    assert_eq!(accepts(&first), "client-secret");
    assert_eq!(accepts(&second), ACCEPTED);
    // Four are kept, the newest of them.
    let mut secrets = vec![second];
    for _ in 0..4 {
        let next = update(&world, id, rotate(u32::MAX)).unwrap();
        secrets.push(next.secret.unwrap());
    }
    assert_eq!(accepts(&secrets[0]), "client-secret");
    assert_eq!(accepts(&secrets[1]), ACCEPTED);
    // An overlap has an end.
    world.advance_seconds(90 * 86_400);
    assert_eq!(accepts(&secrets[3]), "client-secret");
    assert_eq!(accepts(&secrets[4]), ACCEPTED);
}

#[test]
fn a_deleted_client_is_gone_at_once() {
    let world = World::new(&config());
    let created = create(&world, new()).unwrap();
    let id = &created.client.id;
    delete(&world, id).unwrap();
    assert_eq!(client(&world, id), Err(Rejection::UnknownClient));
    let secret = created.secret.unwrap();
    let form = [("client_id", &**id), ("client_secret", secret.expose())];
    assert_eq!(world.reason(&[], &form), "unknown-client");
    assert_eq!(all(&world, 10), [""; 0]);
    assert_eq!(delete(&world, id), Err(Rejection::UnknownClient));
    let changes = ClientChanges::default();
    assert_eq!(
        update(&world, id, changes).err(),
        Some(Rejection::UnknownClient)
    );
}

#[test]
fn lists_have_stable_pages() {
    let world = World::new(&config());
    let created: BTreeSet<String> = (0..50)
        .map(|_| create(&world, new()).unwrap().client.id)
        .collect();
    let whole = all(&world, 100);
    assert_eq!(whole.iter().cloned().collect::<BTreeSet<_>>(), created);
    assert_eq!(whole.len(), 50);
    for limit in [1, 3, 7, 50] {
        assert_eq!(all(&world, limit), whole, "{limit}");
    }
    // 0 and more than the most are taken for the nearest that is possible.
    let page = world.finish(world.server.list_clients(None, 0)).unwrap();
    assert!(page.clients.len() <= 1);
    // What is created or deleted during a walk moves nothing else.
    let page = world.finish(world.server.list_clients(None, 10)).unwrap();
    assert_eq!(page.clients.len(), 10);
    create(&world, new()).unwrap();
    delete(&world, &page.clients[9].id).unwrap();
    delete(&world, &whole[49]).unwrap();
    let next = world
        .finish(world.server.list_clients(page.cursor, 100))
        .unwrap();
    let rest: BTreeSet<String> = next.clients.into_iter().map(|client| client.id).collect();
    for id in &whole[10..49] {
        assert!(rest.contains(id));
    }
    for bad in ["", "x", "MTYg*", "AAAA"] {
        let refused = world.finish(world.server.list_clients(Some(bad.into()), 10));
        assert_eq!(refused, Err(Rejection::BadParameter("cursor")), "{bad}");
    }
}

#[test]
fn a_crash_while_a_client_is_created_leaves_nothing_that_matters() {
    let world = World::new(&config());
    create(&world, new()).unwrap();
    // The entry of the directory is written, the client is not.
    world.store.commits_left.set(Some(1));
    assert_eq!(
        create(&world, new()).err(),
        Some(Rejection::StoreUnavailable)
    );
    world.store.commits_left.set(None);
    let commits = world.store.commits.get();
    assert_eq!(all(&world, 10).len(), 1);
    assert_eq!(
        world.store.commits.get(),
        commits,
        "it may be just being created"
    );
    world.advance_seconds(3601);
    assert_eq!(all(&world, 10).len(), 1);
    assert_eq!(
        world.store.commits.get(),
        commits + 1,
        "the entry is deleted"
    );
    assert_eq!(all(&world, 10).len(), 1);
    assert_eq!(world.store.commits.get(), commits + 1);
}

#[test]
fn a_crash_while_a_client_is_deleted_leaves_nothing_that_matters() {
    let world = World::new(&config());
    let created = create(&world, new()).unwrap();
    // The client is deleted, its entry is not.
    world.store.commits_left.set(Some(1));
    assert_eq!(delete(&world, &created.client.id), Ok(()));
    world.store.commits_left.set(None);
    assert_eq!(all(&world, 10), [""; 0]);
    // An outage before that changes nothing, and says so.
    let created = create(&world, new()).unwrap();
    world.store.commits_left.set(Some(0));
    let failed = delete(&world, &created.client.id);
    assert_eq!(failed, Err(Rejection::StoreUnavailable));
    world.store.commits_left.set(None);
    assert_eq!(all(&world, 10), [created.client.id]);
}

#[test]
fn lost_answers_do_not_change_the_result() {
    let world = World::new(&config());
    create(&world, new()).unwrap();
    world.store.lose_answer.set(true);
    let created = create(&world, new()).unwrap();
    world.store.lose_answer.set(true);
    let name = ClientChanges {
        name: Some(Some("App".into())),
        ..ClientChanges::default()
    };
    update(&world, &created.client.id, name).unwrap();
    assert_eq!(
        client(&world, &created.client.id).unwrap().name.as_deref(),
        Some("App")
    );
    world.store.lose_answer.set(true);
    assert_eq!(delete(&world, &created.client.id), Ok(()));
}

#[test]
fn clients_that_are_not_stored_cannot_be_changed() {
    let world = World::new(&Config {
        clients: vec![ClientConfig {
            id: "app".into(),
            redirect_uris: vec![CALLBACK.into()],
            ..ClientConfig::default()
        }],
        ..config()
    });
    let app = client(&world, "app").unwrap();
    assert_eq!(app.origin, ClientOrigin::Configured);
    for id in ["app", "https://app.example/client"] {
        let changes = ClientChanges::default();
        assert_eq!(
            update(&world, id, changes).err(),
            Some(Rejection::ClientNotStored)
        );
        assert_eq!(delete(&world, id), Err(Rejection::ClientNotStored));
    }
    assert_eq!(all(&world, 10), [""; 0]);
}

#[test]
fn ids_of_any_text_are_looked_up_safely() {
    let world = World::new(&config());
    for id in ["", "../client", "a\0b", &"x".repeat(10_000)] {
        assert_eq!(client(&world, id), Err(Rejection::UnknownClient));
    }
}
