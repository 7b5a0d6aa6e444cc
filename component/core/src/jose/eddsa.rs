//! Ed25519 (RFC 8032, RFC 8037).

use ed25519_dalek::{Signature, Verifier, VerifyingKey};

use super::signature::{SignatureError, SignatureVerifier};
use super::{Algorithm, JwkError, base64url};
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
        let x = base64url::encode(self.0.as_bytes());
        vec![("crv", "Ed25519".into()), ("kty", "OKP".into()), ("x", x)]
    }
}
