//! Keys that sign tokens, the same in each run.

use std::sync::OnceLock;

use p256::ecdsa::signature::{RandomizedSigner as _, SignatureEncoding as _, Signer as _};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};
use sha2::{Sha256, Sha384, Sha512};

use crate::base64url;

/// A key pair by its name, which is also its `kid`.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// The `alg` of its tokens, unless the recipe sets one.
    pub(crate) algorithm: &'static str,
    private: Private,
}

enum Private {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
    Rsa(Box<rsa::PrivateKey>),
}

/// The key with this name. No issuer publishes `stranger` by default.
pub(crate) fn key(name: &str) -> Option<&'static Key> {
    static KEYS: OnceLock<Vec<Key>> = OnceLock::new();
    let keys = KEYS.get_or_init(|| {
        let p256 = |seed| {
            let key = p256::ecdsa::SigningKey::from_slice(&[seed; 32]);
            Private::P256(key.expect("in range"))
        };
        let rsa = |seed| {
            let mut rng = ChaCha20Rng::from_seed([seed; 32]);
            let key = rsa::PrivateKey::new(&mut rng, 2048);
            Private::Rsa(Box::new(key.expect("a size that the crate supports")))
        };
        let key = |name, algorithm, private| Key {
            name,
            algorithm,
            private,
        };
        let mut scalar = [4; 66];
        scalar[0] = 0;
        vec![
            key("es256", "ES256", p256(1)),
            key("next", "ES256", p256(2)),
            key("stranger", "ES256", p256(3)),
            key(
                "es384",
                "ES384",
                Private::P384(p384::ecdsa::SigningKey::from_slice(&[4; 48]).expect("in range")),
            ),
            key(
                "es512",
                "ES512",
                Private::P521(p521::ecdsa::SigningKey::from_slice(&scalar).expect("in range")),
            ),
            key(
                "ed25519",
                "EdDSA",
                Private::Ed25519(ed25519_dalek::SigningKey::from_bytes(&[5; 32])),
            ),
            key("rsa", "RS256", rsa(6)),
        ]
    });
    keys.iter().find(|key| key.name == name)
}

impl Key {
    /// The public JWK, with `kid` and `use` but no `alg`.
    pub(crate) fn jwk(&self) -> Value {
        let ec = |curve: &str, point: &[u8]| {
            let (x, y) = point[1..].split_at(point.len() / 2);
            json!({ "kty": "EC", "crv": curve, "x": base64url(x), "y": base64url(y) })
        };
        let mut jwk = match &self.private {
            Private::P256(key) => ec("P-256", &key.verifying_key().to_sec1_bytes()),
            Private::P384(key) => ec("P-384", &key.verifying_key().to_sec1_bytes()),
            Private::P521(key) => ec("P-521", &key.verifying_key().to_sec1_bytes()),
            Private::Ed25519(key) => json!({
                "kty": "OKP", "crv": "Ed25519", "x": base64url(key.verifying_key().as_bytes()),
            }),
            Private::Rsa(key) => json!({
                "kty": "RSA", "n": base64url(&key.n_bytes()), "e": base64url(&key.e_bytes()),
            }),
        };
        jwk["kid"] = self.name.into();
        jwk["use"] = "sig".into();
        jwk
    }

    /// A signature in JWS form. `algorithm` matters only for RSA.
    pub(crate) fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        use rsa::{pkcs1v15, pss};
        match &self.private {
            Private::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Private::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Private::P521(key) => {
                let signature: p521::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Private::Ed25519(key) => {
                use ed25519_dalek::Signer as _;
                key.sign(message).to_vec()
            }
            Private::Rsa(key) => {
                let key = rsa::PrivateKey::clone(key);
                let rng = &mut ChaCha20Rng::from_seed([8; 32]);
                match algorithm {
                    "RS384" => pkcs1v15::SigningKey::<Sha384>::new(key)
                        .sign(message)
                        .to_vec(),
                    "RS512" => pkcs1v15::SigningKey::<Sha512>::new(key)
                        .sign(message)
                        .to_vec(),
                    "PS256" => pss::SigningKey::<Sha256>::new(key)
                        .sign_with_rng(rng, message)
                        .to_vec(),
                    "PS384" => pss::SigningKey::<Sha384>::new(key)
                        .sign_with_rng(rng, message)
                        .to_vec(),
                    "PS512" => pss::SigningKey::<Sha512>::new(key)
                        .sign_with_rng(rng, message)
                        .to_vec(),
                    _ => pkcs1v15::SigningKey::<Sha256>::new(key)
                        .sign(message)
                        .to_vec(),
                }
            }
        }
    }
}
