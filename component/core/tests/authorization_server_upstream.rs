//! Identity providers: what of their answers is believed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

use harness::browser::{
    AUTH, Browser, ID, ID_DISCOVERY, ID_JWKS, ID_TOKEN, Server, authorize, discovery, encode, html,
    location, provider, query, reason, refresh, signing_in, upstream_signs_in,
    upstream_signs_in_with, with_provider,
};
use harness::{Key, NOW, Site, jwks};
use serde_json::{Value, json};
use tollgate_core::answer::Answer;
use tollgate_core::authorization_server::{
    ClaimRuleConfig, ProviderConfig, ProviderKind, SignInConfig,
};
use tollgate_core::capability::{HttpError, HttpRequest};
use tollgate_core::secret::Secret;

fn server() -> Server {
    Server::new(&with_provider(provider("corp")))
}

/// The reason of the page behind the provider's answer with these claims, or `answered` if the user
/// is signed in.
fn signed_in_with(server: &Server, changes: &Value) -> &'static str {
    let browser = Browser::new(server);
    let upstream = location(&browser.get(&authorize(&[])));
    let answer = browser.get(&upstream_signs_in_with(&upstream, changes));
    assert!(answer.status != 303 || answer.header("location").unwrap().contains("/consent?"));
    reason(&answer)
}

#[test]
fn an_id_token_is_checked() {
    let server = server();
    let of = |changes: Value| signed_in_with(&server, &changes);
    for good in [
        json!({}),
        json!({ "header": { "alg": "ES256", "kid": "k" } }),
        json!({ "header": { "alg": "ES256", "kid": "k", "typ": "application/jwt" } }),
        json!({ "azp": "tollgate" }),
        json!({ "aud": ["tollgate"] }),
        json!({ "aud": ["tollgate", "other"], "azp": "tollgate" }),
        json!({ "iat": NOW + 20 }),
        json!({ "exp": NOW - 20 }),
    ] {
        assert_eq!(of(good.clone()), "answered", "{good}");
    }
    for bad in [
        json!({ "iss": "https://evil.example" }),
        json!({ "iss": null }),
        json!({ "aud": "other" }),
        json!({ "aud": null }),
        json!({ "aud": ["tollgate", "other"] }),
        json!({ "azp": "other" }),
        json!({ "azp": 1 }),
        json!({ "nonce": "other" }),
        json!({ "nonce": null }),
        json!({ "nonce": 1 }),
        json!({ "sub": null }),
        json!({ "sub": "" }),
        json!({ "exp": NOW - 40 }),
        json!({ "exp": null }),
        json!({ "iat": NOW - 700 }),
        json!({ "iat": NOW + 40 }),
        json!({ "iat": null }),
        json!({ "nbf": NOW + 40 }),
        json!({ "cnf": { "jkt": "x" } }),
        json!({ "header": { "alg": "ES256", "kid": "k", "typ": "at+jwt" } }),
        json!({ "header": { "alg": "ES256", "kid": "k", "typ": "logout+jwt" } }),
        json!({ "header": { "alg": "none" } }),
        json!({ "header": { "alg": "HS256", "kid": "k" } }),
        json!({ "header": { "alg": "RS256", "kid": "k" } }),
        json!({ "header": { "alg": "ES256", "kid": "other" } }),
    ] {
        assert_eq!(of(bad.clone()), "sign-in-id-token", "{bad}");
    }
    assert_eq!(of(json!({ "no_id_token": true })), "sign-in-unusable");
}

#[test]
fn an_id_token_of_other_keys_is_refused() {
    let server = server();
    server.host.set_json(ID_JWKS, &jwks(&[&Key::new("k", 8)]));
    assert_eq!(signed_in_with(&server, &json!({})), "sign-in-id-token");
}

#[test]
fn new_keys_of_a_provider_are_fetched() {
    let server = server();
    server.host.set_json(ID_JWKS, &jwks(&[&Key::new("old", 8)]));
    assert_eq!(signed_in_with(&server, &json!({})), "sign-in-id-token");
    server.host.set_json(ID_JWKS, &jwks(&[&Key::new("k", 7)]));
    server.host.advance(60_000);
    assert_eq!(signed_in_with(&server, &json!({})), "answered");
}

#[test]
fn the_answer_must_name_the_issuer_that_was_asked() {
    let server = server();
    let answer = |change: &dyn Fn(String) -> String| {
        let browser = Browser::new(&server);
        let upstream = location(&browser.get(&authorize(&[])));
        browser.get(&change(upstream_signs_in(&upstream)))
    };
    let own = format!("&iss={}", encode(ID));
    let evil = format!("&iss={}", encode("https://evil.example"));
    let slash = format!("&iss={}", encode("https://id.example/"));
    for iss in ["", &evil, &slash] {
        let refused = answer(&|url| url.replace(&own, iss));
        assert_eq!(reason(&refused), "sign-in-issuer", "{iss}");
    }
    let twice = answer(&|url| url + &own);
    assert_eq!(reason(&twice), "repeated-parameter");
    let in_error = answer(&|url| url.replace("code=", "error=x&code=").replace(&own, &evil));
    assert_eq!(reason(&in_error), "sign-in-issuer");
    assert_eq!(
        server.host.fetches(ID_TOKEN),
        0,
        "no code is sent to the wrong provider"
    );

    // A provider that does not promise `iss`.
    let mut document = discovery();
    document
        .as_object_mut()
        .unwrap()
        .remove("authorization_response_iss_parameter_supported");
    let other = self::server();
    other.host.set_json(ID_DISCOVERY, &document);
    let browser = Browser::new(&other);
    let upstream = location(&browser.get(&authorize(&[])));
    let url = upstream_signs_in(&upstream);
    assert_eq!(
        reason(&browser.get(&url.replace(&own, &evil))),
        "sign-in-issuer"
    );
    location(&browser.get(&url.replace(&own, "")));
}

#[test]
fn the_answer_of_one_provider_is_not_taken_for_that_of_another() {
    let with_prefix = |id: &str| ProviderConfig {
        user_id_prefix: Some(id.into()),
        ..provider(id)
    };
    let server = Server::new(&signing_in(SignInConfig {
        providers: vec![with_prefix("one"), with_prefix("two")],
        ..SignInConfig::default()
    }));
    let browser = Browser::new(&server);
    let page = browser.get(&authorize(&[]));
    let handle = harness::browser::between(html(&page), "?flow=", "&");
    let url = format!("{AUTH}/sign-in?flow={handle}&with=one");
    let upstream = location(&browser.get(&url));
    let callback = upstream_signs_in(&upstream);
    let mixed_up = callback.replace("/callback/one", "/callback/two");
    assert_eq!(
        reason(&browser.get(&mixed_up)),
        "sign-in-id-token",
        "another nonce"
    );
    location(&browser.get(&callback));
}

#[test]
fn a_callback_is_used_once() {
    let server = server();
    let browser = Browser::new(&server);
    let upstream = location(&browser.get(&authorize(&[])));
    let callback = upstream_signs_in(&upstream);
    let consent = location(&browser.get(&callback));
    // The same again, and one of another user.
    let bob = upstream_signs_in_with(
        &upstream,
        &json!({ "sub": "bob", "email": "bob@example.com" }),
    );
    for url in [&callback, &bob] {
        assert_eq!(&location(&browser.get(url)), &consent);
    }
    assert_eq!(server.host.fetches(ID_TOKEN), 1);
    assert!(html(&browser.get(&consent)).contains("alice@example.com"));
}

#[test]
fn of_two_callbacks_at_the_same_time_one_user_counts() {
    let server = server();
    let browser = Browser::new(&server);
    let upstream = location(&browser.get(&authorize(&[])));
    server.store.delay.set(2);
    let tasks = ["alice", "bob"].map(|user| {
        let url = upstream_signs_in_with(&upstream, &json!({ "sub": user, "email": user }));
        server.server.respond(browser.request("GET", &url))
    });
    let answers = server.all(tasks.into());
    assert_eq!(location(&answers[0]), location(&answers[1]));
    assert_eq!(browser.get(&location(&answers[0])).status, 200);
}

#[test]
fn a_user_who_cancels_is_sent_back_to_the_client() {
    let server = server();
    let browser = Browser::new(&server);
    let upstream = query(&location(&browser.get(&authorize(&[]))));
    let url = format!(
        "{AUTH}/callback/corp?error=access_denied&error_description=%3Cb%3E&state={}&iss={}",
        upstream["state"],
        encode(ID)
    );
    let answer = query(&location(&browser.get(&url)));
    assert_eq!(answer["error"], "access_denied");
    assert_eq!(answer["error_description"], "the request was denied");
    assert_eq!(answer["state"], "the state");
    let consent = location(&browser.get(&url));
    assert_eq!(reason(&browser.get(&consent)), "sign-in-answered");
}

#[test]
fn other_errors_of_a_provider_are_no_refusal_of_the_user() {
    let server = server();
    for (error, why) in [
        ("temporarily_unavailable", "sign-in-unavailable"),
        ("server_error", "sign-in-unavailable"),
        ("invalid_scope", "sign-in-unusable"),
        ("unauthorized_client", "sign-in-unusable"),
    ] {
        let browser = Browser::new(&server);
        let upstream = location(&browser.get(&authorize(&[])));
        let state = &query(&upstream)["state"];
        let iss = encode(ID);
        let url = format!("{AUTH}/callback/corp?error={error}&state={state}&iss={iss}");
        assert_eq!(reason(&browser.get(&url)), why, "{error}");
        location(&browser.get(&upstream_signs_in(&upstream)));
    }
}

#[test]
fn a_user_must_have_signed_in_as_recently_as_the_client_asks() {
    let server = server();
    let with = |auth_time: Value| {
        let browser = Browser::new(&server);
        let upstream = location(&browser.get(&authorize(&[("max_age", "60")])));
        assert_eq!(query(&upstream)["max_age"], "60");
        let claims = json!({ "auth_time": auth_time });
        reason(&browser.get(&upstream_signs_in_with(&upstream, &claims)))
    };
    assert_eq!(with(json!(NOW - 60)), "answered");
    for bad in [json!(NOW - 100), json!(null), json!("1"), json!(-1)] {
        assert_eq!(with(bad.clone()), "sign-in-id-token", "{bad}");
    }
}

#[test]
fn a_callback_needs_a_code() {
    let server = server();
    let browser = Browser::new(&server);
    let upstream = query(&location(&browser.get(&authorize(&[]))));
    let url = format!(
        "{AUTH}/callback/corp?state={}&iss={}",
        upstream["state"],
        encode(ID)
    );
    assert_eq!(reason(&browser.get(&url)), "missing-parameter");
    let long = format!("{url}&code={}", "a".repeat(8193));
    assert_eq!(reason(&browser.get(&long)), "parameter-too-long");
    let posted = server.send(browser.request("POST", &url));
    assert_eq!(reason(&posted), "method");
    assert_eq!(server.host.fetches(ID_TOKEN), 0);
}

#[test]
fn a_code_is_redeemed_with_the_verifier_and_the_secret() {
    let server = server();
    let browser = Browser::new(&server);
    let upstream = location(&browser.get(&authorize(&[])));
    browser.get(&upstream_signs_in(&upstream));
    let sent = server.host.sent.borrow();
    let request = sent.iter().find(|request| request.url == ID_TOKEN).unwrap();
    let body = String::from_utf8(request.body.clone().unwrap()).unwrap();
    let form = query(&format!("?{body}"));
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["redirect_uri"], "https://auth.example/callback/corp");
    assert_eq!(
        challenge(&form["code_verifier"]),
        query(&upstream)["code_challenge"]
    );
    let authorization = (
        "authorization".to_owned(),
        basic("tollgate:upstream+secret"),
    );
    assert!(
        request.headers.contains(&authorization),
        "{:?}",
        request.headers
    );
    assert!(!form.contains_key("client_secret"));
}

fn challenge(verifier: &str) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(verifier.as_bytes());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash)
}

fn basic(pair: &str) -> String {
    use base64::Engine as _;
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(pair)
    )
}

#[test]
fn endpoints_are_on_the_issuers_origin_unless_others_are_allowed() {
    let with = |cross_origin: bool, name: &str, value: &str| {
        let server = Server::new(&with_provider(ProviderConfig {
            kind: ProviderKind::OpenId {
                issuer: ID.into(),
                cross_origin,
            },
            ..provider("corp")
        }));
        let mut document = discovery();
        document[name] = json!(value);
        server.host.set_json(ID_DISCOVERY, &document);
        let answer = Browser::new(&server).get(&authorize(&[]));
        (answer.status, reason(&answer))
    };
    for name in ["authorization_endpoint", "token_endpoint"] {
        let other = "https://other.example/x";
        assert_eq!(
            with(false, name, other),
            (500, "sign-in-unusable"),
            "{name}"
        );
        assert_eq!(with(true, name, other).0, 303, "{name}");
        for bad in ["http://id.example/x", "/x", "javascript:alert(1)"] {
            assert_eq!(with(true, name, bad), (500, "sign-in-unusable"), "{bad}");
        }
    }
    assert_eq!(
        with(true, "issuer", "https://other.example").1,
        "sign-in-unusable"
    );
}

#[test]
fn a_provider_that_is_down_is_a_temporary_failure() {
    let down = |url: &str, site: Site| {
        let server = server();
        let browser = Browser::new(&server);
        if url == ID_DISCOVERY {
            server.host.set(url, site);
            return browser.get(&authorize(&[]));
        }
        let upstream = location(&browser.get(&authorize(&[])));
        server.host.set(url, site.clone());
        let answer = browser.get(&upstream_signs_in(&upstream));
        // The user may load the page again when it is back: the flow was not used.
        answer
    };
    let is_temporary = |answer: &Answer| {
        assert_eq!(
            (reason(answer), answer.status),
            ("sign-in-unavailable", 503)
        );
        assert!(answer.header("retry-after").is_some());
    };
    for url in [ID_DISCOVERY, ID_TOKEN, ID_JWKS] {
        is_temporary(&down(url, Site::Fails(HttpError::Unreachable)));
        is_temporary(&down(url, Site::Later(503, "5")));
    }
    is_temporary(&down(ID_TOKEN, Site::Never));
    let unusable = down(ID_TOKEN, Site::Body(200, "<html>".into(), ""));
    assert_eq!(
        (reason(&unusable), unusable.status),
        ("sign-in-unusable", 500)
    );
    let refused = down(
        ID_TOKEN,
        Site::Body(400, r#"{"error":"invalid_grant"}"#.into(), ""),
    );
    assert_eq!(reason(&refused), "sign-in-refused");
}

#[test]
fn rules_decide_who_is_admitted() {
    let server = Server::new(&with_provider(ProviderConfig {
        rules: vec![ClaimRuleConfig {
            claim: "tid".into(),
            values: vec!["t1".into()],
        }],
        email_domains: vec!["example.com".into()],
        ..provider("corp")
    }));
    assert_eq!(signed_in_with(&server, &json!({ "tid": "t1" })), "answered");
    for bad in [
        json!({}),
        json!({ "tid": "t2" }),
        json!({ "tid": "t1", "email": "alice@other.example" }),
        json!({ "tid": "t1", "email_verified": false }),
    ] {
        assert_eq!(
            signed_in_with(&server, &bad),
            "sign-in-not-admitted",
            "{bad}"
        );
    }
}

// ---- OAuth without OpenID ----

const HUB_TOKEN: &str = "https://hub.example/token";
const HUB_USER: &str = "https://api.hub.example/user";

fn hub() -> ProviderConfig {
    ProviderConfig {
        kind: ProviderKind::OAuth {
            authorization_endpoint: "https://hub.example/authorize?theme=dark".into(),
            token_endpoint: HUB_TOKEN.into(),
            user_endpoint: HUB_USER.into(),
            issuer: None,
        },
        scopes: Some(vec!["read:user".into()]),
        parameters: vec![("allow_signup".into(), "false".into())],
        claims: Some(vec!["login".into()]),
        ..provider("hub")
    }
}

fn hub_server(provider: ProviderConfig) -> Server {
    let server = Server::new(&with_provider(provider));
    let tokens = r#"{"access_token":"gho_1","token_type":"bearer","scope":"read:user"}"#;
    server
        .host
        .set(HUB_TOKEN, Site::Body(200, tokens.into(), ""));
    server.host.set(HUB_USER, Site::Answers(hub_user));
    server
}

fn hub_user(request: &HttpRequest, _: usize) -> Site {
    let bearer = ("authorization".to_owned(), "Bearer gho_1".to_owned());
    assert!(request.headers.contains(&bearer));
    assert!(request.headers.iter().any(|(name, _)| name == "user-agent"));
    Site::Body(
        200,
        r#"{"id":583231,"login":"octocat","email":null}"#.into(),
        "",
    )
}

#[test]
fn a_provider_without_openid_has_an_endpoint_for_the_user() {
    let server = hub_server(hub());
    let browser = Browser::new(&server);
    let url = location(&browser.get(&authorize(&[])));
    assert!(
        url.starts_with("https://hub.example/authorize?theme=dark&"),
        "{url}"
    );
    let asked = query(&url);
    assert_eq!(
        (&*asked["scope"], &*asked["allow_signup"]),
        ("read:user", "false")
    );
    assert!(!asked.contains_key("nonce"));
    let callback = format!("{AUTH}/callback/hub?code=x&state={}", asked["state"]);
    let page = browser.get(&location(&browser.get(&callback)));
    assert!(html(&page).contains("octocat"));
    let allowed = refresh(&browser.press(&page, "decision", "allow"));
    assert!(query(&allowed).contains_key("code"));
    let sent = server.host.sent.borrow();
    let request = sent
        .iter()
        .find(|request| request.url == HUB_TOKEN)
        .unwrap();
    let body = String::from_utf8(request.body.clone().unwrap()).unwrap();
    assert!(
        body.contains("client_id=tollgate&client_secret=upstream+secret"),
        "{body}"
    );
}

#[test]
fn a_user_endpoint_without_a_user_signs_nobody_in() {
    for (status, body, why) in [
        (200, r#"{"login":"octocat"}"#, "sign-in-unusable"),
        (200, "[]", "sign-in-unusable"),
        (401, r#"{"id":1}"#, "sign-in-unusable"),
        (302, r#"{"id":1}"#, "sign-in-unusable"),
        (503, "", "sign-in-unavailable"),
    ] {
        let server = hub_server(hub());
        server
            .host
            .set(HUB_USER, Site::Body(status, body.into(), ""));
        let browser = Browser::new(&server);
        let asked = query(&location(&browser.get(&authorize(&[]))));
        let callback = format!("{AUTH}/callback/hub?code=x&state={}", asked["state"]);
        assert_eq!(reason(&browser.get(&callback)), why, "{status} {body}");
    }
}

#[test]
fn a_provider_without_openid_may_have_an_issuer() {
    let mut provider = hub();
    if let ProviderKind::OAuth { issuer, .. } = &mut provider.kind {
        *issuer = Some("https://hub.example".into());
    }
    let server = hub_server(provider);
    let browser = Browser::new(&server);
    let asked = query(&location(&browser.get(&authorize(&[]))));
    let callback = format!("{AUTH}/callback/hub?code=x&state={}", asked["state"]);
    assert_eq!(reason(&browser.get(&callback)), "sign-in-issuer");
    assert_eq!(
        reason(&browser.get(&format!("{callback}&iss={AUTH}"))),
        "sign-in-issuer"
    );
    let good = format!("{callback}&iss={}", encode("https://hub.example"));
    location(&browser.get(&good));
}

#[test]
fn a_public_client_of_a_provider_sends_no_secret() {
    let server = Server::new(&with_provider(ProviderConfig {
        client_secret: None,
        ..provider("corp")
    }));
    assert_eq!(signed_in_with(&server, &json!({})), "answered");
    let sent = server.host.sent.borrow();
    let request = sent.iter().find(|request| request.url == ID_TOKEN).unwrap();
    let body = String::from_utf8(request.body.clone().unwrap()).unwrap();
    assert!(
        body.contains("client_id=tollgate") && !body.contains("secret"),
        "{body}"
    );
    let empty = with_provider(ProviderConfig {
        client_secret: Some(Secret::new("")),
        ..provider("corp")
    });
    assert!(Server::try_new(&empty).is_err());
}
