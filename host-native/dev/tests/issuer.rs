//! The development issuer over real HTTP.

use std::time::{Duration, Instant};

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use reqwest::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, ORIGIN};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tollgate_dev::issuer::{
    Algorithm, DevIssuer, Discovery, Endpoint, Options, Outage, OutageMode, StartError, TokenSpec,
};

async fn start(options: Options) -> (DevIssuer, Client) {
    let issuer = DevIssuer::start(options).await.expect("a free port");
    // Only reqwest's features ask for it; nothing here speaks TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .build();
    (issuer, client.expect("a client"))
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.expect("a body");
    Answer {
        status,
        headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    }
}

async fn ask_token(client: &Client, issuer: &DevIssuer, more: &str) -> Answer {
    let credentials = Base64::encode_string(b"demo:demo-secret");
    let request = client
        .post(format!("{}/token", issuer.url()))
        .header(AUTHORIZATION, format!("Basic {credentials}"))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(format!("grant_type=client_credentials{more}"));
    send(request).await
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("three parts");
    let json = Base64UrlUnpadded::decode_vec(part).expect("base64url");
    serde_json::from_slice(&json).expect("JSON")
}

#[tokio::test]
async fn metadata_is_at_the_locations_of_both_specifications() {
    let (issuer, client) = start(Options {
        issuer: "/tenant".parse().expect("a path"),
        ..Options::default()
    })
    .await;
    let origin = format!("http://{}", issuer.address());
    assert_eq!(issuer.url(), format!("{origin}/tenant"));
    for path in [
        "/.well-known/oauth-authorization-server/tenant",
        "/tenant/.well-known/openid-configuration",
        "/.well-known/openid-configuration/tenant",
    ] {
        let answer = send(client.get(format!("{origin}{path}"))).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.body["issuer"], issuer.url());
        assert_eq!(answer.body["jwks_uri"], format!("{origin}/tenant/jwks"));
    }
    assert_eq!(issuer.stats().discovery, 3);
    let elsewhere = send(client.get(format!("{origin}/.well-known/oauth-authorization-server")));
    assert_eq!(elsewhere.await.status, 404);
}

#[tokio::test]
async fn one_kind_of_metadata_can_be_left_out() {
    let options = Options {
        discovery: Discovery::OpenId,
        ..Options::default()
    };
    let (issuer, client) = start(options).await;
    let get = |path: &str| send(client.get(format!("{}/.well-known/{path}", issuer.url())));
    assert_eq!(get("oauth-authorization-server").await.status, 404);
    assert_eq!(get("openid-configuration").await.status, 200);
}

#[tokio::test]
async fn keys_have_the_configured_age() {
    let (issuer, client) = start(Options {
        jwks_max_age: 17,
        ..Options::default()
    })
    .await;
    let answer = send(
        client
            .get(format!("{}/jwks", issuer.url()))
            .header(ORIGIN, "http://a"),
    )
    .await;
    assert_eq!(answer.headers[CACHE_CONTROL], "public, max-age=17");
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    assert_eq!(answer.body["keys"][0]["alg"], "ES256");
}

#[tokio::test]
async fn tokens_are_access_tokens_of_rfc_9068() {
    let (issuer, client) = start(Options::default()).await;
    let more = "&scope=mcp:read+mcp:write&resource=https://mcp.example.com/";
    let answer = ask_token(&client, &issuer, more).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers[CACHE_CONTROL], "no-store");
    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(answer.body["scope"], "mcp:read mcp:write");
    assert_eq!(answer.body["expires_in"], 600);

    let token = answer.body["access_token"].as_str().expect("a token");
    assert_eq!(part(token, 0)["typ"], "at+jwt");
    let claims = part(token, 1);
    assert_eq!(claims["iss"], issuer.url());
    assert_eq!(claims["sub"], "demo");
    assert_eq!(claims["client_id"], "demo");
    assert_eq!(claims["aud"], "https://mcp.example.com/");
    assert_eq!(claims["scope"], "mcp:read mcp:write");
    assert!(claims["jti"].is_string());
    let times = |name: &str| claims[name].as_i64().expect("seconds");
    assert_eq!(times("exp") - times("iat"), 600);
}

#[tokio::test]
async fn malformed_tokens_can_be_requested() {
    let (issuer, client) = start(Options::default()).await;
    let more = "&subject=alice&typ=JWT&expires_in=-5&audience=a&audience=b\
                &claims={\"jti\":null,\"extra\":[1]}&header={\"crit\":[\"x\"]}";
    let answer = ask_token(&client, &issuer, more).await;
    assert_eq!(answer.body["expires_in"], 0);
    let token = answer.body["access_token"].as_str().expect("a token");
    assert_eq!(part(token, 0)["typ"], "JWT");
    assert_eq!(part(token, 0)["crit"], json!(["x"]));
    let claims = part(token, 1);
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["aud"], json!(["a", "b"]));
    assert_eq!(claims["extra"], json!([1]));
    assert_eq!(claims.get("jti"), None);
    assert!(claims["exp"].as_i64() > claims["iat"].as_i64());
}

#[tokio::test]
async fn refusals_follow_rfc_6749() {
    let (issuer, client) = start(Options::default()).await;
    let refused = ask_token(&client, &issuer, "&scope=a%22b").await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["error"]),
        (400, &json!("invalid_scope"))
    );
    assert_eq!(refused.headers[CACHE_CONTROL], "no-store");

    let request = client
        .post(format!("{}/token", issuer.url()))
        .header(
            AUTHORIZATION,
            format!("Basic {}", Base64::encode_string(b"demo:wrong")),
        )
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body("grant_type=client_credentials");
    let refused = send(request).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["error"]),
        (401, &json!("invalid_client"))
    );
    assert!(refused.headers.contains_key("www-authenticate"));
}

#[tokio::test]
async fn each_algorithm_has_its_own_published_key() {
    let (issuer, client) = start(Options::default()).await;
    for algorithm in Algorithm::ALL {
        let token = issuer
            .mint(TokenSpec {
                algorithm: Some(*algorithm),
                ..TokenSpec::default()
            })
            .await;
        let header = part(&token, 0);
        assert_eq!(header["alg"], algorithm.as_str());
        let keys = send(client.get(format!("{}/jwks", issuer.url())))
            .await
            .body;
        let keys = keys["keys"].as_array().expect("keys");
        let named: Vec<_> = keys
            .iter()
            .filter(|key| key["kid"] == header["kid"])
            .collect();
        assert_eq!(named.len(), 1);
        assert_eq!(named[0]["alg"], algorithm.as_str());
    }
}

#[tokio::test]
async fn rotation_over_http() {
    let (issuer, client) = start(Options {
        seed: Some("r".into()),
        ..Options::default()
    })
    .await;
    let rotate = |body: &'static str| {
        send(
            client
                .post(format!("{}/admin/rotate", issuer.url()))
                .body(body),
        )
    };
    let kept = rotate("").await.body;
    assert_eq!(kept["keys"].as_array().map(Vec::len), Some(2));
    let alone = rotate(r#"{"alg":"ES256","keep":false}"#).await.body;
    assert_eq!(alone["keys"], json!([alone["kid"]]));
    assert_eq!(
        part(&issuer.mint(TokenSpec::default()).await, 0)["kid"],
        alone["kid"]
    );
    assert_eq!(rotate(r#"{"alg":"HS256"}"#).await.status, 400);
    assert_eq!(rotate(r#"{"kep":false}"#).await.status, 400);
}

#[tokio::test]
async fn outages() {
    let (issuer, client) = start(Options::default()).await;
    let jwks = || client.get(format!("{}/jwks", issuer.url()));
    let outage = |mode| issuer.set_outage(Outage::everywhere(mode));

    outage(OutageMode::Down);
    assert!(jwks().send().await.is_err());
    outage(OutageMode::Error);
    assert_eq!(send(jwks()).await.status, 500);
    outage(OutageMode::Html);
    assert_eq!(send(jwks()).await.body, Value::Null);
    outage(OutageMode::Redirect);
    let answer = send(jwks()).await;
    assert_eq!(answer.status, 302);
    let location = answer.headers["location"]
        .to_str()
        .expect("ASCII")
        .to_owned();
    assert!(send(client.get(location)).await.body["keys"].is_array());
    assert_eq!(issuer.stats().elsewhere, 1);
    outage(OutageMode::Truncate);
    let response = jwks().send().await.expect("a head");
    assert!(response.bytes().await.is_err());
    outage(OutageMode::Huge);
    let body = jwks()
        .send()
        .await
        .expect("a head")
        .bytes()
        .await
        .expect("a body");
    assert!(body.len() > 20 << 20);
    assert!(serde_json::from_slice::<Value>(&body).expect("JSON")["keys"].is_array());
    outage(OutageMode::WrongIssuer);
    let metadata = format!("{}/.well-known/openid-configuration", issuer.url());
    assert_eq!(
        send(client.get(metadata)).await.body["issuer"],
        "https://wrong-issuer.example"
    );
    assert_eq!(send(jwks()).await.status, 200);

    issuer.set_outage(Outage {
        mode: OutageMode::Slow,
        delay_ms: 150,
        endpoints: vec![Endpoint::Jwks],
    });
    let begun = Instant::now();
    assert_eq!(send(jwks()).await.status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(150));
    assert_eq!(ask_token(&client, &issuer, "").await.status, 200);

    issuer.reset();
    assert_eq!(send(jwks()).await.status, 200);
    assert_eq!(issuer.stats().jwks, 1);
}

#[tokio::test]
async fn hanging_connections_close_when_the_outage_ends() {
    let (issuer, client) = start(Options::default()).await;
    issuer.set_outage(Outage::everywhere(OutageMode::Hang));
    let request = client.get(format!("{}/jwks", issuer.url()));
    let short = request
        .try_clone()
        .expect("no body")
        .timeout(Duration::from_millis(100))
        .send();
    assert!(short.await.expect_err("no answer").is_timeout());
    let long = tokio::spawn(request.send());
    while issuer.stats().jwks < 2 {
        tokio::task::yield_now().await;
    }
    issuer.reset();
    assert!(long.await.expect("no panic").is_err());
}

#[tokio::test]
async fn web_pages_cannot_send_admin_commands() {
    let (issuer, client) = start(Options::default()).await;
    let stats = || client.get(format!("{}/admin/stats", issuer.url()));
    assert_eq!(send(stats()).await.body["token"], 0);
    assert_eq!(
        send(stats().header(ORIGIN, "https://a.example"))
            .await
            .status,
        403
    );
    assert_eq!(
        send(stats().header("host", "rebound.example")).await.status,
        403
    );
}

#[tokio::test]
async fn it_listens_only_on_loopback_by_default() {
    let everywhere = || Options {
        address: ([0, 0, 0, 0], 0).into(),
        ..Options::default()
    };
    let refused = DevIssuer::start(everywhere()).await;
    assert!(matches!(refused, Err(StartError::NotLoopback(_))));
    let allowed = Options {
        danger_allow_remote: true,
        ..everywhere()
    };
    assert!(DevIssuer::start(allowed).await.is_ok());
}

#[tokio::test]
async fn it_stops_when_dropped() {
    let (issuer, client) = start(Options::default()).await;
    let url = format!("{}/jwks", issuer.url());
    assert_eq!(send(client.get(&url)).await.status, 200);
    drop(issuer);
    tokio::task::yield_now().await;
    assert!(client.get(&url).send().await.is_err());
}
