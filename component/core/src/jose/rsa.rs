//! RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017 sections 8.1.2 and 8.2.2, RFC 7518 sections 3.3 and
//! 3.5).
//!
//! Numbers and Montgomery arithmetic are `crypto-bigint`'s. The `rsa` crate, which builds on the
//! same, raises to 65537 with a window of precomputed powers: twice the multiplications.

use std::cell::OnceCell;

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::signature::{SignatureError, SignatureVerifier};
use super::{Algorithm, JwkError, base64url, limits};
use crate::json::Object;

/// An RSA public key.
pub(super) struct RsaKey {
    /// The modulus: big-endian, no leading zero.
    n: Vec<u8>,
    e: u32,
    /// What Montgomery multiplication needs to know about `n`. Not before the first use: it costs
    /// as much as two multiplications, and a set may have keys that no token names.
    montgomery: OnceCell<BoxedMontyParams>,
}

/// Reads a whole number (RFC 7518 section 2, "Base64urlUInt"), without its leading zeros. There
/// should be none, but some issuers' libraries write the sign byte of DER; the number is the same,
/// and what is made of it (thumbprint, export) is written without.
pub(super) fn whole_number(jwk: &Object, name: &'static str) -> Result<Vec<u8>, JwkError> {
    let mut bytes = super::jwk::bytes(jwk, name)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    Ok(bytes)
}

/// How many bits a number without leading zeros has.
pub(super) fn bit_len(number: &[u8]) -> usize {
    number
        .first()
        .map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

impl RsaKey {
    /// Reads `n` and `e` (RFC 7518 section 6.3.1). That `n` is a product of two primes is not
    /// checked: whoever publishes another has chosen to be forged.
    #[inline(never)]
    pub(super) fn from_jwk(jwk: &Object) -> Result<Self, JwkError> {
        Self::new(whole_number(jwk, "n")?, &whole_number(jwk, "e")?)
    }

    /// The same of numbers, big-endian, without leading zeros.
    pub(super) fn new(n: Vec<u8>, e: &[u8]) -> Result<Self, JwkError> {
        if !limits::RSA_BITS.contains(&bit_len(&n)) {
            return Err(JwkError::KeySize);
        }
        if n.last().is_none_or(|low| low % 2 == 0) {
            return Err(JwkError::BadMember("n"));
        }
        if e.len() > 4 {
            return Err(JwkError::BadMember("e"));
        }
        let e = e.iter().fold(0, |e, byte| e << 8 | u32::from(*byte));
        if !limits::RSA_EXPONENT.contains(&e) || e % 2 == 0 {
            return Err(JwkError::BadMember("e"));
        }
        Ok(Self {
            n,
            e,
            montgomery: OnceCell::new(),
        })
    }

    /// What arithmetic modulo `n` needs.
    pub(super) fn montgomery(&self) -> &BoxedMontyParams {
        self.montgomery.get_or_init(|| {
            let odd = Odd::new(BoxedUint::from_be_slice_vartime(&self.n)).into_option();
            BoxedMontyParams::new_vartime(odd.expect("checked when the key was read"))
        })
    }

    /// A number modulo `n`. It has at most as many bytes as `n`.
    pub(super) fn residue(&self, number: &[u8]) -> BoxedMontyForm {
        let n = self.montgomery();
        let number = BoxedUint::from_be_slice_truncated(number, n.bits_precision());
        BoxedMontyForm::new(number, n)
    }

    /// As many bytes as `n` has.
    pub(super) fn to_bytes(&self, residue: &BoxedMontyForm) -> Vec<u8> {
        let bytes = residue.retrieve().to_be_bytes();
        // Whole limbs may be longer than `n`; what is below `n` has zeros there.
        bytes[bytes.len() - self.n.len()..].to_vec()
    }

    /// The power of `e`. Only `e` shows in the time that it takes.
    pub(super) fn power_of_e(&self, base: &BoxedMontyForm) -> BoxedMontyForm {
        let mut power = base.clone();
        for bit in (0..self.e.ilog2()).rev() {
            power = power.square();
            if self.e >> bit & 1 == 1 {
                power = power.mul(base);
            }
        }
        power
    }

    /// RSAVP1 (RFC 8017 section 5.2.2): the signature to the power of `e`, as long as `n`.
    pub(super) fn message_representative(&self, signature: &[u8]) -> Option<Vec<u8>> {
        // Same length and big-endian: bytes compare as the numbers do.
        if signature >= self.n.as_slice() {
            return None;
        }
        Some(self.to_bytes(&self.power_of_e(&self.residue(signature))))
    }

    /// EMSA-PKCS1-v1_5 (RFC 8017 section 9.2), as long as `n`. `hash_id` ends the object identifier
    /// of the hash (note 1 there).
    pub(super) fn pkcs1_encoding<D: Digest>(&self, hash_id: u8, message: &[u8]) -> Vec<u8> {
        let hash = D::digest(message);
        let hash_len = u8::try_from(hash.len()).expect("no hash has more than 64 bytes");
        let algorithm = [
            0x30,
            hash_len + 17,
            0x30,
            13,
            0x06,
            9,
            0x60,
            0x86,
            0x48,
            0x01,
            0x65,
            0x03,
            0x04,
            0x02,
            hash_id,
            0x05,
            0,
            0x04,
            hash_len,
        ];
        let tail = 1 + algorithm.len() + hash.len();
        let mut encoding = vec![0xFF; self.n.len()];
        encoding[..2].copy_from_slice(&[0, 1]);
        encoding.truncate(self.n.len() - tail);
        encoding.push(0);
        encoding.extend_from_slice(&algorithm);
        encoding.extend_from_slice(&hash);
        encoding
    }

    /// RSASSA-PKCS1-v1_5.
    fn holds_pkcs1<D: Digest>(&self, hash_id: u8, message: &[u8], signature: &[u8]) -> bool {
        // Not parsed: there is one right encoding, and it is compared with.
        self.message_representative(signature)
            .is_some_and(|encoded| encoded == self.pkcs1_encoding::<D>(hash_id, message))
    }

    /// EMSA-PSS (RFC 8017 section 9.1.1) with a salt as long as the hash; as long as `n`.
    pub(super) fn pss_encoding<D: Digest>(&self, message: &[u8], salt: &[u8]) -> Vec<u8> {
        let bits = bit_len(&self.n) - 1;
        let hash = pss_hash::<D>(message, salt);
        let mut encoding = vec![0; bits.div_ceil(8) - 1 - hash.len()];
        let padding = encoding.len() - salt.len();
        encoding[padding - 1] = 1;
        encoding[padding..].copy_from_slice(salt);
        mask::<D>(&mut encoding, &hash);
        encoding[0] &= 0xFF >> ((8 - bits % 8) % 8);
        encoding.extend_from_slice(&hash);
        encoding.push(0xBC);
        // With a modulus of 8i + 1 bits, that is one byte shorter.
        if encoding.len() < self.n.len() {
            encoding.insert(0, 0);
        }
        encoding
    }

    /// RSASSA-PSS with MGF1 of the same hash and a salt as long as the hash (RFC 7518 section
    /// 3.5), by the steps of RFC 8017 section 9.1.2.
    fn holds_pss<D: Digest>(&self, message: &[u8], signature: &[u8]) -> bool {
        let Some(mut encoded) = self.message_representative(signature) else {
            return false;
        };
        let bits = bit_len(&self.n) - 1;
        // With a modulus of 8i + 1 bits, the encoded message is one byte shorter.
        let surplus = encoded.len() - bits.div_ceil(8);
        if encoded.drain(..surplus).any(|byte| byte != 0) || encoded.pop() != Some(0xBC) {
            return false;
        }
        let hash_len = <D as Digest>::output_size();
        let hash = encoded.split_off(encoded.len() - hash_len);
        let mut db = encoded;
        let used = 0xFF >> ((8 - bits % 8) % 8);
        if db[0] & !used != 0 {
            return false;
        }
        mask::<D>(&mut db, &hash);
        db[0] &= used;
        let (padding, salt) = db.split_at(db.len() - hash_len);
        let padded = padding
            .split_last()
            .is_some_and(|(last, zeros)| *last == 1 && zeros.iter().all(|byte| *byte == 0));
        padded && pss_hash::<D>(message, salt) == hash
    }
}

/// `H` of EMSA-PSS.
fn pss_hash<D: Digest>(message: &[u8], salt: &[u8]) -> Vec<u8> {
    let hash = D::new()
        .chain_update([0; 8])
        .chain_update(D::digest(message))
        .chain_update(salt);
    hash.finalize().to_vec()
}

/// Applies MGF1 (RFC 8017 appendix B.2.1) of `seed`.
fn mask<D: Digest>(block: &mut [u8], seed: &[u8]) {
    for (counter, chunk) in (0_u32..).zip(block.chunks_mut(<D as Digest>::output_size())) {
        let mask = D::new()
            .chain_update(seed)
            .chain_update(counter.to_be_bytes())
            .finalize();
        chunk
            .iter_mut()
            .zip(mask)
            .for_each(|(byte, mask)| *byte ^= mask);
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
        if signature.len() != self.n.len() {
            return Err(SignatureError::Length);
        }
        let holds = match algorithm {
            Algorithm::Rs256 => self.holds_pkcs1::<Sha256>(1, message, signature),
            Algorithm::Rs384 => self.holds_pkcs1::<Sha384>(2, message, signature),
            Algorithm::Rs512 => self.holds_pkcs1::<Sha512>(3, message, signature),
            Algorithm::Ps256 => self.holds_pss::<Sha256>(message, signature),
            Algorithm::Ps384 => self.holds_pss::<Sha384>(message, signature),
            Algorithm::Ps512 => self.holds_pss::<Sha512>(message, signature),
            _ => return Err(SignatureError::Algorithm),
        };
        if holds {
            Ok(())
        } else {
            Err(SignatureError::Invalid)
        }
    }

    fn members(&self) -> Vec<(&'static str, String)> {
        let e = self.e.to_be_bytes();
        let zeros = self.e.leading_zeros() as usize / 8;
        let (e, n) = (base64url::encode(&e[zeros..]), base64url::encode(&self.n));
        vec![("e", e), ("kty", "RSA".into()), ("n", n)]
    }
}
