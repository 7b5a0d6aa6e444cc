//! What a configuration may not say about clients.

use std::rc::Rc;

use serde_json::json;
use tollgate_core::authorization_server::{
    AuthenticationMethod, AuthorizationServer, ClientConfig, Config, GrantType,
    MetadataDocumentsConfig, NoHooks, RegistrationAccess, RegistrationConfig,
};
use tollgate_core::secret::Secret;
use tollgate_core::store::MemoryStore;

use crate::harness::{FakeHost, Key, jwks};
use crate::support::{CALLBACK, config};

/// The field that is refused.
fn field(config: &Config) -> Option<String> {
    let server = AuthorizationServer::new(
        config,
        FakeHost::new(),
        Rc::new(MemoryStore::new()),
        Rc::new(NoHooks),
    );
    server.err().map(|error| error.field)
}

fn registration(change: impl FnOnce(&mut RegistrationConfig)) -> Config {
    let mut registration = RegistrationConfig::new(RegistrationAccess::Open);
    change(&mut registration);
    Config {
        registration: Some(registration),
        ..config()
    }
}

fn refused(field_name: &str, config: &Config) {
    assert_eq!(field(config).as_deref(), Some(field_name));
}

#[test]
fn registrations_that_cannot_work() {
    assert_eq!(field(&registration(|_| {})), None);
    let tokens = |tokens: &[&str]| {
        let tokens = tokens.iter().copied().map(Secret::new).collect();
        registration(|own| own.access = RegistrationAccess::InitialAccessTokens(tokens))
    };
    refused("registration.access", &tokens(&[]));
    refused(
        "registration.access",
        &tokens(&["0123456789abcdef", "short"]),
    );
    assert_eq!(field(&tokens(&["0123456789abcdef"])), None);
    for seconds in [1, 3599, 366 * 86_400 + 1] {
        let config = registration(|own| own.lifetime = Some(seconds));
        refused("registration.lifetime", &config);
    }
    for seconds in [0, 3600, 366 * 86_400] {
        assert_eq!(
            field(&registration(|own| own.lifetime = Some(seconds))),
            None
        );
    }
    for bytes in [0, 1023, 128 * 1024 + 1] {
        let config = registration(|own| own.max_body_bytes = Some(bytes));
        refused("registration.max-body-bytes", &config);
    }
    refused(
        "registration.max-per-hour",
        &registration(|own| own.max_per_hour = Some(0)),
    );
    for grant_types in [vec![], vec![GrantType::RefreshToken]] {
        let config = registration(|own| own.grant_types = Some(grant_types));
        refused("registration.grant-types", &config);
    }
    refused(
        "registration.authentication",
        &registration(|own| own.authentication = Some(vec![])),
    );
    for scopes in [vec![], vec!["a b".to_owned()]] {
        let config = registration(|own| own.scopes = Some(scopes));
        let field = field(&config).unwrap();
        assert!(field.starts_with("registration.scopes"), "{field}");
    }
    let unknown = Config {
        scopes: Some(vec!["read".into()]),
        ..registration(|own| own.scopes = Some(vec!["write".into()]))
    };
    refused("registration.scopes", &unknown);
}

#[test]
fn metadata_documents_that_cannot_work() {
    let documents = |documents| Config {
        metadata_documents: Some(documents),
        ..config()
    };
    for host in [
        "",
        "CLAUDE.ai",
        "claude.ai/x",
        "https://claude.ai",
        "claude.ai:8443",
        "localhost",
    ] {
        let config = documents(MetadataDocumentsConfig {
            hosts: Some(vec!["claude.ai".into(), host.into()]),
            ..MetadataDocumentsConfig::default()
        });
        refused("metadata-documents.hosts[1]", &config);
    }
    let config = documents(MetadataDocumentsConfig {
        hosts: Some(vec!["a.example".into(); 257]),
        ..MetadataDocumentsConfig::default()
    });
    refused("metadata-documents.hosts", &config);
    let config = documents(MetadataDocumentsConfig {
        grant_types: Some(vec![]),
        ..MetadataDocumentsConfig::default()
    });
    refused("metadata-documents.grant-types", &config);
    let config = documents(MetadataDocumentsConfig {
        scopes: Some(vec![]),
        ..MetadataDocumentsConfig::default()
    });
    refused("metadata-documents.scopes", &config);
}

#[test]
fn keys_of_configured_clients_are_public_and_usable() {
    let client = |jwks: &str| Config {
        clients: vec![ClientConfig {
            id: "app".into(),
            jwks: Some(jwks.into()),
            redirect_uris: vec![CALLBACK.into()],
            ..ClientConfig::default()
        }],
        ..config()
    };
    let mut set = jwks(&[&Key::new("one", 1)]);
    assert_eq!(field(&client(&set.to_string())), None);
    refused(
        "clients[0].jwks",
        &client(&(set.to_string() + &" ".repeat(512 * 1024))),
    );
    set["keys"][0]["d"] = json!("AA");
    for bad in [&*set.to_string(), "", "{}", r#"{"keys":[]}"#] {
        refused("clients[0].jwks", &client(bad));
    }
}

#[test]
fn private_use_redirects_of_configured_clients_are_an_option() {
    let client = |private_use, uri: &str| Config {
        private_use_redirect_uris: private_use,
        clients: vec![ClientConfig {
            id: "app".into(),
            authentication: Some(AuthenticationMethod::None),
            redirect_uris: vec![uri.into()],
            ..ClientConfig::default()
        }],
        ..config()
    };
    refused(
        "clients[0].redirect-uris",
        &client(None, "cursor://callback"),
    );
    assert_eq!(field(&client(Some(true), "cursor://callback")), None);
    let dangerous = client(Some(true), "javascript:alert(1)");
    refused("clients[0].redirect-uris", &dangerous);
}
