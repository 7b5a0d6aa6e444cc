//! Signatures by ECDSA on P-256 and P-384 (RFC 7518 section 3.4): the `ecdsa` crate's.
//!
//! The nonce is that of RFC 6979 with random bytes as additional data (its section 3.6), and so as
//! safe as the better of the two: good random bytes make a fault in the machine useless to an
//! attacker, and bad ones reveal nothing.

use ecdsa::hazmat::sign_prehashed_rfc6979;
use ecdsa::{DigestAlgorithm, SignatureSize};
use p256::elliptic_curve::array::ArraySize;
use p256::elliptic_curve::group::Group;
use p256::elliptic_curve::point::AffineCoordinates;
use p256::elliptic_curve::{CurveGroup, NonZeroScalar};
use zeroize::Zeroize;

use super::ecdsa::NistCurve;
use super::signature::SignatureMaker;
use super::signing_key_error::SigningKeyError;
use super::{Algorithm, SigningError};

/// An ECDSA private key. Wiped when dropped.
pub(super) struct EcdsaSigner<C: NistCurve> {
    scalar: NonZeroScalar<C>,
    point: C::AffinePoint,
}

impl<C: NistCurve> EcdsaSigner<C> {
    /// Takes a scalar that is as long as the order, from 1 to the order less 1, and the public
    /// point, if there is one, that must be its (SEC1 section 2.3.3).
    pub(super) fn new(scalar: &[u8], public: Option<&[u8]>) -> Result<Self, SigningKeyError> {
        let wrong = SigningKeyError::Inconsistent;
        let scalar = scalar.try_into().map_err(|_| wrong)?;
        let scalar = NonZeroScalar::<C>::from_repr(scalar).into_option();
        let scalar = scalar.ok_or(wrong)?;
        let point = C::ProjectivePoint::mul_by_generator(&scalar).to_affine();
        let (x, y) = (point.x(), point.y());
        let belongs = match public {
            None => true,
            Some([4, both @ ..]) => both.strip_prefix(&x[..]) == Some(&y[..]),
            Some([form @ (2 | 3), rest @ ..]) => {
                let parity = y.last().map(|last| last % 2);
                rest == &x[..] && parity == Some(form - 2)
            }
            Some(_) => false,
        };
        if !belongs {
            return Err(wrong);
        }
        Ok(Self { scalar, point })
    }
}

impl<C> EcdsaSigner<C>
where
    C: NistCurve + DigestAlgorithm,
    SignatureSize<C>: ArraySize,
{
    /// Signs with these bytes as additional data; with none, as RFC 6979 section 3.2 has it.
    fn sign_with(&self, message: &[u8], additional: &[u8]) -> Vec<u8> {
        let (hash, key) = (C::hash(message), &self.scalar);
        let (signature, _) = sign_prehashed_rfc6979::<C, C::Digest>(key, &hash, additional);
        signature.to_bytes().to_vec()
    }
}

impl<C> SignatureMaker for EcdsaSigner<C>
where
    C: NistCurve + DigestAlgorithm,
    SignatureSize<C>: ArraySize,
{
    fn algorithms(&self) -> &'static [Algorithm] {
        &[C::ALGORITHM]
    }

    fn sign(
        &self,
        _: Algorithm,
        message: &[u8],
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Vec<u8>, SigningError> {
        let mut hedge = [0; 32];
        random(&mut hedge);
        Ok(self.sign_with(message, &hedge))
    }

    fn members(&self) -> Vec<(&'static str, String)> {
        super::ecdsa::members::<C>(&self.point)
    }
}

impl<C: NistCurve> Drop for EcdsaSigner<C> {
    fn drop(&mut self) {
        self.scalar.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits = text.as_bytes().chunks(2);
        digits
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    /// RFC 6979 appendix A.2.5, SHA-256.
    #[test]
    fn p256_without_additional_data_is_deterministic() {
        let key = hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
        let key = EcdsaSigner::<p256::NistP256>::new(&key, None).unwrap();
        for (message, r, s) in [
            (
                "sample",
                "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
                "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
            ),
            (
                "test",
                "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
                "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
            ),
        ] {
            let signature = key.sign_with(message.as_bytes(), &[]);
            assert_eq!(signature, hex(&format!("{r}{s}")));
            assert_ne!(key.sign_with(message.as_bytes(), &[0]), signature);
        }
    }

    /// RFC 6979 appendix A.2.6, SHA-384.
    #[test]
    fn p384_without_additional_data_is_deterministic() {
        let key = hex(concat!(
            "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D8",
            "96D5724E4C70A825F872C9EA60D2EDF5"
        ));
        let key = EcdsaSigner::<p384::NistP384>::new(&key, None).unwrap();
        let expected = hex(concat!(
            "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C",
            "81A648152E44ACF96E36DD1E80FABE46",
            "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94F",
            "A329C145786E679E7B82C71A38628AC8"
        ));
        assert_eq!(key.sign_with(b"sample", &[]), expected);
    }
}
