//! ECDSA on P-256, P-384 and P-521 (RFC 7518 section 3.4, FIPS 186-5 section 6.4.2).
//!
//! Curve and scalar arithmetic is that of the curve crates; the equation is here, since it is
//! solved in two ways: as the crates do, and with tables once a key has proved to be in use.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use p256::elliptic_curve::ff::{Field, PrimeField};
use p256::elliptic_curve::group::{CurveAffine, Group};
use p256::elliptic_curve::ops::{Invert, MulByGeneratorVartime, Reduce};
use p256::elliptic_curve::point::AffineCoordinates;
use p256::elliptic_curve::{CurveArithmetic, CurveGroup, FieldBytes};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::comb::{Comb, CombShape, Shape};
use super::signature::{SignatureError, SignatureVerifier};
use super::{Algorithm, JwkError, base64url, limits};
use crate::json::Object;

/// One of the three curves, with the hash that JOSE ties to it.
pub(super) trait NistCurve: CombShape {
    /// The `crv` value.
    const CRV: &'static str;
    /// The only algorithm.
    const ALGORITHM: Algorithm;

    /// The message's hash, as long as a coordinate.
    fn hash(message: &[u8]) -> FieldBytes<Self>;

    /// The place of the generator's tables.
    fn generator(tables: &GeneratorTables) -> &OnceCell<Comb<Self>>;
}

/// Tables for the generators, which all keys of a curve share. Built when the first key is worth
/// it: 100 to 450 KB for each curve in use.
#[derive(Default)]
pub struct GeneratorTables {
    p256: OnceCell<Comb<p256::NistP256>>,
    p384: OnceCell<Comb<p384::NistP384>>,
    p521: OnceCell<Comb<p521::NistP521>>,
}

impl CombShape for p256::NistP256 {
    const COLUMNS: usize = 2;
    // 260 KB for a key that is in use. One tooth less (and one block more) would nearly halve that,
    // and take 3 % longer.
    const KEY: Shape = Shape {
        teeth: 9,
        blocks: 15,
    };
    // 450 KB once, for four additions less of the 61 that a verification would have.
    const GENERATOR: Shape = Shape {
        teeth: 10,
        blocks: 13,
    };
}

impl CombShape for p384::NistP384 {
    const COLUMNS: usize = 6;
    const KEY: Shape = Shape {
        teeth: 8,
        blocks: 8,
    };
    const GENERATOR: Shape = Self::KEY;
}

impl CombShape for p521::NistP521 {
    const COLUMNS: usize = 11;
    const KEY: Shape = Shape {
        teeth: 8,
        blocks: 6,
    };
    const GENERATOR: Shape = Self::KEY;
}

impl NistCurve for p256::NistP256 {
    const CRV: &'static str = "P-256";
    const ALGORITHM: Algorithm = Algorithm::Es256;

    fn hash(message: &[u8]) -> FieldBytes<Self> {
        Sha256::digest(message)
    }

    fn generator(tables: &GeneratorTables) -> &OnceCell<Comb<Self>> {
        &tables.p256
    }
}

impl NistCurve for p384::NistP384 {
    const CRV: &'static str = "P-384";
    const ALGORITHM: Algorithm = Algorithm::Es384;

    fn hash(message: &[u8]) -> FieldBytes<Self> {
        Sha384::digest(message)
    }

    fn generator(tables: &GeneratorTables) -> &OnceCell<Comb<Self>> {
        &tables.p384
    }
}

impl NistCurve for p521::NistP521 {
    const CRV: &'static str = "P-521";
    const ALGORITHM: Algorithm = Algorithm::Es512;

    fn hash(message: &[u8]) -> FieldBytes<Self> {
        // The hash is shorter than the order: the whole of it counts, as a number.
        let mut bytes = FieldBytes::<Self>::default();
        bytes[2..].copy_from_slice(&Sha512::digest(message));
        bytes
    }

    fn generator(tables: &GeneratorTables) -> &OnceCell<Comb<Self>> {
        &tables.p521
    }
}

/// Reads `crv`, `x` and `y` (RFC 7518 section 6.2.1).
pub(super) fn from_jwk(
    jwk: &Object,
    tables: &Rc<GeneratorTables>,
) -> Result<Box<dyn SignatureVerifier>, JwkError> {
    Ok(match super::jwk::text(jwk, "crv")? {
        "P-256" => Box::new(EcdsaKey::<p256::NistP256>::from_jwk(jwk, tables)?),
        "P-384" => Box::new(EcdsaKey::<p384::NistP384>::from_jwk(jwk, tables)?),
        "P-521" => Box::new(EcdsaKey::<p521::NistP521>::from_jwk(jwk, tables)?),
        _ => return Err(JwkError::UnsupportedCurve),
    })
}

/// An ECDSA public key.
struct EcdsaKey<C: NistCurve> {
    point: C::AffinePoint,
    /// How many signatures it has verified, until all tables are there.
    verified: Cell<u32>,
    own_tables: OnceCell<Comb<C>>,
    tables: Rc<GeneratorTables>,
}

impl<C: NistCurve> EcdsaKey<C> {
    #[inline(never)]
    fn from_jwk(jwk: &Object, tables: &Rc<GeneratorTables>) -> Result<Self, JwkError> {
        let (x, y) = (coordinate::<C>(jwk, "x")?, coordinate::<C>(jwk, "y")?);
        // Checks that the coordinates are below the field's prime and fulfil the curve's equation.
        // The groups are of prime order and the point at infinity has no coordinates: nothing else
        // can be wrong with a point.
        let point = C::AffinePoint::from_coordinates(&x, &y).into_option();
        Ok(Self {
            point: point.ok_or(JwkError::NotOnCurve)?,
            verified: Cell::new(0),
            own_tables: OnceCell::new(),
            tables: Rc::clone(tables),
        })
    }

    /// `k` times the generator and `l` times the key.
    fn sum_of_products(&self, k: &C::Scalar, l: &C::Scalar) -> C::ProjectivePoint {
        match (C::generator(&self.tables).get(), self.own_tables.get()) {
            (Some(generator), Some(own)) => Comb::sum_of_products([(generator, k), (own, l)]),
            _ => C::ProjectivePoint::mul_by_generator_and_mul_add_vartime(
                k,
                l,
                &self.point.to_curve(),
            ),
        }
    }

    /// Counts a signature that holds, and builds a table when it is time: never two at once, so
    /// that no request pays for both.
    ///
    /// Only good signatures count. So neither a large key set nor forged tokens cost memory or
    /// time for tables, and the first requests of a fresh isolate stay quick.
    fn prepare(&self) {
        let verified = self.verified.get() + 1;
        let generator = C::generator(&self.tables);
        if verified < limits::CHECKS_PER_TABLE || self.own_tables.get().is_some() {
            self.verified.set(verified.min(limits::CHECKS_PER_TABLE));
            return;
        }
        if generator.get().is_none() {
            generator.get_or_init(|| Comb::new(C::ProjectivePoint::generator(), C::GENERATOR));
        } else {
            self.own_tables
                .get_or_init(|| Comb::new(self.point.to_curve(), C::KEY));
        }
        self.verified.set(0);
    }
}

/// A coordinate has the length of the field, with leading zeros (RFC 7518 section 6.2.1.2).
fn coordinate<C: CurveArithmetic>(
    jwk: &Object,
    name: &'static str,
) -> Result<FieldBytes<C>, JwkError> {
    let bytes = super::jwk::bytes(jwk, name)?;
    bytes
        .as_slice()
        .try_into()
        .map_err(|_| JwkError::BadMember(name))
}

/// Half of a signature: a number from 1 to the order less 1.
fn non_zero_scalar<C: CurveArithmetic>(bytes: &[u8]) -> Option<C::Scalar> {
    let scalar = C::Scalar::from_repr(bytes.try_into().ok()?).into_option()?;
    if scalar.is_zero().into() {
        None
    } else {
        Some(scalar)
    }
}

impl<C: NistCurve> SignatureVerifier for EcdsaKey<C> {
    fn fits(&self, algorithm: Algorithm) -> bool {
        algorithm == C::ALGORITHM
    }

    fn verify(&self, _: Algorithm, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        if Some(signature.len()) != C::ALGORITHM.signature_len() {
            return Err(SignatureError::Length);
        }
        let (r, s) = signature.split_at(signature.len() / 2);
        let r = non_zero_scalar::<C>(r).ok_or(SignatureError::Invalid)?;
        let s = non_zero_scalar::<C>(s).ok_or(SignatureError::Invalid)?;
        let hash = C::Scalar::reduce(&C::hash(message));
        let inverse = s
            .invert_vartime()
            .into_option()
            .ok_or(SignatureError::Invalid)?;
        let sum = self.sum_of_products(&(hash * inverse), &(r * inverse));
        // The point at infinity has no x; the curve crates give 0, which is no r.
        let x = C::Scalar::reduce(&sum.to_affine().x());
        if x != r {
            return Err(SignatureError::Invalid);
        }
        self.prepare();
        Ok(())
    }

    fn members(&self) -> Vec<(&'static str, String)> {
        members::<C>(&self.point)
    }
}

/// The JWK members of a point (RFC 7518 section 6.2.1).
pub(super) fn members<C: NistCurve>(point: &C::AffinePoint) -> Vec<(&'static str, String)> {
    vec![
        ("crv", C::CRV.into()),
        ("kty", "EC".into()),
        ("x", base64url::encode(&point.x())),
        ("y", base64url::encode(&point.y())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = concat!(
        "eyJhbGciOiJFUzI1NiJ9.",
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290I",
        "jp0cnVlfQ"
    );

    /// RFC 7515 appendix A.3.
    fn key_and_signature(tables: &Rc<GeneratorTables>) -> (EcdsaKey<p256::NistP256>, Vec<u8>) {
        let mut jwk = Object::default();
        for (name, value) in [
            ("x", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
            ("y", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
        ] {
            jwk.insert(name, crate::json::Json::String(value.to_owned()));
        }
        let signature = base64url::decode(
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        );
        (
            EcdsaKey::from_jwk(&jwk, tables).unwrap(),
            signature.unwrap(),
        )
    }

    #[test]
    fn tables_are_built_for_good_signatures_one_at_a_time() {
        let tables = Rc::default();
        let (key, signature) = key_and_signature(&tables);
        let verify = |signature: &[u8]| {
            key.verify(Algorithm::Es256, MESSAGE.as_bytes(), signature)
                .is_ok()
        };
        let built = || (tables.p256.get().is_some(), key.own_tables.get().is_some());
        let mut forged = signature.clone();
        forged[63] ^= 1;
        let patience = limits::CHECKS_PER_TABLE;
        for _ in 0..2 * patience {
            assert!(!verify(&forged));
        }
        for expected in [(false, false), (true, false), (true, true)] {
            for _ in 0..patience {
                assert_eq!(built(), expected);
                assert!(verify(&signature) && !verify(&forged));
            }
        }
        // The next key finds the generator's table.
        let (other, signature) = key_and_signature(&tables);
        for _ in 0..patience {
            assert!(
                other
                    .verify(Algorithm::Es256, MESSAGE.as_bytes(), &signature)
                    .is_ok()
            );
        }
        assert!(other.own_tables.get().is_some());
    }

    #[test]
    fn halves_of_a_signature_are_from_1_to_the_order_less_1() {
        let (key, signature) = key_and_signature(&Rc::default());
        let order = [
            0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
            0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63,
            0x25, 0x51,
        ];
        for half in [0, 32] {
            for wrong in [[0; 32], order, [0xFF; 32]] {
                assert!(non_zero_scalar::<p256::NistP256>(&wrong).is_none());
                let mut signature = signature.clone();
                signature[half..half + 32].copy_from_slice(&wrong);
                let refused = key.verify(Algorithm::Es256, MESSAGE.as_bytes(), &signature);
                assert_eq!(refused, Err(SignatureError::Invalid));
            }
        }
        let mut last = order;
        last[31] -= 1;
        assert!(non_zero_scalar::<p256::NistP256>(&last).is_some());
    }
}
