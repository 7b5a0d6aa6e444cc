//! Codes and refresh tokens: each is used once, by its client, with what belongs to it.

mod harness;

use harness::authorization::{
    APP, AS, Issuer, MCP, VERIFIER, approval, body, config, error, post, redemption, refreshing,
    request, text,
};
use harness::store::Fault;
use tollgate_core::authorization_server::{Approval, AuthorizationRequest, ClientConfig, Config};
use tollgate_core::secret::Secret;

fn with<'a>(form: &[(&'a str, &'a str)], name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut form: Vec<_> = form
        .iter()
        .copied()
        .filter(|(own, _)| *own != name)
        .collect();
    if !value.is_empty() {
        form.push((name, value));
    }
    form
}

#[test]
fn a_code_gives_an_access_token_and_a_refresh_token() {
    let issuer = Issuer::new(config());
    let answer = issuer.redeem(&issuer.code());
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let tokens = body(&answer);
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(tokens["scope"], "read write");
    assert!(text(&tokens, "refresh_token").starts_with("tgr_"));
    let claims = claims(&text(&tokens, "access_token"));
    assert_eq!(claims["iss"], AS);
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["aud"], MCP);
    assert_eq!(claims["client_id"], APP);
    assert_eq!(claims["scope"], "read write");
    assert_eq!(
        claims["exp"].as_u64().expect("a date") - claims["iat"].as_u64().expect("a date"),
        3600
    );
    assert!(issuer.is_active(&text(&tokens, "access_token")));
    assert!(issuer.again().is_active(&text(&tokens, "access_token")));
}

fn claims(token: &str) -> serde_json::Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).expect("a JWT");
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload);
    serde_json::from_slice(&payload.expect("base64url")).expect("JSON")
}

#[test]
fn nothing_in_a_code_or_a_token_names_the_user() {
    let issuer = Issuer::new(config());
    let (one, other) = (issuer.code(), issuer.code());
    let prefix = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b);
    // The prefix, the format and the key.
    assert!(prefix.count() <= "tgc_".len() + 3, "{one} {other}");
}

#[test]
fn a_used_code_is_refused_and_what_it_gave_is_revoked() {
    let issuer = Issuer::new(config());
    let code = issuer.code();
    let tokens = body(&issuer.redeem(&code));
    let replay = issuer.redeem(&code);
    assert_eq!(error(&replay), "invalid_grant");
    assert_eq!(replay.reason, Some("code-used"));
    assert!(!issuer.is_active(&text(&tokens, "access_token")));
    let refreshed = issuer.refresh(&text(&tokens, "refresh_token"));
    assert_eq!(refreshed.reason, Some("grant-unknown"));
}

#[test]
fn checks_that_fail_leave_the_code_as_it_is() {
    let issuer = Issuer::new(config());
    let code = issuer.code();
    let good = redemption(&code);
    let other_verifier = "a".repeat(43);
    for (form, status, reason) in [
        (
            with(&good, "code_verifier", &other_verifier),
            400,
            "code-verifier",
        ),
        (with(&good, "code_verifier", ""), 400, "code-verifier"),
        (with(&good, "code_verifier", "short"), 400, "code-verifier"),
        (
            with(&good, "redirect_uri", "https://app.example/other"),
            400,
            "code-redirect-uri",
        ),
        (
            with(&good, "resource", "https://other.example"),
            400,
            "target-beyond-grant",
        ),
        (with(&good, "scope", "admin"), 400, "scope-beyond-grant"),
        (with(&good, "client_id", "nobody"), 401, "unknown-client"),
        (
            with(&good, "code", &code[..code.len() - 1]),
            400,
            "grant-unknown",
        ),
        (
            with(&good, "grant_type", "password"),
            400,
            "unsupported-grant-type",
        ),
        (with(&good, "grant_type", ""), 400, "missing-parameter"),
        (with(&good, "code", ""), 400, "missing-parameter"),
    ] {
        let answer = issuer.token(&form);
        assert_eq!(
            (answer.status, answer.reason),
            (status, Some(reason)),
            "{form:?}"
        );
    }
    assert_eq!(issuer.token(&good).status, 200);
}

#[test]
fn every_changed_character_of_a_code_is_noticed_without_the_store() {
    let issuer = Issuer::new(config());
    let code = issuer.code();
    for index in 0..code.len() {
        let mut changed = code.clone().into_bytes();
        changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("ASCII");
        if changed == code {
            continue;
        }
        let before = issuer.store.operations.get();
        let answer = issuer.redeem(&changed);
        assert_eq!(answer.reason, Some("grant-unknown"), "{index}");
        assert_eq!(issuer.store.operations.get(), before, "{index}");
    }
}

#[test]
fn codes_expire() {
    let issuer = Issuer::new(config());
    let code = issuer.code();
    issuer.host.advance(60_000);
    // The record is gone with it.
    assert_eq!(issuer.redeem(&code).reason, Some("grant-unknown"));
}

#[test]
fn codes_of_another_client_are_refused_and_stay_valid() {
    let mut config = config();
    config.clients.push(ClientConfig {
        id: "other".into(),
        redirect_uris: vec!["https://other.example/".into()],
        ..ClientConfig::default()
    });
    let issuer = Issuer::new(config);
    let code = issuer.code();
    let answer = issuer.token(&with(&redemption(&code), "client_id", "other"));
    assert_eq!(answer.reason, Some("grant-other-client"));
    let tokens = body(&issuer.redeem(&code));
    let token = text(&tokens, "refresh_token");
    let answer = issuer.token(&with(&refreshing(&token), "client_id", "other"));
    assert_eq!(answer.reason, Some("grant-other-client"));
    assert_eq!(issuer.refresh(&token).status, 200);
}

#[test]
fn a_verifier_without_a_challenge_is_refused() {
    let mut config = config();
    config.clients[0].secrets = vec![Secret::new("confidential app 1")];
    config.confidential_clients_may_omit_pkce = Some(true);
    let issuer = Issuer::new(config);
    let request = AuthorizationRequest {
        code_challenge: None,
        ..request()
    };
    let secret = ("client_secret", "confidential app 1");
    let code = issuer.code_for(&request, approval());
    let mut form = with(&redemption(&code), "code_verifier", VERIFIER);
    form.push(secret);
    assert_eq!(issuer.token(&form).reason, Some("code-verifier"));
    let form = with(&form, "code_verifier", "");
    let without_redirect = with(&form, "redirect_uri", "");
    assert_eq!(
        issuer.token(&without_redirect).reason,
        Some("code-redirect-uri")
    );
    assert_eq!(issuer.token(&form).status, 200);
}

#[test]
fn one_of_fifty_redemptions_at_once_succeeds() {
    let issuer = Issuer::new(config());
    let code = issuer.code();
    issuer.store.delay.set(3);
    let tasks = (0..50).map(|_| issuer.start("/token", &redemption(&code)));
    let answers = issuer.all(tasks.collect());
    let good: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .collect();
    assert_eq!(good.len(), 1);
    let others = answers.iter().filter(|answer| answer.status != 200);
    assert!(others.map(error).all(|error| error == "invalid_grant"));
    let access_token = text(&body(good[0]), "access_token");
    assert!(issuer.is_active(&access_token));
    issuer.redeem(&code);
    assert!(!issuer.is_active(&access_token));
}

#[test]
fn fifty_refreshes_at_once_get_the_same_answer() {
    let issuer = Issuer::new(config());
    let token = text(&issuer.tokens(), "refresh_token");
    issuer.store.delay.set(3);
    let tasks = (0..50).map(|_| issuer.start("/token", &refreshing(&token)));
    let answers = issuer.all(tasks.collect());
    let first = body(&answers[0]);
    for answer in &answers {
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(body(answer)["access_token"], first["access_token"]);
        assert_eq!(body(answer)["refresh_token"], first["refresh_token"]);
    }
    let next = issuer.refresh(&text(&first, "refresh_token"));
    assert_eq!(next.status, 200);
}

#[test]
fn a_retry_gets_the_same_answer_within_the_grace() {
    let issuer = Issuer::new(config());
    let token = text(&issuer.tokens(), "refresh_token");
    let first = body(&issuer.refresh(&token));
    issuer.host.advance(59_000);
    let again = body(&issuer.again().refresh(&token));
    assert_eq!(again["access_token"], first["access_token"]);
    assert_eq!(again["refresh_token"], first["refresh_token"]);
    assert_eq!(again["expires_in"], 3541);
}

#[test]
fn a_replaced_token_revokes_the_grant_after_the_grace() {
    let issuer = Issuer::new(config());
    let token = text(&issuer.tokens(), "refresh_token");
    let next = body(&issuer.refresh(&token));
    issuer.host.advance(60_000);
    let reused = issuer.refresh(&token);
    assert_eq!(error(&reused), "invalid_grant");
    assert_eq!(reused.reason, Some("refresh-reused"));
    assert!(!issuer.is_active(&text(&next, "access_token")));
    let answer = issuer.refresh(&text(&next, "refresh_token"));
    assert_eq!(answer.reason, Some("grant-unknown"));
}

#[test]
fn an_older_token_revokes_the_grant_at_once() {
    let issuer = Issuer::new(config());
    let oldest = text(&issuer.tokens(), "refresh_token");
    let second = text(&body(&issuer.refresh(&oldest)), "refresh_token");
    let third = text(&body(&issuer.refresh(&second)), "refresh_token");
    assert_eq!(issuer.refresh(&oldest).reason, Some("refresh-reused"));
    assert_eq!(issuer.refresh(&third).reason, Some("grant-unknown"));
}

#[test]
fn grants_end_however_often_they_are_refreshed() {
    let issuer = Issuer::new(Config {
        refresh_token_lifetime: Some(7200),
        ..config()
    });
    let mut token = text(&issuer.tokens(), "refresh_token");
    issuer.host.advance(5_400_000);
    let tokens = body(&issuer.refresh(&token));
    token = text(&tokens, "refresh_token");
    // The access token ends with its grant.
    assert_eq!(tokens["expires_in"], 1800);
    issuer.host.advance(1_800_000);
    assert_eq!(issuer.refresh(&token).reason, Some("grant-unknown"));
}

#[test]
fn grants_that_are_not_refreshed_end_early() {
    let issuer = Issuer::new(Config {
        refresh_token_idle_lifetime: Some(600),
        ..config()
    });
    let mut token = text(&issuer.tokens(), "refresh_token");
    for _ in 0..3 {
        issuer.host.advance(599_000);
        token = text(&body(&issuer.refresh(&token)), "refresh_token");
    }
    issuer.host.advance(600_000);
    assert_eq!(issuer.refresh(&token).reason, Some("grant-unknown"));
}

#[test]
fn without_a_lifetime_there_are_no_refresh_tokens() {
    let issuer = Issuer::new(Config {
        refresh_token_lifetime: Some(0),
        ..config()
    });
    let tokens = issuer.tokens();
    assert_eq!(tokens.get("refresh_token"), None);
    assert!(issuer.is_active(&text(&tokens, "access_token")));
}

#[test]
fn scopes_and_resources_can_only_narrow() {
    let issuer = Issuer::new(config());
    let request = AuthorizationRequest {
        resources: vec![MCP.into(), "https://other.example".into()],
        ..request()
    };
    let code = issuer.code_for(&request, approval());
    let tokens = body(&issuer.token(&with(&redemption(&code), "scope", "read")));
    assert_eq!(tokens["scope"], "read");
    let token = text(&tokens, "refresh_token");
    let form = with(&refreshing(&token), "resource", "https://other.example/");
    let refreshed = body(&issuer.token(&form));
    // The grant keeps what the user allowed.
    assert_eq!(refreshed["scope"], "read write");
    let claims = claims(&text(&refreshed, "access_token"));
    assert_eq!(claims["aud"], "https://other.example");
    let token = text(&refreshed, "refresh_token");
    for (name, value, reason) in [
        ("scope", "admin", "scope-beyond-grant"),
        ("scope", "a\"b", "scope-malformed"),
        ("resource", "https://third.example", "target-beyond-grant"),
    ] {
        let answer = issuer.token(&with(&refreshing(&token), name, value));
        assert_eq!(answer.reason, Some(reason));
    }
    assert_eq!(issuer.refresh(&token).status, 200);
}

#[test]
fn a_new_grant_replaces_the_old_one_when_its_code_is_redeemed() {
    let issuer = Issuer::new(config());
    let old = text(&issuer.tokens(), "refresh_token");
    let replacing = || Approval {
        replaces_others: true,
        ..approval()
    };
    let abandoned = issuer.code_for(&request(), replacing());
    let old = text(&body(&issuer.refresh(&old)), "refresh_token");
    let code = issuer.code_for(&request(), replacing());
    let new = text(&body(&issuer.redeem(&code)), "refresh_token");
    assert_eq!(issuer.refresh(&old).reason, Some("grant-unknown"));
    assert_eq!(issuer.refresh(&new).status, 200);
    // The code in the other tab still works.
    assert_eq!(issuer.redeem(&abandoned).status, 200);
}

#[test]
fn a_revocation_during_a_refresh_stays() {
    let issuer = Issuer::new(config());
    let tokens = issuer.tokens();
    let token = text(&tokens, "refresh_token");
    issuer.store.delay.set(5);
    let mut refresh = issuer.start("/token", &refreshing(&token));
    for _ in 0..3 {
        let _ = refresh.poll();
    }
    issuer.store.delay.set(0);
    let revoked = issuer.post("/revoke", &[("client_id", APP), ("token", &token)]);
    assert_eq!(revoked.status, 200);
    let answer = issuer.finish(refresh);
    assert_eq!(answer.reason, Some("grant-unknown"));
    assert!(!issuer.is_active(&text(&tokens, "access_token")));
}

#[test]
fn a_store_that_fails_is_never_the_fault_of_the_client() {
    for fault in [Fault::Before, Fault::After, Fault::Silence] {
        for at in 0.. {
            let issuer = Issuer::new(config());
            let code = issuer.code();
            let start = issuer.store.operations.get();
            issuer.store.fault.set(Some((start + at, fault)));
            let answer = issuer.redeem(&code);
            // One failure is bridged.
            assert_eq!(answer.status, 200, "{fault:?} {at} {answer:?}");
            let token = text(&body(&answer), "refresh_token");
            if issuer.store.operations.get() <= start + at {
                break;
            }
            assert_eq!(issuer.refresh(&token).status, 200, "{fault:?} {at}");
        }
        for at in 0.. {
            let issuer = Issuer::new(config());
            let token = text(&issuer.tokens(), "refresh_token");
            let start = issuer.store.operations.get();
            issuer.store.fault.set(Some((start + at, fault)));
            let answer = issuer.refresh(&token);
            assert_eq!(answer.status, 200, "{fault:?} {at} {answer:?}");
            if issuer.store.operations.get() <= start + at {
                break;
            }
        }
    }
}

#[test]
fn during_an_outage_clients_are_asked_to_try_again() {
    let issuer = Issuer::new(config());
    let token = text(&issuer.tokens(), "refresh_token");
    let code = issuer.code();
    issuer.store.fault.set(Some((0, Fault::Before)));
    issuer.store.stays_down.set(true);
    for form in [&redemption(&code)[..], &refreshing(&token)] {
        let answer = issuer.token(form);
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(error(&answer), "temporarily_unavailable");
        assert!(answer.header("retry-after").is_some());
    }
    issuer.store.fault.set(None);
    assert_eq!(issuer.redeem(&code).status, 200);
    assert_eq!(issuer.refresh(&token).status, 200);
}

#[test]
fn a_code_is_not_lost_when_the_store_goes_away_with_it() {
    for fault in [Fault::After, Fault::Silence] {
        let issuer = Issuer::new(config());
        let code = issuer.code();
        // The read succeeds; the commit takes place, and everything after it fails.
        let commit = issuer.store.operations.get() + 1;
        issuer.store.fault.set(Some((commit, fault)));
        issuer.store.stays_down.set(true);
        assert_eq!(issuer.redeem(&code).status, 503);
        issuer.store.fault.set(None);
        let other_verifier = "a".repeat(43);
        let wrong = with(&redemption(&code), "code_verifier", &other_verifier);
        assert_eq!(issuer.token(&wrong).reason, Some("code-verifier"));
        let answer = issuer.redeem(&code);
        assert_eq!(answer.status, 200, "{fault:?} {answer:?}");
        let token = text(&body(&answer), "access_token");
        assert!(issuer.is_active(&token));
        // After that, the code is a used one.
        assert_eq!(issuer.token(&wrong).reason, Some("code-used"));
        assert!(!issuer.is_active(&token));
    }
}

#[test]
fn a_client_may_revoke_only_its_own_tokens() {
    let issuer = Issuer::new(config());
    let tokens = issuer.tokens();
    for name in ["access_token", "refresh_token"] {
        let token = text(&tokens, name);
        let answer = issuer.post(
            "/revoke",
            &[
                ("client_id", "service"),
                ("client_secret", "service secret 1"),
                ("token", &token),
            ],
        );
        assert_eq!(answer.reason, Some("grant-other-client"), "{name}");
    }
    let access_token = text(&tokens, "access_token");
    for token in [&access_token[..], "unknown", "a.b.c"] {
        let answer = issuer.post("/revoke", &[("client_id", APP), ("token", token)]);
        assert_eq!(answer.status, 200);
    }
    assert!(!issuer.is_active(&access_token));
    assert_eq!(issuer.refresh(&text(&tokens, "refresh_token")).status, 200);
}

#[test]
fn the_deployment_secret_can_be_replaced() {
    let old = Issuer::new(config());
    let token = text(&old.tokens(), "refresh_token");
    let new_secret = Secret::new("fedcba9876543210fedcba9876543210");
    let both = Config {
        secrets: vec![new_secret.clone(), config().secrets[0].clone()],
        ..config()
    };
    let during = Issuer::on(old.host.clone(), old.store.clone(), both);
    let token = text(&body(&during.refresh(&token)), "refresh_token");
    let after = Config {
        secrets: vec![new_secret],
        ..config()
    };
    let after = Issuer::on(old.host.clone(), old.store.clone(), after);
    assert_eq!(after.refresh(&token).status, 200);
    // Whoever has only the former secret cannot start.
    assert_eq!(
        old.again().refresh(&token).reason,
        Some("deployment-secret")
    );
}

#[test]
fn other_clients_learn_only_about_tokens_for_their_resources() {
    let mut config = config();
    config.clients[1].serves = vec!["https://other.example".into()];
    let issuer = Issuer::new(config);
    let token = text(&issuer.tokens(), "access_token");
    assert!(!issuer.is_active(&token));
    let public = issuer.post("/introspect", &[("client_id", APP), ("token", &token)]);
    assert_eq!(public.reason, Some("client-authentication-missing"));
}

#[test]
fn only_post_is_a_token_request() {
    let issuer = Issuer::new(config());
    for path in ["/token", "/revoke", "/introspect"] {
        let mut request = post(path, &[]);
        request.method = "GET".into();
        let answer = issuer.finish(issuer.server.respond(request));
        assert_eq!(answer.status, 405);
        assert_eq!(answer.header("allow"), Some("POST"));
    }
}

#[test]
fn no_secret_is_stored() {
    let issuer = Issuer::new(config());
    let tokens = issuer.tokens();
    let refreshed = body(&issuer.refresh(&text(&tokens, "refresh_token")));
    let stored = format!("{:?}", issuer.store.memory);
    let is_stored = |text: &str| {
        let bytes = format!("{:?}", text.as_bytes());
        stored.contains(bytes.trim_matches(['[', ']']))
    };
    for tokens in [&tokens, &refreshed] {
        for name in ["access_token", "refresh_token"] {
            let token = text(tokens, name);
            assert!(!is_stored(&token), "{name}");
            assert!(!is_stored(&token[token.len() - 20..]), "{name}");
        }
    }
    assert!(!is_stored("Alice"));
    // What is stored openly is found by this search.
    assert!(is_stored("alice"));
}

#[test]
fn the_application_sees_checks_and_revokes_grants() {
    let issuer = Issuer::new(config());
    let (first, second) = (issuer.tokens(), issuer.tokens());
    let _ = issuer.code();
    let grants = |cursor| {
        let task = issuer.server.user_grants("alice".into(), cursor);
        issuer.finish(task).expect("grants")
    };
    assert_eq!(grants(None).grants.len(), 2);
    let check = |tokens: &serde_json::Value, resource: &str| {
        let token = Secret::new(text(tokens, "access_token"));
        let task = issuer.server.check_token(token, resource.into());
        issuer.finish(task).expect("a verdict")
    };
    assert!(check(&first, "https://other.example").is_none());
    let info = check(&first, MCP).expect("a valid token");
    assert_eq!(info.subject, "alice");
    let props = info.props.expect("props");
    assert_eq!(props.expose(), r#"{"name":"Alice"}"#);
    let id = info.grant_id.expect("a grant");
    let revoke = |user: &str| {
        let task = issuer.server.revoke_grant(user.into(), id.clone());
        issuer.finish(task).expect("an answer")
    };
    assert!(!revoke("bob"));
    assert!(revoke("alice"));
    assert!(!revoke("alice"));
    assert!(check(&first, MCP).is_none());
    assert!(check(&second, MCP).is_some());
    let all = issuer.finish(issuer.server.revoke_user("alice".into()));
    assert_eq!(all, Ok(2));
    assert!(check(&second, MCP).is_none());
    assert!(grants(None).grants.is_empty());
}

#[test]
fn pages_have_every_grant_once() {
    let issuer = Issuer::new(config());
    for _ in 0..130 {
        issuer.tokens();
    }
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = issuer.finish(issuer.server.user_grants("alice".into(), cursor));
        let page = page.expect("grants");
        seen.extend(page.grants.into_iter().map(|grant| grant.id));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 130);
}

#[test]
fn opaque_tokens_work_at_once_and_end_with_their_grant() {
    let issuer = Issuer::new(Config {
        access_token: Some(tollgate_core::authorization_server::AccessTokenFormat::Opaque),
        ..config()
    });
    let tokens = issuer.tokens();
    let token = text(&tokens, "access_token");
    assert!(token.starts_with("tga_"));
    assert!(issuer.again().is_active(&token));
    let info = issuer.server.check_token(Secret::new(&*token), MCP.into());
    let info = issuer.finish(info).expect("a verdict").expect("valid");
    assert!(info.props.is_some());
    let refreshed = body(&issuer.refresh(&text(&tokens, "refresh_token")));
    let second = text(&refreshed, "access_token");
    issuer.post("/revoke", &[("client_id", APP), ("token", &token)]);
    assert!(!issuer.is_active(&token));
    assert!(issuer.is_active(&second));
    let refresh_token = text(&refreshed, "refresh_token");
    issuer.post("/revoke", &[("client_id", APP), ("token", &refresh_token)]);
    assert!(!issuer.is_active(&second));
}

#[test]
fn signing_keys_are_published_before_they_sign_and_after() {
    const DAY_MS: u64 = 86_400_000;
    let issuer = Issuer::new(config());
    let published = |issuer: &Issuer| {
        let mut request = post("/jwks", &[]);
        request.method = "GET".into();
        let answer = issuer.finish(issuer.server.respond(request));
        assert_eq!(answer.status, 200, "{answer:?}");
        let keys = body(&answer)["keys"].as_array().expect("keys").clone();
        assert!(keys.iter().all(|key| key.get("d").is_none()));
        keys.iter().map(|key| text(key, "kid")).collect::<Vec<_>>()
    };
    let signer = |issuer: &Issuer| {
        let token = text(&issuer.tokens(), "access_token");
        let header = token.split('.').next().expect("a JWT");
        use base64::Engine as _;
        let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header);
        text(
            &serde_json::from_slice(&header.expect("base64url")).expect("JSON"),
            "kid",
        )
    };
    let first = signer(&issuer);
    assert_eq!(published(&issuer), std::slice::from_ref(&first));
    issuer.host.advance(89 * DAY_MS);
    assert_eq!(signer(&issuer), first);
    let both = published(&issuer);
    assert_eq!((both.len(), &both[0]), (2, &first));
    // An instance that starts now makes no third key.
    assert_eq!(published(&issuer.again()), both);
    issuer.host.advance(DAY_MS);
    assert_eq!(signer(&issuer.again()), both[1]);
    assert_eq!(published(&issuer), both);
    issuer.host.advance(89 * DAY_MS);
    assert_eq!(published(&issuer).len(), 2);
    assert_ne!(published(&issuer)[0], first);
}
