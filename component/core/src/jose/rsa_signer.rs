//! Signatures by RSA (RFC 8017 sections 5.2.1, 8.1.1 and 8.2.1), with the primes apart (CRT).
//!
//! Numbers are `crypto-bigint`'s, whose powers take a time in which only lengths show. Of this
//! component's own is the order of the steps: the message is blinded by a random number, and a
//! signature that does not verify is not let out. The `rsa` crate does the same, but has no release
//! on these numbers yet. Products are Montgomery's only: plain ones of this length would bring in
//! Karatsuba's for all lengths, tens of kilobytes.

use std::cell::Cell;

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Limb, Odd};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::key_material::RsaNumbers;
use super::rsa::{RsaKey, bit_len};
use super::signature::SignatureMaker;
use super::signing_key_error::SigningKeyError;
use super::{Algorithm, SigningError, limits};

/// An RSA private key. Wiped when dropped but for its primes, of which `crypto-bigint` keeps copies
/// that it cannot wipe.
pub(super) struct RsaSigner {
    public: RsaKey,
    p: BoxedMontyParams,
    q: BoxedMontyParams,
    dp: BoxedUint,
    dq: BoxedUint,
    qi: BoxedMontyForm,
    q_mod_n: BoxedMontyForm,
    blinding: Cell<Option<Blinding>>,
}

/// What hides a message from whoever measures the powers: a factor, and what takes it away again.
struct Blinding {
    /// A random number to the `e`, modulo `n`.
    factor: BoxedMontyForm,
    /// The number's inverses modulo `p` and `q`.
    inverses: [BoxedMontyForm; 2],
    uses: u32,
}

/// How often a blinding is squared for the next signature before a new number is drawn: as OpenSSL
/// has it. A new one costs as much as a signature.
const BLINDING_USES: u32 = 32;

impl Blinding {
    /// The blinding for the next signature: nobody who does not know this one can tell it.
    fn next(mut self) -> Self {
        let all = std::iter::once(&mut self.factor).chain(&mut self.inverses);
        for number in all {
            *number = number.square();
        }
        self.uses += 1;
        self
    }
}

impl RsaSigner {
    /// Checks what costs a few multiplications: that `n` is the product of `p` and `q`, and that
    /// `qi` inverts `q`. Where `p` or `q` is no prime, or `dp` or `dq` is not what `e` demands,
    /// signatures are withheld.
    pub(super) fn new(numbers: &RsaNumbers) -> Result<Self, SigningKeyError> {
        let wrong = SigningKeyError::Inconsistent;
        let bits = bit_len(&numbers.n);
        if !limits::RSA_SIGNING_BITS.contains(&bits) || !bits.is_multiple_of(2) {
            return Err(SigningKeyError::KeySize);
        }
        let public = RsaKey::new(numbers.n.to_vec(), &numbers.e).map_err(|_| wrong)?;
        // Primes of half the length each (FIPS 186-5 appendix A.1.1), and nothing longer.
        let half = bits / 2;
        if bit_len(&numbers.p) != half || bit_len(&numbers.q) != half {
            return Err(wrong);
        }
        let rest = [&numbers.dp, &numbers.dq, &numbers.qi];
        if rest.iter().any(|number| bit_len(number) > half) {
            return Err(wrong);
        }
        let precision = u32::try_from(half).map_err(|_| wrong)?;
        let number = |bytes: &[u8]| BoxedUint::from_be_slice_truncated(bytes, precision);
        // Both products are below twice `n`, whose length they have, and not zero.
        let product = public.residue(&numbers.p).mul(&public.residue(&numbers.q));
        if !bool::from(product.is_zero()) {
            return Err(wrong);
        }
        // Not in constant time: it happens once, when nobody waits for it.
        let params = |prime: &[u8]| {
            let odd = Odd::new(number(prime)).into_option();
            odd.map(BoxedMontyParams::new_vartime).ok_or(wrong)
        };
        let (p, q) = (params(&numbers.p)?, params(&numbers.q)?);
        let qi = BoxedMontyForm::new(number(&numbers.qi), &p);
        if qi.mul(&BoxedMontyForm::new(number(&numbers.q), &p)) != BoxedMontyForm::one(&p) {
            return Err(wrong);
        }
        Ok(Self {
            q_mod_n: public.residue(&numbers.q),
            public,
            p,
            q,
            dp: number(&numbers.dp),
            dq: number(&numbers.dq),
            qi,
            blinding: Cell::new(None),
        })
    }

    /// RSASP1 of a message representative below `n`, blinded, and checked by RSAVP1.
    fn signature_of(
        &self,
        encoded: &[u8],
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Vec<u8>, SigningError> {
        let blinding = match self.blinding.take() {
            Some(kept) if kept.uses < BLINDING_USES => kept.next(),
            _ => self.new_blinding(encoded.len() - 1, random)?,
        };
        let blinded = self.public.residue(encoded).mul(&blinding.factor);
        let signature = self.power_of_d(&blinded.retrieve(), &blinding.inverses);
        self.blinding.set(Some(blinding));
        let signature = self.public.to_bytes(&signature);
        if self.public.message_representative(&signature).as_deref() == Some(encoded) {
            Ok(signature)
        } else {
            Err(SigningError::Fault)
        }
    }

    /// Blinds by a random number of `length` bytes: one less than `n` has, and so below it.
    ///
    /// Division modulo a prime is a power as well (Fermat): a third of the code that computes
    /// inverses.
    fn new_blinding(
        &self,
        length: usize,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Blinding, SigningError> {
        let mut number = Zeroizing::new(vec![0; length]);
        random(&mut number);
        if number.iter().all(|byte| *byte == 0) {
            return Err(SigningError::Randomness);
        }
        let number = self.public.residue(&number);
        let plain = Zeroizing::new(number.retrieve());
        let inverse = |prime: &BoxedMontyParams| {
            let exponent = prime.modulus().as_ref().wrapping_sub(Limb::from(2_u8));
            residue(&plain, prime).pow(&exponent)
        };
        Ok(Blinding {
            factor: self.public.power_of_e(&number),
            inverses: [inverse(&self.p), inverse(&self.q)],
            uses: 0,
        })
    }

    /// The power of `d` modulo `n` (RFC 8017 section 5.1.2, step 2b), unblinded.
    fn power_of_d(&self, base: &BoxedUint, inverses: &[BoxedMontyForm; 2]) -> BoxedMontyForm {
        let power = |exponent: &BoxedUint, prime: &BoxedMontyParams, inverse: &BoxedMontyForm| {
            residue(base, prime).pow(exponent).mul(inverse)
        };
        let m2 = power(&self.dq, &self.q, &inverses[1]).retrieve();
        let m1 = power(&self.dp, &self.p, &inverses[0]);
        let h = m1.sub(&residue(&m2, &self.p)).mul(&self.qi).retrieve();
        // The sum is below `n` anyway; arithmetic modulo `n` is what there is.
        let n = self.public.montgomery();
        residue(&h, n).mul(&self.q_mod_n).add(&residue(&m2, n))
    }
}

/// A number of at most twice the modulus's length, modulo it, without a division.
fn residue(number: &BoxedUint, modulus: &BoxedMontyParams) -> BoxedMontyForm {
    let bits = modulus.bits_precision();
    let part = |limbs: &[Limb]| {
        let mut part = BoxedUint::zero_with_precision(bits);
        part.as_mut_limbs()[..limbs.len()].copy_from_slice(limbs);
        BoxedMontyForm::new(part, modulus)
    };
    let limbs = number.as_limbs();
    let (low, high) = limbs.split_at(limbs.len().min(modulus.modulus().as_limbs().len()));
    // The upper half counts `R`s, and the Montgomery form of `R` is its square.
    let r = BoxedMontyForm::from_montgomery(modulus.as_ref().r2().clone(), modulus);
    part(high).mul(&r).add(&part(low))
}

impl SignatureMaker for RsaSigner {
    fn algorithms(&self) -> &'static [Algorithm] {
        &[Algorithm::Rs256, Algorithm::Ps256]
    }

    fn sign(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Vec<u8>, SigningError> {
        let encoded = if algorithm == Algorithm::Ps256 {
            let mut salt = [0; 32];
            random(&mut salt);
            self.public.pss_encoding::<Sha256>(message, &salt)
        } else {
            self.public.pkcs1_encoding::<Sha256>(1, message)
        };
        self.signature_of(&encoded, random)
    }

    fn members(&self) -> Vec<(&'static str, String)> {
        use super::signature::SignatureVerifier;
        self.public.members()
    }
}

impl Drop for RsaSigner {
    fn drop(&mut self) {
        self.dp.zeroize();
        self.dq.zeroize();
        self.qi.zeroize();
        self.q_mod_n.zeroize();
    }
}
