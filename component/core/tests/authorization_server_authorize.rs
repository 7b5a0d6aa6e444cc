//! Authorization requests: what is accepted, what is refused, and who is told.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

use harness::browser::{
    AUTH, CALLBACK, CHALLENGE, RESOURCE, Server, authorize, config, encode, html, location, query,
};
use tollgate_core::authorization_server::{
    Approval, AuthorizationError, AuthorizationRequest, Config, Prompt, Rejection, Request,
    ScopeFailure,
};

fn get(url: &str) -> Request {
    Request {
        method: "GET".into(),
        url: url.into(),
        headers: Vec::new(),
        body: Vec::new(),
    }
}

fn parse(server: &Server, request: Request) -> Result<AuthorizationRequest, AuthorizationError> {
    server.finish(server.server.parse_authorization_request(request))
}

/// The usual request with these parameters changed.
fn parsed(changes: &[(&str, &str)]) -> Result<AuthorizationRequest, AuthorizationError> {
    parse(&Server::new(&config()), get(&authorize(changes)))
}

fn accepted(changes: &[(&str, &str)]) -> AuthorizationRequest {
    parsed(changes).unwrap_or_else(|error| panic!("{changes:?}: {error:?}"))
}

/// Reason, and error with description as the client gets it.
fn told(changes: &[(&str, &str)]) -> (&'static str, String) {
    let error = parsed(changes).expect_err("a refusal");
    let reason = error.answer.reason.unwrap();
    let url = error.redirect.expect("the client is told");
    assert_eq!(location(&error.answer), url);
    let answer = query(&url);
    assert_eq!(answer["iss"], AUTH, "{changes:?}");
    (
        reason,
        format!("{}: {}", answer["error"], answer["error_description"]),
    )
}

/// The reason of a refusal that only the user sees.
fn shown(error: &AuthorizationError) -> &'static str {
    assert_eq!(error.redirect, None, "{error:?}");
    assert_eq!(error.answer.header("location"), None);
    assert!((400..600).contains(&error.answer.status));
    assert!(html(&error.answer).contains("<h1>"));
    error.answer.reason.unwrap()
}

#[test]
fn a_request_is_read() {
    let request = accepted(&[
        ("prompt", "login consent unknown"),
        ("login_hint", "alice@example.com"),
        ("max_age", "60"),
        ("nonce", "n"),
        ("response_mode", "query"),
        ("audience", "ignored"),
        ("unknown", "ignored"),
    ]);
    let prompt = Prompt {
        login: true,
        consent: true,
        ..Prompt::default()
    };
    let expected = AuthorizationRequest {
        client_id: "app".into(),
        redirect_uri: CALLBACK.into(),
        redirect_uri_given: true,
        scopes: vec!["read".into(), "write".into()],
        state: Some("the state".into()),
        code_challenge: Some(CHALLENGE.into()),
        resources: vec![RESOURCE.into()],
        prompt,
        login_hint: Some("alice@example.com".into()),
        max_age: Some(60),
    };
    assert_eq!(request, expected);
}

#[test]
fn a_request_may_be_a_form() {
    let server = Server::new(&config());
    let url = authorize(&[]);
    let form = |content_type: &str, body: &str| Request {
        method: "POST".into(),
        url: format!("{AUTH}/authorize?client_id=ignored"),
        headers: vec![("content-type".into(), content_type.into())],
        body: body.as_bytes().to_vec(),
    };
    let body = url.split_once('?').unwrap().1;
    let form_type = "application/x-www-form-urlencoded";
    let request = parse(&server, form(form_type, body)).unwrap();
    assert_eq!(request, accepted(&[]));
    let not_a_form = parse(&server, form("application/json", body)).unwrap_err();
    assert_eq!(shown(&not_a_form), "not-a-form");
    for method in ["HEAD", "PUT", "get"] {
        let other = Request {
            method: method.into(),
            ..get(&url)
        };
        let error = parse(&server, other).unwrap_err();
        assert_eq!(shown(&error), "method", "{method}");
        assert_eq!(error.answer.header("allow"), Some("GET, POST"));
    }
}

#[test]
fn nothing_is_redirected_before_client_and_redirect_uri_are_proven() {
    let long = "a".repeat(2049);
    let long_uri = format!("{CALLBACK}{long}");
    let cases: [(&[(&str, &str)], &str); 10] = [
        (&[("client_id", "")], "missing-parameter"),
        (&[("client_id", "other")], "unknown-client"),
        (&[("client_id", &long)], "parameter-too-long"),
        (&[("client_id", "a\u{7}b")], "bad-parameter"),
        (
            &[("redirect_uri", "https://evil.example/")],
            "redirect-uri-unregistered",
        ),
        (
            &[("redirect_uri", "https://app.example/callback/")],
            "redirect-uri-unregistered",
        ),
        (
            &[("redirect_uri", "https://app.example/Callback")],
            "redirect-uri-unregistered",
        ),
        (&[("redirect_uri", &long_uri)], "parameter-too-long"),
        (
            &[("client_id", "confidential"), ("redirect_uri", "")],
            "redirect-uri-missing",
        ),
        // Even if everything else is wrong as well.
        (
            &[
                ("redirect_uri", "https://evil.example/"),
                ("response_type", "token"),
            ],
            "redirect-uri-unregistered",
        ),
    ];
    for (changes, reason) in cases {
        assert_eq!(shown(&parsed(changes).unwrap_err()), reason, "{changes:?}");
    }
}

#[test]
fn a_page_names_the_parameter_and_escapes_what_it_shows() {
    let error = parsed(&[("redirect_uri", "https://evil.example/<script>")]).unwrap_err();
    let html = html(&error.answer);
    assert!(
        html.contains("redirect_uri: is not one of the client&#39;s redirect URIs"),
        "{html}"
    );
    assert!(!html.contains("evil"), "{html}");
    assert_eq!(error.answer.status, 400);
    let unknown = parsed(&[("client_id", "<b>")]).unwrap_err();
    assert_eq!(
        unknown.answer.status, 400,
        "a browser would ask for a password"
    );
}

#[test]
fn a_loopback_redirect_may_have_any_port() {
    let program = [
        ("client_id", "program"),
        ("redirect_uri", "http://127.0.0.1:50123/callback"),
    ];
    assert_eq!(accepted(&program).redirect_uri, program[1].1);
}

#[test]
fn the_only_redirect_uri_may_be_omitted() {
    let request = accepted(&[("redirect_uri", "")]);
    assert_eq!(request.redirect_uri, CALLBACK);
    assert!(!request.redirect_uri_given);
}

#[test]
fn repeated_parameters_are_refused() {
    let server = Server::new(&config());
    let with = |more: &str| {
        let url = authorize(&[]) + more;
        parse(&server, get(&url))
    };
    for more in [
        "&client_id=app",
        "&client_id=x",
        "&redirect_uri=https://evil.example/",
    ] {
        assert_eq!(
            shown(&with(more).unwrap_err()),
            "repeated-parameter",
            "{more}"
        );
    }
    let state = with("&state=other").unwrap_err();
    let answer = query(&state.redirect.unwrap());
    assert_eq!(answer["error_description"], "state: must not be repeated");
    assert_eq!(answer.get("state"), None);
    let scope = query(&with("&scope=read").unwrap_err().redirect.unwrap());
    assert_eq!(scope["error_description"], "scope: must not be repeated");
    assert_eq!(scope["state"], "the state");
    let two = with("&resource=https%3A%2F%2Fother.example%2Fmcp").unwrap();
    assert_eq!(two.resources, [RESOURCE, "https://other.example/mcp"]);
}

#[test]
fn only_codes_are_given() {
    for (value, told_as) in [
        ("", "missing-parameter"),
        ("token", "response-type"),
        ("code id_token", "response-type"),
        ("none", "response-type"),
    ] {
        assert_eq!(told(&[("response_type", value)]).0, told_as, "{value}");
    }
    let (_, text) = told(&[("response_type", "token")]);
    assert_eq!(
        text,
        "unsupported_response_type: response_type: must be code"
    );
    for mode in ["fragment", "form_post", "jwt"] {
        assert_eq!(
            told(&[("response_mode", mode)]).0,
            "bad-parameter",
            "{mode}"
        );
    }
    let (_, service) = told(&[("client_id", "service"), ("scope", "")]);
    assert!(service.starts_with("unauthorized_client: "), "{service}");
}

#[test]
fn request_objects_are_refused_by_their_own_errors() {
    assert!(
        told(&[("request", "x")])
            .1
            .starts_with("request_not_supported: ")
    );
    assert!(
        told(&[("request_uri", "x")])
            .1
            .starts_with("request_uri_not_supported: ")
    );
}

#[test]
fn pkce_is_required_and_must_be_s256() {
    let method = "code_challenge_method";
    let challenge = "code_challenge";
    let short = &CHALLENGE[1..];
    let long = format!("{CHALLENGE}A");
    let padded = format!("{short}=");
    let cases: [(&[(&str, &str)], &str); 9] = [
        (&[(challenge, ""), (method, "")], "code-challenge-missing"),
        (&[(challenge, "")], "code-challenge-method-alone"),
        (&[(method, "")], "code-challenge-method-missing"),
        (&[(method, "plain")], "code-challenge-method"),
        (&[(method, "s256")], "code-challenge-method"),
        (&[(challenge, short)], "code-challenge-syntax"),
        (&[(challenge, &long)], "code-challenge-syntax"),
        (&[(challenge, &padded)], "code-challenge-syntax"),
        (
            &[
                (challenge, ""),
                (method, ""),
                ("client_id", "confidential"),
                ("scope", ""),
            ],
            "code-challenge-missing",
        ),
    ];
    for (changes, reason) in cases {
        let (told_as, text) = told(changes);
        assert_eq!(told_as, reason, "{changes:?}");
        assert!(
            text.starts_with("invalid_request: code_challenge"),
            "{text}"
        );
    }
}

#[test]
fn only_clients_that_authenticate_may_be_allowed_to_omit_pkce() {
    let server = Server::new(&Config {
        confidential_clients_may_omit_pkce: Some(true),
        ..config()
    });
    let without = |client| {
        let url = authorize(&[
            ("client_id", client),
            ("scope", "read"),
            ("code_challenge", ""),
            ("code_challenge_method", ""),
        ]);
        parse(&server, get(&url))
    };
    assert_eq!(without("confidential").unwrap().code_challenge, None);
    let public = without("app").unwrap_err();
    assert_eq!(public.answer.reason, Some("code-challenge-missing"));
}

#[test]
fn resources_are_those_of_the_server() {
    let resources = |value: &str| accepted(&[("resource", value)]).resources;
    assert_eq!(resources(""), [RESOURCE]);
    for same in [
        "https://mcp.example/",
        "https://MCP.example:443",
        "HTTPS://mcp.example",
    ] {
        assert_eq!(resources(same), [RESOURCE], "{same}");
    }
    assert_eq!(
        resources("https://other.example/mcp"),
        ["https://other.example/mcp"]
    );
    let long = format!("https://mcp.example/{}", "a".repeat(2048));
    for (value, reason) in [
        ("https://evil.example", "target-unknown"),
        ("https://mcp.example/mcp", "target-unknown"),
        ("https://other.example/mcp/", "target-unknown"),
        ("https://other.example/MCP", "target-unknown"),
        ("http://mcp.example", "target-unknown"),
        ("https://mcp.example/#a", "target-malformed"),
        ("mcp.example", "target-malformed"),
        ("/mcp", "target-malformed"),
        (&long, "target-malformed"),
    ] {
        let (told_as, text) = told(&[("resource", value)]);
        assert_eq!(told_as, reason, "{value}");
        assert!(text.starts_with("invalid_target: resource "), "{text}");
    }
    let server = Server::new(&config());
    let url = authorize(&[]) + &format!("&resource={}", encode(RESOURCE)).repeat(8);
    let many = parse(&server, get(&url)).unwrap_err();
    assert_eq!(many.answer.reason, Some("target-too-many"));
    let url = authorize(&[]) + &format!("&resource={}", encode(RESOURCE)).repeat(7);
    assert_eq!(parse(&server, get(&url)).unwrap().resources, [RESOURCE]);
}

#[test]
fn scopes_are_those_of_the_server_and_the_client() {
    assert_eq!(accepted(&[("scope", "read  read")]).scopes, ["read"]);
    assert_eq!(accepted(&[("scope", "")]).scopes, [""; 0]);
    let confidential = ("client_id", "confidential");
    let long = "a".repeat(4097);
    for (changes, reason) in [
        (&[("scope", "admin")][..], "scope-unknown"),
        (&[("scope", "Read")], "scope-unknown"),
        (&[("scope", "read\"")], "scope-malformed"),
        (
            &[confidential, ("scope", "read write")],
            "scope-not-for-client",
        ),
    ] {
        let (told_as, text) = told(changes);
        assert_eq!(told_as, reason, "{changes:?}");
        assert!(text.starts_with("invalid_scope: "), "{text}");
    }
    assert_eq!(told(&[("scope", &long)]).0, "parameter-too-long");
    let any = Server::new(&Config {
        scopes: None,
        ..config()
    });
    let scopes = |count: usize| {
        let scopes: Vec<_> = (0..count).map(|index| index.to_string()).collect();
        parse(&any, get(&authorize(&[("scope", &scopes.join(" "))])))
    };
    assert_eq!(scopes(256).unwrap().scopes.len(), 256);
    assert_eq!(
        scopes(257).unwrap_err().answer.reason,
        Some("scope-too-many")
    );
}

#[test]
fn offline_access_may_always_be_asked_for() {
    let asked = [("scope", "read offline_access")];
    assert_eq!(accepted(&asked).scopes, ["read"]);
    let server = Server::new(&Config {
        scopes: Some(vec!["read".into(), "offline_access".into()]),
        ..config()
    });
    let request = parse(&server, get(&authorize(&asked))).unwrap();
    assert_eq!(request.scopes, ["read", "offline_access"]);
}

#[test]
fn values_have_limits() {
    let text = |length: usize| "a".repeat(length);
    for (name, limit) in [("state", 2048), ("login_hint", 512), ("nonce", 512)] {
        accepted(&[(name, &text(limit))]);
        let (told_as, description) = told(&[(name, &text(limit + 1))]);
        assert_eq!(told_as, "parameter-too-long", "{name}");
        assert_eq!(description, format!("invalid_request: {name}: is too long"));
        assert_eq!(told(&[(name, "a\nb")]).0, "bad-parameter", "{name}");
    }
    assert_eq!(told(&[("prompt", &text(513))]).0, "parameter-too-long");
    accepted(&[("max_age", "0")]);
    for bad in ["-1", "+1", "1.5", "x", "99999999999"] {
        assert_eq!(told(&[("max_age", bad)]).0, "bad-parameter", "{bad}");
    }
    accepted(&[("prompt", "none")]);
    assert_eq!(told(&[("prompt", "none login")]).0, "bad-parameter");
    let server = Server::new(&config());
    let long = authorize(&[]) + "&x=" + &text(16 * 1024);
    assert_eq!(
        shown(&parse(&server, get(&long)).unwrap_err()),
        "request-too-large"
    );
    let many = authorize(&[]) + &"&resource=a".repeat(64);
    assert_eq!(
        shown(&parse(&server, get(&many)).unwrap_err()),
        "too-many-parameters"
    );
    let bad = authorize(&[]) + "&x=\u{e9}";
    assert_eq!(shown(&parse(&server, get(&bad)).unwrap_err()), "bad-url");
}

#[test]
fn a_store_that_is_down_is_no_reason_to_register_again() {
    let server = Server::new(&config());
    server.store.commits_left.set(Some(0));
    let url = authorize(&[("client_id", "registered")]);
    let error = parse(&server, get(&url)).unwrap_err();
    assert_eq!(shown(&error), "store-unavailable");
    assert_eq!(error.answer.status, 503);
    assert!(error.answer.header("retry-after").is_some());
}

#[test]
fn an_application_with_its_own_page_completes_a_request() {
    let server = Server::new(&config());
    assert!(
        !server.server.serves(&authorize(&[])),
        "the endpoint is the application's"
    );
    let request = accepted(&[]);
    let url = complete(&server, request.clone(), approval()).unwrap();
    let answer = query(&url);
    assert!(
        url.starts_with("https://app.example/callback?code="),
        "{url}"
    );
    assert_eq!((&*answer["state"], &*answer["iss"]), ("the state", AUTH));
    let denied = server
        .finish(server.server.deny_authorization(request))
        .unwrap();
    let denied = query(&denied);
    assert_eq!(denied["error"], "access_denied");
    assert_eq!((&*denied["state"], &*denied["iss"]), ("the state", AUTH));
}

fn approval() -> Approval {
    Approval {
        user_id: "alice".into(),
        scopes: vec!["read".into()],
        ..Approval::default()
    }
}

fn complete(
    server: &Server,
    request: AuthorizationRequest,
    approval: Approval,
) -> Result<String, Rejection> {
    server.finish(server.server.complete_authorization(request, approval))
}

#[test]
fn everything_is_checked_again_when_a_request_is_completed_or_denied() {
    let server = Server::new(&config());
    let good = accepted(&[]);
    let changed = |change: fn(&mut AuthorizationRequest)| {
        let mut request = good.clone();
        change(&mut request);
        request
    };
    let bad: [(AuthorizationRequest, &str); 14] = [
        (
            changed(|own| own.client_id = "a".repeat(2048)),
            "UnknownClient",
        ),
        (
            changed(|own| own.client_id = "other".into()),
            "UnknownClient",
        ),
        (
            changed(|own| own.client_id = "a".repeat(2049)),
            "ParameterTooLong",
        ),
        (
            changed(|own| own.client_id = "service".into()),
            "UnauthorizedClient",
        ),
        (
            changed(|own| own.redirect_uri = "https://evil.example/".into()),
            "RedirectUri",
        ),
        (
            changed(|own| {
                own.client_id = "confidential".into();
                own.redirect_uri_given = false;
            }),
            "RedirectUri(Missing",
        ),
        (
            changed(|own| own.state = Some("a".repeat(2049))),
            "ParameterTooLong",
        ),
        (
            changed(|own| own.state = Some("a\r\nb".into())),
            "BadParameter",
        ),
        (changed(|own| own.code_challenge = None), "Pkce(Missing"),
        (
            changed(|own| own.code_challenge = Some("x".into())),
            "Pkce(Syntax",
        ),
        (
            changed(|own| own.resources = vec!["https://evil.example".into()]),
            "Target",
        ),
        (
            changed(|own| own.resources = Vec::new()),
            "BadParameter(\"resource",
        ),
        (
            changed(|own| own.scopes = vec!["admin".into()]),
            "Scope(Unknown",
        ),
        (
            changed(|own| own.scopes = vec!["a b".into()]),
            "Scope(Malformed",
        ),
    ];
    for (request, why) in bad {
        let shown = format!("{request:?}");
        let completed = complete(&server, request.clone(), approval()).unwrap_err();
        assert!(
            format!("{completed:?}").starts_with(why),
            "{completed:?}: {shown}"
        );
        let denied = server.finish(server.server.deny_authorization(request));
        assert_eq!(denied.unwrap_err(), completed, "{shown}");
    }
}

#[test]
fn an_approval_is_checked() {
    let server = Server::new(&config());
    let request = accepted(&[]);
    let with_user = |user_id: String| {
        let approval = Approval {
            user_id,
            ..approval()
        };
        complete(&server, request.clone(), approval)
    };
    let bad = Rejection::BadParameter("user_id");
    assert!(with_user("ü: any text".into()).is_ok());
    assert!(with_user("a".repeat(512)).is_ok());
    assert_eq!(with_user("a".repeat(513)), Err(bad.clone()));
    assert_eq!(with_user(String::new()), Err(bad));
    let beyond = Approval {
        scopes: vec!["admin".into()],
        ..approval()
    };
    let beyond = complete(&server, request, beyond);
    assert_eq!(beyond, Err(Rejection::Scope(ScopeFailure::Unknown)));
}
