//! RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017, RFC 7518 sections 3.3 and 3.5).

use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, Pkcs1v15Sign, Pss, RsaPublicKey};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::signature::{SignatureError, SignatureVerifier};
use super::{Algorithm, JwkError, base64url, limits};
use crate::json::Object;

/// An RSA public key.
pub(super) struct RsaKey(RsaPublicKey);

/// Reads a whole number (RFC 7518 section 2, "Base64urlUInt"), without its leading zeros. There
/// should be none, but some issuers' libraries write the sign byte of DER; the number is the same,
/// and what is made of it (thumbprint, export) is written without.
fn whole_number(jwk: &Object, name: &'static str) -> Result<Vec<u8>, JwkError> {
    let mut bytes = super::jwk::bytes(jwk, name)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    Ok(bytes)
}

/// How many bits a number without leading zeros has.
fn bit_len(number: &[u8]) -> usize {
    number
        .first()
        .map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

impl RsaKey {
    /// Reads `n` and `e` (RFC 7518 section 6.3.1). That `n` is a product of two primes is not
    /// checked: whoever publishes another has chosen to be forged.
    pub(super) fn from_jwk(jwk: &Object) -> Result<Self, JwkError> {
        let n = whole_number(jwk, "n")?;
        if !limits::RSA_BITS.contains(&bit_len(&n)) {
            return Err(JwkError::KeySize);
        }
        let e = whole_number(jwk, "e")?;
        if e.len() > 4 {
            return Err(JwkError::BadMember("e"));
        }
        let e = e.iter().fold(0, |e, byte| e << 8 | u32::from(*byte));
        if !limits::RSA_EXPONENT.contains(&e) || e % 2 == 0 {
            return Err(JwkError::BadMember("e"));
        }
        let n = BoxedUint::from_be_slice_vartime(&n);
        // Refuses an even modulus.
        let key = RsaPublicKey::new(n, e.into()).map_err(|_| JwkError::BadMember("n"))?;
        Ok(Self(key))
    }
}

impl SignatureVerifier for RsaKey {
    fn fits(&self, algorithm: Algorithm) -> bool {
        algorithm.signature_len().is_none()
    }

    fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        if signature.len() != self.0.size() {
            return Err(SignatureError::Length);
        }
        let key = &self.0;
        let checked = match algorithm {
            Algorithm::Rs256 => key.verify(
                Pkcs1v15Sign::new::<Sha256>(),
                &Sha256::digest(message),
                signature,
            ),
            Algorithm::Rs384 => key.verify(
                Pkcs1v15Sign::new::<Sha384>(),
                &Sha384::digest(message),
                signature,
            ),
            Algorithm::Rs512 => key.verify(
                Pkcs1v15Sign::new::<Sha512>(),
                &Sha512::digest(message),
                signature,
            ),
            Algorithm::Ps256 => {
                key.verify(Pss::<Sha256>::new(), &Sha256::digest(message), signature)
            }
            Algorithm::Ps384 => {
                key.verify(Pss::<Sha384>::new(), &Sha384::digest(message), signature)
            }
            Algorithm::Ps512 => {
                key.verify(Pss::<Sha512>::new(), &Sha512::digest(message), signature)
            }
            _ => return Err(SignatureError::Algorithm),
        };
        checked.map_err(|_| SignatureError::Invalid)
    }

    fn members(&self) -> Vec<(&'static str, String)> {
        let n = base64url::encode(&self.0.n_bytes());
        let e = base64url::encode(&self.0.e_bytes());
        vec![("e", e), ("kty", "RSA".into()), ("n", n)]
    }
}
