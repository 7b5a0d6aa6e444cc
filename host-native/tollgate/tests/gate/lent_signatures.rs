//! The signatures that the host lends: public keys of all kinds, and private keys in all
//! encodings.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use tollgate::{Client, Config, Gate, Issuer, KeyLocation};
use tollgate_dev::issuer::{Algorithm, DevIssuer, Options, TokenSpec};
use tollgate_signatures::VerifyingKey;

use crate::support::{RESOURCE, ask, claims, config, der, get, issuer};

macro_rules! pem {
    ($name:literal) => {
        include_str!(concat!(
            "../../../../component/core/tests/jose_signing_keys/",
            $name,
            ".pem"
        ))
    };
}

async fn signed_by(issuer: &DevIssuer, algorithm: Algorithm) -> String {
    issuer
        .mint(TokenSpec {
            algorithm: Some(algorithm),
            ..TokenSpec::default()
        })
        .await
}

/// The token with one bit of its signature changed.
fn forged(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').expect("a JWT");
    let mut signature = Base64UrlUnpadded::decode_vec(signature).expect("base64url");
    // Not the first byte: the number that it begins must stay in its range.
    signature[20] ^= 1;
    format!("{signed}.{}", Base64UrlUnpadded::encode_string(&signature))
}

#[tokio::test]
async fn every_algorithm_is_verified() {
    let issuer = DevIssuer::start(Options {
        audience: RESOURCE.to_owned(),
        published: Algorithm::ALL.to_vec(),
        ..Options::default()
    })
    .await
    .expect("a free port");
    let gate = Gate::builder(config(&issuer)).build().await;
    let gate = gate.expect("a gate");
    for &algorithm in Algorithm::ALL {
        let token = signed_by(&issuer, algorithm).await;
        // Before the good one, so that nothing is known of the token.
        let refused = ask(&gate, "/", Some(&forged(&token))).await;
        assert_eq!(refused.status, 401, "{algorithm:?} {refused:?}");
        assert_eq!(
            refused.reason.as_deref(),
            Some("token-bad-signature"),
            "{algorithm:?}"
        );
        let allowed = ask(&gate, "/", Some(&token)).await;
        assert_eq!(allowed.status, 200, "{algorithm:?} {allowed:?}");
    }
}

#[tokio::test]
async fn points_off_their_curve_are_refused() {
    for algorithm in [
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::Es512,
        Algorithm::EdDsa,
    ] {
        let issuer = DevIssuer::start(Options {
            audience: RESOURCE.to_owned(),
            published: vec![algorithm, Algorithm::Rs256],
            ..Options::default()
        })
        .await
        .expect("a free port");
        let keys = published_keys(&issuer).await;
        let token = signed_by(&issuer, algorithm).await;
        let gate_with = async |keys: &Value| {
            let mut trusted = Issuer::new(issuer.url());
            trusted.keys = Some(KeyLocation::Inline(keys.to_string()));
            let gate = Gate::builder(Config::new(RESOURCE).issuer(trusted)).build();
            gate.await.expect("a gate")
        };
        let good = ask(&gate_with(&keys).await, "/", Some(&token)).await;
        assert_eq!(good.status, 200, "{algorithm:?} {good:?}");

        let mut broken = keys.clone();
        let list = broken["keys"].as_array_mut().expect("keys");
        let key = list
            .iter_mut()
            .find(|key| key["alg"] == algorithm.as_str())
            .expect("published");
        let name = if key["kty"] == "EC" { "y" } else { "x" };
        let coordinate = key[name].as_str().expect("a coordinate");
        let mut bytes = Base64UrlUnpadded::decode_vec(coordinate).expect("base64url");
        // Half of all values are not points of Ed25519.
        loop {
            bytes[20] = bytes[20].wrapping_add(1);
            key[name] = Base64UrlUnpadded::encode_string(&bytes).into();
            if VerifyingKey::from_jwk(by_one_name(algorithm), &key.to_string()).is_err() {
                break;
            }
        }
        let gate = gate_with(&broken).await;
        let refused = ask(&gate, "/", Some(&token)).await;
        assert_eq!(refused.status, 401, "{algorithm:?} {refused:?}");
        // The other keys of the set are as good as before.
        let other = signed_by(&issuer, Algorithm::Rs256).await;
        let allowed = ask(&gate, "/", Some(&other)).await;
        assert_eq!(allowed.status, 200, "{algorithm:?} {allowed:?}");
        assert_eq!(gate.stats().failures, 0);
    }
}

fn by_one_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDsa => "Ed25519",
        other => other.as_str(),
    }
}

async fn published_keys(issuer: &DevIssuer) -> Value {
    let response = crate::support::client()
        .get(format!("{}/jwks", issuer.url()))
        .send()
        .await
        .expect("the issuer's keys");
    let text = response.text().await.expect("a document");
    serde_json::from_str(&text).expect("JSON")
}

/// P-256 in PKCS#8 without the public half, which RFC 5915 leaves out at will.
fn without_public_half(pem: &str) -> String {
    let der = der(pem);
    // `version` and the head of `privateKey` in `ECPrivateKey`.
    let head = [0x02, 0x01, 0x01, 0x04, 0x20];
    let at = der.windows(head.len()).position(|bytes| bytes == head);
    let at = at.expect("a private key") + head.len();
    let info = [
        0x30, 0x41, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
        0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x27, 0x30, 0x25,
    ];
    let der = [&info, &head[..], &der[at..at + 32]].concat();
    let body = Base64::encode_string(&der);
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}

/// The private JWKs that core is tested with.
fn jwk(name: &str) -> String {
    let list: Value = serde_json::from_str(include_str!(
        "../../../../component/core/tests/jose_signing_keys/keys.json"
    ))
    .expect("JSON");
    let list = list.as_array().expect("a list");
    let entry = list.iter().find(|entry| entry["name"] == name);
    entry.expect("a key")["jwk"].to_string()
}

#[tokio::test]
async fn private_keys_in_every_encoding_sign() {
    let issuer = issuer().await;
    let p256 = pem!("p256-pkcs8");
    for (encoding, key) in [
        ("P-256 in PKCS#8", p256.to_owned()),
        ("P-256 without its public half", without_public_half(p256)),
        (
            "P-256 in SEC1, compressed",
            pem!("p256-sec1-compressed").to_owned(),
        ),
        (
            "P-256 in SEC1, with parameters",
            pem!("p256-sec1-parameters").to_owned(),
        ),
        ("P-256 as a JWK", jwk("p256")),
        ("P-384 in PKCS#8", pem!("p384-pkcs8").to_owned()),
        (
            "P-384 in SEC1, with parameters",
            pem!("p384-sec1-parameters").to_owned(),
        ),
        ("P-384 as a JWK", jwk("p384")),
        ("RSA in PKCS#8", pem!("rsa-2048-pkcs8").to_owned()),
        ("RSA in PKCS#1", pem!("rsa-2048-pkcs1").to_owned()),
        ("RSA of 4096 bits", pem!("rsa-4096-pkcs8").to_owned()),
        ("RSA as a JWK", jwk("rsa-2048")),
        ("Ed25519 in PKCS#8", pem!("ed25519-pkcs8").to_owned()),
        ("Ed25519 as a JWK", jwk("ed25519")),
    ] {
        let gate = Gate::builder(config(&issuer).client(Client::new("signer").key(key))).build();
        let gate = gate
            .await
            .unwrap_or_else(|error| panic!("{encoding}: {error}"));
        let signed = gate.client_assertion("https://a.example").await;
        let signed = signed.unwrap_or_else(|error| panic!("{encoding}: {error}"));
        assert_eq!(claims(&signed)["iss"], "signer", "{encoding}");
        assert!(holds(&gate, signed.expose()).await, "{encoding}");
    }
}

#[tokio::test]
async fn rsa_keys_sign_with_pss_too() {
    let issuer = issuer().await;
    let mut key = tollgate::ClientKey::from(pem!("rsa-2048-pkcs8"));
    key.algorithm = Some("PS256".to_owned());
    let gate = Gate::builder(config(&issuer).client(Client::new("signer").key(key))).build();
    let gate = gate.await.expect("a good key");
    let signed = gate.client_assertion("https://a.example").await;
    assert!(holds(&gate, signed.expect("signed").expose()).await);
}

/// Whether the published key made this signature.
async fn holds(gate: &Gate, jws: &str) -> bool {
    let answer = gate.metadata(&get("/.well-known/jwks.json", None)).await;
    let document = answer.expect("published").response.into_body();
    let document: Value = serde_json::from_str(&document).expect("JSON");
    let key = &document["keys"][0];
    let (signed, signature) = jws.rsplit_once('.').expect("a JWS");
    let header = signed.split('.').next().expect("a header");
    let header = Base64UrlUnpadded::decode_vec(header).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    assert_eq!(header["kid"], key["kid"]);
    let algorithm = match header["alg"].as_str().expect("alg") {
        "EdDSA" => "Ed25519",
        other => other,
    };
    let mut members = json!({});
    for name in ["kty", "crv", "x", "y", "n", "e"] {
        if let Some(value) = key.get(name) {
            members[name] = value.clone();
        }
    }
    let signature = Base64UrlUnpadded::decode_vec(signature).expect("base64url");
    VerifyingKey::from_jwk(algorithm, &members.to_string())
        .expect("a good key")
        .verify(signed.as_bytes(), &signature)
}
