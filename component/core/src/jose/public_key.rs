//! The required members of a public key (RFC 7518 section 6, RFC 8037 section 2), and the form of
//! its signatures (RFC 7518 section 3, RFC 8037 section 3.1).
//!
//! Everything about a key is checked here except whether a point is on its curve, which needs the
//! curve's arithmetic: the host checks it when it prepares the key.

use super::jwk_members::{self, JwkError};
use super::{Algorithm, base64url, limits, weak_rsa};
use crate::json::Object;

/// The required members of a JWK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// Big-endian, without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// Big-endian, as long as the field.
    Ec {
        curve: Curve,
        x: Vec<u8>,
        y: Vec<u8>,
    },
    /// RFC 8032 section 5.1.2.
    Ed25519 { x: [u8; 32] },
}

/// The curves of ECDSA (RFC 7518 section 6.2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

/// Why a signature is refused without using the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignatureForm {
    /// It does not have the length of the key's signatures.
    Length,
    /// A number in it is out of range, so it is invalid, or another encoding of a valid signature.
    Range,
}

impl PublicKey {
    /// Reads the members of the key type `kty`.
    pub(super) fn from_jwk(jwk: &Object<'_>, kty: &str) -> Result<Self, JwkError> {
        match kty {
            "RSA" => Self::rsa(
                jwk_members::whole_number(jwk, "n")?,
                jwk_members::whole_number(jwk, "e")?,
            ),
            "EC" => {
                let curve = Curve::from_name(jwk_members::text(jwk, "crv")?);
                let curve = curve.ok_or(JwkError::UnsupportedCurve)?;
                Self::ec(
                    curve,
                    jwk_members::bytes(jwk, "x")?,
                    jwk_members::bytes(jwk, "y")?,
                )
            }
            "OKP" => {
                if jwk_members::text(jwk, "crv")? != "Ed25519" {
                    return Err(JwkError::UnsupportedCurve);
                }
                Self::ed25519(&jwk_members::bytes(jwk, "x")?)
            }
            _ => Err(JwkError::UnsupportedType),
        }
    }

    /// Both numbers without leading zeros.
    pub(super) fn rsa(n: Vec<u8>, e: Vec<u8>) -> Result<Self, JwkError> {
        if !limits::RSA_BITS.contains(&bit_len(&n)) {
            return Err(JwkError::KeySize);
        }
        if n.last().is_none_or(|low| low % 2 == 0) {
            return Err(JwkError::WeakKey);
        }
        if e.len() > 4 {
            return Err(JwkError::BadMember("e"));
        }
        let exponent = e.iter().fold(0, |e, byte| e << 8 | u32::from(*byte));
        // With 1, every text is its own signature. An even exponent has no inverse.
        if !limits::RSA_EXPONENT.contains(&exponent) || exponent % 2 == 0 {
            return Err(JwkError::WeakKey);
        }
        if weak_rsa::is_roca(&n) {
            return Err(JwkError::WeakKey);
        }
        Ok(Self::Rsa { n, e })
    }

    /// Coordinates as long as the field.
    pub(super) fn ec(curve: Curve, x: Vec<u8>, y: Vec<u8>) -> Result<Self, JwkError> {
        for (name, coordinate) in [("x", &x), ("y", &y)] {
            if coordinate.len() != curve.field_len() {
                return Err(JwkError::BadMember(name));
            }
            if coordinate.as_slice() >= curve.prime() {
                return Err(JwkError::NotOnCurve);
            }
        }
        // It is on none of the three curves, because b is not 0.
        if x.iter().chain(&y).all(|byte| *byte == 0) {
            return Err(JwkError::NotOnCurve);
        }
        Ok(Self::Ec { curve, x, y })
    }

    pub(super) fn ed25519(x: &[u8]) -> Result<Self, JwkError> {
        let x: [u8; 32] = x.try_into().map_err(|_| JwkError::BadMember("x"))?;
        // With a point of small order, signatures are valid for messages that were never signed.
        let mut y = x;
        y[31] &= 0x7F;
        if SMALL_ORDER.contains(&y) {
            return Err(JwkError::WeakKey);
        }
        // RFC 8032 section 5.1.3, step 1.
        if !is_below(&y, &ED25519_PRIME) {
            return Err(JwkError::NotOnCurve);
        }
        Ok(Self::Ed25519 { x })
    }

    /// The algorithms that fit the key's type and parameters. The first is the default.
    pub(super) const fn algorithms(&self) -> &'static [Algorithm] {
        match self {
            Self::Rsa { .. } => &[
                Algorithm::Rs256,
                Algorithm::Rs384,
                Algorithm::Rs512,
                Algorithm::Ps256,
                Algorithm::Ps384,
                Algorithm::Ps512,
            ],
            Self::Ec { curve, .. } => curve.algorithms(),
            Self::Ed25519 { .. } => &[Algorithm::EdDsa, Algorithm::Ed25519],
        }
    }

    /// The algorithms that the private half can sign with. The first is the default. They are fewer
    /// than those that are verified, because no authorization server requires the others.
    pub(super) const fn signing_algorithms(&self) -> &'static [Algorithm] {
        match self {
            Self::Rsa { .. } => &[Algorithm::Rs256, Algorithm::Ps256],
            Self::Ec { curve, .. } => curve.signing_algorithms(),
            Self::Ed25519 { .. } => &[Algorithm::EdDsa, Algorithm::Ed25519],
        }
    }

    /// The members that make the key, in lexicographic order: the input of its thumbprint (RFC
    /// 7638 section 3.2).
    pub(super) fn members(&self) -> Vec<(&'static str, String)> {
        let text = |bytes: &[u8]| base64url::encode(bytes);
        match self {
            Self::Rsa { n, e } => vec![("e", text(e)), ("kty", "RSA".into()), ("n", text(n))],
            Self::Ec { curve, x, y } => vec![
                ("crv", curve.name().into()),
                ("kty", "EC".into()),
                ("x", text(x)),
                ("y", text(y)),
            ],
            Self::Ed25519 { x } => vec![
                ("crv", "Ed25519".into()),
                ("kty", "OKP".into()),
                ("x", text(x)),
            ],
        }
    }

    /// Checks a signature without cryptography: its length, and that it has the only valid
    /// encoding.
    pub(super) fn check_form(&self, signature: &[u8]) -> Result<(), SignatureForm> {
        let in_range = match self {
            Self::Rsa { n, .. } => {
                if signature.len() != n.len() {
                    return Err(SignatureForm::Length);
                }
                // RFC 8017 section 5.2.2, step 1.
                signature < n.as_slice()
            }
            Self::Ec { curve, .. } => {
                let len = curve.field_len();
                if signature.len() != 2 * len {
                    return Err(SignatureForm::Length);
                }
                // FIPS 186-5 section 6.4.2, step 1.
                let order = curve.order();
                let (r, s) = signature.split_at(len);
                [r, s]
                    .iter()
                    .all(|number| *number < order && number.iter().any(|byte| *byte != 0))
            }
            Self::Ed25519 { .. } => {
                let Some((_, s)) = signature.split_at_checked(32) else {
                    return Err(SignatureForm::Length);
                };
                let s: &[u8; 32] = s.try_into().map_err(|_| SignatureForm::Length)?;
                // RFC 8032 section 5.1.7, step 1.
                is_below(s, &ED25519_ORDER)
            }
        };
        if in_range {
            Ok(())
        } else {
            Err(SignatureForm::Range)
        }
    }
}

impl Curve {
    pub(super) fn from_name(crv: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521]
            .into_iter()
            .find(|curve| curve.name() == crv)
    }

    /// `crv`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    pub(super) const fn algorithms(self) -> &'static [Algorithm] {
        match self {
            Self::P256 => &[Algorithm::Es256],
            Self::P384 => &[Algorithm::Es384],
            Self::P521 => &[Algorithm::Es512],
        }
    }

    pub(super) const fn signing_algorithms(self) -> &'static [Algorithm] {
        match self {
            Self::P256 | Self::P384 => self.algorithms(),
            Self::P521 => &[],
        }
    }

    /// Bytes of a coordinate and of a scalar: the same on these curves.
    pub(super) const fn field_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The field's prime (SP 800-186 section 3.2.1), big-endian.
    const fn prime(self) -> &'static [u8] {
        match self {
            Self::P256 => &P256_PRIME,
            Self::P384 => &P384_PRIME,
            Self::P521 => &P521_PRIME,
        }
    }

    /// The group's order, big-endian.
    pub(super) const fn order(self) -> &'static [u8] {
        match self {
            Self::P256 => &P256_ORDER,
            Self::P384 => &P384_ORDER,
            Self::P521 => &P521_ORDER,
        }
    }
}

/// How many bits a big-endian number without leading zeros has.
pub(super) fn bit_len(number: &[u8]) -> usize {
    number
        .first()
        .map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

/// Whether one little-endian number is below another.
fn is_below(number: &[u8; 32], bound: &[u8; 32]) -> bool {
    number.iter().rev().lt(bound.iter().rev())
}

/// A number from hexadecimal digits, most significant first.
const fn hex<const N: usize>(digits: &str) -> [u8; N] {
    const fn digit(byte: u8) -> u8 {
        match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => panic!("not a hexadecimal digit"),
        }
    }
    let digits = digits.as_bytes();
    assert!(digits.len() == 2 * N, "two digits for each byte");
    let mut bytes = [0; N];
    let mut at = 0;
    while at < N {
        bytes[at] = digit(digits[2 * at]) << 4 | digit(digits[2 * at + 1]);
        at += 1;
    }
    bytes
}

/// The same number, least significant byte first.
const fn hex_le(digits: &str) -> [u8; 32] {
    let big: [u8; 32] = hex(digits);
    let mut bytes = [0; 32];
    let mut at = 0;
    while at < 32 {
        bytes[at] = big[31 - at];
        at += 1;
    }
    bytes
}

const P256_PRIME: [u8; 32] =
    hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
const P256_ORDER: [u8; 32] =
    hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
const P384_PRIME: [u8; 48] = hex(concat!(
    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe",
    "ffffffff0000000000000000ffffffff"
));
const P384_ORDER: [u8; 48] = hex(concat!(
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf",
    "581a0db248b0a77aecec196accc52973"
));
const P521_PRIME: [u8; 66] = hex(concat!(
    "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
));
const P521_ORDER: [u8; 66] = hex(concat!(
    "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "a51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409"
));
/// 2^255 - 19.
const ED25519_PRIME: [u8; 32] =
    hex_le("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed");
/// RFC 8032 section 5.1, L.
const ED25519_ORDER: [u8; 32] =
    hex_le("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed");

/// The y coordinates of all points of order 1, 2, 4 and 8, including those that are not reduced.
const SMALL_ORDER: [[u8; 32]; 7] = [
    // Order 4.
    hex_le("0000000000000000000000000000000000000000000000000000000000000000"),
    // Order 1.
    hex_le("0000000000000000000000000000000000000000000000000000000000000001"),
    // Order 8.
    hex_le("05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826"),
    hex_le("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7"),
    // Order 2.
    hex_le("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec"),
    // Order 4 and 1, plus the prime.
    hex_le("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed"),
    hex_le("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffee"),
];
