//! The four structures that private keys come in, in DER: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017
//! appendix A.1.2), SEC1 (RFC 5915) and the octets of Ed25519 (RFC 8410 section 7).
//!
//! Strict: definite lengths in their shortest form, numbers in theirs, nothing after a structure.

use super::key_material::{EcCurve, KeyMaterial, RsaNumbers};
use super::signing_key_error::SigningKeyError;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `[0]` and `[1]`, constructed.
const CONTEXT: [u8; 2] = [0xA0, 0xA1];
/// `[1]`, primitive: an IMPLICIT BIT STRING.
const CONTEXT_BITS: u8 = 0x81;

/// 1.2.840.113549.1.1.1
const RSA_ENCRYPTION: [u8; 9] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
/// 1.2.840.10045.2.1
const EC_PUBLIC_KEY: [u8; 7] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
/// 1.3.101.112
const ED25519: [u8; 3] = [0x2B, 0x65, 0x70];
/// 1.2.840.10045.3.1.7
const P256: [u8; 8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
/// 1.3.132.0.34
const P384: [u8; 5] = [0x2B, 0x81, 0x04, 0x00, 0x22];

const MALFORMED: SigningKeyError = SigningKeyError::Der;

/// What is left of a structure's content.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The content of the next element, which has this tag.
    fn next(&mut self, tag: u8) -> Result<&'a [u8], SigningKeyError> {
        let (&own, rest) = self.0.split_first().ok_or(MALFORMED)?;
        let (&first, mut rest) = rest.split_first().ok_or(MALFORMED)?;
        if own != tag {
            return Err(MALFORMED);
        }
        // Keys are below 64 KiB: two bytes of length at most.
        let len = match first {
            0..=0x7F => usize::from(first),
            0x81 | 0x82 => {
                let (bytes, after) = rest
                    .split_at_checked(usize::from(first - 0x80))
                    .ok_or(MALFORMED)?;
                rest = after;
                let len = bytes
                    .iter()
                    .fold(0, |len, byte| len << 8 | usize::from(*byte));
                // The shortest form.
                if len < 0x80 || bytes[0] == 0 {
                    return Err(MALFORMED);
                }
                len
            }
            _ => return Err(MALFORMED),
        };
        let (content, rest) = rest.split_at_checked(len).ok_or(MALFORMED)?;
        self.0 = rest;
        Ok(content)
    }

    /// The same where the element is there.
    fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, SigningKeyError> {
        if self.0.first() == Some(&tag) {
            self.next(tag).map(Some)
        } else {
            Ok(None)
        }
    }

    /// A structure's content.
    fn sequence(&mut self) -> Result<Self, SigningKeyError> {
        self.next(SEQUENCE).map(Self)
    }

    /// A number that is not negative, without the zero of its sign; that of 0 is empty.
    fn unsigned(&mut self) -> Result<&'a [u8], SigningKeyError> {
        match self.next(INTEGER)? {
            [] | [0x80..=0xFF, ..] | [0, 0..=0x7F, ..] => Err(MALFORMED),
            [0, number @ ..] | number => Ok(number),
        }
    }

    /// The bytes of a BIT STRING whose tag is `tag`.
    fn bits(content: Option<&'a [u8]>) -> Result<Option<&'a [u8]>, SigningKeyError> {
        match content {
            None => Ok(None),
            Some([0, bytes @ ..]) => Ok(Some(bytes)),
            Some(_) => Err(MALFORMED),
        }
    }

    fn end(self) -> Result<(), SigningKeyError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(MALFORMED)
        }
    }
}

/// `OneAsymmetricKey` (RFC 5958 section 2). Attributes are ignored.
pub(super) fn pkcs8(der: &[u8]) -> Result<KeyMaterial, SigningKeyError> {
    let mut outer = Reader(der);
    let mut key = outer.sequence()?;
    outer.end()?;
    let version = key.unsigned()?;
    let mut algorithm = key.sequence()?;
    let private = key.next(OCTET_STRING)?;
    key.optional(CONTEXT[0])?;
    let public = Reader::bits(key.optional(CONTEXT_BITS)?)?;
    key.end()?;
    // The version says whether the public key is there.
    match (version, public) {
        ([], None) | ([1], Some(_)) => {}
        _ => return Err(MALFORMED),
    }
    let name = algorithm.next(OBJECT_IDENTIFIER)?;
    if name == RSA_ENCRYPTION {
        if !algorithm.next(NULL)?.is_empty() {
            return Err(MALFORMED);
        }
        algorithm.end()?;
        pkcs1(private)
    } else if name == EC_PUBLIC_KEY {
        // A curve that is spelled out in numbers instead of named is not supported.
        let curve = algorithm.optional(OBJECT_IDENTIFIER)?;
        let curve = curve.ok_or(SigningKeyError::UnsupportedCurve)?;
        algorithm.end()?;
        sec1_on(private, Some(curve))
    } else if name == ED25519 {
        algorithm.end()?;
        let mut octets = Reader(private);
        let seed = octets.next(OCTET_STRING)?;
        octets.end()?;
        KeyMaterial::ed25519(seed, public).ok_or(MALFORMED)
    } else {
        Err(SigningKeyError::UnsupportedType)
    }
}

/// `RSAPrivateKey` (RFC 8017 appendix A.1.2), of two primes.
pub(super) fn pkcs1(der: &[u8]) -> Result<KeyMaterial, SigningKeyError> {
    let mut outer = Reader(der);
    let mut key = outer.sequence()?;
    outer.end()?;
    match key.unsigned()? {
        [] => {}
        [1] => return Err(SigningKeyError::UnsupportedType),
        _ => return Err(MALFORMED),
    }
    let numbers = RsaNumbers::read(|_| key.unsigned().map(|number| number.to_vec().into()))?;
    key.end()?;
    Ok(KeyMaterial::Rsa(numbers))
}

/// `ECPrivateKey` (RFC 5915 section 3) that names its curve.
pub(super) fn sec1(der: &[u8]) -> Result<KeyMaterial, SigningKeyError> {
    sec1_on(der, None)
}

/// `ECPrivateKey` on a curve that is named around it, or in it, or in both places alike.
fn sec1_on(der: &[u8], outer_curve: Option<&[u8]>) -> Result<KeyMaterial, SigningKeyError> {
    let mut outer = Reader(der);
    let mut key = outer.sequence()?;
    outer.end()?;
    let version = key.unsigned()?;
    let scalar = key.next(OCTET_STRING)?;
    let parameters = key.optional(CONTEXT[0])?;
    let public = key.optional(CONTEXT[1])?;
    key.end()?;
    if version != [1] {
        return Err(MALFORMED);
    }
    let inner_curve = match parameters {
        None => None,
        Some(parameters) => {
            let mut parameters = Reader(parameters);
            let curve = parameters.optional(OBJECT_IDENTIFIER)?;
            let curve = curve.ok_or(SigningKeyError::UnsupportedCurve)?;
            parameters.end()?;
            Some(curve)
        }
    };
    let curve = match (outer_curve, inner_curve) {
        (Some(outer), Some(inner)) if outer != inner => return Err(MALFORMED),
        (None, None) => return Err(MALFORMED),
        (Some(curve), _) | (None, Some(curve)) => curve,
    };
    let curve = if curve == P256 {
        EcCurve::P256
    } else if curve == P384 {
        EcCurve::P384
    } else {
        return Err(SigningKeyError::UnsupportedCurve);
    };
    let public = match public {
        None => None,
        Some(public) => {
            let mut public = Reader(public);
            let bits = Reader::bits(Some(public.next(BIT_STRING)?))?;
            public.end()?;
            bits
        }
    };
    Ok(KeyMaterial::Ec {
        curve,
        scalar: scalar.to_vec().into(),
        public: public.map(<[u8]>::to_vec),
    })
}
