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

use super::comb::{Comb, CombShape};
use super::signature::{SignatureError, SignatureVerifier};
use super::{Algorithm, JwkError, base64url};
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
/// it: 70 to 120 KB for each curve in use.
#[derive(Default)]
pub struct GeneratorTables {
    p256: OnceCell<Comb<p256::NistP256>>,
    p384: OnceCell<Comb<p384::NistP384>>,
    p521: OnceCell<Comb<p521::NistP521>>,
}

impl CombShape for p256::NistP256 {
    const BLOCKS: usize = 8;
    const COLUMNS: usize = 4;
}

impl CombShape for p384::NistP384 {
    const BLOCKS: usize = 8;
    const COLUMNS: usize = 6;
}

impl CombShape for p521::NistP521 {
    const BLOCKS: usize = 6;
    const COLUMNS: usize = 11;
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
    /// Whether the key has verified a token.
    in_use: Cell<bool>,
    own_tables: OnceCell<Comb<C>>,
    tables: Rc<GeneratorTables>,
}

impl<C: NistCurve> EcdsaKey<C> {
    fn from_jwk(jwk: &Object, tables: &Rc<GeneratorTables>) -> Result<Self, JwkError> {
        let (x, y) = (coordinate::<C>(jwk, "x")?, coordinate::<C>(jwk, "y")?);
        // Checks that the coordinates are below the field's prime and fulfil the curve's equation.
        // The groups are of prime order and the point at infinity has no coordinates: nothing else
        // can be wrong with a point.
        let point = C::AffinePoint::from_coordinates(&x, &y).into_option();
        Ok(Self {
            point: point.ok_or(JwkError::NotOnCurve)?,
            in_use: Cell::new(false),
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

    /// Builds at most one table, so that no request pays for two.
    ///
    /// A key has to verify a token first: so neither a large key set nor forged tokens cost memory
    /// or time for tables, and the first request of a fresh isolate stays quick.
    fn prepare(&self) {
        if !self.in_use.replace(true) {
            return;
        }
        let generator = C::generator(&self.tables);
        if generator.get().is_none() {
            generator.get_or_init(|| Comb::new(C::ProjectivePoint::generator()));
        } else {
            self.own_tables
                .get_or_init(|| Comb::new(self.point.to_curve()));
        }
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
        vec![
            ("crv", C::CRV.into()),
            ("kty", "EC".into()),
            ("x", base64url::encode(&self.point.x())),
            ("y", base64url::encode(&self.point.y())),
        ]
    }
}
