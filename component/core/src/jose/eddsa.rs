//! Ed25519 (RFC 8032, RFC 8037).
//!
//! All arithmetic is `curve25519-dalek`'s; the two equations of RFC 8032 are here. `ed25519-dalek`
//! has them with tables of the base point in the program: 8 KB to verify and 30 KB to sign, which no
//! compression makes smaller. Tables that are computed when a key is first used are quicker besides,
//! because they hold the key's multiples too.

use std::cell::OnceCell;

use curve25519_dalek::Scalar;
use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint, VartimeEdwardsPrecomputation};
use curve25519_dalek::scalar::clamp_integer;
use curve25519_dalek::traits::VartimePrecomputedMultiscalarMul;
use sha2::{Digest, Sha512};
use zeroize::{Zeroize, Zeroizing};

use super::signature::{SignatureError, SignatureMaker, SignatureVerifier};
use super::signing_key_error::SigningKeyError;
use super::{Algorithm, JwkError, SigningError, base64url};
use crate::json::Object;

/// An Ed25519 public key.
pub(super) struct Ed25519Key {
    bytes: [u8; 32],
    point: EdwardsPoint,
    /// Multiples of the base point and of the key's negative: 15 KB, in two milliseconds.
    tables: OnceCell<VartimeEdwardsPrecomputation>,
}

impl Ed25519Key {
    /// Reads `crv` and `x` (RFC 8037 section 2).
    #[inline(never)]
    pub(super) fn from_jwk(jwk: &Object) -> Result<Self, JwkError> {
        if super::jwk::text(jwk, "crv")? != "Ed25519" {
            return Err(JwkError::UnsupportedCurve);
        }
        let x = super::jwk::bytes(jwk, "x")?;
        let bytes = x.try_into().map_err(|_| JwkError::BadMember("x"))?;
        let point = CompressedEdwardsY(bytes).decompress();
        let point = point.ok_or(JwkError::NotOnCurve)?;
        // Under a point of small order, signatures hold for messages that nobody signed. Such a
        // key is refused here once, so that the check of each signature may be the plain one of
        // RFC 8032 section 5.1.7, without the cofactor.
        if point.is_small_order() {
            return Err(JwkError::WeakKey);
        }
        Ok(Self {
            bytes,
            point,
            tables: OnceCell::new(),
        })
    }
}

impl SignatureVerifier for Ed25519Key {
    fn fits(&self, algorithm: Algorithm) -> bool {
        matches!(algorithm, Algorithm::EdDsa | Algorithm::Ed25519)
    }

    /// RFC 8032 section 5.1.7: whether `s B - k A` is `R`, by its encoding.
    fn verify(&self, _: Algorithm, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let signature: &[u8; 64] = signature.try_into().map_err(|_| SignatureError::Length)?;
        let (r, s) = signature.split_at(32);
        let mut half = [0; 32];
        half.copy_from_slice(s);
        // Below the order: otherwise one signature would have several spellings.
        let s = Scalar::from_canonical_bytes(half).into_option();
        let s = s.ok_or(SignatureError::Invalid)?;
        let k = hash_to_scalar([r, &self.bytes, message]);
        let points = || VartimeEdwardsPrecomputation::new([ED25519_BASEPOINT_POINT, -self.point]);
        let tables = self.tables.get_or_init(points);
        let sum = tables.vartime_multiscalar_mul([s, k]);
        if sum.compress().as_bytes() == r {
            Ok(())
        } else {
            Err(SignatureError::Invalid)
        }
    }

    fn members(&self) -> Vec<(&'static str, String)> {
        members(&self.bytes)
    }
}

/// RFC 8037 section 2.
fn members(public: &[u8; 32]) -> Vec<(&'static str, String)> {
    let x = base64url::encode(public);
    vec![("crv", "Ed25519".into()), ("kty", "OKP".into()), ("x", x)]
}

/// An Ed25519 private key. Wiped when dropped.
///
/// In constant time.
pub(super) struct Ed25519Signer {
    scalar: Scalar,
    prefix: Zeroizing<[u8; 32]>,
    public: [u8; 32],
}

impl Ed25519Signer {
    /// Takes the seed and the public key, if there is one, that must be its (RFC 8032 section
    /// 5.1.5).
    pub(super) fn new(seed: &[u8; 32], public: Option<&[u8]>) -> Result<Self, SigningKeyError> {
        let hash: Zeroizing<[u8; 64]> = Zeroizing::new(Sha512::digest(seed).into());
        let (mut low, mut prefix) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        low.copy_from_slice(&hash[..32]);
        prefix.copy_from_slice(&hash[32..]);
        let scalar = Scalar::from_bytes_mod_order(clamp_integer(*low));
        let own = (ED25519_BASEPOINT_POINT * scalar).compress().to_bytes();
        if public.is_some_and(|public| public != own) {
            return Err(SigningKeyError::Inconsistent);
        }
        Ok(Self {
            scalar,
            prefix,
            public: own,
        })
    }
}

/// A hash of some parts as a scalar.
fn hash_to_scalar(parts: [&[u8]; 3]) -> Scalar {
    let hash = parts.iter().fold(Sha512::new(), Digest::chain_update);
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}

impl SignatureMaker for Ed25519Signer {
    fn algorithms(&self) -> &'static [Algorithm] {
        &[Algorithm::EdDsa, Algorithm::Ed25519]
    }

    /// RFC 8032 section 5.1.6, which needs no random bytes.
    fn sign(
        &self,
        _: Algorithm,
        message: &[u8],
        _: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Vec<u8>, SigningError> {
        let nonce = hash_to_scalar([&*self.prefix, message, &[]]);
        let point = (ED25519_BASEPOINT_POINT * nonce).compress().to_bytes();
        let challenge = hash_to_scalar([&point, &self.public, message]);
        let s = nonce + challenge * self.scalar;
        Ok([point, s.to_bytes()].concat())
    }

    fn members(&self) -> Vec<(&'static str, String)> {
        members(&self.public)
    }
}

impl Drop for Ed25519Signer {
    fn drop(&mut self) {
        self.scalar.zeroize();
    }
}
