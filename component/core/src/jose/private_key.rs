//! Private keys as they are written: PKCS#8 (RFC 5208, RFC 5958, RFC 8410), PKCS#1 (RFC 8017
//! appendix A.1.2), SEC1 (RFC 5915) and JWK (RFC 7518 sections 6.2.2 and 6.3.2, RFC 8037 section
//! 2). Whatever the encoding was, the host gets PKCS#8.
//!
//! Types, sizes and names are checked here. Whether the numbers belong together is checked by the
//! host, and by [`super::SigningKey`], which tries the key before it is used.

use pkcs1::{RsaPrivateKeyRef, UintRef};
use pkcs8::der::asn1::{AnyRef, BitStringRef, OctetStringRef};
use pkcs8::der::{Decode, Encode};
use pkcs8::{AlgorithmIdentifierRef, ObjectIdentifier, PrivateKeyInfoRef};
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

use super::jwk_members::{self, JwkError};
use super::public_key::{Curve, PublicKey, bit_len};
use super::signing_key_error::SigningKeyError;
use super::{Algorithm, limits};
use crate::json::{Json, Object};

/// A private key. Wiped when dropped.
pub(super) struct PrivateKey {
    /// PKCS#8 in DER.
    pub(super) pkcs8: Zeroizing<Vec<u8>>,
    /// What it signs by; the first is the usual one.
    pub(super) algorithms: &'static [Algorithm],
    /// The public half, as far as the text has it.
    pub(super) public: StatedPublicHalf,
}

/// What a private key's text says of the public half.
pub(super) enum StatedPublicHalf {
    Nothing,
    Whole(PublicKey),
    /// A compressed point (SEC1 section 2.3.3), with its tag: one coordinate and the parity of the
    /// other, which only the curve's arithmetic can compute.
    Compressed(Vec<u8>),
}

impl StatedPublicHalf {
    /// Whether a public key is the one that is meant.
    pub(super) fn agrees_with(&self, key: &PublicKey) -> bool {
        match (self, key) {
            (Self::Nothing, _) => true,
            (Self::Whole(own), key) => own == key,
            (Self::Compressed(point), PublicKey::Ec { x, y, .. }) => {
                let tag = 2 | y.last().is_some_and(|low| low % 2 == 1) as u8;
                point.split_first() == Some((&tag, x))
            }
            (Self::Compressed(_), _) => false,
        }
    }
}

/// A private JWK, with what it says of itself.
pub(super) struct PrivateJwk {
    pub(super) key: PrivateKey,
    pub(super) kid: Option<String>,
    pub(super) algorithm: Option<Algorithm>,
}

/// RFC 8017 appendix A.1.
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// RFC 5480 section 2.1.1.
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// RFC 5480 section 2.1.1.1.
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
/// RFC 8410 section 3.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

fn malformed<E>(_: E) -> SigningKeyError {
    SigningKeyError::Der
}

impl PrivateKey {
    /// `OneAsymmetricKey` (RFC 5958 section 2).
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, SigningKeyError> {
        let info = PrivateKeyInfoRef::from_der(der).map_err(malformed)?;
        let private = info.private_key.as_bytes();
        match info.algorithm.oid {
            RSA_ENCRYPTION => Self::from_pkcs1(private),
            EC_PUBLIC_KEY => {
                // A curve that is spelled out in numbers instead of named is not supported.
                let curve = info.algorithm.parameters_oid();
                let curve = curve.map_err(|_| SigningKeyError::UnsupportedCurve)?;
                Self::from_sec1_on(private, Some(curve))
            }
            ED25519 => {
                let seed = <&OctetStringRef>::from_der(private).map_err(malformed)?;
                let public = info.public_key.map(|bits| bits.raw_bytes());
                Self::ed25519(seed.as_bytes(), public)
            }
            _ => Err(SigningKeyError::UnsupportedType),
        }
    }

    /// `RSAPrivateKey` of two primes.
    pub(super) fn from_pkcs1(der: &[u8]) -> Result<Self, SigningKeyError> {
        let key = RsaPrivateKeyRef::from_der(der).map_err(malformed)?;
        if key.other_prime_infos.is_some() {
            return Err(SigningKeyError::UnsupportedType);
        }
        Self::rsa(&key)
    }

    /// `ECPrivateKey` that names its curve.
    pub(super) fn from_sec1(der: &[u8]) -> Result<Self, SigningKeyError> {
        Self::from_sec1_on(der, None)
    }

    /// `ECPrivateKey` on a curve that is named around it, or in it, or in both places alike.
    fn from_sec1_on(der: &[u8], outer: Option<ObjectIdentifier>) -> Result<Self, SigningKeyError> {
        let key = EcPrivateKey::from_der(der).map_err(malformed)?;
        let inner = key.parameters.map(|EcParameters::NamedCurve(curve)| curve);
        let curve = match (outer, inner) {
            (Some(outer), Some(inner)) if outer != inner => return Err(SigningKeyError::Der),
            (None, None) => return Err(SigningKeyError::Der),
            (Some(curve), _) | (None, Some(curve)) => curve,
        };
        let curve = match curve {
            P256 => Curve::P256,
            P384 => Curve::P384,
            _ => return Err(SigningKeyError::UnsupportedCurve),
        };
        let len = curve.field_len();
        let public = match key.public_key {
            None => StatedPublicHalf::Nothing,
            Some(point @ [2 | 3, x @ ..]) if x.len() == len => {
                StatedPublicHalf::Compressed(point.to_vec())
            }
            Some([4, point @ ..]) if point.len() == 2 * len => {
                let (x, y) = point.split_at(len);
                StatedPublicHalf::Whole(PublicKey::ec(curve, x.to_vec(), y.to_vec())?)
            }
            Some(_) => return Err(SigningKeyError::Der),
        };
        Self::ec(curve, key.private_key, public)
    }

    fn rsa(key: &RsaPrivateKeyRef<'_>) -> Result<Self, SigningKeyError> {
        let (n, e) = (key.modulus.as_bytes(), key.public_exponent.as_bytes());
        let bits = bit_len(n);
        if !limits::RSA_SIGNING_BITS.contains(&bits) || !bits.is_multiple_of(2) {
            return Err(SigningKeyError::KeySize);
        }
        let public = PublicKey::rsa(n.to_vec(), e.to_vec())?;
        // Primes of half the length each (FIPS 186-5 appendix A.1.1), and nothing longer.
        let halves = [&key.prime1, &key.prime2].map(|prime| bit_len(prime.as_bytes()));
        let rest = [&key.exponent1, &key.exponent2, &key.coefficient];
        if halves != [bits / 2; 2]
            || rest
                .iter()
                .any(|number| bit_len(number.as_bytes()) > bits / 2)
        {
            return Err(SigningKeyError::Inconsistent);
        }
        let private = Zeroizing::new(key.to_der().map_err(malformed)?);
        let parameters = Some(AnyRef::NULL);
        let algorithms = public.signing_algorithms();
        Self::encode(
            RSA_ENCRYPTION,
            parameters,
            &private,
            algorithms,
            StatedPublicHalf::Whole(public),
        )
    }

    fn ec(curve: Curve, scalar: &[u8], public: StatedPublicHalf) -> Result<Self, SigningKeyError> {
        if scalar.len() != curve.field_len() {
            return Err(SigningKeyError::BadMember("d"));
        }
        if scalar >= curve.order() || scalar.iter().all(|byte| *byte == 0) {
            return Err(SigningKeyError::Inconsistent);
        }
        let point = match &public {
            StatedPublicHalf::Whole(PublicKey::Ec { x, y, .. }) => Some([&[4][..], x, y].concat()),
            _ => None,
        };
        let private = EcPrivateKey {
            private_key: scalar,
            parameters: None,
            public_key: point.as_deref(),
        };
        let private = Zeroizing::new(private.to_der().map_err(malformed)?);
        let name = match curve {
            Curve::P256 => P256,
            Curve::P384 => P384,
            // No authorization server asks for ES512.
            Curve::P521 => return Err(SigningKeyError::UnsupportedCurve),
        };
        let parameters = Some(AnyRef::from(&name));
        let algorithms = curve.signing_algorithms();
        Self::encode(EC_PUBLIC_KEY, parameters, &private, algorithms, public)
    }

    fn ed25519(seed: &[u8], public: Option<&[u8]>) -> Result<Self, SigningKeyError> {
        if seed.len() != 32 {
            return Err(SigningKeyError::BadMember("d"));
        }
        let public = match public {
            None => StatedPublicHalf::Nothing,
            Some(x) => StatedPublicHalf::Whole(PublicKey::ed25519(x)?),
        };
        let seed = OctetStringRef::new(seed).and_then(|seed| seed.to_der());
        let seed = Zeroizing::new(seed.map_err(malformed)?);
        let algorithms = &[Algorithm::EdDsa, Algorithm::Ed25519];
        Self::encode(ED25519, None, &seed, algorithms, public)
    }

    fn encode(
        oid: ObjectIdentifier,
        parameters: Option<AnyRef<'_>>,
        private: &[u8],
        algorithms: &'static [Algorithm],
        public: StatedPublicHalf,
    ) -> Result<Self, SigningKeyError> {
        let info = PrivateKeyInfoRef::<'_> {
            algorithm: AlgorithmIdentifierRef { oid, parameters },
            private_key: OctetStringRef::new(private).map_err(malformed)?,
            public_key: None::<BitStringRef<'_>>,
        };
        Ok(Self {
            pkcs8: Zeroizing::new(info.to_der().map_err(malformed)?),
            algorithms,
            public,
        })
    }
}

impl PrivateJwk {
    /// Reads one.
    pub(super) fn from_jwk(jwk: &Object) -> Result<Self, SigningKeyError> {
        if jwk.get("keys").is_some() {
            return Err(SigningKeyError::KeySet);
        }
        let kty = jwk_members::text(jwk, "kty")?;
        if kty == "oct" {
            return Err(SigningKeyError::Symmetric);
        }
        if !matches!(kty, "RSA" | "EC" | "OKP") {
            return Err(SigningKeyError::UnsupportedType);
        }
        if jwk.get("d").is_none() {
            return Err(SigningKeyError::PublicKey);
        }
        jwk_members::check_use(jwk, "sign")?;
        let kid = match jwk.get("kid") {
            None => None,
            Some(Json::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(SigningKeyError::KeyId),
        };
        let algorithm = match jwk.get("alg") {
            None => None,
            Some(Json::String(name)) => {
                Some(Algorithm::from_name(name).ok_or(SigningKeyError::UnsupportedAlgorithm)?)
            }
            Some(_) => return Err(SigningKeyError::BadMember("alg")),
        };
        let key = match kty {
            "RSA" => rsa_from_jwk(jwk)?,
            "EC" => ec_from_jwk(jwk)?,
            _ => ed25519_from_jwk(jwk)?,
        };
        Ok(Self {
            key,
            kid,
            algorithm,
        })
    }
}

/// One of RSA has all of its numbers: every library writes them, and the host's formats want them.
fn rsa_from_jwk(jwk: &Object) -> Result<PrivateKey, SigningKeyError> {
    if jwk.get("oth").is_some() {
        return Err(SigningKeyError::UnsupportedType);
    }
    // The order of RFC 8017 appendix A.1.2.
    let read = |name| jwk_members::whole_number(jwk, name).map(Zeroizing::new);
    let [n, e, d, p, q, dp, dq, qi] = [
        read("n")?,
        read("e")?,
        read("d")?,
        read("p")?,
        read("q")?,
        read("dp")?,
        read("dq")?,
        read("qi")?,
    ];
    let number = |bytes| UintRef::new(bytes).map_err(malformed);
    PrivateKey::rsa(&RsaPrivateKeyRef {
        modulus: number(&n)?,
        public_exponent: number(&e)?,
        private_exponent: number(&d)?,
        prime1: number(&p)?,
        prime2: number(&q)?,
        exponent1: number(&dp)?,
        exponent2: number(&dq)?,
        coefficient: number(&qi)?,
        other_prime_infos: None,
    })
}

fn ec_from_jwk(jwk: &Object) -> Result<PrivateKey, SigningKeyError> {
    let curve = Curve::from_name(jwk_members::text(jwk, "crv")?);
    let Some(curve @ (Curve::P256 | Curve::P384)) = curve else {
        return Err(SigningKeyError::UnsupportedCurve);
    };
    let scalar = Zeroizing::new(jwk_members::bytes(jwk, "d")?);
    let public = PublicKey::ec(
        curve,
        jwk_members::bytes(jwk, "x")?,
        jwk_members::bytes(jwk, "y")?,
    )?;
    PrivateKey::ec(curve, &scalar, StatedPublicHalf::Whole(public))
}

fn ed25519_from_jwk(jwk: &Object) -> Result<PrivateKey, SigningKeyError> {
    if jwk_members::text(jwk, "crv")? != "Ed25519" {
        return Err(SigningKeyError::UnsupportedCurve);
    }
    let seed = Zeroizing::new(jwk_members::bytes(jwk, "d")?);
    PrivateKey::ed25519(&seed, Some(&jwk_members::bytes(jwk, "x")?))
}

impl From<JwkError> for SigningKeyError {
    fn from(error: JwkError) -> Self {
        match error {
            JwkError::MissingMember(name) => Self::MissingMember(name),
            JwkError::BadMember(name) => Self::BadMember(name),
            JwkError::NotForVerifying => Self::NotForSigning,
            JwkError::KeySize => Self::KeySize,
            JwkError::WeakKey => Self::Weak,
            _ => Self::Inconsistent,
        }
    }
}
