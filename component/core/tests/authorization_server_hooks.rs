//! The application's decisions while tokens are issued.

mod harness;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use harness::authorization::{Issuer, MCP, body, config, error, refreshing, text};
use tollgate_core::authorization_server::{
    AccessTokenFormat, AuditEvent, AuditKind, Config, GrantType, HookError, Hooks, TokenDecision,
    TokenDecisionRequest,
};
use tollgate_core::capability::Pending;
use tollgate_core::secret::Secret;

type Decide = Box<dyn Fn(&TokenDecisionRequest) -> Result<TokenDecision, HookError>>;

struct Application {
    decide: RefCell<Decide>,
    polls: Cell<u32>,
    asked: RefCell<Vec<TokenDecisionRequest>>,
    events: RefCell<Vec<AuditEvent>>,
}

impl Application {
    fn new(
        decide: impl Fn(&TokenDecisionRequest) -> Result<TokenDecision, HookError> + 'static,
    ) -> Rc<Self> {
        Rc::new(Self {
            decide: RefCell::new(Box::new(decide)),
            polls: Cell::new(0),
            asked: RefCell::default(),
            events: RefCell::default(),
        })
    }

    fn decides(
        &self,
        decide: impl Fn(&TokenDecisionRequest) -> Result<TokenDecision, HookError> + 'static,
    ) {
        *self.decide.borrow_mut() = Box::new(decide);
    }
}

struct Later(u32, Option<Result<TokenDecision, HookError>>);

impl Pending<Result<TokenDecision, HookError>> for Later {
    fn poll(&mut self) -> Option<Result<TokenDecision, HookError>> {
        if self.0 > 0 {
            self.0 -= 1;
            return None;
        }
        self.1.take()
    }
}

impl Hooks for Application {
    fn decides_about_tokens(&self) -> bool {
        true
    }

    fn token(
        &self,
        request: TokenDecisionRequest,
    ) -> Box<dyn Pending<Result<TokenDecision, HookError>>> {
        let decision = (self.decide.borrow())(&request);
        self.asked.borrow_mut().push(request);
        Box::new(Later(self.polls.get(), Some(decision)))
    }

    fn audit(&self, event: AuditEvent) {
        self.events.borrow_mut().push(event);
    }
}

fn props(issuer: &Issuer, token: &str) -> Option<String> {
    let task = issuer.server.check_token(Secret::new(token), MCP.into());
    let info = issuer.finish(task).expect("a verdict").expect("valid");
    info.props.map(Secret::into_exposed)
}

#[test]
fn a_refusal_leaves_the_code_and_the_refresh_token_as_they_are() {
    let application = Application::new(|_| Err(HookError::Refused));
    let issuer = Issuer::with_hooks(config(), application.clone());
    let code = issuer.code();
    for (decision, status, code_of_error) in [
        (HookError::Refused, 400, "invalid_grant"),
        (HookError::Unavailable, 503, "temporarily_unavailable"),
        (HookError::Failed, 500, "server_error"),
    ] {
        application.decides(move |_| Err(decision));
        let answer = issuer.redeem(&code);
        assert_eq!(
            (answer.status, error(&answer).as_str()),
            (status, code_of_error)
        );
    }
    application.decides(|_| Ok(TokenDecision::default()));
    let token = text(&body(&issuer.redeem(&code)), "refresh_token");
    application.decides(|_| Err(HookError::Failed));
    assert_eq!(issuer.refresh(&token).status, 500);
    application.decides(|_| Ok(TokenDecision::default()));
    assert_eq!(issuer.refresh(&token).status, 200);
}

#[test]
fn an_application_that_never_answers_costs_one_request() {
    let application = Application::new(|_| Ok(TokenDecision::default()));
    let issuer = Issuer::with_hooks(config(), application.clone());
    let code = issuer.code();
    application.polls.set(u32::MAX);
    let before = issuer.host.now_ms.get();
    assert_eq!(issuer.redeem(&code).reason, Some("hook-unavailable"));
    assert!((10_000..12_000).contains(&(issuer.host.now_ms.get() - before)));
    application.polls.set(0);
    assert_eq!(issuer.redeem(&code).status, 200);
}

#[test]
fn scopes_and_lifetimes_can_only_shrink() {
    let application = Application::new(|_| {
        Ok(TokenDecision {
            scopes: Some(vec!["read".into(), "admin".into()]),
            access_token_lifetime: Some(60),
            ..TokenDecision::default()
        })
    });
    let issuer = Issuer::with_hooks(config(), application.clone());
    let tokens = issuer.tokens();
    assert_eq!(tokens["scope"], "read");
    assert_eq!(tokens["expires_in"], 60);
    application.decides(|_| {
        Ok(TokenDecision {
            access_token_lifetime: Some(u32::MAX),
            ..TokenDecision::default()
        })
    });
    let refreshed = body(&issuer.refresh(&text(&tokens, "refresh_token")));
    // The grant keeps the user's scopes.
    assert_eq!(refreshed["scope"], "read write");
    assert_eq!(refreshed["expires_in"], 3600);
}

#[test]
fn the_application_sees_and_replaces_props() {
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let application = Application::new(|request| {
            Ok(match request.grant_type {
                GrantType::AuthorizationCode => TokenDecision {
                    access_token_props: Some(Secret::new(r#"{"only":"here"}"#)),
                    ..TokenDecision::default()
                },
                _ => TokenDecision {
                    grant_props: Some(Secret::new(r#"{"name":"Bob"}"#)),
                    ..TokenDecision::default()
                },
            })
        });
        let issuer = Issuer::with_hooks(
            Config {
                access_token: Some(format),
                ..config()
            },
            application.clone(),
        );
        let tokens = issuer.tokens();
        let first = text(&tokens, "access_token");
        assert_eq!(
            props(&issuer, &first).as_deref(),
            Some(r#"{"only":"here"}"#)
        );
        let refreshed = body(&issuer.refresh(&text(&tokens, "refresh_token")));
        let second = text(&refreshed, "access_token");
        assert_eq!(
            props(&issuer, &second).as_deref(),
            Some(r#"{"name":"Bob"}"#)
        );
        // A token from before stays valid; its own props are its own.
        assert!(props(&issuer, &first).is_some());
        issuer.refresh(&text(&refreshed, "refresh_token"));
        let asked = application.asked.borrow();
        let seen = asked.iter().map(|request| {
            let props = request.props.as_ref().expect("props");
            props.expose().to_owned()
        });
        assert_eq!(
            seen.collect::<Vec<_>>(),
            [
                r#"{"name":"Alice"}"#,
                r#"{"name":"Alice"}"#,
                r#"{"name":"Bob"}"#
            ]
        );
    }
}

#[test]
fn the_application_decides_once_for_fifty_refreshes_at_once() {
    let application = Application::new(|_| Ok(TokenDecision::default()));
    let issuer = Issuer::with_hooks(config(), application.clone());
    let token = text(&issuer.tokens(), "refresh_token");
    application.asked.borrow_mut().clear();
    application.polls.set(20);
    issuer.store.delay.set(2);
    let others = issuer.again();
    let mut tasks: Vec<_> = (0..25)
        .map(|_| issuer.start("/token", &refreshing(&token)))
        .collect();
    tasks.extend((0..25).map(|_| others.start("/token", &refreshing(&token))));
    let answers = issuer.all(tasks);
    let first = body(&answers[0])["refresh_token"].clone();
    for answer in &answers {
        assert_eq!(body(answer)["refresh_token"], first, "{answer:?}");
    }
    assert_eq!(application.asked.borrow().len(), 1);
}

#[test]
fn a_request_that_goes_away_blocks_the_others_only_for_a_while() {
    let application = Application::new(|_| Ok(TokenDecision::default()));
    let issuer = Issuer::with_hooks(config(), application.clone());
    let token = text(&issuer.tokens(), "refresh_token");
    application.polls.set(u32::MAX);
    let mut gone = issuer.start("/token", &refreshing(&token));
    for _ in 0..10 {
        let _ = gone.poll();
    }
    drop(gone);
    application.polls.set(0);
    let before = issuer.host.now_ms.get();
    assert_eq!(issuer.refresh(&token).status, 200);
    assert!(issuer.host.now_ms.get() - before < 17_000);
}

#[test]
fn an_application_that_revokes_the_grant_while_it_decides_ends_it() {
    let slot: Rc<RefCell<Option<Issuer>>> = Rc::default();
    let other = Rc::clone(&slot);
    let application = Application::new(move |request| {
        if let Some(issuer) = &*other.borrow() {
            let grant = request.grant.as_ref().expect("a grant");
            let task = issuer.server.revoke_grant("alice".into(), grant.id.clone());
            assert_eq!(issuer.finish(task), Ok(true));
        }
        Ok(TokenDecision::default())
    });
    let issuer = Issuer::with_hooks(config(), application);
    let tokens = issuer.tokens();
    *slot.borrow_mut() = Some(issuer.again());
    let answer = issuer.refresh(&text(&tokens, "refresh_token"));
    assert_eq!(answer.reason, Some("grant-unknown"));
    *slot.borrow_mut() = None;
    assert!(!issuer.is_active(&text(&tokens, "access_token")));
}

#[test]
fn the_audit_trail_says_what_happened() {
    let application = Application::new(|_| Ok(TokenDecision::default()));
    let issuer = Issuer::with_hooks(config(), application.clone());
    let code = issuer.code();
    let token = text(&body(&issuer.redeem(&code)), "refresh_token");
    issuer.refresh(&token);
    issuer.refresh(&token);
    issuer.redeem(&code);
    let _ = issuer.tokens();
    assert_eq!(
        issuer.finish(issuer.server.revoke_user("alice".into())),
        Ok(1)
    );
    let events = application.events.borrow();
    let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds,
        [
            AuditKind::CodeIssued,
            AuditKind::TokensIssued(GrantType::AuthorizationCode),
            AuditKind::TokensIssued(GrantType::RefreshToken),
            AuditKind::AnswerRepeated,
            AuditKind::CodeReused,
            AuditKind::CodeIssued,
            AuditKind::TokensIssued(GrantType::AuthorizationCode),
            AuditKind::Revoked,
        ]
    );
    assert!(
        events
            .iter()
            .all(|event| event.user_id.as_deref() == Some("alice"))
    );
    assert!(
        events[..5]
            .iter()
            .all(|event| event.grant_id == events[0].grant_id)
    );
}
