//! Requests: routes, metadata, browsers, configuration.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

use harness::{
    AUDIENCE, DISCOVERY, ISSUER, Key, Site, World, answer, bearer, discovering, head, inline,
    reason, route, routed, status,
};
use serde_json::{Value, json};
use tollgate_core::answer::Answer;
use tollgate_core::capability::HttpError;
use tollgate_core::deployment::{Access, Config, Cors, Metadata, RouteConfig};
use tollgate_core::limits;
use tollgate_core::resource_server::RequestHead;

fn key() -> Key {
    Key::new("k1", 7)
}

fn config() -> Config {
    routed(&[&key()])
}

fn get(world: &World, url: &str) -> Answer {
    answer(world.send(&head("GET", url)))
}

fn body(answer: &Answer) -> Value {
    serde_json::from_str(answer.body.as_deref().unwrap()).unwrap()
}

#[test]
fn public_routes_ignore_credentials() {
    let world = World::new(config());
    for url in [
        "https://api.example/",
        "https://api.example",
        "https://api.example/health/live",
    ] {
        assert_eq!(status(&world.send(&head("GET", url))), 200, "{url}");
        let garbage = RequestHead {
            url: url.into(),
            ..bearer("garbage")
        };
        assert_eq!(status(&world.send(&garbage)), 200, "{url}");
    }
    for url in [
        "https://api.example/mcp",
        "https://api.example/other",
        "https://api.example/health/../x",
    ] {
        assert_eq!(status(&world.send(&head("GET", url))), 401, "{url}");
    }
    assert_eq!(
        status(&world.outcome(world.gate.authenticate(&head("GET", AUDIENCE), &[]))),
        401
    );
}

#[test]
fn a_request_without_credentials_gets_a_challenge_without_error() {
    let world = World::new(Config {
        realm: Some("api".into()),
        ..config()
    });
    let refused = get(&world, "https://api.example/admin/x?y=1");
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.header("www-authenticate"),
        Some(
            "Bearer realm=\"api\", scope=\"admin offline_access\", \
             resource_metadata=\"https://api.example/.well-known/oauth-protected-resource/admin/x\""
        )
    );
    assert_eq!(refused.header("cache-control"), Some("no-store"));
}

#[test]
fn two_credentials_are_a_bad_request() {
    let world = World::new(config());
    let mut twice = bearer(&key().token());
    twice.authorization.push(twice.authorization[0].clone());
    let refused = answer(world.send(&twice));
    assert_eq!(refused.status, 400);
    assert!(
        refused
            .header("www-authenticate")
            .unwrap()
            .contains("error=\"invalid_request\"")
    );
}

#[test]
fn malformed_tokens_are_bad_requests_despite_a_cached_token() {
    let world = World::new(config());
    let token = key().token();
    for round in ["new", "seen"] {
        for good in [format!("Bearer {token}"), format!("bearer   {token}")] {
            let head = RequestHead {
                authorization: vec![good],
                ..head("GET", "https://api.example/mcp")
            };
            assert_eq!(status(&world.send(&head)), 200, "{round}");
        }
        for bad in ["", " ", " x", ",", ", Bearer x", "\u{e9}", "\0", "=x"] {
            let token = if bad.is_empty() { "" } else { &token };
            let head = RequestHead {
                authorization: vec![format!("Bearer {token}{bad}")],
                ..head("GET", "https://api.example/mcp")
            };
            assert_eq!(status(&world.send(&head)), 400, "{round} {bad:?}");
        }
    }
}

#[test]
fn metadata_names_the_requested_resource() {
    let world = World::new(config());
    for (path, resource) in [
        ("", "https://api.example"),
        ("/", "https://api.example"),
        ("/mcp", "https://api.example/mcp"),
        ("/mcp/deep/", "https://api.example/mcp/deep/"),
        ("/mcp?a=b", "https://api.example/mcp?a=b"),
    ] {
        let url = format!("https://API.example:443/.well-known/oauth-protected-resource{path}");
        let found = get(&world, &url);
        assert_eq!(found.status, 200, "{path}");
        let document = body(&found);
        assert_eq!(document["resource"], resource, "{path}");
        assert_eq!(document["authorization_servers"], json!([ISSUER]));
        assert_eq!(document["scopes_supported"], json!(["admin"]));
        assert_eq!(document.get("resource_name"), None);
    }
    let url = "https://api.example/.well-known/oauth-protected-resource/health";
    assert_eq!(get(&world, url).status, 404);
    let posted = head(
        "POST",
        "https://api.example/.well-known/oauth-protected-resource/mcp",
    );
    let refused = answer(world.send(&posted));
    assert_eq!(
        (refused.status, refused.header("allow")),
        (405, Some("GET, HEAD, OPTIONS"))
    );
    let asked = head(
        "HEAD",
        "https://api.example/.well-known/oauth-protected-resource/mcp",
    );
    let found = answer(world.send(&asked));
    assert_eq!((found.status, found.body), (200, None));
    assert!(
        world
            .gate
            .metadata(&head("GET", "https://api.example/mcp"))
            .is_none()
    );
    assert!(world.gate.metadata(&asked).is_some());
}

#[test]
fn a_configured_resource_names_the_host() {
    let settings = Metadata {
        resource_name: Some("Notes".into()),
        scopes_supported: Some(vec![]),
        ..Metadata::default()
    };
    let world = World::new(Config {
        resource: Some("https://public.example".into()),
        metadata: Some(settings),
        ..config()
    });
    let found = get(
        &world,
        "http://127.0.0.1:8787/.well-known/oauth-protected-resource/mcp",
    );
    let document = body(&found);
    assert_eq!(document["resource"], "https://public.example/mcp");
    assert_eq!(document["resource_name"], "Notes");
    assert_eq!(document.get("scopes_supported"), None);
}

#[test]
fn the_issuers_metadata_is_published_unchanged() {
    let url = "https://api.example/.well-known/oauth-authorization-server";
    let world = World::new(discovering());
    let text = format!(
        "{{ \"issuer\" : \"{ISSUER}\",\n \"x\": [1.10, 1E+2, 12345678901234567890123, -0.0, null], \"é\": \"\\u00e9\" }}"
    );
    world.host.set(DISCOVERY, Site::Body(200, text.clone(), ""));
    assert_eq!(get(&world, url).body.as_deref(), Some(text.as_str()));
}

#[test]
fn the_issuers_metadata_is_published() {
    let url = "https://api.example/.well-known/oauth-authorization-server";
    let world = World::new(discovering());
    let document = json!({ "issuer": ISSUER, "token_endpoint": "https://issuer.example/token" });
    world.host.set_json(DISCOVERY, &document);
    for _ in 0..3 {
        let found = get(&world, url);
        assert_eq!((found.status, body(&found)), (200, document.clone()));
    }
    assert_eq!(world.host.fetches(DISCOVERY), 1);
    for (site, expected) in [
        (Site::Fails(HttpError::Unreachable), 504),
        (Site::Never, 504),
        (Site::Body(500, String::new(), ""), 502),
        (
            Site::Body(200, "{\"issuer\":\"https://evil.example\"}".into(), ""),
            502,
        ),
        (Site::Body(301, String::new(), ""), 502),
    ] {
        let world = World::new(discovering());
        world.host.set(DISCOVERY, site);
        assert_eq!(get(&world, url).status, expected);
    }
    let off = Metadata {
        serve_issuer_metadata: Some(false),
        ..Metadata::default()
    };
    let world = World::new(Config {
        metadata: Some(off),
        ..discovering()
    });
    assert_eq!(get(&world, url).status, 401);
}

#[test]
fn browsers_get_preflights_and_cors_headers() {
    let world = World::new(config());
    let preflight = RequestHead {
        origin: Some("https://app.example".into()),
        requested_method: Some("POST".into()),
        requested_headers: Some("authorization, x-custom".into()),
        ..head("OPTIONS", "https://api.example/mcp")
    };
    let allowed = answer(world.send(&preflight));
    assert_eq!(allowed.status, 204);
    assert_eq!(allowed.header("access-control-allow-origin"), Some("*"));
    assert_eq!(
        allowed.header("access-control-allow-headers"),
        Some("authorization, x-custom")
    );
    let hostile = RequestHead {
        requested_headers: Some("a\r\nb: c".into()),
        ..preflight.clone()
    };
    let headers = answer(world.send(&hostile));
    assert!(
        headers
            .header("access-control-allow-headers")
            .unwrap()
            .contains("Authorization")
    );
    let refused = RequestHead {
        origin: Some("null".into()),
        ..head("GET", "https://api.example/mcp")
    };
    let refused = answer(world.send(&refused));
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
    assert!(
        refused
            .header("access-control-expose-headers")
            .unwrap()
            .contains("WWW-Authenticate")
    );
    // OPTIONS that is no preflight needs a token like any other method.
    for (method, origin, requested) in [
        ("OPTIONS", None, None),
        ("OPTIONS", Some("https://app.example"), None),
        ("OPTIONS", None, Some("POST")),
        ("GET", Some("https://app.example"), Some("POST")),
        ("GET", None, Some("POST")),
    ] {
        let request = RequestHead {
            origin: origin.map(str::to_owned),
            requested_method: requested.map(str::to_owned),
            ..head(method, "https://api.example/mcp")
        };
        assert_eq!(status(&world.send(&request)), 401, "{request:?}");
    }
}

#[test]
fn other_origins_are_refused_where_origins_are_listed() {
    let cors = Cors {
        origins: Some(vec!["https://app.example".into()]),
        max_age: None,
    };
    let world = World::new(Config {
        cors: Some(cors),
        ..config()
    });
    let from = |origin: Option<&str>| RequestHead {
        origin: origin.map(str::to_owned),
        ..bearer(&key().token())
    };
    assert_eq!(status(&world.send(&from(None))), 200);
    assert_eq!(status(&world.send(&from(Some("https://app.example")))), 200);
    for bad in [
        "https://evil.example",
        "null",
        "https://app.example.evil.example",
        "",
        "HTTPS://APP.EXAMPLE",
    ] {
        let outcome = world.send(&from(Some(bad)));
        assert_eq!(reason(&outcome), "request-forbidden-origin", "{bad}");
        let refused = answer(outcome);
        assert_eq!(refused.status, 403);
        assert_eq!(refused.header("access-control-allow-origin"), None);
        assert_eq!(refused.header("vary"), Some("Origin"));
    }
}

#[test]
fn metadata_has_the_same_cors_headers_for_every_caller() {
    let cors = Cors {
        origins: Some(vec!["https://app.example".into()]),
        max_age: None,
    };
    let listed = World::new(Config {
        cors: Some(cors),
        ..config()
    });
    listed.host.publish(&[&key()]);
    let any = World::new(config());
    any.host.publish(&[&key()]);
    for path in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-authorization-server",
    ] {
        let url = format!("https://api.example{path}");
        for world in [&any, &listed] {
            let ask = |method: &str, origin: Option<&str>| {
                let origin = origin.map(str::to_owned);
                let request = RequestHead {
                    origin,
                    ..head(method, &url)
                };
                answer(world.send(&request))
            };
            let first = ask("GET", None);
            assert_eq!(first.status, 200);
            assert_eq!(first.header("access-control-allow-origin"), Some("*"));
            for origin in [Some("https://app.example"), Some("https://other.example")] {
                assert_eq!(ask("GET", origin), first);
            }
            assert_eq!(
                ask("POST", None),
                ask("POST", Some("https://other.example"))
            );
            let preflight = RequestHead {
                origin: Some("https://other.example".into()),
                requested_method: Some("GET".into()),
                ..head("OPTIONS", &url)
            };
            let preflight = answer(world.send(&preflight));
            assert_eq!(preflight.status, 204);
            assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
        }
    }
    // Elsewhere the response depends on the origin, and `Vary` says so even if none was sent.
    let refused = answer(listed.send(&head("GET", "https://api.example/mcp")));
    assert_eq!(refused.header("vary"), Some("Origin"));
}

#[test]
fn malformed_urls_are_refused() {
    let world = World::new(config());
    for url in [
        "",
        "/mcp",
        "https://u@api.example/",
        "https://api.example/\\",
        "https://a/#f",
        "file:///x",
    ] {
        assert_eq!(status(&world.send(&head("GET", url))), 400, "{url}");
    }
    let of_length = |length: usize| {
        let start = "https://api.example/";
        let url = format!("{start}{}", "x".repeat(length - start.len()));
        status(&world.send(&head("GET", &url)))
    };
    assert_eq!(of_length(limits::URL_BYTES), 401);
    assert_eq!(of_length(limits::URL_BYTES + 1), 400);
}

#[test]
fn an_ambiguous_path_is_a_bad_request_wherever_it_arrives() {
    let world = World::new(config());
    let token = key().token();
    for path in [
        "/health/a%2fb/%2e%2e/%2e%2e/admin",
        "/mcp/a%5cb/../x",
        "/.well-known/oauth-protected-resource/a%2f/../mcp",
    ] {
        let url = format!("https://api.example{path}");
        let anonymous = head("GET", &url);
        let with_token = RequestHead {
            url,
            ..bearer(&token)
        };
        for head in [anonymous, with_token] {
            let outcomes = [
                world.send(&head),
                world.outcome(world.gate.authenticate(&head, &[])),
            ];
            for outcome in outcomes {
                assert_eq!(status(&outcome), 400, "{path}");
                assert_eq!(reason(&outcome), "request-ambiguous-path");
                assert_eq!(answer(outcome).header("www-authenticate"), None);
            }
            let refused = world.gate.require_scopes(&head, &[], &["x".into()]);
            assert_eq!(refused.map(|answer| answer.status), Some(400), "{path}");
        }
    }
}

#[test]
fn public_paths_have_no_metadata_in_any_spelling() {
    let world = World::new(config());
    for (path, status) in [
        ("/health", 404),
        ("/health/%20x", 404),
        ("/health/x;y", 404),
        ("/m%63p", 200),
    ] {
        let url = format!("https://api.example/.well-known/oauth-protected-resource{path}");
        assert_eq!(get(&world, &url).status, status, "{path}");
    }
}

#[test]
fn letter_case_is_ignored_where_that_is_configured() {
    let routes = vec![
        route("/*", Access::Public),
        route("/admin", Access::Protected(vec![])),
    ];
    for (ignored, expected) in [(None, 200), (Some(false), 200), (Some(true), 401)] {
        let world = World::new(Config {
            routes: Some(routes.clone()),
            case_insensitive_paths: ignored,
            ..config()
        });
        for path in ["/ADMIN", "/Admin/x", "/%41dmin"] {
            let url = format!("https://api.example{path}");
            assert_eq!(status(&world.send(&head("GET", &url))), expected, "{path}");
        }
    }
}

#[test]
fn a_whole_host_may_be_one_resource() {
    let mut config = inline(&[&key()]);
    config.issuers.as_mut().unwrap()[0].audiences = None;
    config.resource_from_request = Some(true);
    config.metadata = Some(Metadata {
        single_resource: Some(true),
        ..Default::default()
    });
    let world = World::new(config);
    let refused = answer(world.send(&head("GET", "https://api.example/mcp")));
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(
        challenge.contains(
            "resource_metadata=\"https://api.example/.well-known/oauth-protected-resource\""
        ),
        "{challenge}"
    );
    // The audience is the origin of the request, whichever that is.
    assert_eq!(world.status(&key().token()), 200);
    let elsewhere = RequestHead {
        url: "https://other.example/mcp".into(),
        ..bearer(&key().token())
    };
    assert_eq!(status(&world.send(&elsewhere)), 401);
}

#[test]
fn a_path_that_one_method_protects_has_metadata() {
    let of_method = |method: &str, access| RouteConfig {
        methods: Some(vec![method.into()]),
        ..route("/form", access)
    };
    let world = World::new(Config {
        routes: Some(vec![
            of_method("GET", Access::Public),
            of_method("POST", Access::Protected(vec![])),
        ]),
        ..config()
    });
    let url = "https://api.example/.well-known/oauth-protected-resource/form";
    assert_eq!(get(&world, url).status, 200);
}
