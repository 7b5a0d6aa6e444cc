//! Tests that break each rule for tokens.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

use harness::{AUDIENCE, ISSUER, Key, NOW, World, answer, bearer, head, inline, status};
use serde_json::{Value, json};
use tollgate_core::deployment::{Config, IssuerConfig};
use tollgate_core::limits;
use tollgate_core::resource_server::{Decision, RequestHead};

fn key() -> Key {
    Key::new("k1", 7)
}

fn world() -> World {
    World::new(inline(&[&key()]))
}

fn with_issuer(change: impl FnOnce(&mut IssuerConfig)) -> World {
    let mut config = inline(&[&key()]);
    change(&mut config.issuers.as_mut().unwrap()[0]);
    World::new(config)
}

#[test]
fn a_good_token_is_allowed_with_its_identity() {
    let world = world();
    let token = key().token();
    for _ in 0..2 {
        let Decision::Allow(allowed) = world.get(&token).decision else {
            panic!("refused")
        };
        assert_eq!(allowed.token_start, 7);
        let identity = world.gate.identity(allowed.identity.unwrap()).unwrap();
        assert_eq!(identity.subject.as_deref(), Some("alice"));
        assert_eq!(identity.client_id.as_deref(), Some("app"));
        assert_eq!(identity.scopes, ["mcp:read"]);
        assert_eq!(
            (identity.issuer.as_str(), &identity.audience),
            (ISSUER, &vec![AUDIENCE.into()])
        );
        assert!(identity.claims.contains("\"jti\":\"1\""));
    }
    assert!(world.host.sent.borrow().is_empty());
}

#[test]
fn claims_keep_their_utf8() {
    let world = world();
    let token = key().token_with(&json!({ "sub": "José ☃" }));
    let Decision::Allow(allowed) = world.get(&token).decision else {
        panic!("refused")
    };
    let identity = world.gate.identity(allowed.identity.unwrap()).unwrap();
    assert_eq!(identity.subject.as_deref(), Some("José ☃"));
}

#[test]
fn each_claim_is_checked() {
    let table: &[(Value, &str)] = &[
        (json!({ "exp": NOW }), "token-expired"),
        (json!({ "exp": NOW - 1 }), "token-expired"),
        (json!({ "exp": -5 }), "token-expired"),
        (json!({ "exp": NOW as f64 + 0.5 }), "allowed"),
        (json!({ "exp": null }), "token-missing-claim"),
        (json!({ "exp": "9999999999" }), "token-bad-claim"),
        (json!({ "exp": true }), "token-bad-claim"),
        (json!({ "exp": 1e300 }), "token-bad-claim"),
        // The year 10000.
        (json!({ "exp": 253_402_300_800_u64 }), "allowed"),
        (json!({ "nbf": NOW + 60 }), "token-not-yet-valid"),
        (json!({ "nbf": NOW + 2 }), "allowed"),
        (json!({ "nbf": "1" }), "token-bad-claim"),
        (json!({ "iat": NOW + 60 }), "token-issued-in-future"),
        (json!({ "iat": [1] }), "token-bad-claim"),
        (json!({ "iat": null }), "token-missing-claim"),
        (json!({ "sub": null }), "token-missing-claim"),
        (json!({ "sub": "" }), "token-bad-claim"),
        (json!({ "sub": 5 }), "token-bad-claim"),
        (json!({ "client_id": null }), "token-missing-claim"),
        (json!({ "client_id": 5 }), "token-bad-claim"),
        (json!({ "iss": null }), "token-unknown-issuer"),
        (
            json!({ "iss": "https://issuer.example/" }),
            "token-unknown-issuer",
        ),
        (json!({ "iss": [ISSUER] }), "token-unknown-issuer"),
        (json!({ "aud": null }), "token-missing-claim"),
        (
            json!({ "aud": "https://other.example" }),
            "token-wrong-audience",
        ),
        (
            json!({ "aud": ["https://other.example", "x"] }),
            "token-wrong-audience",
        ),
        (json!({ "aud": [] }), "token-wrong-audience"),
        (json!({ "aud": ["x", AUDIENCE] }), "allowed"),
        (json!({ "aud": [AUDIENCE, 5] }), "token-bad-claim"),
        (json!({ "aud": 5 }), "token-bad-claim"),
        (json!({ "aud": vec![AUDIENCE; 65] }), "token-bad-claim"),
        (json!({ "aud": vec![AUDIENCE; 64] }), "allowed"),
        (json!({ "scope": 5 }), "token-bad-claim"),
        (json!({ "scope": ["mcp:read"] }), "token-bad-claim"),
        (
            json!({ "scope": null, "scp": ["mcp:read", 5] }),
            "token-bad-claim",
        ),
        (json!({ "scope": vec!["a"; 256].join(" ") }), "allowed"),
        (
            json!({ "scope": vec!["a"; 300].join(" ") }),
            "token-bad-claim",
        ),
        (json!({ "cnf": { "jkt": "x" } }), "token-sender-constrained"),
        (
            json!({ "cnf": { "x5t#S256": "x" } }),
            "token-sender-constrained",
        ),
        (json!({ "cnf": { "jwk": {} } }), "token-sender-constrained"),
        (json!({ "cnf": { "kid": "x" } }), "token-sender-constrained"),
        (json!({ "cnf": { "new": 1 } }), "token-sender-constrained"),
        (json!({ "cnf": "x" }), "token-bad-claim"),
        (json!({ "cnf": {} }), "token-bad-claim"),
        (json!({ "cnf": [] }), "token-bad-claim"),
    ];
    let world = world();
    for (changes, expected) in table {
        let reason = world.reason(&key().token_with(changes));
        assert_eq!(reason, *expected, "{changes}");
    }
    let mut claims = harness::claims_with(&json!({}));
    claims["cnf"] = Value::Null;
    let token = key().sign(&key().header(), &claims.to_string());
    assert_eq!(world.reason(&token), "token-bad-claim");
}

#[test]
fn each_header_parameter_is_checked() {
    let world = world();
    let claims = harness::claims_with(&json!({})).to_string();
    let table: &[(Value, &str)] = &[
        (json!({ "typ": "JWT" }), "token-wrong-type"),
        (json!({ "typ": "" }), "token-wrong-type"),
        (json!({ "typ": "id+jwt" }), "token-wrong-type"),
        (json!({ "typ": "AT+JWT" }), "allowed"),
        (json!({ "typ": "application/at+jwt" }), "allowed"),
        (json!({ "kid": "k2" }), "token-unknown-key"),
        (
            json!({ "kid": "k1\r\nX: y\u{0}\"\u{2603}" }),
            "token-unknown-key",
        ),
    ];
    for (changes, expected) in table {
        let mut header = key().header();
        for (name, value) in changes.as_object().unwrap() {
            header[name] = value.clone();
        }
        assert_eq!(
            world.reason(&key().sign(&header, &claims)),
            *expected,
            "{changes}"
        );
    }
    let mut header = key().header();
    header.as_object_mut().unwrap().remove("typ");
    assert_eq!(
        world.reason(&key().sign(&header, &claims)),
        "token-wrong-type"
    );
    for alg in [
        "none",
        "NONE",
        "HS256",
        "ES999",
        "ES256\r\nX: y",
        "x\", error=\"ok",
        "\u{2603}",
    ] {
        let mut header = key().header();
        header["alg"] = json!(alg);
        let outcome = world.get(&key().sign(&header, &claims));
        assert_eq!(status(&outcome), 401, "{alg}");
        let challenge = answer(outcome)
            .header("www-authenticate")
            .unwrap()
            .to_owned();
        assert!(
            challenge.bytes().all(|b| (b' '..=b'~').contains(&b)),
            "{challenge}"
        );
        assert_eq!(challenge.matches("error=").count(), 1, "{challenge}");
    }
}

#[test]
fn tampered_and_forged_tokens_are_refused() {
    let world = world();
    let token = key().token();
    let parts: Vec<&str> = token.split('.').collect();
    let other = key().token_with(&json!({ "sub": "mallory" }));
    let forged = format!(
        "{}.{}.{}",
        parts[0],
        other.split('.').nth(1).unwrap(),
        parts[2]
    );
    assert_eq!(world.reason(&forged), "token-bad-signature");
    assert_eq!(
        world.reason(&Key::new("k1", 8).token()),
        "token-bad-signature"
    );
    // Another spelling of the same token: the last character's unused bits.
    assert_eq!(world.reason(&token), "allowed");
    let last = token.chars().last().unwrap();
    let twin = char::from_u32(last as u32 + 1).unwrap();
    let respelled = format!("{}{twin}", &token[..token.len() - 1]);
    assert_eq!(status(&world.get(&respelled)), 401);
    for odd in [
        "",
        "a",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "a.b.c.d.e",
        "..",
        "....",
    ] {
        assert_ne!(world.status(&format!("{odd}x")), 200, "{odd}");
    }
    assert_eq!(world.status(&"x".repeat(1 << 20)), 401);
    let duplicated = harness::claims_with(&json!({})).to_string();
    let duplicated = duplicated.replacen('{', "{\"sub\":\"mallory\",", 1);
    assert_eq!(
        world.reason(&key().sign(&key().header(), &duplicated)),
        "token-claims-not-json"
    );
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(
        world.reason(&key().sign(&key().header(), &deep)),
        "token-claims-not-json"
    );
}

#[test]
fn keys_of_another_issuer_are_refused() {
    let (ours, theirs) = (Key::new("k1", 7), Key::new("k1", 9));
    let mut config = inline(&[&ours]);
    let mut second = inline(&[&theirs]).issuers.unwrap().remove(0);
    second.issuer = "https://second.example".into();
    config.issuers.as_mut().unwrap().push(second);
    let world = World::new(config);
    assert_eq!(world.status(&ours.token()), 200);
    assert_eq!(
        world.status(&theirs.token_with(&json!({ "iss": "https://second.example" }))),
        200
    );
    assert_eq!(world.reason(&theirs.token()), "token-bad-signature");
}

#[test]
fn issuers_have_their_own_rules() {
    let strict = with_issuer(|issuer| issuer.algorithms = Some(vec!["RS256".into()]));
    assert_eq!(strict.reason(&key().token()), "token-algorithm-not-allowed");
    let aged = with_issuer(|issuer| issuer.max_age = Some(5));
    assert_eq!(aged.reason(&key().token()), "token-too-old");
    assert_eq!(
        aged.reason(&key().token_with(&json!({ "iat": NOW - 3 }))),
        "allowed"
    );
    let claims = with_issuer(|issuer| issuer.required_claims = Some(vec!["tenant".into()]));
    assert_eq!(claims.reason(&key().token()), "token-missing-claim");
    assert_eq!(
        claims.reason(&key().token_with(&json!({ "tenant": "a" }))),
        "allowed"
    );
    let tolerant = with_issuer(|issuer| issuer.clock_tolerance = Some(60));
    assert_eq!(
        tolerant.reason(&key().token_with(&json!({ "exp": NOW - 59 }))),
        "allowed"
    );
    assert_eq!(
        tolerant.reason(&key().token_with(&json!({ "exp": NOW - 60 }))),
        "token-expired"
    );
    let any = with_issuer(|issuer| issuer.types = Some(vec!["*".into()]));
    let claims = harness::claims_with(&json!({ "sub": null, "client_id": null }));
    let token = key().sign(&json!({ "alg": "ES256", "kid": "k1" }), &claims.to_string());
    assert_eq!(any.reason(&token), "allowed");
}

#[test]
fn a_date_at_the_end_of_the_tolerance_is_accepted() {
    let world = with_issuer(|issuer| {
        issuer.clock_tolerance = Some(60);
        issuer.max_age = Some(100);
    });
    for (claims, expected) in [
        (json!({ "nbf": NOW + 60 }), "allowed"),
        (json!({ "nbf": NOW + 61 }), "token-not-yet-valid"),
        (json!({ "iat": NOW + 60 }), "allowed"),
        (json!({ "iat": NOW + 61 }), "token-issued-in-future"),
        (json!({ "iat": NOW - 160 }), "allowed"),
        (json!({ "iat": NOW - 161 }), "token-too-old"),
    ] {
        let token = key().token_with(&claims);
        assert_eq!(world.reason(&token), expected, "{claims}");
    }
}

#[test]
fn scopes_are_strings_or_lists_and_imply_others() {
    let config = Config {
        scopes: Some(vec!["mcp:tools".into()]),
        scope_hierarchy: Some(vec![("mcp:admin".into(), vec!["mcp:tools".into()])]),
        ..inline(&[&key()])
    };
    let world = World::new(config);
    for (claims, expected) in [
        (json!({ "scope": "a mcp:tools b" }), 200),
        (json!({ "scope": "mcp:admin" }), 200),
        (json!({ "scope": null, "scp": ["x", "mcp:tools"] }), 200),
        (json!({ "scope": null, "scp": "x mcp:tools" }), 200),
        (json!({ "scope": "", "scp": "mcp:tools" }), 403),
        (json!({ "scope": "mcp:tool" }), 403),
        (json!({ "scope": null }), 403),
    ] {
        assert_eq!(
            world.status(&key().token_with(&claims)),
            expected,
            "{claims}"
        );
    }
    let refused = answer(world.get(&key().token()));
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(
        challenge.contains("error=\"insufficient_scope\""),
        "{challenge}"
    );
    assert!(challenge.contains("scope=\"mcp:tools\""), "{challenge}");
    assert!(challenge.contains(
        "resource_metadata=\"https://api.example/.well-known/oauth-protected-resource/mcp\""
    ));
    let challenge = world.gate.require_scopes(
        &bearer("x"),
        &["mcp:tools".into()],
        &["mcp:write".into(), "mcp:read".into()],
    );
    let challenge = challenge.unwrap();
    let challenge = challenge.header("www-authenticate").unwrap();
    assert!(
        challenge.contains("scope=\"mcp:tools mcp:write mcp:read\"")
            || challenge.contains("scope=\"mcp:write mcp:read mcp:tools\""),
        "{challenge}"
    );
    let enough = world
        .gate
        .require_scopes(&bearer("x"), &["a".into()], &["a".into()]);
    assert_eq!(enough, None);
}

#[test]
fn a_bare_token_is_verified_without_a_request() {
    let world = world();
    let outcome = world.outcome(world.gate.verify(&key().token(), &["mcp:read".into()]));
    assert_eq!(status(&outcome), 200);
    let outcome = world.outcome(world.gate.verify(&key().token(), &["mcp:write".into()]));
    let answer = answer(outcome);
    assert_eq!(answer.status, 403);
    assert!(
        !answer
            .header("www-authenticate")
            .unwrap()
            .contains("resource_metadata")
    );
    assert_eq!(
        status(&world.outcome(world.gate.verify("x y\u{0}", &[]))),
        401
    );
    let of_size = |bytes| {
        let token = "x".repeat(bytes);
        harness::reason(&world.outcome(world.gate.verify(&token, &[])))
    };
    assert_eq!(of_size(limits::AUTHORIZATION_BYTES), "jws-too-large");
    assert_eq!(of_size(limits::AUTHORIZATION_BYTES + 1), "token-too-large");
}

#[test]
fn an_audience_derived_from_the_resource_follows_the_path() {
    let mut config = Config {
        resource: Some(AUDIENCE.into()),
        ..inline(&[&key()])
    };
    config.issuers.as_mut().unwrap()[0].audiences = None;
    let world = World::new(config);
    let at = |token: &str, url: &str| {
        let head = RequestHead {
            url: url.into(),
            ..bearer(token)
        };
        harness::reason(&world.send(&head))
    };
    let mcp = key().token_with(&json!({ "aud": "https://api.example/mcp" }));
    assert_eq!(at(&mcp, "https://api.example/mcp"), "allowed");
    assert_eq!(at(&mcp, "https://api.example/mcp/x"), "allowed");
    assert_eq!(
        at(&mcp, "https://api.example/other"),
        "token-wrong-audience"
    );
    assert_eq!(
        at(&mcp, "https://api.example/other/../mcp"),
        "token-wrong-audience"
    );
    assert_eq!(at(&mcp, "https://api.example/mcp/x%2fy"), "allowed");
    // With another host name, it is still this resource.
    assert_eq!(at(&mcp, "https://evil.example/mcp"), "allowed");
    let evil = key().token_with(&json!({ "aud": "https://evil.example/mcp" }));
    assert_eq!(
        at(&evil, "https://evil.example/mcp"),
        "token-wrong-audience"
    );
}

#[test]
fn tokens_in_the_query_are_ignored() {
    let world = world();
    let url = format!("https://api.example/mcp?access_token={}", key().token());
    assert_eq!(status(&world.send(&head("GET", &url))), 401);
}

#[test]
fn the_delegation_chain_starts_at_the_current_actor() {
    let world = world();
    let identity = |act: Value| {
        let outcome = world.get(&key().token_with(&json!({ "act": act })));
        let Decision::Allow(allowed) = outcome.decision else {
            return None;
        };
        world.gate.identity(allowed.identity.unwrap())
    };
    let chain =
        json!({ "sub": "worker", "client_id": "c", "act": { "sub": "agent", "iss": "https://i" } });
    let chain = identity(chain).unwrap();
    let subjects: Vec<_> = chain.actors.iter().map(|a| a.subject.as_deref()).collect();
    assert_eq!(subjects, [Some("worker"), Some("agent")]);
    assert_eq!(chain.actors[0].client_id.as_deref(), Some("c"));
    assert_eq!(chain.actors[1].issuer.as_deref(), Some("https://i"));
    let mut deep = json!({ "sub": "last" });
    for _ in 0..7 {
        deep = json!({ "sub": "x", "act": deep });
    }
    assert_eq!(identity(deep.clone()).unwrap().actors.len(), 8);
    let deep = json!({ "sub": "x", "act": deep });
    for bad in [
        json!("worker"),
        json!([]),
        json!({ "sub": 7 }),
        json!({ "sub": "" }),
        deep,
    ] {
        assert!(identity(bad.clone()).is_none(), "{bad}");
    }
}
