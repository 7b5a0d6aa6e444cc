//! Authorization server metadata (RFC 8414), and what browsers are told (CORS).

use serde_json::{Value, json};
use tollgate_core::authorization_server::{
    AccessTokenFormat, Config, EndpointsConfig, MetadataDocumentsConfig, RegistrationAccess,
    RegistrationConfig,
};

use crate::support::{ISSUER, REGISTER, TOKEN, World, body, config, json_post, request};

const METADATA: &str = "https://auth.example/.well-known/oauth-authorization-server";

fn get(world: &World, url: &str) -> Value {
    let answer = world.respond(request("GET", url, &[], ""));
    assert_eq!(answer.status, 200);
    body(&answer)
}

#[test]
fn it_names_what_is_there_and_nothing_else() {
    let world = World::new(&config());
    world.host.signatures.verify.set(&["ES256", "Ed25519"]);
    let world = world.again(&config());
    let algorithms = json!(["ES256", "EdDSA", "Ed25519"]);
    let methods = json!([
        "client_secret_basic",
        "client_secret_post",
        "none",
        "private_key_jwt"
    ]);
    let confidential = json!([
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt"
    ]);
    assert_eq!(
        get(&world, METADATA),
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://auth.example/authorize",
            "token_endpoint": TOKEN,
            "jwks_uri": "https://auth.example/jwks",
            "revocation_endpoint": "https://auth.example/revoke",
            "introspection_endpoint": "https://auth.example/introspect",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": [
                "authorization_code",
                "refresh_token",
                "client_credentials",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ],
            "token_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": algorithms,
            "revocation_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
            "introspection_endpoint_auth_methods_supported": confidential,
            "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            "protected_resources": [ISSUER],
        })
    );
}

#[test]
fn options_appear_when_they_are_on() {
    let world = World::new(&Config {
        scopes: Some(vec!["read".into(), "write".into()]),
        resources: Some(vec!["https://mcp.example/mcp".into()]),
        registration: Some(RegistrationConfig::new(RegistrationAccess::Open)),
        metadata_documents: Some(MetadataDocumentsConfig::default()),
        access_token: Some(AccessTokenFormat::Opaque),
        refresh_token_lifetime: Some(0),
        endpoints: EndpointsConfig {
            token: Some("/oauth/token".into()),
            ..EndpointsConfig::default()
        },
        ..config()
    });
    let document = get(&world, METADATA);
    assert_eq!(document["scopes_supported"], json!(["read", "write"]));
    assert_eq!(
        document["protected_resources"],
        json!(["https://mcp.example/mcp"])
    );
    assert_eq!(document["registration_endpoint"], REGISTER);
    assert_eq!(document["client_id_metadata_document_supported"], true);
    assert_eq!(
        document["token_endpoint"],
        "https://auth.example/oauth/token"
    );
    assert_eq!(document.get("jwks_uri"), None);
    let grant_types = document["grant_types_supported"].to_string();
    assert!(!grant_types.contains("refresh_token"), "{grant_types}");
}

#[test]
fn a_host_without_signatures_offers_no_assertions() {
    let world = World::new(&config());
    world.host.signatures.verify.set(&[]);
    let document = get(&world.again(&config()), METADATA);
    assert!(!document.to_string().contains("private_key_jwt"));
    assert!(!document.to_string().contains("signing_alg_values"));
    let scopes = Config {
        scopes: Some(vec![]),
        ..config()
    };
    assert_eq!(
        get(&World::new(&scopes), METADATA).get("scopes_supported"),
        None
    );
}

#[test]
fn it_is_found_where_clients_look() {
    let world = World::new(&config());
    let openid = "https://auth.example/.well-known/openid-configuration";
    assert_eq!(get(&world, METADATA), get(&world, openid));
    let tenant = World::new(&Config {
        issuer: "https://auth.example/tenant".into(),
        ..config()
    });
    for url in [
        "https://auth.example/.well-known/oauth-authorization-server/tenant",
        "https://auth.example/.well-known/openid-configuration/tenant",
        "https://auth.example/tenant/.well-known/openid-configuration",
    ] {
        let document = get(&tenant, url);
        assert_eq!(document["issuer"], "https://auth.example/tenant");
        assert_eq!(
            document["token_endpoint"],
            "https://auth.example/tenant/token"
        );
    }
    // One issuer is not another.
    assert!(!tenant.server.serves(METADATA));
}

#[test]
fn it_can_be_cached_and_read_by_scripts() {
    let world = World::new(&config());
    let answer = world.respond(request("GET", METADATA, &[], ""));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let head = world.respond(request("HEAD", METADATA, &[], ""));
    assert_eq!((head.status, &head.body), (200, &None));
    assert_eq!(head.headers, answer.headers);
    for method in ["POST", "DELETE", "OPTIONS", "get"] {
        let answer = world.respond(request(method, METADATA, &[], ""));
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"));
    }
}

#[test]
fn scripts_may_ask_first() {
    let world = World::new(&Config {
        registration: Some(RegistrationConfig::new(RegistrationAccess::Open)),
        ..config()
    });
    let origin = ("origin", "https://app.example");
    let method = ("access-control-request-method", "POST");
    for (url, methods) in [(TOKEN, "POST"), (REGISTER, "POST"), (METADATA, "GET, HEAD")] {
        let answer = world.respond(request("OPTIONS", url, &[origin, method], ""));
        assert_eq!((answer.status, &answer.body), (204, &None));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-allow-methods"), Some(methods));
        let headers = answer.header("access-control-allow-headers").unwrap();
        assert!(headers.contains("Authorization"), "{headers}");
        assert_eq!(answer.header("access-control-max-age"), Some("86400"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        // Not a preflight.
        for headers in [&[origin][..], &[method], &[]] {
            let answer = world.respond(request("OPTIONS", url, headers, ""));
            assert_eq!(answer.status, 405, "{url}");
        }
    }
}

#[test]
fn scripts_can_read_refusals() {
    let world = World::new(&Config {
        registration: Some(RegistrationConfig::new(RegistrationAccess::Open)),
        ..config()
    });
    let refusals = [
        world.token(&[], &[("client_id", "nobody")]),
        world.respond(json_post(&[], "{}")),
    ];
    for answer in refusals {
        assert!(answer.status >= 400);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        let exposed = answer.header("access-control-expose-headers").unwrap();
        assert!(exposed.contains("Retry-After"), "{exposed}");
    }
}
