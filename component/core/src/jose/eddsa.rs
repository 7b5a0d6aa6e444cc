//! Ed25519 (RFC 8032, RFC 8037).

use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};

use super::signature::{SignatureError, SignatureMaker, SignatureVerifier};
use super::signing_key_error::SigningKeyError;
use super::{Algorithm, JwkError, SigningError, base64url};
use crate::json::Object;

/// An Ed25519 public key.
pub(super) struct Ed25519Key(VerifyingKey);

impl Ed25519Key {
    /// Reads `crv` and `x` (RFC 8037 section 2).
    pub(super) fn from_jwk(jwk: &Object) -> Result<Self, JwkError> {
        if super::jwk::text(jwk, "crv")? != "Ed25519" {
            return Err(JwkError::UnsupportedCurve);
        }
        let x = super::jwk::bytes(jwk, "x")?;
        let x = x.try_into().map_err(|_| JwkError::BadMember("x"))?;
        let key = VerifyingKey::from_bytes(&x).map_err(|_| JwkError::NotOnCurve)?;
        // Under a point of small order, signatures hold for messages that nobody signed. Such a
        // key is refused here once, so that the check of each signature may be the plain one of
        // RFC 8032 section 5.1.7, without the cofactor.
        if key.is_weak() {
            return Err(JwkError::WeakKey);
        }
        Ok(Self(key))
    }
}

impl SignatureVerifier for Ed25519Key {
    fn fits(&self, algorithm: Algorithm) -> bool {
        matches!(algorithm, Algorithm::EdDsa | Algorithm::Ed25519)
    }

    fn verify(&self, _: Algorithm, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let signature = signature.try_into().map_err(|_| SignatureError::Length)?;
        let signature = Signature::from_bytes(signature);
        self.0
            .verify(message, &signature)
            .map_err(|_| SignatureError::Invalid)
    }

    fn members(&self) -> Vec<(&'static str, String)> {
        members(&self.0)
    }
}

/// RFC 8037 section 2.
fn members(key: &VerifyingKey) -> Vec<(&'static str, String)> {
    let x = base64url::encode(key.as_bytes());
    vec![("crv", "Ed25519".into()), ("kty", "OKP".into()), ("x", x)]
}

/// An Ed25519 private key. Wiped when dropped, by the crate.
pub(super) struct Ed25519Signer(SigningKey);

impl Ed25519Signer {
    /// Takes the seed (RFC 8032 section 5.1.5) and the public key, if there is one, that must be
    /// its.
    pub(super) fn new(seed: &[u8; 32], public: Option<&[u8]>) -> Result<Self, SigningKeyError> {
        let key = SigningKey::from_bytes(seed);
        let own = key.verifying_key();
        if public.is_some_and(|public| public != own.as_bytes()) {
            return Err(SigningKeyError::Inconsistent);
        }
        Ok(Self(key))
    }
}

impl SignatureMaker for Ed25519Signer {
    fn algorithms(&self) -> &'static [Algorithm] {
        &[Algorithm::EdDsa, Algorithm::Ed25519]
    }

    /// Needs no random bytes (RFC 8032 section 5.1.6).
    fn sign(
        &self,
        _: Algorithm,
        message: &[u8],
        _: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Vec<u8>, SigningError> {
        Ok(self.0.sign(message).to_bytes().to_vec())
    }

    fn members(&self) -> Vec<(&'static str, String)> {
        members(&self.0.verifying_key())
    }
}
