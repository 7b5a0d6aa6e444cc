//! ECDSA on P-256, P-384 and P-521 (RFC 7518 section 3.4).

use p256::ecdsa::signature::Verifier;

use super::signature::{SignatureError, SignatureVerifier};
use super::{Algorithm, JwkError, base64url};
use crate::json::Object;

/// A public point on one of the three curves.
enum Point {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
}

/// An ECDSA public key.
pub(super) struct EcdsaKey(Point);

/// SEC 1 section 2.3.3: uncompressed. Each coordinate has the length of the field (RFC 7518
/// section 6.2.1.2), leading zeros included.
fn uncompressed(jwk: &Object, len: usize) -> Result<Vec<u8>, JwkError> {
    let mut point = vec![4];
    for name in ["x", "y"] {
        let coordinate = super::jwk::bytes(jwk, name)?;
        if coordinate.len() != len {
            return Err(JwkError::BadMember(name));
        }
        point.extend_from_slice(&coordinate);
    }
    Ok(point)
}

impl EcdsaKey {
    /// Reads `crv`, `x` and `y` (RFC 7518 section 6.2.1).
    pub(super) fn from_jwk(jwk: &Object) -> Result<Self, JwkError> {
        let not_on_curve = |_| JwkError::NotOnCurve;
        Ok(Self(match super::jwk::text(jwk, "crv")? {
            "P-256" => {
                let point = uncompressed(jwk, 32)?;
                Point::P256(
                    p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).map_err(not_on_curve)?,
                )
            }
            "P-384" => {
                let point = uncompressed(jwk, 48)?;
                Point::P384(
                    p384::ecdsa::VerifyingKey::from_sec1_bytes(&point).map_err(not_on_curve)?,
                )
            }
            "P-521" => {
                let point = uncompressed(jwk, 66)?;
                Point::P521(
                    p521::ecdsa::VerifyingKey::from_sec1_bytes(&point).map_err(not_on_curve)?,
                )
            }
            _ => return Err(JwkError::UnsupportedCurve),
        }))
    }
}

impl SignatureVerifier for EcdsaKey {
    fn fits(&self, algorithm: Algorithm) -> bool {
        algorithm
            == match self.0 {
                Point::P256(_) => Algorithm::Es256,
                Point::P384(_) => Algorithm::Es384,
                Point::P521(_) => Algorithm::Es512,
            }
    }

    fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        if algorithm.signature_len() != Some(signature.len()) {
            return Err(SignatureError::Length);
        }
        let holds = match &self.0 {
            Point::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Point::P384(key) => p384::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Point::P521(key) => p521::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        };
        if holds {
            Ok(())
        } else {
            Err(SignatureError::Invalid)
        }
    }

    fn members(&self) -> Vec<(&'static str, String)> {
        let (crv, point) = match &self.0 {
            Point::P256(key) => ("P-256", key.to_sec1_point(false).as_bytes().to_vec()),
            Point::P384(key) => ("P-384", key.to_sec1_point(false).as_bytes().to_vec()),
            Point::P521(key) => ("P-521", key.to_sec1_point(false).as_bytes().to_vec()),
        };
        let (x, y) = point[1..].split_at(point.len() / 2);
        vec![
            ("crv", crv.into()),
            ("kty", "EC".into()),
            ("x", base64url::encode(x)),
            ("y", base64url::encode(y)),
        ]
    }
}
