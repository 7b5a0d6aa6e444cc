//! Multiples of a point, kept so that multiplying it costs few additions (the comb method of Lim
//! and Lee, with digits 1 and -1 as Feng, Zhu, Xu and Li have it).
//!
//! An odd scalar `k` below `2^L` is a sum of `±2^i` over all `i < L`: the sign at `i` is bit
//! `i + 1` of `k`, and that at `L - 1` is plus. The `L` signs are cut into rows (teeth) of blocks of
//! columns; a column of signs selects one point of a block's table, which holds the sums of the
//! rows' powers for all signs but the topmost, which turns the point around. So a multiplication
//! costs one addition for each column of each block, and a doubling for each column but one.
//!
//! All arithmetic is that of the curve crates, whose additions are complete: no input is special.
//! Nothing here takes constant time: scalars and points of a verification are public.

use p256::elliptic_curve::ff::{Field, PrimeField};
use p256::elliptic_curve::group::{CurveAffine, Group};
use p256::elliptic_curve::{CurveArithmetic, CurveGroup};

/// How tables are cut: the product of the three numbers is at least the bits of the order.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Rows. One more doubles the tables.
    pub(super) teeth: usize,
    /// Tables for one point. More of them take memory and save doublings.
    pub(super) blocks: usize,
}

/// How a curve's tables are cut.
pub(super) trait CombShape: CurveArithmetic {
    /// Columns of each table: the same for all, so that products share their doublings.
    const COLUMNS: usize;
    /// For a key.
    const KEY: Shape;
    /// For the generator, whose tables all keys share.
    const GENERATOR: Shape;
}

/// The tables of one point.
pub(super) struct Comb<C: CombShape> {
    shape: Shape,
    points: Vec<C::AffinePoint>,
}

impl<C: CombShape> Comb<C> {
    /// Computes the tables: milliseconds.
    pub(super) fn new(point: C::ProjectivePoint, shape: Shape) -> Self {
        let Shape { teeth, blocks } = shape;
        // `powers[tooth * blocks + block]`, and the double of each.
        let mut powers = Vec::with_capacity(teeth * blocks);
        let mut power = point;
        for i in 0..teeth * blocks * C::COLUMNS {
            if i % C::COLUMNS == 0 {
                powers.push(power);
            }
            power = power.double();
        }
        let doubles: Vec<_> = powers.iter().map(Group::double).collect();
        let doubles = affine::<C>(&doubles);
        let mut points = Vec::with_capacity(blocks << (teeth - 1));
        for block in 0..blocks {
            let start = points.len();
            // All signs minus but the topmost; then each tooth's sign is turned by adding twice
            // its power.
            let top = powers[(teeth - 1) * blocks + block];
            let rest = (0..teeth - 1).fold(top, |sum, tooth| sum - powers[tooth * blocks + block]);
            points.push(rest);
            for tooth in 0..teeth - 1 {
                for i in start..start + (1 << tooth) {
                    points.push(points[i] + doubles[tooth * blocks + block]);
                }
            }
        }
        let points = affine::<C>(&points);
        Self { shape, points }
    }

    /// The sum of two products.
    pub(super) fn sum_of_products(
        [(a, k), (b, l)]: [(&Self, &C::Scalar); 2],
    ) -> C::ProjectivePoint {
        let (k, l) = (a.signs(k), b.signs(l));
        let mut sum = C::ProjectivePoint::identity();
        for column in (0..C::COLUMNS).rev() {
            if column + 1 < C::COLUMNS {
                sum = sum.double();
            }
            for block in 0..a.shape.blocks {
                sum += a.select(&k, block, column);
            }
            for block in 0..b.shape.blocks {
                sum += b.select(&l, block, column);
            }
        }
        sum
    }

    fn signs(&self, scalar: &C::Scalar) -> Signs<C> {
        let Shape { teeth, blocks } = self.shape;
        Signs::new(scalar, teeth * blocks * C::COLUMNS)
    }

    /// The point that a column of signs stands for.
    fn select(&self, signs: &Signs<C>, block: usize, column: usize) -> C::AffinePoint {
        if signs.is_zero {
            return C::AffinePoint::identity();
        }
        let Shape { teeth, blocks } = self.shape;
        let (row, block_points) = (blocks * C::COLUMNS, 1 << (teeth - 1));
        let mut index = 0;
        for tooth in 0..teeth {
            let plus = signs.is_plus(tooth * row + block * C::COLUMNS + column);
            index |= usize::from(plus) << tooth;
        }
        // The table has the half with the topmost sign plus.
        let plus = index >= block_points;
        if !plus {
            index = !index;
        }
        let point = self.points[block * block_points + index % block_points];
        if plus == signs.negated { -point } else { point }
    }
}

fn affine<C: CurveArithmetic>(points: &[C::ProjectivePoint]) -> Vec<C::AffinePoint> {
    let mut affine = vec![C::AffinePoint::default(); points.len()];
    C::ProjectivePoint::batch_normalize(points, &mut affine);
    affine
}

/// A scalar as signs of powers of two.
struct Signs<C: CombShape> {
    /// The scalar, or its negative where that is the odd one; big-endian.
    bytes: p256::elliptic_curve::FieldBytes<C>,
    negated: bool,
    is_zero: bool,
    /// How many signs there are.
    count: usize,
}

impl<C: CombShape> Signs<C> {
    fn new(scalar: &C::Scalar, count: usize) -> Self {
        let negated = scalar.is_even().into();
        let odd = if negated { -*scalar } else { *scalar };
        Self {
            bytes: odd.to_repr(),
            negated,
            is_zero: scalar.is_zero().into(),
            count,
        }
    }

    /// Whether the power `2^i` counts as plus.
    fn is_plus(&self, i: usize) -> bool {
        let (byte, bit) = ((i + 1) / 8, (i + 1) % 8);
        if i + 1 == self.count {
            return true;
        }
        let bytes: &[u8] = self.bytes.as_ref();
        bytes
            .iter()
            .rev()
            .nth(byte)
            .is_some_and(|byte| byte >> bit & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::ecdsa::NistCurve;

    /// Scalars near the ends and near the rows' borders, and some in between.
    fn scalars<C: NistCurve>() -> Vec<C::Scalar> {
        let mut scalars = vec![C::Scalar::ZERO];
        let mut power = C::Scalar::ONE;
        let row = C::KEY.blocks * C::COLUMNS;
        for i in 0..=C::Scalar::NUM_BITS as usize {
            if [0, 1, 2, row - 1, row, row + 1, C::COLUMNS].contains(&i) || i % (row / 2) == 0 {
                scalars.extend([
                    power,
                    power - C::Scalar::ONE,
                    power + C::Scalar::ONE,
                    -power,
                ]);
            }
            power = power.double();
        }
        let mut some = C::Scalar::from(0x9E37_79B9_7F4A_7C15);
        for _ in 0..20 {
            some = some.square() + C::Scalar::ONE;
            scalars.push(some);
        }
        scalars
    }

    fn agrees_with_the_curve_crate<C: NistCurve>() {
        for Shape { teeth, blocks } in [C::KEY, C::GENERATOR] {
            assert!(teeth * blocks * C::COLUMNS >= C::Scalar::NUM_BITS as usize);
        }
        let scalars = scalars::<C>();
        let other = scalars[scalars.len() - 1];
        let generator = C::ProjectivePoint::generator();
        let key = generator * other;
        let combs = [
            Comb::<C>::new(generator, C::GENERATOR),
            Comb::new(key, C::KEY),
        ];
        let n = scalars.len();
        for (i, k) in scalars.iter().enumerate() {
            let l = &scalars[(i * 7 + 3) % n];
            let sum = Comb::sum_of_products([(&combs[0], k), (&combs[1], l)]);
            assert_eq!(sum, generator * k + key * l, "{k:?} {l:?}");
        }
        // Sums that meet: the same point twice, and a point with its negative.
        let same = Comb::sum_of_products([(&combs[0], &other), (&combs[0], &other)]);
        assert_eq!(same, key.double());
        let none = Comb::sum_of_products([(&combs[1], &other), (&combs[1], &-other)]);
        assert_eq!(none, C::ProjectivePoint::identity());
    }

    #[test]
    fn p256() {
        agrees_with_the_curve_crate::<p256::NistP256>();
    }

    #[test]
    fn p384() {
        agrees_with_the_curve_crate::<p384::NistP384>();
    }

    #[test]
    fn p521() {
        agrees_with_the_curve_crate::<p521::NistP521>();
    }
}
