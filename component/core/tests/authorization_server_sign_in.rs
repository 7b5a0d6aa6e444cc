//! Sign-in and consent on the server's own pages, in browsers with one or several tabs.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

use harness::authorization::VERIFIER;
use harness::browser::{
    AUTH, Browser, CALLBACK, Server, authorize, between, html, location, provider, query, reason,
    refresh, signing_in, upstream_signs_in, with_provider,
};
use tollgate_core::answer::Answer;
use tollgate_core::authorization_server::{
    ClaimRuleConfig, Config, EndpointsConfig, LanguageConfig, PagesConfig, ProviderConfig,
    ProviderKind, SignInConfig, TrustedHeaderConfig,
};
use tollgate_core::secret::Secret;

fn server() -> Server {
    Server::new(&with_provider(provider("corp")))
}

/// The code that a page leads to the client with.
fn code(answer: &Answer) -> String {
    let url = refresh(answer);
    assert!(url.starts_with(CALLBACK), "{url}");
    let parameters = query(&url);
    assert_eq!(
        (&*parameters["state"], &*parameters["iss"]),
        ("the state", AUTH)
    );
    parameters["code"].clone()
}

#[test]
fn a_user_signs_in_and_allows() {
    let server = server();
    let browser = Browser::new(&server);
    let started = browser.get(&authorize(&[("login_hint", "alice")]));
    let asked = query(&location(&started));
    assert_eq!(asked["client_id"], "tollgate");
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["redirect_uri"], "https://auth.example/callback/corp");
    assert_eq!(asked["scope"], "openid email profile");
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!(asked["login_hint"], "alice");
    for random in ["state", "nonce", "code_challenge"] {
        assert_eq!(asked[random].len(), 43, "{random}");
    }
    let cookie = started.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-tollgate-"), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"));
    assert!(!cookie.contains(&asked["state"]));

    let consent = browser.get(&upstream_signs_in(&location(&started)));
    let page = browser.get(&location(&consent));
    let text = html(&page);
    for shown in [
        "The app",
        "alice@example.com",
        "read",
        "write",
        "app.example",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert!(code(&browser.press(&page, "decision", "allow")).starts_with("tgc_"));
}

#[test]
fn a_user_denies() {
    let server = server();
    let browser = Browser::new(&server);
    let page = browser.consent_page();
    let url = refresh(&browser.press(&page, "decision", "deny"));
    assert_eq!(query(&url)["error"], "access_denied");
    assert_eq!(query(&url)["state"], "the state");
}

#[test]
fn a_double_submit_gives_one_code() {
    let server = server();
    let browser = Browser::new(&server);
    let page = browser.consent_page();
    let first = code(&browser.press(&page, "decision", "allow"));
    assert_eq!(code(&browser.press(&page, "decision", "allow")), first);
    // The answer counts that was given first.
    assert_eq!(code(&browser.press(&page, "decision", "deny")), first);
    server.host.advance(6_000);
    let late = browser.press(&page, "decision", "allow");
    assert_eq!(reason(&late), "sign-in-answered");
}

#[test]
fn submissions_at_the_same_time_give_one_code() {
    let server = server();
    let browser = Browser::new(&server);
    let page = browser.consent_page();
    let press = || {
        server
            .server
            .respond(browser.pressing(&page, "decision", "allow"))
    };
    server.store.delay.set(3);
    let answers = server.all((0..20).map(|_| press()).collect());
    let first = code(&answers[0]);
    for answer in &answers {
        assert_eq!(code(answer), first);
    }
    let deny = server
        .server
        .respond(browser.pressing(&browser.consent_page(), "decision", "deny"));
    assert!(query(&refresh(&server.finish(deny))).contains_key("error"));
}

#[test]
fn the_back_button_shows_that_the_request_is_answered() {
    let server = server();
    let browser = Browser::new(&server);
    let upstream = location(&browser.get(&authorize(&[])));
    let callback = upstream_signs_in(&upstream);
    let consent = location(&browser.get(&callback));
    // Back before the answer: the page again, and the provider's code is not used again.
    let exchanges = || server.host.fetches(harness::browser::ID_TOKEN);
    assert_eq!(exchanges(), 1);
    assert_eq!(location(&browser.get(&callback)), consent);
    assert_eq!(exchanges(), 1);
    let page = browser.get(&consent);
    browser.press(&page, "decision", "allow");
    for url in [&consent, &location(&browser.get(&callback))] {
        let again = browser.get(url);
        assert_eq!(reason(&again), "sign-in-answered");
        assert!(html(&again).contains("You have already answered"));
        assert!(!html(&again).contains("tgc_"));
    }
}

#[test]
fn two_tabs_do_not_disturb_each_other() {
    let server = server();
    let browser = Browser::new(&server);
    let one = location(&browser.get(&authorize(&[("scope", "read")])));
    let two = location(&browser.get(&authorize(&[("scope", "write")])));
    assert_eq!(browser.cookies.borrow().len(), 2);
    let two = browser.get(&location(&browser.get(&upstream_signs_in(&two))));
    let one = browser.get(&location(&browser.get(&upstream_signs_in(&one))));
    assert!(html(&one).contains("read") && !html(&one).contains("write"));
    assert!(html(&two).contains("write"));
    assert_ne!(
        code(&browser.press(&one, "decision", "allow")),
        code(&browser.press(&two, "decision", "allow"))
    );
}

#[test]
fn a_page_expires() {
    let server = server();
    let browser = Browser::new(&server);
    let upstream = location(&browser.get(&authorize(&[])));
    server.host.advance(599_000);
    let consent = location(&browser.get(&upstream_signs_in_late(&upstream)));
    // The next step has its own time.
    server.host.advance(599_000);
    let page = browser.get(&consent);
    assert_eq!(page.status, 200);
    server.host.advance(2_000);
    for late in [
        browser.get(&consent),
        browser.press(&page, "decision", "allow"),
    ] {
        assert_eq!(reason(&late), "sign-in-expired");
        assert!(html(&late).contains("This page has expired"));
    }
    let upstream = location(&browser.get(&authorize(&[])));
    server.host.advance(601_000);
    assert_eq!(
        reason(&browser.get(&upstream_signs_in(&upstream))),
        "sign-in-expired"
    );
}

fn upstream_signs_in_late(url: &str) -> String {
    let now = harness::NOW + 599;
    let dates = serde_json::json!({ "iat": now, "exp": now + 60 });
    harness::browser::upstream_signs_in_with(url, &dates)
}

#[test]
fn only_the_browser_that_started_a_flow_goes_on_with_it() {
    let server = server();
    let (browser, other) = (Browser::new(&server), Browser::new(&server));
    let upstream = location(&browser.get(&authorize(&[])));
    let callback = upstream_signs_in(&upstream);
    // Without a cookie, with that of another flow, and with another value.
    assert_eq!(reason(&other.get(&callback)), "sign-in-expired");
    other.get(&authorize(&[]));
    assert_eq!(reason(&other.get(&callback)), "sign-in-expired");
    let (name, value) = browser
        .cookies
        .borrow()
        .first_key_value()
        .map(|(n, v)| (n.clone(), v.clone()))
        .unwrap();
    let wrong: String = value.chars().rev().collect();
    for wrong in [&wrong, "", "x", &value[..42]] {
        other
            .cookies
            .borrow_mut()
            .insert(name.clone(), wrong.to_owned());
        assert_eq!(reason(&other.get(&callback)), "sign-in-expired", "{wrong}");
    }
    assert_eq!(server.host.fetches(harness::browser::ID_TOKEN), 0);
    let consent = location(&browser.get(&callback));
    let page = browser.get(&consent);
    assert_eq!(reason(&other.get(&consent)), "sign-in-expired");
    assert_eq!(
        reason(&other.press(&page, "decision", "allow")),
        "sign-in-expired"
    );
    code(&browser.press(&page, "decision", "allow"));
}

#[test]
fn the_cookies_of_abandoned_flows_do_not_pile_up() {
    let server = server();
    let browser = Browser::new(&server);
    let removed = |answer: &Answer| {
        let cookies = answer
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie");
        cookies
            .filter(|(_, value)| value.contains("Max-Age=0"))
            .count()
    };
    for _ in 0..16 {
        assert_eq!(removed(&browser.get(&authorize(&[]))), 0);
    }
    let first = browser.cookies.borrow().keys().next().unwrap().clone();
    let answer = browser.get(&authorize(&[]));
    assert_eq!(removed(&answer), 1);
    let removal = format!("{first}=; Path=/; Max-Age=0; Secure");
    assert!(
        answer.headers.iter().any(|(_, value)| *value == removal),
        "{answer:?}"
    );
    // Cookies of others are left alone.
    let other = Browser::new(&server);
    for index in 0..20 {
        other
            .cookies
            .borrow_mut()
            .insert(format!("other-{index}"), "x".into());
        let odd = format!("__Host-tollgate-\"{index:0>11}");
        other.cookies.borrow_mut().insert(odd, "x".into());
    }
    assert_eq!(removed(&other.get(&authorize(&[]))), 0);
}

#[test]
fn a_handle_that_was_never_made_is_expired() {
    let server = server();
    let browser = Browser::new(&server);
    for handle in ["", "x", &"A".repeat(43), &"!".repeat(43), "../../../k0"] {
        let url = format!("{AUTH}/consent?flow={handle}");
        assert_eq!(reason(&browser.get(&url)), "sign-in-expired", "{handle}");
    }
}

#[test]
fn forms_of_other_sites_are_refused() {
    let server = server();
    let browser = Browser::new(&server);
    let page = browser.consent_page();
    let with = |name: &str, value: Option<&str>| {
        let mut request = browser.pressing(&page, "decision", "allow");
        request.headers.retain(|(own, _)| own != name);
        if let Some(value) = value {
            request.headers.push((name.into(), value.into()));
        }
        server.send(request)
    };
    for (name, value) in [
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Origin", "http://auth.example"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Site", "none"),
    ] {
        let answer = with(name, Some(value));
        assert_eq!(reason(&answer), "sign-in-cross-site", "{name}: {value}");
        assert_eq!(answer.status, 403);
    }
    let mut choice = browser.form("/sign-in", &[("flow", "x"), ("user", "alice")]);
    choice
        .headers
        .push(("sec-fetch-site".into(), "cross-site".into()));
    assert_eq!(reason(&server.send(choice)), "sign-in-cross-site");
    let url = format!("{AUTH}/consent?decision=allow");
    assert_eq!(
        reason(&browser.get(&url)),
        "sign-in-expired",
        "a link decides nothing"
    );
    let odd = browser.form("/consent", &[("flow", "x")]);
    assert_eq!(reason(&server.send(odd)), "missing-parameter");
    let odd = browser.form("/consent", &[("decision", "maybe")]);
    assert_eq!(reason(&server.send(odd)), "bad-parameter");
    // A browser that does not send them.
    code(&with("Origin", None));
    let request = |method: &str| {
        let mut request = browser.request(method, &format!("{AUTH}/consent"));
        request.headers.clear();
        server.send(request)
    };
    assert_eq!(request("PUT").status, 405);
}

#[test]
fn pages_can_be_framed_and_changed_by_nobody() {
    let server = server();
    let browser = Browser::new(&server);
    let page = browser.consent_page();
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(policy.ends_with("; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"));
    assert!(!policy.contains("unsafe"));
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    assert!(!html(&page).contains("<script"));
    let forward = browser.press(&page, "decision", "allow");
    let policy = forward.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'none'"), "{policy}");
    assert_eq!(forward.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(forward.header("cache-control"), Some("no-store"));
}

#[test]
fn a_code_is_not_lost_when_the_store_fails() {
    let server = server();
    let browser = Browser::new(&server);
    let page = browser.consent_page();
    // Nothing can be written: the user may try again.
    server.store.commits_left.set(Some(0));
    let down = browser.press(&page, "decision", "allow");
    assert_eq!((reason(&down), down.status), ("store-unavailable", 503));
    assert!(html(&down).contains("Temporarily unavailable"));
    server.store.commits_left.set(None);
    code(&browser.press(&page, "decision", "allow"));
}

#[test]
fn a_code_that_could_not_be_noted_is_not_given() {
    let server = server();
    let browser = Browser::new(&server);
    let page = browser.consent_page();
    // The step before the code is written, and the step behind it is not.
    server.store.commits_left.set(Some(1));
    let down = browser.press(&page, "decision", "allow");
    assert_eq!(reason(&down), "store-unavailable");
    assert!(!html(&down).contains("tgc_"));
    server.store.commits_left.set(None);
    let first = code(&browser.press(&page, "decision", "allow"));
    assert_eq!(code(&browser.press(&page, "decision", "allow")), first);
}

#[test]
fn a_submission_that_was_cut_is_taken_over() {
    let server = server();
    let browser = Browser::new(&server);
    // Cut after each number of polls.
    for polls in 1..40 {
        let page = browser.consent_page();
        server.store.delay.set(2);
        let request = browser.pressing(&page, "decision", "allow");
        let mut cut = server.server.respond(request);
        for _ in 0..polls {
            let _ = cut.poll();
        }
        drop(cut);
        let first = code(&browser.press(&page, "decision", "allow"));
        assert_eq!(
            code(&browser.press(&page, "decision", "allow")),
            first,
            "{polls}"
        );
        server.store.delay.set(0);
    }
}

#[test]
fn a_submission_that_is_overtaken_gives_the_answer_that_counts() {
    let server = server();
    let browser = Browser::new(&server);
    for polls in 1..40 {
        let page = browser.consent_page();
        server.store.delay.set(2);
        let request = browser.pressing(&page, "decision", "allow");
        let mut slow = server.server.respond(request);
        let mut early = None;
        for _ in 0..polls {
            if let tollgate_core::task::Progress::Ready(answer) = slow.poll() {
                early = Some(answer);
            }
        }
        server.host.advance(2_000);
        let second = code(&browser.press(&page, "decision", "allow"));
        let slow = early.unwrap_or_else(|| server.finish(slow));
        assert_eq!(code(&slow), second, "{polls}");
        server.store.delay.set(0);
    }
}

#[test]
fn a_page_is_shown_again_when_its_submission_was_cut() {
    let server = server();
    let browser = Browser::new(&server);
    let page = browser.consent_page();
    let consent = format!(
        "{AUTH}/consent?flow={}",
        between(html(&page), "name=\"flow\" value=\"", "\"")
    );
    server.store.commits_left.set(Some(1));
    browser.press(&page, "decision", "allow");
    server.store.commits_left.set(None);
    server.host.advance(2_000);
    let page = browser.get(&consent);
    let url = refresh(&browser.press(&page, "decision", "deny"));
    assert_eq!(query(&url)["error"], "access_denied");
}

#[test]
fn the_storage_alone_opens_nothing() {
    let server = server();
    let browser = Browser::new(&server);
    let upstream = location(&browser.get(&authorize(&[])));
    let handle = query(&upstream)["state"].clone();
    let consent = location(&browser.get(&upstream_signs_in(&upstream)));
    let page = browser.get(&consent);
    let code = code(&browser.press(&page, "decision", "allow"));
    let cookie = browser.cookies.borrow().values().next().unwrap().clone();
    let written = server.store.written().concat();
    let written = String::from_utf8_lossy(&written);
    for secret in [&*handle, &cookie, &code, "upstream-access", "the state"] {
        assert!(!written.contains(secret), "{secret}");
    }
    // Who the user is, is known in the grant. This also shows that the search finds things.
    assert!(written.contains("alice"));
}

#[test]
fn without_a_page_nobody_is_signed_in() {
    let server = server();
    let browser = Browser::new(&server);
    let answer = browser.get(&authorize(&[("prompt", "none")]));
    let parameters = query(&location(&answer));
    assert_eq!(parameters["error"], "login_required");
    assert_eq!(parameters["state"], "the state");
    assert_eq!(browser.cookies.borrow().len(), 0);
    let bad = browser.get(&authorize(&[("redirect_uri", "https://evil.example/")]));
    assert_eq!(reason(&bad), "redirect-uri-unregistered");
}

#[test]
fn the_wish_to_sign_in_again_is_passed_on() {
    let server = server();
    let browser = Browser::new(&server);
    let asked = |prompt: &str| {
        let url = location(&browser.get(&authorize(&[("prompt", prompt)])));
        query(&url).get("prompt").cloned()
    };
    assert_eq!(
        asked("login select_account"),
        Some("login select_account".into())
    );
    assert_eq!(asked("consent"), None);
}

#[test]
fn paths_may_be_chosen() {
    let path = |path: &str| Some(path.to_owned());
    let server = Server::new(&Config {
        issuer: "https://auth.example/tenant".into(),
        endpoints: EndpointsConfig {
            authorization: path("/authorization"),
            callback: path("/back"),
            consent: path("/back-consent"),
            ..EndpointsConfig::default()
        },
        ..with_provider(provider("corp"))
    });
    let browser = Browser::new(&server);
    let url = authorize(&[]).replace("/authorize", "/tenant/authorization");
    let upstream = location(&browser.get(&url));
    let callback = "https://auth.example/tenant/back/corp";
    assert_eq!(query(&upstream)["redirect_uri"], callback);
    let consent = location(&browser.get(&upstream_signs_in(&upstream)));
    assert!(consent.starts_with("https://auth.example/tenant/back-consent?flow="));
    let page = browser.get(&consent);
    let allowed = refresh(&browser.press(&page, "decision", "allow"));
    assert_eq!(query(&allowed)["iss"], "https://auth.example/tenant");
    for other in [
        "/authorize",
        "/tenant/back",
        "/tenant/back/",
        "/tenant/back/corp/",
        "/back/corp",
    ] {
        let request = browser.request("GET", &format!("{AUTH}{other}"));
        assert!(!server.server.serves(&request.url), "{other}");
    }
}

// ---- several ways to sign in ----

fn two_providers() -> Config {
    let with_prefix = |id: &str| ProviderConfig {
        user_id_prefix: Some(id.into()),
        ..provider(id)
    };
    signing_in(SignInConfig {
        providers: vec![with_prefix("one"), with_prefix("two")],
        ..SignInConfig::default()
    })
}

#[test]
fn the_user_chooses_among_providers() {
    let server = Server::new(&two_providers());
    let browser = Browser::new(&server);
    let page = browser.get(&authorize(&[]));
    let text = html(&page);
    assert!(
        text.contains("Provider one") && text.contains("Provider two"),
        "{text}"
    );
    let href = |id: &str| {
        let links = text.split("href=\"").skip(1);
        let mut links = links.map(|link| link.split('"').next().unwrap());
        let link = links.find(|link| link.ends_with(&format!("with={id}")));
        format!("{AUTH}{}", link.unwrap().replace("&amp;", "&"))
    };
    let two = location(&browser.get(&href("two")));
    assert_eq!(
        query(&two)["redirect_uri"],
        "https://auth.example/callback/two"
    );
    let one = location(&browser.get(&href("one")));
    for secret in ["nonce", "code_challenge"] {
        assert_ne!(query(&one)[secret], query(&two)[secret], "{secret}");
    }
    // Whoever chooses twice gets the same request, so that both tabs work.
    assert_eq!(location(&browser.get(&href("one"))), one);
    let consent = location(&browser.get(&upstream_signs_in(&two)));
    assert_eq!(
        location(&browser.get(&href("one"))),
        consent,
        "the user is known by now"
    );
    code(&browser.press(&browser.get(&consent), "decision", "allow"));
    let unknown = href("one").replace("with=one", "with=three");
    let other = Browser::new(&server);
    assert_eq!(reason(&other.get(&unknown)), "sign-in-expired");
}

#[test]
fn an_unknown_way_to_sign_in_is_refused() {
    let server = Server::new(&two_providers());
    let browser = Browser::new(&server);
    let page = browser.get(&authorize(&[]));
    let handle = between(html(&page), "?flow=", "&");
    for (query, why) in [
        ("with=three", "bad-parameter"),
        ("x=y", "missing-parameter"),
    ] {
        let url = format!("{AUTH}/sign-in?flow={handle}&{query}");
        assert_eq!(reason(&browser.get(&url)), why, "{query}");
    }
    let user = browser.form("/sign-in", &[("flow", handle), ("user", "alice")]);
    assert_eq!(reason(&server.send(user)), "bad-parameter");
    let callback = browser.request("GET", &format!("{AUTH}/callback/three?state={handle}"));
    assert!(!server.server.serves(&callback.url));
}

#[test]
fn ways_to_sign_in_cannot_give_two_people_one_id() {
    let two = |one: Option<&str>, other: Option<&str>| {
        let with = |id: &str, prefix: Option<&str>| ProviderConfig {
            user_id_prefix: prefix.map(Into::into),
            ..provider(id)
        };
        let config = signing_in(SignInConfig {
            providers: vec![with("one", one), with("two", other)],
            ..SignInConfig::default()
        });
        Server::try_new(&config).is_ok()
    };
    assert!(two(Some("a"), Some("b")));
    assert!(!two(Some("a"), Some("a")));
    assert!(!two(Some("a"), None));
    assert!(!two(None, None));
    assert!(!two(Some("a"), Some("a:b")));
    assert!(!two(Some("a"), Some("")));
}

// ---- a reverse proxy ----

fn behind_proxy() -> SignInConfig {
    SignInConfig {
        trusted_header: Some(TrustedHeaderConfig {
            header: "X-Forwarded-User".into(),
            secret: Some(("X-Proxy-Secret".into(), Secret::new("0123456789abcdef"))),
            ..TrustedHeaderConfig::default()
        }),
        ..SignInConfig::default()
    }
}

fn proxied(browser: &Browser<'_>, headers: &[(&str, &str)]) {
    let owned = headers
        .iter()
        .map(|&(name, value)| (name.into(), value.into()));
    *browser.headers.borrow_mut() = owned.collect();
}

#[test]
fn a_reverse_proxy_signs_users_in() {
    let server = Server::new(&signing_in(behind_proxy()));
    let browser = Browser::new(&server);
    let secret = ("x-proxy-secret", "0123456789abcdef");
    proxied(&browser, &[("x-forwarded-user", "alice"), secret]);
    let page = browser.get(&location(&browser.get(&authorize(&[]))));
    assert!(html(&page).contains("alice"));
    let consent = format!(
        "{AUTH}/consent?flow={}",
        between(html(&page), "name=\"flow\" value=\"", "\"")
    );
    // Somebody else is at the browser by now.
    proxied(&browser, &[("x-forwarded-user", "bob"), secret]);
    let other = browser.press(&page, "decision", "allow");
    assert_eq!(reason(&other), "sign-in-expired");
    assert_eq!(reason(&browser.get(&consent)), "sign-in-expired");
    proxied(&browser, &[("x-forwarded-user", "alice")]);
    let forged = browser.press(&page, "decision", "allow");
    assert_eq!(reason(&forged), "sign-in-no-user");
    proxied(&browser, &[("x-forwarded-user", "alice"), secret]);
    code(&browser.press(&page, "decision", "allow"));
    let silent = browser.get(&authorize(&[("prompt", "none")]));
    assert_eq!(query(&location(&silent))["error"], "consent_required");
}

#[test]
fn the_header_of_a_proxy_is_believed_only_from_the_proxy() {
    let server = Server::new(&signing_in(behind_proxy()));
    let browser = Browser::new(&server);
    let user = ("x-forwarded-user", "alice");
    let long = "a".repeat(513);
    let secret = ("x-proxy-secret", "0123456789abcdef");
    for headers in [
        &[][..],
        &[user],
        &[user, ("x-proxy-secret", "0123456789abcdeF")],
        &[user, ("x-proxy-secret", "")],
        &[user, secret, ("x-proxy-secret", "other")],
        &[user, ("x-forwarded-user", "bob"), secret],
        &[("x-forwarded-user", " "), secret],
        &[("x-forwarded-user", &long), secret],
        &[("x-forwarded-user", "a\u{0}b"), secret],
    ] {
        proxied(&browser, headers);
        let answer = browser.get(&authorize(&[]));
        assert_eq!(reason(&answer), "sign-in-no-user", "{headers:?}");
        assert_eq!(answer.status, 403);
    }
    let bad = |change: fn(&mut TrustedHeaderConfig)| {
        let mut sign_in = behind_proxy();
        change(sign_in.trusted_header.as_mut().unwrap());
        Server::try_new(&signing_in(sign_in)).err().unwrap().field
    };
    assert_eq!(
        bad(|own| own.secret = None),
        "sign-in.trusted-header.secret"
    );
    assert_eq!(
        bad(|own| own.header = "a b".into()),
        "sign-in.trusted-header.header"
    );
    assert_eq!(
        bad(|own| own.header = String::new()),
        "sign-in.trusted-header.header"
    );
    let short = |own: &mut TrustedHeaderConfig| {
        own.secret = Some(("x".into(), Secret::new("0123456789abcde")));
    };
    assert_eq!(bad(short), "sign-in.trusted-header.secret");
    let unnamed = |own: &mut TrustedHeaderConfig| {
        own.secret = Some(("a b".into(), Secret::new("0123456789abcdef")));
    };
    assert_eq!(bad(unnamed), "sign-in.trusted-header.secret");
    let mut open = behind_proxy();
    let header = open.trusted_header.as_mut().unwrap();
    header.secret = None;
    header.only_proxy_reaches_server = true;
    let server = Server::new(&signing_in(open));
    let browser = Browser::new(&server);
    proxied(&browser, &[user]);
    location(&browser.get(&authorize(&[])));
}

// ---- development ----

#[test]
fn development_users_are_for_loopback_addresses_only() {
    let sign_in = SignInConfig {
        development_users: vec!["alice".into(), "<b>".into()],
        ..SignInConfig::default()
    };
    let config = signing_in(sign_in);
    let public = Server::try_new(&config).err().unwrap();
    assert_eq!(public.field, "sign-in.development-users");

    let local = "http://127.0.0.1:8787";
    let server = Server::new(&Config {
        issuer: local.into(),
        ..config
    });
    let browser = Browser::new(&server);
    let url = authorize(&[]).replace(AUTH, local);
    let page = browser.get(&url);
    let cookie = page.header("set-cookie").unwrap();
    assert!(cookie.starts_with("tollgate-"), "{cookie}");
    assert!(!cookie.contains("Secure"));
    assert!(html(&page).contains("<bdi>&lt;b&gt;</bdi>"));
    let to_local = |mut request: tollgate_core::authorization_server::Request| {
        request.url = request.url.replace(AUTH, local);
        for (_, value) in &mut request.headers {
            *value = value.replace(AUTH, local);
        }
        browser.keep(server.send(request))
    };
    let consent = location(&to_local(browser.pressing(&page, "user", "alice")));
    assert!(consent.starts_with(local), "{consent}");
    let page = browser.get(&consent);
    let allowed = to_local(browser.pressing(&page, "decision", "allow"));
    assert_eq!(query(&refresh(&allowed))["iss"], local);
    // The user is known: another choice changes nothing.
    let handle = between(html(&page), "name=\"flow\" value=\"", "\"");
    let again = browser.form("/sign-in", &[("flow", handle), ("user", "<b>")]);
    assert_eq!(location(&to_local(again)), consent);
}

#[test]
fn a_configuration_without_a_way_to_sign_in_is_refused() {
    let error = Server::try_new(&signing_in(SignInConfig::default()))
        .err()
        .unwrap();
    assert_eq!(error.field, "sign-in");
    let field = |change: fn(&mut ProviderConfig)| {
        let mut own = provider("corp");
        change(&mut own);
        Server::try_new(&with_provider(own)).err().unwrap().field
    };
    let first = "sign-in.providers[0]";
    assert_eq!(field(|own| own.id = "A".into()), format!("{first}.id"));
    assert_eq!(field(|own| own.id = String::new()), format!("{first}.id"));
    assert_eq!(
        field(|own| own.client_id = String::new()),
        format!("{first}.client-id")
    );
    assert_eq!(
        field(|own| own.scopes = Some(vec!["email".into()])),
        format!("{first}.scopes")
    );
    let reserved = |own: &mut ProviderConfig| own.parameters = vec![("state".into(), "x".into())];
    assert_eq!(field(reserved), format!("{first}.parameters"));
    assert_eq!(field(|own| own.id = "a".repeat(33)), format!("{first}.id"));
    assert_eq!(
        field(|own| own.name = Some(String::new())),
        format!("{first}.name")
    );
    assert_eq!(
        field(|own| own.name = Some("a".repeat(129))),
        format!("{first}.name")
    );
    assert_eq!(
        field(|own| own.scopes = Some(vec!["openid".into(); 65])),
        format!("{first}.scopes")
    );
    assert_eq!(
        field(|own| own.scopes = Some(vec!["openid".into(), "a b".into()])),
        format!("{first}.scopes")
    );
    let parameters = |own: &mut ProviderConfig| own.parameters = vec![("x".into(), "y".into()); 17];
    assert_eq!(field(parameters), format!("{first}.parameters"));
    for (name, value) in [("", "x".to_owned()), ("x", "y".repeat(1024))] {
        let own = ProviderConfig {
            parameters: vec![(name.into(), value)],
            ..provider("corp")
        };
        assert!(Server::try_new(&with_provider(own)).is_err(), "{name}");
    }
    let kind = |own: &mut ProviderConfig, url: &str| {
        own.kind = ProviderKind::OAuth {
            authorization_endpoint: url.into(),
            token_endpoint: url.into(),
            user_endpoint: url.into(),
            issuer: None,
        };
    };
    let mut own = provider("corp");
    kind(&mut own, "http://hub.example/");
    let plain = Server::try_new(&with_provider(own)).err().unwrap();
    assert_eq!(plain.field, format!("{first}.authorization-endpoint"));
    let rule = |claim: &str, values: Vec<String>| ClaimRuleConfig {
        claim: claim.into(),
        values,
    };
    for rules in [
        vec![rule("", vec!["x".into()])],
        vec![rule("tid", Vec::new())],
        vec![rule("tid", vec!["x".into(); 1025])],
        vec![rule("tid", vec!["x".into()]); 65],
    ] {
        let own = ProviderConfig {
            rules,
            ..provider("corp")
        };
        let error = Server::try_new(&with_provider(own)).err().unwrap();
        assert_eq!(error.field, format!("{first}.rules"));
    }
    for domain in ["", "@example.com", "example.com/", "exämple.com"] {
        let own = ProviderConfig {
            email_domains: vec![domain.into()],
            ..provider("corp")
        };
        let error = Server::try_new(&with_provider(own)).err().unwrap();
        assert_eq!(error.field, format!("{first}.email-domains"), "{domain}");
    }
    let many: Vec<_> = (0..17)
        .map(|index| provider(&format!("p{index}")))
        .collect();
    let many = signing_in(SignInConfig {
        providers: many,
        ..SignInConfig::default()
    });
    assert_eq!(
        Server::try_new(&many).err().unwrap().field,
        "sign-in.providers"
    );
    for users in [
        vec!["a".to_owned(); 17],
        vec![String::new()],
        vec!["a".repeat(513)],
    ] {
        let config = Config {
            issuer: "http://127.0.0.1:8787".into(),
            ..signing_in(SignInConfig {
                development_users: users,
                ..SignInConfig::default()
            })
        };
        let error = Server::try_new(&config).err().unwrap();
        assert_eq!(error.field, "sign-in.development-users");
    }
    let twice = signing_in(SignInConfig {
        providers: vec![provider("a"), provider("a")],
        ..SignInConfig::default()
    });
    assert_eq!(
        Server::try_new(&twice).err().unwrap().field,
        "sign-in.providers[1].id"
    );
}

// ---- remembered consent ----

fn remembering() -> Server {
    Server::new(&signing_in(SignInConfig {
        providers: vec![provider("corp")],
        remember_consent: Some(3600),
        ..SignInConfig::default()
    }))
}

/// Whether a request is answered without a page. Dates of the ID token are of now.
fn is_silent(server: &Server, changes: &[(&str, &str)], user: &str) -> bool {
    let browser = Browser::new(server);
    let upstream = location(&browser.get(&authorize(changes)));
    let now = server.host.now_ms.get() / 1000;
    let claims = serde_json::json!({ "sub": user, "iat": now, "exp": now + 60 });
    let signed_in = harness::browser::upstream_signs_in_with(&upstream, &claims);
    let url = location(&browser.get(&signed_in));
    assert!(!url.contains("error"), "{url}");
    url.contains("code=")
}

fn allow(server: &Server, changes: &[(&str, &str)]) {
    let browser = Browser::new(server);
    let upstream = location(&browser.get(&authorize(changes)));
    let page = browser.get(&location(&browser.get(&upstream_signs_in(&upstream))));
    refresh(&browser.press(&page, "decision", "allow"));
}

#[test]
fn consent_is_remembered_for_what_was_allowed() {
    let server = remembering();
    assert!(!is_silent(&server, &[], "alice"));
    allow(&server, &[]);
    assert!(is_silent(&server, &[], "alice"));
    assert!(is_silent(&server, &[("scope", "read")], "alice"));
    let other = "https://other.example/mcp";
    let program = [
        ("client_id", "program"),
        ("redirect_uri", "http://127.0.0.1/callback"),
    ];
    assert!(!is_silent(&server, &[], "bob"));
    assert!(!is_silent(&server, &[("prompt", "consent")], "alice"));
    assert!(!is_silent(&server, &[("resource", other)], "alice"));
    allow(&server, &program);
    assert!(
        !is_silent(&server, &program, "alice"),
        "any program could use it"
    );
    server.host.advance(3_601_000);
    assert!(!is_silent(&server, &[], "alice"));
}

#[test]
fn consent_is_for_one_redirect_uri_and_its_scopes() {
    let server = remembering();
    let of = |redirect_uri| {
        [
            ("client_id", "confidential"),
            ("redirect_uri", redirect_uri),
            ("scope", ""),
        ]
    };
    allow(&server, &of(CALLBACK));
    assert!(is_silent(&server, &of(CALLBACK), "alice"));
    assert!(!is_silent(
        &server,
        &of("https://app.example/other"),
        "alice"
    ));
    let more = [("client_id", "confidential"), ("scope", "read")];
    assert!(!is_silent(&server, &more, "alice"));
}

#[test]
fn consent_is_not_remembered_unless_that_is_configured() {
    let server = server();
    allow(&server, &[]);
    assert!(!is_silent(&server, &[], "alice"));
    let forever = signing_in(SignInConfig {
        providers: vec![provider("corp")],
        remember_consent: Some(u32::MAX),
        ..SignInConfig::default()
    });
    let error = Server::try_new(&forever).err().unwrap();
    assert_eq!(error.field, "sign-in.remember-consent");
}

#[test]
fn denial_is_not_remembered() {
    let server = remembering();
    let browser = Browser::new(&server);
    browser.press(&browser.consent_page(), "decision", "deny");
    assert!(!is_silent(&server, &[], "alice"));
}

#[test]
fn behind_a_proxy_remembered_consent_needs_no_page() {
    let server = Server::new(&signing_in(SignInConfig {
        remember_consent: Some(3600),
        ..behind_proxy()
    }));
    let browser = Browser::new(&server);
    let secret = ("x-proxy-secret", "0123456789abcdef");
    proxied(&browser, &[("x-forwarded-user", "alice"), secret]);
    let page = browser.get(&location(&browser.get(&authorize(&[]))));
    code(&browser.press(&page, "decision", "allow"));
    let silent = query(&location(&browser.get(&authorize(&[("prompt", "none")]))));
    assert!(silent.contains_key("code"), "{silent:?}");
}

// ---- words ----

#[test]
fn pages_speak_the_language_of_the_browser() {
    let german = LanguageConfig {
        tag: "de".into(),
        messages: vec![
            ("allow".into(), "Erlauben".into()),
            (
                "consent-title".into(),
                "Zugriff auf {server} erlauben?".into(),
            ),
        ],
        scopes: vec![("read".into(), "Ihre Notizen lesen".into())],
    };
    let server = Server::new(&Config {
        pages: PagesConfig {
            name: Some("Notes & More".into()),
            theme: vec![("accent".into(), "#0a0".into())],
            languages: vec![german],
        },
        ..with_provider(provider("corp"))
    });
    let browser = Browser::new(&server);
    proxied(&browser, &[("accept-language", "de-AT,de;q=0.9,en;q=0.5")]);
    let page = browser.consent_page();
    let text = html(&page);
    assert!(text.contains("<html lang=\"de\" dir=\"ltr\">"), "{text}");
    assert!(
        text.contains("<title>Zugriff auf Notes &amp; More erlauben?"),
        "{text}"
    );
    assert!(
        text.contains(">Erlauben</button>") && text.contains(">Deny</button>"),
        "{text}"
    );
    assert!(text.contains("<li>Ihre Notizen lesen</li>"), "{text}");
    assert!(text.contains("--accent:#0a0;"), "{text}");
}

#[test]
fn a_program_on_the_device_is_announced_as_such() {
    let server = server();
    let browser = Browser::new(&server);
    let url = authorize(&[
        ("client_id", "program"),
        ("redirect_uri", "http://127.0.0.1:50123/callback"),
    ]);
    let upstream = location(&browser.get(&url));
    let page = browser.get(&location(&browser.get(&upstream_signs_in(&upstream))));
    assert!(html(&page).contains("127.0.0.1:50123"));
    assert!(html(&page).contains("a program on your own device"));
    assert!(!html(&browser.consent_page()).contains("a program on your own device"));
}

#[test]
fn a_user_whose_grants_are_revoked_is_asked_again() {
    let server = remembering();
    allow(&server, &[]);
    assert!(is_silent(&server, &[], "alice"));
    let revoked = server.server.revoke_user("alice".into());
    assert!(server.finish(revoked).unwrap() > 0);
    assert!(!is_silent(&server, &[], "alice"));
}

#[test]
fn a_user_whose_grant_is_revoked_is_asked_again() {
    let server = remembering();
    let browser = Browser::new(&server);
    let page = browser.consent_page();
    let code = code(&browser.press(&page, "decision", "allow"));
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let tokens = server.send(browser.form("/token", &form));
    assert_eq!(tokens.status, 200, "{tokens:?}");
    assert!(is_silent(&server, &[], "alice"));
    let grants = server.server.user_grants("alice".into(), None);
    let grants = server.finish(grants).unwrap().grants;
    let task = server
        .server
        .revoke_grant("alice".into(), grants[0].id.clone());
    assert_eq!(server.finish(task), Ok(true));
    assert!(!is_silent(&server, &[], "alice"));
}
