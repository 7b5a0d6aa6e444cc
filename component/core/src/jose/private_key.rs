//! The encodings of private keys: PKCS#8 (RFC 5208, RFC 5958, RFC 8410), PKCS#1 (RFC 8017 appendix
//! A.1.2), SEC1 (RFC 5915) and JWK (RFC 7518 sections 6.2.2 and 6.3.2, RFC 8037 section 2).
//! Whatever the encoding is, the host gets PKCS#8.
//!
//! Types, sizes and names are checked here. The host checks whether the numbers match each other,
//! and so does [`super::SigningKey`], which tests the key before it is used.

mod der;

use ::der::asn1::ObjectIdentifier;
use zeroize::Zeroizing;

use self::der::{EcKey, KeyInfo, Parameters, RsaNumbers};
use super::jwk_members::{self, JwkError};
use super::public_key::{Curve, PublicKey, bit_len};
use super::signing_key_error::SigningKeyError;
use super::{Algorithm, limits};
use crate::json::{Json, Object};

/// A private key. Its PKCS#8 is wiped when it is dropped; the copy that the host gets is not.
pub(super) struct PrivateKey {
    /// PKCS#8 in DER.
    pub(super) pkcs8: Zeroizing<Vec<u8>>,
    /// The algorithms that it can sign with. The first is the default.
    pub(super) algorithms: &'static [Algorithm],
    /// The public half, as far as the text contains it.
    pub(super) public: StatedPublicHalf,
}

/// The public half in a private key's text.
pub(super) enum StatedPublicHalf {
    Nothing,
    Whole(PublicKey),
    /// A compressed point (SEC1 section 2.3.3), with its tag: one coordinate and the parity of the
    /// other, which only the curve's arithmetic can compute.
    Compressed(Vec<u8>),
}

impl StatedPublicHalf {
    /// Whether a public key is this one.
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

/// A private JWK, with its `kid` and `alg`.
pub(super) struct PrivateJwk {
    pub(super) key: PrivateKey,
    pub(super) kid: Option<String>,
    pub(super) algorithm: Option<Algorithm>,
}

impl PrivateKey {
    /// `OneAsymmetricKey` (RFC 5958 section 2).
    pub(super) fn from_pkcs8(text: &[u8]) -> Result<Self, SigningKeyError> {
        let info = KeyInfo::read(text)?;
        if info.is_for(&der::RSA_ENCRYPTION) {
            Self::from_pkcs1(info.private_key)
        } else if info.is_for(&der::EC_PUBLIC_KEY) {
            Self::from_sec1_on(info.private_key, Some(info.curve()?))
        } else if info.is_for(&der::ED25519) {
            Self::ed25519(der::read_seed(info.private_key)?, info.public_key)
        } else {
            Err(SigningKeyError::UnsupportedType)
        }
    }

    /// `RSAPrivateKey` of two primes.
    pub(super) fn from_pkcs1(text: &[u8]) -> Result<Self, SigningKeyError> {
        Self::rsa(&der::read_rsa(text)?)
    }

    /// `ECPrivateKey` that names its curve.
    pub(super) fn from_sec1(text: &[u8]) -> Result<Self, SigningKeyError> {
        Self::from_sec1_on(text, None)
    }

    /// `ECPrivateKey` on a curve that is named by the structure around it, in it, or in both, which
    /// must agree.
    fn from_sec1_on(text: &[u8], outer: Option<&[u8]>) -> Result<Self, SigningKeyError> {
        let key = EcKey::read(text)?;
        let curve = match (outer, key.curve) {
            (Some(outer), Some(inner)) if outer != inner => return Err(SigningKeyError::Der),
            (None, None) => return Err(SigningKeyError::Der),
            (Some(curve), _) | (None, Some(curve)) => curve,
        };
        let curve = if curve == der::P256.as_bytes() {
            Curve::P256
        } else if curve == der::P384.as_bytes() {
            Curve::P384
        } else {
            return Err(SigningKeyError::UnsupportedCurve);
        };
        let len = curve.field_len();
        let public = match key.point {
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
        Self::ec(curve, key.scalar, public)
    }

    fn rsa(numbers: &RsaNumbers<'_>) -> Result<Self, SigningKeyError> {
        let [n, e, _, p, q, rest @ ..] = numbers;
        let bits = bit_len(n);
        if !limits::RSA_SIGNING_BITS.contains(&bits) || !bits.is_multiple_of(2) {
            return Err(SigningKeyError::KeySize);
        }
        let public = PublicKey::rsa(n.to_vec(), e.to_vec())?;
        // Each prime has half of the length (FIPS 186-5 appendix A.1.1), and no number is longer.
        let halves = [p, q].map(|prime| bit_len(prime));
        if halves != [bits / 2; 2] || rest.iter().any(|number| bit_len(number) > bits / 2) {
            return Err(SigningKeyError::Inconsistent);
        }
        let private = der::write_rsa(numbers)?;
        let algorithms = public.signing_algorithms();
        let public = StatedPublicHalf::Whole(public);
        Self::encode(
            &der::RSA_ENCRYPTION,
            Parameters::Null,
            &private,
            algorithms,
            public,
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
        let private = der::write_ec(scalar, point.as_deref())?;
        let name = match curve {
            Curve::P256 => der::P256,
            Curve::P384 => der::P384,
            // No authorization server requires ES512.
            Curve::P521 => return Err(SigningKeyError::UnsupportedCurve),
        };
        let algorithms = curve.signing_algorithms();
        let parameters = Parameters::Curve(name);
        Self::encode(
            &der::EC_PUBLIC_KEY,
            parameters,
            &private,
            algorithms,
            public,
        )
    }

    fn ed25519(seed: &[u8], public: Option<&[u8]>) -> Result<Self, SigningKeyError> {
        if seed.len() != 32 {
            return Err(SigningKeyError::BadMember("d"));
        }
        let public = match public {
            None => StatedPublicHalf::Nothing,
            Some(x) => StatedPublicHalf::Whole(PublicKey::ed25519(x)?),
        };
        let seed = der::write_seed(seed)?;
        let algorithms = &[Algorithm::EdDsa, Algorithm::Ed25519];
        Self::encode(&der::ED25519, Parameters::Absent, &seed, algorithms, public)
    }

    fn encode(
        algorithm: &ObjectIdentifier,
        parameters: Parameters,
        private: &[u8],
        algorithms: &'static [Algorithm],
        public: StatedPublicHalf,
    ) -> Result<Self, SigningKeyError> {
        Ok(Self {
            pkcs8: der::write_info(algorithm, parameters, private)?,
            algorithms,
            public,
        })
    }
}

impl PrivateJwk {
    /// Reads one.
    pub(super) fn from_jwk(jwk: &Object<'_>) -> Result<Self, SigningKeyError> {
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
            Some(Json::String(kid)) => Some(kid.to_string()),
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

/// An RSA key must have all of its numbers: every library writes them, and the host's formats
/// require them.
fn rsa_from_jwk(jwk: &Object<'_>) -> Result<PrivateKey, SigningKeyError> {
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
    PrivateKey::rsa(&[&n, &e, &d, &p, &q, &dp, &dq, &qi])
}

fn ec_from_jwk(jwk: &Object<'_>) -> Result<PrivateKey, SigningKeyError> {
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

fn ed25519_from_jwk(jwk: &Object<'_>) -> Result<PrivateKey, SigningKeyError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_public_half_is_told_by_its_kind() {
        for (error, told) in [
            (
                JwkError::MissingMember("x"),
                SigningKeyError::MissingMember("x"),
            ),
            (JwkError::BadMember("x"), SigningKeyError::BadMember("x")),
            (JwkError::NotForVerifying, SigningKeyError::NotForSigning),
            (JwkError::KeySize, SigningKeyError::KeySize),
            (JwkError::WeakKey, SigningKeyError::Weak),
            (JwkError::NotOnCurve, SigningKeyError::Inconsistent),
        ] {
            assert_eq!(SigningKeyError::from(error), told);
        }
    }
}
