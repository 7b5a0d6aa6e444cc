//! Private keys in DER: `OneAsymmetricKey` (RFC 5958 section 2), `RSAPrivateKey` (RFC 8017 appendix
//! A.1.2) and `ECPrivateKey` (RFC 5915 section 3).
//!
//! The crate `der` reads and writes each element; the order of the elements is here. RustCrypto's
//! types for these structures would add 7 KB (gzip) to the size of every Worker.

use der::asn1::{AnyRef, ObjectIdentifier, UintRef};
use der::{Decode, Encode, Reader, SliceReader, Tag, TagNumber};
use zeroize::Zeroizing;

use crate::jose::signing_key_error::SigningKeyError;

/// RFC 8017 appendix A.1.
pub(super) const RSA_ENCRYPTION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// RFC 5480 section 2.1.1.
pub(super) const EC_PUBLIC_KEY: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// RFC 5480 section 2.1.1.1.
pub(super) const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
pub(super) const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
/// RFC 8410 section 3.
pub(super) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

type Result<T> = std::result::Result<T, SigningKeyError>;

/// Not DER, or another structure than the expected one. The crate's own message is dropped, because
/// the text is a secret.
fn malformed<E>(_: E) -> SigningKeyError {
    SigningKeyError::Der
}

/// A tag whose meaning the structure around it defines.
const fn context(number: u32, constructed: bool) -> Tag {
    Tag::ContextSpecific {
        constructed,
        number: TagNumber(number),
    }
}

/// The elements of a structure, in their order.
struct Elements<'a>(SliceReader<'a>);

impl<'a> Elements<'a> {
    /// The elements of a `SEQUENCE` that fills `der`.
    fn of_sequence(der: &'a [u8]) -> Result<Self> {
        let whole = AnyRef::from_der(der).map_err(malformed)?;
        if whole.header().tag() != Tag::Sequence {
            return Err(SigningKeyError::Der);
        }
        Self::of_value(whole.value())
    }

    /// Consecutive elements.
    fn of_value(value: &'a [u8]) -> Result<Self> {
        SliceReader::new(value).map(Self).map_err(malformed)
    }

    fn any(&mut self) -> Result<AnyRef<'a>> {
        AnyRef::decode(&mut self.0).map_err(malformed)
    }

    /// The next element's value. It must have this tag.
    fn next(&mut self, tag: Tag) -> Result<&'a [u8]> {
        let element = self.any()?;
        if element.header().tag() != tag {
            return Err(SigningKeyError::Der);
        }
        Ok(element.value())
    }

    /// The next element's value, if it has this tag.
    fn next_if(&mut self, tag: Tag) -> Result<Option<&'a [u8]>> {
        if self.0.is_finished() || Tag::peek(&self.0).map_err(malformed)? != tag {
            return Ok(None);
        }
        self.next(tag).map(Some)
    }

    /// A non-negative number, without its sign byte.
    fn number(&mut self) -> Result<&'a [u8]> {
        let number = self.any()?.decode_as::<UintRef<'a>>();
        Ok(number.map_err(malformed)?.as_bytes())
    }

    /// Checks that there are no more elements.
    fn end(self) -> Result<()> {
        self.0.finish().map_err(malformed)
    }
}

/// The bytes of a `BIT STRING` of whole bytes (X.690 section 8.6.2).
fn whole_bytes(bits: &[u8]) -> Result<&[u8]> {
    match bits {
        [0, bytes @ ..] => Ok(bytes),
        _ => Err(SigningKeyError::Der),
    }
}

/// `OneAsymmetricKey`.
pub(super) struct KeyInfo<'a> {
    algorithm: &'a [u8],
    parameters: Option<AnyRef<'a>>,
    /// Its structure depends on the algorithm.
    pub(super) private_key: &'a [u8],
    pub(super) public_key: Option<&'a [u8]>,
}

impl<'a> KeyInfo<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self> {
        let mut info = Elements::of_sequence(der)?;
        let version = info.number()?;
        let mut algorithm = Elements::of_value(info.next(Tag::Sequence)?)?;
        let oid = algorithm.next(Tag::ObjectIdentifier)?;
        let parameters = match algorithm.0.is_finished() {
            true => None,
            false => Some(algorithm.any()?),
        };
        algorithm.end()?;
        let private_key = info.next(Tag::OctetString)?;
        // Attributes are ignored.
        info.next_if(context(0, true))?;
        let public_key = info.next_if(context(1, false))?.map(whole_bytes);
        // Only version 1 has a public key.
        match (version, &public_key) {
            ([0], None) | ([1], Some(_)) => {}
            _ => return Err(SigningKeyError::Der),
        }
        // Extensions of later versions.
        while !info.0.is_finished() {
            if !info.any()?.header().tag().is_context_specific() {
                return Err(SigningKeyError::Der);
            }
        }
        Ok(Self {
            algorithm: oid,
            parameters,
            private_key,
            public_key: public_key.transpose()?,
        })
    }

    pub(super) fn is_for(&self, algorithm: &ObjectIdentifier) -> bool {
        self.algorithm == algorithm.as_bytes()
    }

    /// The curve of an `id-ecPublicKey`. Explicit curve parameters are not supported.
    pub(super) fn curve(&self) -> Result<&'a [u8]> {
        match &self.parameters {
            Some(name) if name.header().tag() == Tag::ObjectIdentifier => Ok(name.value()),
            _ => Err(SigningKeyError::UnsupportedCurve),
        }
    }
}

/// `n`, `e`, `d`, `p`, `q`, `dp`, `dq` and `qi`, big-endian, without leading zeros.
pub(super) type RsaNumbers<'a> = [&'a [u8]; 8];

/// `RSAPrivateKey` of two primes.
pub(super) fn read_rsa(der: &[u8]) -> Result<RsaNumbers<'_>> {
    let mut key = Elements::of_sequence(der)?;
    match key.number()? {
        [0] => {}
        // A key with more than two primes.
        [1] => return Err(SigningKeyError::UnsupportedType),
        _ => return Err(SigningKeyError::Der),
    }
    let mut numbers: RsaNumbers<'_> = [&[]; 8];
    for number in &mut numbers {
        *number = key.number()?;
    }
    key.end()?;
    Ok(numbers)
}

/// `ECPrivateKey`.
pub(super) struct EcKey<'a> {
    pub(super) scalar: &'a [u8],
    /// The name of its curve.
    pub(super) curve: Option<&'a [u8]>,
    /// A point (SEC1 section 2.3.3).
    pub(super) point: Option<&'a [u8]>,
}

impl<'a> EcKey<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self> {
        let mut key = Elements::of_sequence(der)?;
        if key.number()? != [1] {
            return Err(SigningKeyError::Der);
        }
        let scalar = key.next(Tag::OctetString)?;
        let mut curve = None;
        if let Some(parameters) = key.next_if(context(0, true))? {
            let mut parameters = Elements::of_value(parameters)?;
            let name = parameters.any()?;
            parameters.end()?;
            if name.header().tag() != Tag::ObjectIdentifier {
                return Err(SigningKeyError::UnsupportedCurve);
            }
            curve = Some(name.value());
        }
        let mut point = None;
        if let Some(public) = key.next_if(context(1, true))? {
            let mut public = Elements::of_value(public)?;
            point = Some(whole_bytes(public.next(Tag::BitString)?)?);
            public.end()?;
        }
        key.end()?;
        Ok(Self {
            scalar,
            curve,
            point,
        })
    }
}

/// The seed of an Ed25519 key (RFC 8410 section 7).
pub(super) fn read_seed(der: &[u8]) -> Result<&[u8]> {
    let mut key = Elements::of_value(der)?;
    let seed = key.next(Tag::OctetString)?;
    key.end()?;
    Ok(seed)
}

/// Writes an element with these parts.
fn element(tag: Tag, parts: &[&[u8]]) -> Result<Zeroizing<Vec<u8>>> {
    let value = Zeroizing::new(parts.concat());
    let element = AnyRef::new(tag, &value).and_then(|element| element.to_der());
    element.map(Zeroizing::new).map_err(malformed)
}

/// Writes `RSAPrivateKey`.
pub(super) fn write_rsa(numbers: &RsaNumbers<'_>) -> Result<Zeroizing<Vec<u8>>> {
    let version = element(Tag::Integer, &[&[0]])?;
    let number = |number: &&[u8]| {
        let number = UintRef::new(number).and_then(|number| number.to_der());
        number.map(Zeroizing::new).map_err(malformed)
    };
    let numbers = numbers.iter().map(number).collect::<Result<Vec<_>>>()?;
    // Joined at once: a text that grows would leave copies behind.
    let mut parts: Vec<&[u8]> = vec![&version];
    parts.extend(numbers.iter().map(|number| number.as_slice()));
    element(Tag::Sequence, &parts)
}

/// Writes `ECPrivateKey` without the name of the curve, which the structure around it has.
pub(super) fn write_ec(scalar: &[u8], point: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>> {
    let version = element(Tag::Integer, &[&[1]])?;
    let scalar = element(Tag::OctetString, &[scalar])?;
    let public = match point {
        None => Zeroizing::default(),
        Some(point) => {
            let bits = element(Tag::BitString, &[&[0], point])?;
            element(context(1, true), &[&bits])?
        }
    };
    element(Tag::Sequence, &[&version, &scalar, &public])
}

/// Writes the seed of an Ed25519 key.
pub(super) fn write_seed(seed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    element(Tag::OctetString, &[seed])
}

/// Writes `OneAsymmetricKey` in version 0.
pub(super) fn write_info(
    algorithm: &ObjectIdentifier,
    parameters: Parameters,
    private_key: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    let version = element(Tag::Integer, &[&[0]])?;
    let oid = element(Tag::ObjectIdentifier, &[algorithm.as_bytes()])?;
    let parameters = match parameters {
        Parameters::Absent => Zeroizing::default(),
        Parameters::Null => element(Tag::Null, &[])?,
        Parameters::Curve(name) => element(Tag::ObjectIdentifier, &[name.as_bytes()])?,
    };
    let algorithm = element(Tag::Sequence, &[&oid, &parameters])?;
    let private_key = element(Tag::OctetString, &[private_key])?;
    element(Tag::Sequence, &[&version, &algorithm, &private_key])
}

/// The parameters of an algorithm.
pub(super) enum Parameters {
    Absent,
    Null,
    Curve(ObjectIdentifier),
}
