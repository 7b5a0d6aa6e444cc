//! An application with pages and decisions of its own.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::Value;
use tollgate::BuildError;
use tollgate::issuer::{
    Approval, AuditEvent, AuditKind, ClientChanges, ClientOrigin, GrantType, HookError, HookFuture,
    Hooks, Issuer, IssuerError, MemoryStore, NewClient, NoHooks, Secret, TokenDecision,
    TokenDecisionRequest,
};

use super::browser::Demo;
use super::support::{configuration, serve, serve_with};

fn own_pages(config: &mut Value) {
    config.as_object_mut().expect("an object").remove("sign-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_with_its_own_page_completes_and_denies() {
    let served = serve_with(MemoryStore::new(), NoHooks, own_pages).await;
    let request = || {
        let url = served.demo.authorization_url();
        let path = url.strip_prefix(&served.url).expect("the same origin");
        Request::get(path).body(Bytes::new()).expect("a request")
    };
    let asked = served.issuer.parse_authorization(request()).await;
    let asked = asked.expect("valid");
    assert_eq!(asked.client_id, "demo");
    let approval = Approval {
        user_id: "carol".into(),
        scopes: vec!["read".into()],
        props: Some("{\"plan\":\"free\"}".into()),
        ..Approval::default()
    };
    let completed = served
        .issuer
        .complete_authorization(asked.clone(), approval);
    let url = completed.await.expect("a code");
    let code = url
        .split("code=")
        .nth(1)
        .and_then(|rest| rest.split('&').next());
    let (status, tokens) = served
        .demo
        .redeem(code.expect("a code"))
        .await
        .expect("an answer");
    assert_eq!(status, StatusCode::OK, "{tokens}");
    let access = tokens["access_token"].as_str().expect("a token");
    let info = served.issuer.check_token(access, &served.url).await;
    let info = info.expect("checked").expect("valid");
    assert_eq!(
        info.props.map(Secret::into_exposed).as_deref(),
        Some("{\"plan\":\"free\"}")
    );

    let denied = served
        .issuer
        .deny_authorization(asked)
        .await
        .expect("a URL");
    assert!(denied.contains("error=access_denied"), "{denied}");

    let grants = served
        .issuer
        .user_grants("carol", None)
        .await
        .expect("read")
        .grants;
    assert_eq!(grants.len(), 1);
    let id = &grants[0].id;
    assert!(!served.issuer.revoke_grant("dave", id).await.expect("asked"));
    assert!(
        served
            .issuer
            .revoke_grant("carol", id)
            .await
            .expect("asked")
    );
    assert_eq!(served.issuer.revoke_user("carol").await.expect("asked"), 0);

    let unknown = Request::get("/authorize?client_id=nobody").body(Bytes::new());
    let refused = served
        .issuer
        .parse_authorization(unknown.expect("a request"))
        .await;
    let Err(error @ IssuerError::Refused(_)) = refused else {
        panic!("refused");
    };
    assert_eq!(error.answer().reason.as_deref(), Some("unknown-client"));
}

/// An application that gives `write` to nobody, takes its time, and asks the issuer meanwhile.
#[derive(Clone, Default)]
struct Careful {
    issuer: Arc<Mutex<Option<Issuer>>>,
    events: Arc<Mutex<Vec<AuditEvent>>>,
    error: Arc<Mutex<Option<HookError>>>,
}

impl Hooks for Careful {
    fn decides_about_tokens(&self) -> bool {
        true
    }

    fn on_token(
        &self,
        request: TokenDecisionRequest,
    ) -> HookFuture<'_, Result<TokenDecision, HookError>> {
        Box::pin(async move {
            let issuer = self.issuer.lock().expect("no panic").clone();
            let issuer = issuer.expect("it is set");
            let user = request.user_id.as_deref().unwrap_or_default();
            assert!(issuer.user_grants(user, None).await.is_ok());
            if let Some(error) = *self.error.lock().expect("no panic") {
                return Err(error);
            }
            Ok(TokenDecision {
                scopes: Some(vec!["read".into()]),
                access_token_props: Some(Secret::new("{}")),
                ..TokenDecision::default()
            })
        })
    }

    fn on_audit(&self, event: AuditEvent) -> HookFuture<'_, ()> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let mut events = self
                .events
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            events.push(event);
            assert!(events.len() != 1, "a hook that panics once");
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_decide_about_tokens_and_see_what_happens() {
    let hooks = Careful::default();
    let served = serve(MemoryStore::new(), hooks.clone()).await;
    *hooks.issuer.lock().expect("no panic") = Some(served.issuer.clone());
    let tokens = served.demo.tokens("alice").await;
    assert_eq!(tokens["scope"], "read");
    let refresh = tokens["refresh_token"].as_str().expect("a token");

    for (error, status, code) in [
        (HookError::Unavailable, 503, "temporarily_unavailable"),
        (HookError::Failed, 500, "server_error"),
        (HookError::Refused, 400, "invalid_grant"),
    ] {
        *hooks.error.lock().expect("no panic") = Some(error);
        let (answered, body) = served.demo.refresh(refresh).await.expect("an answer");
        assert_eq!((answered.as_u16(), &body["error"]), (status, &code.into()));
    }
    *hooks.error.lock().expect("no panic") = None;
    let (status, _) = served.demo.refresh(refresh).await.expect("an answer");
    assert_eq!(status, StatusCode::OK, "nothing had changed");

    served.issuer.flush_audit().await;
    let kinds: Vec<_> = {
        let events = hooks
            .events
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        events.iter().map(|event| event.kind).collect()
    };
    assert_eq!(kinds[0], AuditKind::CodeIssued);
    assert!(matches!(kinds[1], AuditKind::TokensIssued(_)), "{kinds:?}");
    assert_eq!(kinds.len(), 3, "{kinds:?}");
}

#[tokio::test]
async fn a_configuration_that_cannot_work_says_what_to_change() {
    let mut config = configuration("http://127.0.0.1:9400");
    config["acess-token"] = "jwt".into();
    let built = Issuer::new(config, MemoryStore::new(), NoHooks).await;
    let Err(BuildError::Config(error)) = built else {
        panic!("an unknown option");
    };
    assert_eq!(error.field, "acess-token");
    assert!(error.message.contains("\"access-token\""), "{error}");

    let built = Issuer::new("[]", MemoryStore::new(), NoHooks).await;
    assert!(matches!(built, Err(BuildError::Config(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_leaves_other_paths_to_the_application() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let issuer = Issuer::new(configuration(&url), MemoryStore::new(), NoHooks).await;
    let router = axum::Router::new()
        .route("/hello", axum::routing::get(|| async { "hello" }))
        .layer(issuer.expect("an issuer").into_layer());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let demo = Demo::new(&url);
    let get = |path: &str| demo.http().get(demo.url(path)).send();
    let hello = get("/hello").await.expect("an answer");
    assert_eq!(hello.text().await.expect("text"), "hello");
    let keys = get("/jwks").await.expect("an answer");
    assert_eq!(keys.status(), StatusCode::OK);
    assert_eq!(
        get("/other").await.expect("an answer").status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_created_changed_listed_and_deleted() {
    let served = serve(MemoryStore::new(), NoHooks).await;
    let issuer = &served.issuer;
    let created = issuer
        .create_client(NewClient {
            name: Some("Notes".into()),
            redirect_uris: vec!["https://notes.example/callback".into()],
            ..NewClient::default()
        })
        .await
        .expect("a client");
    let id = created.client.id;
    assert!(created.secret.is_some());
    assert_eq!(created.client.origin, ClientOrigin::Registered);
    let changes = ClientChanges {
        name: Some(None),
        grant_types: Some(vec![GrantType::AuthorizationCode, GrantType::RefreshToken]),
        ..ClientChanges::default()
    };
    issuer.update_client(&id, changes).await.expect("changed");
    let found = issuer.find_client(&id).await.expect("a client");
    assert_eq!((found.name, found.grant_types.len()), (None, 2));
    let configured = issuer.find_client("demo").await.expect("a client");
    assert_eq!(configured.origin, ClientOrigin::Configured);
    let page = issuer.clients(None, 10).await.expect("a page");
    assert!(page.clients.iter().all(|client| client.id == id));
    issuer.delete_client(&id).await.expect("deleted");
    assert!(matches!(
        issuer.find_client(&id).await,
        Err(IssuerError::Refused(_))
    ));
    let refused = issuer.create_client(NewClient {
        redirect_uris: vec!["javascript:alert(1)".into()],
        ..NewClient::default()
    });
    assert!(matches!(refused.await, Err(IssuerError::Refused(_))));
}
