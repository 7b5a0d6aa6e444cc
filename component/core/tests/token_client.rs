//! The client: exchange, its cache, single flight, and failures of the issuer.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

use std::rc::Rc;

use harness::{DISCOVERY, ISSUER, Key, NOW, Site, World, inline};
use serde_json::json;
use tollgate_core::capability::{HttpError, HttpRequest};
use tollgate_core::deployment::{
    ClientAuthenticationMethod, ClientConfig, Config, ExchangeCacheConfig, IssuerConfig,
};
use tollgate_core::secret::Secret;
use tollgate_core::task::{Progress, Task};
use tollgate_core::token_client::{
    Delegation, Grant, Token, TokenClient, TokenFailure, TokenStep, TokenTarget, TypedToken,
};

const ENDPOINT: &str = "https://issuer.example/token";
const UPSTREAM: &str = "https://upstream.example";

type Outcome = Result<Rc<Token>, TokenFailure>;

fn client() -> ClientConfig {
    ClientConfig {
        id: Some("app".into()),
        secret: Some(Secret::new("s3cret")),
        ..ClientConfig::default()
    }
}

fn config(client: ClientConfig) -> Config {
    Config {
        client: Some(client),
        ..inline(&[&Key::new("k", 7)])
    }
}

/// A world whose issuer exchanges tokens.
fn world_with(client: ClientConfig) -> (World, TokenClient) {
    let world = World::new(config(client));
    let metadata = json!({ "issuer": ISSUER, "token_endpoint": ENDPOINT });
    world.host.set_json(DISCOVERY, &metadata);
    world.host.set(ENDPOINT, Site::Answers(issue));
    let client = world.deployment.token_client().unwrap();
    (world, client)
}

fn world() -> (World, TokenClient) {
    world_with(client())
}

/// A token that names its subject, and differs from the one before.
fn issue(request: &HttpRequest, number: usize) -> Site {
    let user = parameter(request, "subject_token").unwrap_or_else(|| "nobody".into());
    let body = json!({
        "access_token": format!("for-{user}-{number}"), "token_type": "Bearer",
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "expires_in": 600,
    });
    Site::Body(200, body.to_string(), "")
}

fn parameters(request: &HttpRequest) -> Vec<(String, String)> {
    let body = String::from_utf8(request.body.clone().unwrap()).unwrap();
    let pairs = body.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

fn parameter(request: &HttpRequest, name: &str) -> Option<String> {
    let found = parameters(request).into_iter().find(|(n, _)| n == name);
    found.map(|(_, value)| value)
}

fn target(resource: &str) -> TokenTarget {
    TokenTarget {
        resources: vec![resource.into()],
        ..TokenTarget::default()
    }
}

fn of(user: &str) -> Delegation {
    Delegation {
        subject: Some(user.into()),
        subject_token: TypedToken {
            token: Secret::new(format!("token-{user}")),
            token_type: None,
        },
        subject_expires_at: Some(NOW + 3600),
        actor_token: None,
        target: target(UPSTREAM),
        destination: None,
    }
}

fn finish(world: &World, step: TokenStep) -> Outcome {
    match step {
        TokenStep::Done(outcome) => outcome,
        TokenStep::Waiting(task) => world.finish(task),
    }
}

fn get(world: &World, client: &TokenClient, delegation: Delegation) -> Outcome {
    finish(world, client.get_token(delegation))
}

fn access_token(outcome: &Outcome) -> &str {
    outcome.as_ref().unwrap().access_token.expose()
}

fn waiting(step: TokenStep) -> Task<Outcome> {
    match step {
        TokenStep::Waiting(task) => task,
        TokenStep::Done(outcome) => panic!("done: {outcome:?}"),
    }
}

/// Polls all of them in turn, moving time on, until each has its outcome.
fn finish_all(world: &World, mut tasks: Vec<Task<Outcome>>) -> Vec<Outcome> {
    let mut outcomes: Vec<Option<Outcome>> = tasks.iter().map(|_| None).collect();
    for _ in 0..10_000 {
        for (task, outcome) in tasks.iter_mut().zip(&mut outcomes) {
            if outcome.is_none()
                && let Progress::Ready(ready) = task.poll()
            {
                *outcome = Some(ready);
            }
        }
        if outcomes.iter().all(Option::is_some) {
            return outcomes.into_iter().flatten().collect();
        }
        world.host.advance(5);
    }
    panic!("some task never ends");
}

fn exchanges(world: &World) -> usize {
    world.host.fetches(ENDPOINT)
}

#[test]
fn an_exchanged_token_is_cached() {
    let (world, client) = world();
    let first = get(&world, &client, of("alice"));
    assert_eq!(access_token(&first), "for-token-alice-1");
    // Without a task: there is nothing to wait for.
    let TokenStep::Done(second) = client.get_token(of("alice")) else {
        panic!("the cache needs no I/O");
    };
    assert_eq!(access_token(&second), access_token(&first));
    assert_eq!(exchanges(&world), 1);
    let sent = world.host.sent.borrow();
    let request = sent.last().unwrap();
    assert_eq!(request.method, "POST");
    let header = |name: &str| {
        let found = request.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    };
    assert_eq!(
        header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(header("accept"), Some("application/json"));
    assert_eq!(header("authorization"), Some("Basic YXBwOnMzY3JldA=="));
    let expected = [
        (
            "grant_type",
            "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange",
        ),
        ("subject_token", "token-alice"),
        (
            "subject_token_type",
            "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token",
        ),
        ("resource", "https%3A%2F%2Fupstream.example"),
    ];
    assert_eq!(
        parameters(request),
        expected.map(|(n, v)| (n.to_owned(), v.to_owned()))
    );
}

#[test]
fn a_request_has_every_parameter() {
    let (world, client) = world_with(ClientConfig {
        authentication: Some(ClientAuthenticationMethod::ClientSecretPost),
        ..client()
    });
    let jwt = "urn:ietf:params:oauth:token-type:jwt";
    let typed = |token: &str| TypedToken {
        token: Secret::new(token),
        token_type: Some(jwt.into()),
    };
    let delegation = Delegation {
        subject_token: typed("subject token"),
        actor_token: Some(typed("actor+token")),
        target: TokenTarget {
            resources: vec![UPSTREAM.into(), "urn:x".into()],
            audiences: vec!["a&b".into()],
            scopes: vec!["s:1".into(), "s:2".into()],
            requested_token_type: Some("urn:ietf:params:oauth:token-type:access_token".into()),
        },
        ..of("alice")
    };
    get(&world, &client, delegation).unwrap();
    let sent = world.host.sent.borrow();
    let names: Vec<_> = parameters(sent.last().unwrap());
    let value = |name: &str| {
        let all = names.iter().filter(|(n, _)| n == name);
        all.map(|(_, v)| v.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(value("subject_token"), ["subject+token"]);
    assert_eq!(value("actor_token"), ["actor%2Btoken"]);
    assert_eq!(
        value("actor_token_type"),
        ["urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt"]
    );
    assert_eq!(
        value("resource"),
        ["https%3A%2F%2Fupstream.example", "urn%3Ax"]
    );
    assert_eq!(value("audience"), ["a%26b"]);
    assert_eq!(value("scope"), ["s%3A1+s%3A2"]);
    assert_eq!(
        value("requested_token_type"),
        ["urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"]
    );
    assert_eq!(value("client_id"), ["app"]);
    assert_eq!(value("client_secret"), ["s3cret"]);
    let headers = &sent.last().unwrap().headers;
    assert!(!headers.iter().any(|(name, _)| name == "authorization"));
}

#[test]
fn a_hundred_concurrent_requests_make_one_exchange() {
    let (world, client) = world();
    let tasks: Vec<_> = (0..100)
        .map(|_| waiting(client.get_token(of("alice"))))
        .collect();
    let outcomes = finish_all(&world, tasks);
    assert_eq!(exchanges(&world), 1);
    assert_eq!(world.host.fetches(DISCOVERY), 1);
    assert!(
        outcomes
            .iter()
            .all(|o| access_token(o) == access_token(&outcomes[0]))
    );
}

#[test]
fn users_never_get_the_tokens_of_other_users() {
    let (world, client) = world();
    let users: Vec<String> = (0..1000).map(|n| format!("user-{n}")).collect();
    let tasks = users
        .iter()
        .map(|user| waiting(client.get_token(of(user))))
        .collect();
    let outcomes = finish_all(&world, tasks);
    assert_eq!(exchanges(&world), 1000);
    for (user, outcome) in users.iter().zip(&outcomes) {
        assert!(access_token(outcome).starts_with(&format!("for-token-{user}-")));
        let again = get(&world, &client, of(user));
        assert_eq!(access_token(&again), access_token(outcome));
    }
    assert_eq!(exchanges(&world), 1000);
    let (tokens, bytes) = client.cache_size();
    assert_eq!(tokens, 1000);
    assert!(bytes <= 4 * 1024 * 1024, "{bytes}");
}

#[test]
fn an_abandoned_request_is_taken_over() {
    let (world, client) = world();
    let mut first = waiting(client.get_token(of("alice")));
    let mut others: Vec<_> = (0..9)
        .map(|_| waiting(client.get_token(of("alice"))))
        .collect();
    for task in others.iter_mut().chain([&mut first]) {
        let _ = task.poll();
    }
    drop(first);
    let outcomes = finish_all(&world, others);
    assert!(outcomes.iter().all(Result::is_ok));
    assert!(exchanges(&world) <= 2);
}

#[test]
fn abandoned_requests_leave_nothing_behind() {
    let (world, client) = world();
    let tasks: Vec<_> = (0..5)
        .map(|_| waiting(client.get_token(of("alice"))))
        .collect();
    drop(tasks);
    assert!(get(&world, &client, of("alice")).is_ok());
}

#[test]
fn waiters_share_a_token_that_is_not_cached() {
    let (world, client) = world_with(ClientConfig {
        cache: Some(ExchangeCacheConfig {
            max_entries: Some(0),
            ..ExchangeCacheConfig::default()
        }),
        ..client()
    });
    let tasks: Vec<_> = (0..20)
        .map(|_| waiting(client.get_token(of("alice"))))
        .collect();
    let outcomes = finish_all(&world, tasks);
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(exchanges(&world), 1);
    get(&world, &client, of("alice")).unwrap();
    assert_eq!(exchanges(&world), 2);
}

#[test]
fn a_missing_subject_is_refused() {
    let (world, client) = world();
    for subject in [None, Some(String::new())] {
        let delegation = Delegation {
            subject,
            ..of("alice")
        };
        let outcome = get(&world, &client, delegation);
        assert_eq!(outcome.unwrap_err(), TokenFailure::NoSubject);
    }
    assert!(world.host.sent.borrow().is_empty());
}

#[test]
fn another_session_of_the_same_user_gets_its_own_token() {
    let (world, client) = world();
    get(&world, &client, of("alice")).unwrap();
    let other = Delegation {
        subject_token: TypedToken {
            token: Secret::new("narrower"),
            token_type: None,
        },
        ..of("alice")
    };
    let outcome = get(&world, &client, other);
    assert_eq!(access_token(&outcome), "for-narrower-2");
}

#[test]
fn a_cached_token_expires_with_the_users_token() {
    let (world, client) = world();
    let soon = Delegation {
        subject_expires_at: Some(NOW + 100),
        ..of("alice")
    };
    get(&world, &client, soon.clone()).unwrap();
    world.host.advance(99_000);
    get(&world, &client, soon.clone()).unwrap();
    assert_eq!(exchanges(&world), 1);
    world.host.advance(1_000);
    get(&world, &client, soon).unwrap();
    assert_eq!(exchanges(&world), 2);
    // A JWT's own `exp` applies too, whatever the application says.
    let jwt = Key::new("k", 7).token_with(&json!({ "exp": NOW + 200 }));
    let says_so = Delegation {
        subject_token: TypedToken {
            token: Secret::new(jwt),
            token_type: None,
        },
        subject_expires_at: None,
        ..of("alice")
    };
    get(&world, &client, says_so.clone()).unwrap();
    let too_long = Delegation {
        subject_expires_at: Some(NOW + 3600),
        subject: Some("bob".into()),
        ..says_so.clone()
    };
    get(&world, &client, too_long.clone()).unwrap();
    world.host.advance(100_000);
    get(&world, &client, says_so).unwrap();
    get(&world, &client, too_long).unwrap();
    assert_eq!(exchanges(&world), 6);
}

#[test]
fn bad_input_is_refused_before_any_request() {
    let (world, client) = world();
    let with = |change: fn(&mut Delegation)| {
        let mut delegation = of("alice");
        change(&mut delegation);
        get(&world, &client, delegation).unwrap_err()
    };
    let failures = [
        with(|d| d.subject_token.token = Secret::new("")),
        with(|d| d.subject_token.token = Secret::new("x".repeat(32 * 1024 + 1))),
        with(|d| d.subject_token.token_type = Some("jwt".into())),
        with(|d| {
            d.actor_token = Some(TypedToken {
                token: Secret::new(""),
                token_type: None,
            });
        }),
        with(|d| d.target = target("upstream")),
        with(|d| d.target = target("https://upstream.example/#x")),
        with(|d| d.target = target("https://upstream.example/\r\nx")),
        with(|d| d.target = target("https://é")),
        with(|d| d.target = target("")),
        with(|d| d.target = target(&format!("https://{}", "x".repeat(2048)))),
        with(|d| d.target.resources = vec![UPSTREAM.into(); 9]),
        with(|d| d.target.audiences = vec!["a".into(); 9]),
        with(|d| d.target.audiences = vec![String::new()]),
        with(|d| d.target.audiences = vec!["a\nb".into()]),
        with(|d| d.target.scopes = vec!["a b".into()]),
        with(|d| d.target.scopes = vec!["a\"".into()]),
        with(|d| d.target.scopes = vec!["a".into(); 257]),
        with(|d| d.target.requested_token_type = Some("token".into())),
    ];
    for (index, failure) in failures.iter().enumerate() {
        let invalid = matches!(failure, TokenFailure::InvalidRequest(_));
        assert!(invalid, "{index}: {failure:?}");
    }
    assert!(world.host.sent.borrow().is_empty());
}

#[test]
fn tokens_go_only_to_known_destinations() {
    let (world, client) = world_with(ClientConfig {
        destinations: Some(vec!["https://other.example".into()]),
        ..client()
    });
    let to = |url: &str, resource: &str| {
        let delegation = Delegation {
            destination: Some(url.into()),
            target: target(resource),
            ..of("alice")
        };
        get(&world, &client, delegation).map(drop)
    };
    for good in [
        "https://upstream.example/me?x=1#there",
        "https://UPSTREAM.example:443/",
        "https://other.example/x",
    ] {
        assert_eq!(to(good, UPSTREAM), Ok(()), "{good}");
    }
    assert_eq!(
        to("http://127.0.0.1:8080/me", "http://127.0.0.1:8080"),
        Ok(())
    );
    for bad in [
        "https://evil.example/",
        "https://upstream.example.evil.example/",
        "https://upstream.example@evil.example/",
        "https://upstream.example:444/",
        "http://upstream.example/",
        "https:\\\\upstream.example/",
        "/me",
        "",
    ] {
        let expected = Err(TokenFailure::ForbiddenDestination);
        assert_eq!(to(bad, UPSTREAM), expected, "{bad}");
    }
    let urn = to(UPSTREAM, "urn:upstream");
    assert_eq!(urn, Err(TokenFailure::ForbiddenDestination));
}

#[test]
fn endpoint_failures_have_their_kinds_and_are_temporary() {
    let body = |status, body: &str| Site::Body(status, body.into(), "");
    let huge = format!("{{\"access_token\":\"{}\"}}", "x".repeat(200_000));
    for (site, failure) in [
        (
            Site::Fails(HttpError::Unreachable),
            TokenFailure::Unreachable,
        ),
        (Site::Fails(HttpError::TimedOut), TokenFailure::TimedOut),
        (Site::Never, TokenFailure::TimedOut),
        (body(200, &huge), TokenFailure::TooLarge),
        (body(200, "<html>"), TokenFailure::NotJson),
        (body(302, ""), TokenFailure::Redirected),
        (body(500, "busy"), TokenFailure::UnexpectedStatus(500)),
        (
            body(200, "{}"),
            TokenFailure::BadResponse("has no access_token"),
        ),
    ] {
        let (world, client) = world();
        world.host.set(ENDPOINT, site);
        let start = world.host.now_ms.get();
        let outcome = get(&world, &client, of("alice"));
        assert_eq!(outcome.unwrap_err(), failure);
        let took = world.host.now_ms.get() - start;
        assert!(took <= 11_000, "{failure:?} took {took} ms");
        world.host.set(ENDPOINT, Site::Answers(issue));
        assert!(get(&world, &client, of("alice")).is_ok(), "{failure:?}");
    }
}

#[test]
fn a_failure_is_shared_and_followed_by_a_cooldown() {
    let (world, client) = world();
    world
        .host
        .set(ENDPOINT, Site::Fails(HttpError::Unreachable));
    let tasks = (0..50)
        .map(|_| waiting(client.get_token(of("alice"))))
        .collect();
    let outcomes = finish_all(&world, tasks);
    assert!(outcomes.iter().all(Result::is_err));
    assert_eq!(exchanges(&world), 1);
    // The next callers wait for the rest of the delay, and share an attempt again.
    let failed_at = world.host.now_ms.get();
    let tasks = (0..50)
        .map(|_| waiting(client.get_token(of("alice"))))
        .collect();
    let outcomes = finish_all(&world, tasks);
    assert!(outcomes.iter().all(Result::is_err));
    assert_eq!(exchanges(&world), 2);
    let took = world.host.now_ms.get() - failed_at;
    assert!((400..700).contains(&took), "{took}");
    // Another user does not wait.
    let start = world.host.now_ms.get();
    let _ = get(&world, &client, of("bob"));
    assert!(world.host.now_ms.get() - start < 200);
}

#[test]
fn refusals_of_the_issuer_are_passed_on() {
    let (world, client) = world();
    let body = json!({ "error": "invalid_target", "error_description": "not yours" });
    world
        .host
        .set(ENDPOINT, Site::Body(400, body.to_string(), ""));
    let failure = get(&world, &client, of("alice")).unwrap_err();
    assert_eq!(failure.oauth().unwrap().error, "invalid_target");
    assert_eq!(failure.status(), Some(400));
    assert_eq!(failure.to_answer().status, 403);
}

#[test]
fn the_endpoint_comes_from_the_issuer_or_from_the_configuration() {
    let (world, client) = world();
    let metadata = |endpoint: &str| json!({ "issuer": ISSUER, "token_endpoint": endpoint });
    let foreign = metadata("https://evil.example/token");
    world.host.set_json(DISCOVERY, &foreign);
    let outcome = get(&world, &client, of("alice"));
    assert_eq!(outcome.unwrap_err(), TokenFailure::ForeignTokenEndpoint);
    assert_eq!(world.host.fetches("https://evil.example/token"), 0);

    let (world, client) = world_with(ClientConfig {
        token_endpoint: Some("https://sts.example/token".into()),
        ..self::client()
    });
    world
        .host
        .set("https://sts.example/token", Site::Answers(issue));
    assert!(get(&world, &client, of("alice")).is_ok());
    assert_eq!(world.host.fetches(DISCOVERY), 0);
}

#[test]
fn a_failed_discovery_is_not_cached() {
    let (world, client) = world();
    world.host.take_down();
    let failure = get(&world, &client, of("alice")).unwrap_err();
    assert!(matches!(failure, TokenFailure::IssuerUnavailable(_)));
    let metadata = json!({ "issuer": ISSUER, "token_endpoint": ENDPOINT });
    world.host.set_json(DISCOVERY, &metadata);
    world.host.set(ENDPOINT, Site::Answers(issue));
    world.host.advance(1_500);
    assert!(get(&world, &client, of("alice")).is_ok());
}

#[test]
fn an_endpoint_that_moved_is_found_again() {
    let (world, client) = world();
    get(&world, &client, of("alice")).unwrap();
    let moved = "https://issuer.example/v2/token";
    let metadata = json!({ "issuer": ISSUER, "token_endpoint": moved });
    world.host.set_json(DISCOVERY, &metadata);
    world.host.set(moved, Site::Answers(issue));
    world.host.set(ENDPOINT, Site::Body(404, String::new(), ""));
    let outcome = get(&world, &client, of("bob"));
    assert_eq!(outcome.unwrap_err(), TokenFailure::UnexpectedStatus(404));
    assert!(get(&world, &client, of("bob")).is_ok());
}

#[test]
fn a_401_causes_one_more_call_with_another_token() {
    let (world, client) = world();
    let first = get(&world, &client, of("alice"));
    for status in [200, 403, 400, 500] {
        assert!(!client.call_again(&of("alice"), access_token(&first), status, 1));
    }
    assert!(client.call_again(&of("alice"), access_token(&first), 401, 1));
    let second = get(&world, &client, of("alice"));
    assert_ne!(access_token(&second), access_token(&first));
    // Another request was faster: its token stays.
    assert!(client.call_again(&of("alice"), access_token(&first), 401, 1));
    let third = get(&world, &client, of("alice"));
    assert_eq!(access_token(&third), access_token(&second));
    // No third call, but the refused token is removed as well.
    assert!(!client.call_again(&of("alice"), access_token(&third), 401, 2));
    get(&world, &client, of("alice")).unwrap();
    assert_eq!(exchanges(&world), 3);
}

#[test]
fn invalidated_requests_in_flight_are_not_cached() {
    let (world, client) = world();
    get(&world, &client, of("bob")).unwrap();
    let task = waiting(client.get_token(of("alice")));
    assert_eq!(client.invalidate(Some("alice"), None), 0);
    // Later callers do not get the token of an earlier request.
    let later = waiting(client.get_token(of("alice")));
    let outcomes = finish_all(&world, vec![task, later]);
    assert_ne!(access_token(&outcomes[0]), access_token(&outcomes[1]));
    let kept = get(&world, &client, of("alice"));
    assert_eq!(access_token(&kept), access_token(&outcomes[1]));
    assert_eq!(exchanges(&world), 3);
    assert_eq!(client.invalidate(None, Some(UPSTREAM)), 2);
    assert_eq!(client.cache_size(), (0, 0));
}

#[test]
fn responses_to_invalidated_requests_are_not_cached() {
    let (world, client) = world();
    let task = waiting(client.get_token(of("alice")));
    client.invalidate(Some("alice"), None);
    let outcomes = finish_all(&world, vec![task]);
    assert!(outcomes[0].is_ok());
    assert_eq!(client.cache_size(), (0, 0));
    let again = get(&world, &client, of("alice"));
    assert_ne!(access_token(&again), access_token(&outcomes[0]));
}

#[test]
fn a_cancelled_task_does_not_end_a_shared_request() {
    let (world, client) = world();
    get(&world, &client, of("bob")).unwrap();
    let first = waiting(client.get_token(of("alice")));
    drop(waiting(client.get_token(of("alice"))));
    let later = waiting(client.get_token(of("alice")));
    let outcomes = finish_all(&world, vec![first, later]);
    assert_eq!(access_token(&outcomes[0]), access_token(&outcomes[1]));
    assert_eq!(exchanges(&world), 2);
}

#[test]
fn the_clients_own_token_is_cached_separately() {
    let (world, client) = world();
    let own = finish(&world, client.get_own_token(target(UPSTREAM)));
    assert_eq!(access_token(&own), "for-nobody-1");
    let again = finish(&world, client.get_own_token(target(UPSTREAM)));
    assert_eq!(access_token(&again), access_token(&own));
    get(&world, &client, of("alice")).unwrap();
    assert_eq!(exchanges(&world), 2);
    let sent = world.host.sent.borrow();
    let own = sent.iter().find(|r| r.url == ENDPOINT).unwrap();
    assert_eq!(
        parameter(own, "grant_type").as_deref(),
        Some("client_credentials")
    );
}

#[test]
fn a_raw_request_is_neither_cached_nor_shared() {
    let (world, client) = world();
    let refresh = || Grant::RefreshToken(Secret::new("r"));
    for _ in 0..2 {
        let step = client.request(refresh(), TokenTarget::default(), None);
        finish(&world, step).unwrap();
    }
    assert_eq!(exchanges(&world), 2);
    assert_eq!(client.cache_size(), (0, 0));
    let given = Some(Secret::new("a.b.c"));
    let step = client.request(Grant::ClientCredentials, TokenTarget::default(), given);
    finish(&world, step).unwrap();
    let sent = world.host.sent.borrow();
    let request = sent.last().unwrap();
    assert_eq!(
        parameter(request, "client_assertion").as_deref(),
        Some("a.b.c")
    );
    assert!(!request.headers.iter().any(|(n, _)| n == "authorization"));
    let empty = Grant::RefreshToken(Secret::new(""));
    let step = client.request(empty, TokenTarget::default(), None);
    let failure = finish(&world, step).unwrap_err();
    assert!(matches!(failure, TokenFailure::InvalidRequest(_)));
}

#[test]
fn an_invalid_client_does_not_stop_the_gate() {
    let broken = |client: ClientConfig| {
        let world = World::new(config(client));
        let key = Key::new("k", 7);
        assert_eq!(world.status(&key.token()), 200, "the gate works");
        world.deployment.token_client().unwrap_err().field
    };
    let with = |change: fn(&mut ClientConfig)| {
        let mut client = client();
        change(&mut client);
        broken(client)
    };
    let longest = ClientConfig {
        id: Some("x".repeat(2048)),
        secret: Some(Secret::new("x".repeat(2048))),
        ..client()
    };
    assert!(
        World::new(config(longest))
            .deployment
            .token_client()
            .is_ok()
    );
    assert_eq!(with(|c| c.id = None), "client.id");
    assert_eq!(with(|c| c.id = Some(String::new())), "client.id");
    assert_eq!(with(|c| c.id = Some("a\nb".into())), "client.id");
    assert_eq!(with(|c| c.id = Some("x".repeat(2049))), "client.id");
    assert_eq!(
        with(|c| c.secret = Some(Secret::new("x".repeat(2049)))),
        "client.secret"
    );
    assert_eq!(
        with(|c| {
            c.secret = None;
            c.authentication = Some(ClientAuthenticationMethod::ClientSecretPost);
        }),
        "client.secret"
    );
    assert_eq!(
        with(|c| c.authentication = Some(ClientAuthenticationMethod::PrivateKeyJwt)),
        "client.keys"
    );
    assert_eq!(
        with(|c| c.issuer = Some("https://x".into())),
        "client.issuer"
    );
    assert_eq!(
        with(|c| c.token_endpoint = Some("http://x/token".into())),
        "client.token-endpoint"
    );
    assert_eq!(
        with(|c| c.destinations = Some(vec!["x".into()])),
        "client.destinations[0]"
    );
    assert_eq!(with(|c| c.timeout_ms = Some(0)), "client.timeout-ms");
    assert_eq!(with(|c| c.timeout_ms = Some(120_001)), "client.timeout-ms");
    let world = World::new(inline(&[&Key::new("k", 7)]));
    assert_eq!(world.deployment.token_client().unwrap_err().field, "client");
}

#[test]
fn the_environment_configures_a_client() {
    let env = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|&(n, v)| (n.into(), v.into()));
        let config = Config {
            env: Some(pairs.collect()),
            ..inline(&[&Key::new("k", 7)])
        };
        World::new(config)
    };
    let world = env(&[
        ("TOLLGATE_CLIENT_ID", "app"),
        ("TOLLGATE_CLIENT_SECRET", "s"),
        ("TOLLGATE_TOKEN_ENDPOINT", ENDPOINT),
    ]);
    world.host.set(ENDPOINT, Site::Answers(issue));
    let client = world.deployment.token_client().unwrap();
    assert!(get(&world, &client, of("alice")).is_ok());
    assert_eq!(world.host.fetches(DISCOVERY), 0);
    // An id alone is not a client: treating it as a public one would hide a missing secret.
    let world = env(&[("TOLLGATE_CLIENT_ID", "app")]);
    assert!(world.deployment.has_client());
    let error = world.deployment.token_client().unwrap_err();
    assert_eq!(error.field, "TOLLGATE_CLIENT_ID");
    assert!(error.message.contains("TOLLGATE_CLIENT_SECRET"), "{error}");
    let mut config = Config {
        env: Some(vec![("TOLLGATE_CLIENT_ID".into(), "app".into())]),
        ..inline(&[&Key::new("k", 7)])
    };
    config.client = Some(ClientConfig {
        authentication: Some(ClientAuthenticationMethod::None),
        ..ClientConfig::default()
    });
    assert!(World::new(config).deployment.token_client().is_ok());
    // A secret alone is not a client.
    let world = env(&[("TOLLGATE_CLIENT_SECRET", "s")]);
    assert_eq!(
        world.deployment.token_client().unwrap_err().field,
        "client.id"
    );
}

#[test]
fn no_secret_is_printed() {
    let (world, client) = world();
    let outcome = get(&world, &client, of("alice"));
    let shown = format!(
        "{:?} {:?} {client:?} {:?}",
        of("alice"),
        outcome,
        self::client()
    );
    for secret in ["s3cret", "token-alice", "for-token"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn tokens_of_another_issuer_are_not_sent_to_the_clients_issuer() {
    const OTHER: &str = "https://other.example";
    let key = Key::new("k", 7);
    let config = config(client());
    let mut issuers = config.issuers.clone().unwrap();
    issuers.push(IssuerConfig {
        issuer: OTHER.into(),
        ..issuers[0].clone()
    });
    let world = World::new(Config {
        issuers: Some(issuers),
        ..config
    });
    let metadata = json!({ "issuer": ISSUER, "token_endpoint": ENDPOINT });
    world.host.set_json(DISCOVERY, &metadata);
    world.host.set(ENDPOINT, Site::Answers(issue));
    let client = world.deployment.token_client().unwrap();
    let with = |token: String| Delegation {
        subject_token: TypedToken {
            token: Secret::new(token),
            token_type: None,
        },
        ..of("alice")
    };
    for iss in [json!(OTHER), json!([ISSUER])] {
        let outcome = get(
            &world,
            &client,
            with(key.token_with(&json!({ "iss": iss }))),
        );
        assert!(
            matches!(outcome, Err(TokenFailure::InvalidRequest(_))),
            "{iss}: {outcome:?}"
        );
    }
    assert_eq!(exchanges(&world), 0);
    assert!(get(&world, &client, with(key.token())).is_ok());
    // Nothing says whose it is.
    assert!(get(&world, &client, of("bob")).is_ok());
}
