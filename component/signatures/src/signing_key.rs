//! Private keys in PKCS#8 (RFC 5208, RFC 5958, RFC 8410).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use rand_core::TryCryptoRng;
use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _, Signer as _};
use rsa::traits::PublicKeyParts as _;
use sha2::{Sha256, Sha384, Sha512};

use crate::Error;

/// A private key. `Debug` shows only its type.
pub struct SigningKey(Key);

enum Key {
    Rsa(Box<rsa::PrivateKey>),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self.0 {
            Key::Rsa(_) => "SigningKey(RSA)",
            Key::P256(_) => "SigningKey(P-256)",
            Key::P384(_) => "SigningKey(P-384)",
            Key::P521(_) => "SigningKey(P-521)",
            Key::Ed25519(_) => "SigningKey(Ed25519)",
        })
    }
}

impl SigningKey {
    /// Reads a private key of any supported type. Checks that the numbers of an RSA key match each
    /// other.
    ///
    /// # Errors
    /// [`Error::KeyRefused`] if it is not a key, or is damaged.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        // The structure names the type, so at most one of these succeeds.
        let key = rsa::PrivateKey::from_pkcs8_der(der)
            .ok()
            .filter(|key| key.validate().is_ok())
            .map(|key| Key::Rsa(Box::new(key)))
            .or_else(|| {
                p256::ecdsa::SigningKey::from_pkcs8_der(der)
                    .ok()
                    .map(Key::P256)
            })
            .or_else(|| {
                p384::ecdsa::SigningKey::from_pkcs8_der(der)
                    .ok()
                    .map(Key::P384)
            })
            .or_else(|| {
                p521::ecdsa::SigningKey::from_pkcs8_der(der)
                    .ok()
                    .map(Key::P521)
            })
            .or_else(|| {
                ed25519_dalek::SigningKey::from_pkcs8_der(der)
                    .ok()
                    .map(Key::Ed25519)
            });
        key.map(Self).ok_or(Error::KeyRefused)
    }

    /// The public half, as a JWK with only the required members of the key.
    #[must_use]
    pub fn public_jwk(&self) -> String {
        let text = |bytes: &[u8]| BASE64URL.encode(bytes);
        let ec = |crv: &str, point: &[u8]| {
            // After the tag, x and y of one length.
            let (x, y) = point[1..].split_at(point.len() / 2);
            format!(
                r#"{{"crv":"{crv}","kty":"EC","x":"{}","y":"{}"}}"#,
                text(x),
                text(y)
            )
        };
        match &self.0 {
            Key::Rsa(key) => {
                let number = |bytes: &[u8]| {
                    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                    text(&bytes[zeros..])
                };
                let (n, e) = (key.n().to_be_bytes(), key.e().to_be_bytes());
                format!(
                    r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
                    number(&e),
                    number(&n)
                )
            }
            Key::P256(key) => ec("P-256", key.verifying_key().to_sec1_point(false).as_bytes()),
            Key::P384(key) => ec("P-384", key.verifying_key().to_sec1_point(false).as_bytes()),
            Key::P521(key) => ec("P-521", key.verifying_key().to_sec1_point(false).as_bytes()),
            Key::Ed25519(key) => {
                let x = text(key.verifying_key().as_bytes());
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)
            }
        }
    }

    /// Signs, in JWS form. `random` blinds RSA and salts RSASSA-PSS; the others need none
    /// (RFC 6979, RFC 8032).
    ///
    /// # Errors
    /// [`Error::Unsupported`] for an algorithm that is not this key's; [`Error::Failed`].
    pub fn sign<R: TryCryptoRng>(
        &self,
        algorithm: &str,
        message: &[u8],
        random: &mut R,
    ) -> Result<Vec<u8>, Error> {
        /// The two schemes of RSA over the three hashes have one signature.
        macro_rules! rsa {
            ($scheme:ident, $hash:ty, $key:expr) => {
                rsa::$scheme::SigningKey::<$hash>::new(rsa::PrivateKey::clone($key))
                    .try_sign_with_rng(random, message)
                    .map(|signature| signature.to_vec())
                    .map_err(|_| Error::Failed)
            };
        }
        let failed = |_| Error::Failed;
        match (algorithm, &self.0) {
            ("RS256", Key::Rsa(key)) => rsa!(pkcs1v15, Sha256, key),
            ("RS384", Key::Rsa(key)) => rsa!(pkcs1v15, Sha384, key),
            ("RS512", Key::Rsa(key)) => rsa!(pkcs1v15, Sha512, key),
            ("PS256", Key::Rsa(key)) => rsa!(pss, Sha256, key),
            ("PS384", Key::Rsa(key)) => rsa!(pss, Sha384, key),
            ("PS512", Key::Rsa(key)) => rsa!(pss, Sha512, key),
            ("ES256", Key::P256(key)) => {
                let signature: p256::ecdsa::Signature = key.try_sign(message).map_err(failed)?;
                Ok(signature.to_vec())
            }
            ("ES384", Key::P384(key)) => {
                let signature: p384::ecdsa::Signature = key.try_sign(message).map_err(failed)?;
                Ok(signature.to_vec())
            }
            ("ES512", Key::P521(key)) => {
                let signature: p521::ecdsa::Signature = key.try_sign(message).map_err(failed)?;
                Ok(signature.to_vec())
            }
            ("Ed25519", Key::Ed25519(key)) => {
                Ok(key.try_sign(message).map_err(failed)?.to_bytes().to_vec())
            }
            _ => Err(Error::Unsupported),
        }
    }
}
