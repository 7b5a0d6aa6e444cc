//! Public keys (RFC 7518 section 6, RFC 8037 section 2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use rsa::BoxedUint;
use rsa::signature::Verifier as _;
use serde::Deserialize;
use sha2::{Sha256, Sha384, Sha512};

use crate::Error;

/// A public key with its algorithm, parsed once.
#[derive(Debug)]
pub struct VerifyingKey(Key);

#[derive(Debug)]
enum Key {
    Rs256(rsa::pkcs1v15::VerifyingKey<Sha256>),
    Rs384(rsa::pkcs1v15::VerifyingKey<Sha384>),
    Rs512(rsa::pkcs1v15::VerifyingKey<Sha512>),
    Ps256(rsa::pss::VerifyingKey<Sha256>),
    Ps384(rsa::pss::VerifyingKey<Sha384>),
    Ps512(rsa::pss::VerifyingKey<Sha512>),
    Es256(p256::ecdsa::VerifyingKey),
    Es384(p384::ecdsa::VerifyingKey),
    Es512(p521::ecdsa::VerifyingKey),
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
}

/// The required members of a public JWK.
#[derive(Deserialize)]
struct Jwk<'a> {
    n: Option<&'a str>,
    e: Option<&'a str>,
    x: Option<&'a str>,
    y: Option<&'a str>,
}

impl VerifyingKey {
    /// Reads a public JWK for one algorithm. Checks that points are on their curve.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for an algorithm that is not in [`crate::VERIFY`],
    /// [`Error::KeyRefused`] for a key that does not fit it or is invalid.
    pub fn from_jwk(algorithm: &str, jwk: &str) -> Result<Self, Error> {
        let jwk: Jwk<'_> = serde_json::from_str(jwk).map_err(|_| Error::KeyRefused)?;
        let rsa = || rsa_key(&jwk);
        let point = || point(&jwk);
        let refused = |_| Error::KeyRefused;
        Ok(Self(match algorithm {
            "RS256" => Key::Rs256(rsa::pkcs1v15::VerifyingKey::new(rsa()?)),
            "RS384" => Key::Rs384(rsa::pkcs1v15::VerifyingKey::new(rsa()?)),
            "RS512" => Key::Rs512(rsa::pkcs1v15::VerifyingKey::new(rsa()?)),
            "PS256" => Key::Ps256(rsa::pss::VerifyingKey::new(rsa()?)),
            "PS384" => Key::Ps384(rsa::pss::VerifyingKey::new(rsa()?)),
            "PS512" => Key::Ps512(rsa::pss::VerifyingKey::new(rsa()?)),
            "ES256" => {
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point()?);
                Key::Es256(key.map_err(refused)?)
            }
            "ES384" => {
                let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(&point()?);
                Key::Es384(key.map_err(refused)?)
            }
            "ES512" => {
                let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(&point()?);
                Key::Es512(key.map_err(refused)?)
            }
            "Ed25519" => {
                let bytes = member(jwk.x)?.try_into().map_err(|_| Error::KeyRefused)?;
                let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes);
                Key::Ed25519(Box::new(key.map_err(refused)?))
            }
            _ => return Err(Error::Unsupported),
        }))
    }

    /// Whether a signature in JWS form (RFC 7518 section 3, RFC 8037 section 3.1) was made with
    /// this key.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        /// For each key type, the crates use another type of signature and message.
        macro_rules! check {
            ($key:expr) => {
                signature
                    .try_into()
                    .is_ok_and(|signature| $key.verify(message, &signature).is_ok())
            };
        }
        match &self.0 {
            Key::Rs256(key) => check!(key),
            Key::Rs384(key) => check!(key),
            Key::Rs512(key) => check!(key),
            Key::Ps256(key) => check!(key),
            Key::Ps384(key) => check!(key),
            Key::Ps512(key) => check!(key),
            Key::Es256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Key::Es384(key) => p384::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Key::Es512(key) => p521::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Key::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        }
    }
}

fn member(text: Option<&str>) -> Result<Vec<u8>, Error> {
    let text = text.ok_or(Error::KeyRefused)?;
    BASE64URL.decode(text).map_err(|_| Error::KeyRefused)
}

/// SEC1 section 2.3.3, uncompressed.
fn point(jwk: &Jwk<'_>) -> Result<Vec<u8>, Error> {
    let (x, y) = (member(jwk.x)?, member(jwk.y)?);
    Ok([&[4][..], &x, &y].concat())
}

fn rsa_key(jwk: &Jwk<'_>) -> Result<rsa::PublicKey, Error> {
    let number = |text| Ok(BoxedUint::from_be_slice_vartime(&member(text)?));
    rsa::PublicKey::new(number(jwk.n)?, number(jwk.e)?).map_err(|_| Error::KeyRefused)
}
