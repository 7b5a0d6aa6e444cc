//! A client that signs, with its keys published by the gate.

use axum::Router;
use tollgate::{BuildError, Client, ClientAuthentication, Config, ConfigPart, Gate, GateLayer};
use tollgate_dev::issuer::{ClientSpec, DevIssuer};

use crate::support::{caller, claims, config, get, issuer};

const CARS: &str = "https://cars.example.com";
const P256: &str =
    include_str!("../../../../component/core/tests/jose_signing_keys/p256-pkcs8.pem");
const RSA: &str =
    include_str!("../../../../component/core/tests/jose_signing_keys/rsa-2048-pkcs8.pem");
const ED25519: &str =
    include_str!("../../../../component/core/tests/jose_signing_keys/ed25519-pkcs8.pem");

fn signing(issuer: &DevIssuer, keys: &[&str]) -> Config {
    let client = keys
        .iter()
        .fold(Client::new("signer"), |client, &key| client.key(key));
    config(issuer).client(client)
}

/// Where the public keys of this gate are served.
async fn publish(gate: &Gate) -> String {
    let app = Router::new().fallback(|| async { http::StatusCode::NOT_FOUND });
    let app = app.layer(GateLayer::new(gate.clone()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}/.well-known/jwks.json")
}

#[tokio::test]
async fn published_keys_overlap() {
    let issuer = issuer().await;
    let first = Gate::builder(signing(&issuer, &[P256, RSA, ED25519])).build();
    let first = first.await.expect("good keys");
    issuer
        .register_client(ClientSpec {
            client_id: "signer".to_owned(),
            jwks_uri: Some(publish(&first).await),
            ..ClientSpec::default()
        })
        .expect("a client");

    let answer = first.metadata(&get("/.well-known/jwks.json", None)).await;
    let document = answer.expect("published").response.into_body();
    let document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    let keys = document["keys"].as_array().expect("keys");
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|key| key.get("d").is_none()), "{document}");

    // Whichever of them signs, the issuer knows it already.
    for order in [
        [P256, RSA, ED25519],
        [RSA, ED25519, P256],
        [ED25519, P256, RSA],
    ] {
        let gate = Gate::builder(signing(&issuer, &order)).build();
        let gate = gate.await.expect("good keys");
        let alice = caller(&gate, &issuer, "alice").await;
        let token = gate.exchange(&alice, CARS).await.expect("a token");
        assert_eq!(claims(&token.access_token)["act"]["sub"], "signer");
    }
    let event = issuer.audit(0).pop().expect("an event");
    assert_eq!(event.client_authentication, Some("private_key_jwt"));

    let assertion = first.client_assertion(issuer.url()).await.expect("signed");
    assert_eq!(claims(&assertion)["iss"], "signer");
    assert_eq!(claims(&assertion)["aud"], issuer.url());
}

#[tokio::test]
async fn an_invalid_client_fails_at_the_start() {
    let issuer = issuer().await;
    let sentence = async |client: Client| {
        let gate = Gate::builder(config(&issuer).client(client)).build().await;
        let Err(BuildError::Config(error)) = gate else {
            panic!("{gate:?}")
        };
        error
    };
    let broken = P256.replace("MIGHAgEA", "MIGHAgEB");
    assert_ne!(broken, P256);
    let error = sentence(Client::new("signer").key(broken)).await;
    assert!(error.field.starts_with("client.keys"), "{error}");
    let error = sentence(Client::new("signer").key("-----BEGIN nonsense")).await;
    assert!(error.field.starts_with("client.keys"), "{error}");
    assert!(
        !error.message.is_empty() && !error.message.contains("nonsense"),
        "{error}"
    );

    let error = sentence(Client::default()).await;
    assert_eq!(
        (&*error.field, error.part),
        ("client.id", ConfigPart::Client)
    );
    let mut client = Client::new("signer").secret("s");
    client.token_endpoint = Some("http://x.example".into());
    assert_eq!(sentence(client).await.field, "client.token_endpoint");
    let mut client = Client::new("signer");
    client.authentication = Some(ClientAuthentication::ClientSecretPost);
    assert_eq!(sentence(client).await.field, "client.secret");

    // The same from the environment.
    let mut config = config(&issuer);
    let setting = |name: &str, value: &str| (name.into(), value.into());
    config.env = Some(vec![
        setting("TOLLGATE_CLIENT_ID", "signer"),
        setting("TOLLGATE_PRIVATE_KEY", "no key"),
    ]);
    let gate = Gate::builder(config.clone()).build().await;
    let Err(BuildError::Config(error)) = gate else {
        panic!("{gate:?}")
    };
    assert_eq!(error.field, "TOLLGATE_PRIVATE_KEY");
    let escaped = P256.replace('\n', "\\n");
    config.env = Some(vec![
        setting("TOLLGATE_CLIENT_ID", "signer"),
        setting("TOLLGATE_PRIVATE_KEY", &escaped),
    ]);
    let gate = Gate::builder(config).build().await.expect("a good key");
    assert!(gate.client_assertion("https://a.example").await.is_ok());
}
