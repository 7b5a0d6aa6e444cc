//! Responses to requests.

use http::Method;
use tollgate::Decision;
use tollgate_dev::issuer::{Algorithm, TokenSpec};

use crate::support::{RESOURCE, ask, gate, get, issuer, mint, seen};

#[tokio::test]
async fn a_valid_token_passes_with_its_identity() {
    let issuer = issuer().await;
    let gate = gate(&issuer).await;
    let token = issuer
        .mint(TokenSpec {
            subject: Some("alice".into()),
            scopes: vec!["read:reports".into(), "other".into()],
            ..TokenSpec::default()
        })
        .await;
    for _ in 0..2 {
        let Decision::Allow(allowed) = gate.handle(&get("/reports/1", Some(&token))).await else {
            panic!("refused");
        };
        let credentials = allowed.credentials.expect("a protected route");
        assert_eq!(credentials.token.expose(), token);
        let identity = credentials.identity;
        assert_eq!(identity.subject(), Some("alice"));
        assert_eq!(identity.client_id(), Some("demo"));
        assert_eq!(identity.scopes(), ["read:reports", "other"]);
        assert_eq!(identity.issuer(), issuer.url());
        assert_eq!(identity.audience(), [RESOURCE]);
        assert_eq!(identity.claims()["exp"], identity.expires_at());
        assert_eq!(identity.claims()["iat"].as_u64(), identity.issued_at());
    }
    assert_eq!((issuer.stats().discovery, issuer.stats().jwks), (1, 1));
}

#[tokio::test]
async fn every_algorithm_passes() {
    let issuer = issuer().await;
    for algorithm in [
        Algorithm::Rs256,
        Algorithm::Ps256,
        Algorithm::EdDsa,
        Algorithm::Es512,
    ] {
        issuer.rotate(algorithm, true).await;
    }
    let gate = gate(&issuer).await;
    for algorithm in [
        Algorithm::Es256,
        Algorithm::Rs256,
        Algorithm::Ps256,
        Algorithm::EdDsa,
        Algorithm::Es512,
    ] {
        let spec = TokenSpec {
            algorithm: Some(algorithm),
            ..TokenSpec::default()
        };
        let token = issuer.mint(spec).await;
        assert_eq!(
            ask(&gate, "/", Some(&token)).await.status,
            200,
            "{algorithm}"
        );
    }
    assert_eq!(issuer.stats().jwks, 1);
}

#[tokio::test]
async fn bad_tokens_are_refused() {
    let issuer = issuer().await;
    let gate = gate(&issuer).await;
    let good = mint(&issuer, &[]).await;
    let with = |spec| issuer.mint(spec);
    let tampered = {
        let (head, signature) = good.rsplit_once('.').expect("three parts");
        let first = if signature.starts_with('A') { "B" } else { "A" };
        format!("{head}.{first}{}", &signature[1..])
    };
    let other = TokenSpec {
        audiences: vec!["https://other.example".into()],
        ..Default::default()
    };
    for (what, token) in [
        ("tampered", tampered),
        ("audience", with(other).await),
        (
            "expired",
            with(TokenSpec {
                lifetime: Some(-60),
                ..Default::default()
            })
            .await,
        ),
        (
            "type",
            with(TokenSpec {
                typ: Some("JWT".into()),
                ..Default::default()
            })
            .await,
        ),
        ("nonsense", "abc.def.ghi".to_owned()),
    ] {
        let answer = ask(&gate, "/", Some(&token)).await;
        assert_eq!(answer.status, 401, "{what}: {answer:?}");
        assert!(
            answer.challenge().contains("error=\"invalid_token\""),
            "{what}: {answer:?}"
        );
        assert!(answer.reason.is_some(), "{what}");
    }
    assert_eq!(ask(&gate, "/", Some(&good)).await.status, 200);
}

#[tokio::test]
async fn a_missing_token_gets_a_challenge_with_the_metadata_url() {
    let issuer = issuer().await;
    let gate = gate(&issuer).await;
    let answer = ask(&gate, "/reports", None).await;
    assert_eq!(answer.status, 401);
    let url = format!("{RESOURCE}/.well-known/oauth-protected-resource/reports");
    assert!(answer.challenge().contains(&url), "{answer:?}");
    assert!(!answer.challenge().contains("error="), "{answer:?}");

    let path = url.strip_prefix(RESOURCE).expect("same origin");
    let metadata = ask(&gate, path, None).await;
    assert_eq!(metadata.status, 200);
    let document: serde_json::Value = serde_json::from_str(&metadata.body).expect("JSON");
    assert_eq!(document["resource"], format!("{RESOURCE}/reports"));
    assert_eq!(document["authorization_servers"][0], issuer.url());

    let same = gate
        .metadata(&get(path, None))
        .await
        .expect("a metadata path");
    assert_eq!(same.response.into_body(), metadata.body);
    assert!(gate.metadata(&get("/reports", None)).await.is_none());
    assert_eq!(issuer.stats().jwks, 0);
}

#[tokio::test]
async fn a_missing_scope_is_forbidden() {
    let issuer = issuer().await;
    let gate = gate(&issuer).await;
    let token = mint(&issuer, &["other"]).await;
    let answer = ask(&gate, "/reports", Some(&token)).await;
    assert_eq!(answer.status, 403);
    assert!(
        answer.challenge().contains("error=\"insufficient_scope\""),
        "{answer:?}"
    );
    assert!(answer.challenge().contains("read:reports"), "{answer:?}");

    let request = get("/public", Some(&token));
    let (credentials, _) = gate
        .authenticate(&request, &[])
        .await
        .expect("a good token");
    let identity = credentials.identity;
    assert!(
        gate.require_scopes(&request, &identity, &["other"])
            .is_none()
    );
    let answer = gate
        .require_scopes(&request, &identity, &["mcp:write"])
        .expect("refused");
    assert_eq!(answer.response.status(), 403);
    assert!(gate.authenticate(&request, &["mcp:write"]).await.is_err());
    assert!(gate.verify(&token, &["other"]).await.is_ok());
    let refused = gate
        .verify(&token, &["mcp:write"])
        .await
        .expect_err("refused");
    assert_eq!(refused.response.status(), 403);
}

#[tokio::test]
async fn a_public_route_ignores_tokens() {
    let issuer = issuer().await;
    let gate = gate(&issuer).await;
    let Decision::Allow(allowed) = gate.handle(&get("/public", Some("rubbish"))).await else {
        panic!("refused");
    };
    assert!(allowed.credentials.is_none());
    assert_eq!(issuer.stats().discovery, 0);
}

#[tokio::test]
async fn preflights_are_answered() {
    let issuer = issuer().await;
    let gate = gate(&issuer).await;
    let mut request = get("/reports", None);
    request.method = Method::OPTIONS;
    request
        .headers
        .insert("origin", "https://app.example.com".parse().expect("valid"));
    request.headers.insert(
        "access-control-request-method",
        "GET".parse().expect("valid"),
    );
    let answer = seen(gate.handle(&request).await);
    assert!(answer.status.is_success(), "{answer:?}");
    assert!(answer.headers.contains_key("access-control-allow-methods"));
}
