//! RSA keys that can be factored because of how they were generated.

/// Whether a modulus (big-endian) has the structure of CVE-2017-15361 ("ROCA"): keys of a
/// widespread chip library, whose primes are powers of 65537 modulo a product of small primes.
///
/// The test is that of its discoverers (Nemec et al., "The Return of Coppersmith's Attack", CCS
/// 2017, section 2.3): the modulus is a power of 65537 modulo each small prime. A sound key is
/// taken for a weak one with a probability of 2^-27.8: the product, over all primes, of the share
/// of powers among the numbers that are not multiples.
pub(super) fn is_roca(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|&prime| {
        let rest = modulus
            .iter()
            .fold(0, |rest, &byte| (rest << 8 | u32::from(byte)) % prime);
        is_power(rest, prime)
    })
}

/// Whether a number is a power of 65537 modulo a prime.
fn is_power(number: u32, prime: u32) -> bool {
    let mut power = 1;
    loop {
        if power == number {
            return true;
        }
        power = power * (65_537 % prime) % prime;
        if power == 1 {
            return false;
        }
    }
}

/// The primes that divide the product which the library uses for its shortest keys, without 2,
/// because the modulus is always odd.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// 65537^exponent modulo the product of all primes, as bytes: a number of the library's form.
    fn power(exponent: u32) -> Vec<u8> {
        // Little-endian digits of base 2^16, multiplied and not reduced: any power has the form.
        let mut digits = vec![1_u64];
        for _ in 0..exponent {
            let mut carry = 0;
            for digit in &mut digits {
                let product = *digit * 65_537 + carry;
                *digit = product & 0xFFFF;
                carry = product >> 16;
            }
            while carry > 0 {
                digits.push(carry & 0xFFFF);
                carry >>= 16;
            }
        }
        let bytes = digits.iter().rev();
        bytes
            .flat_map(|digit| (*digit as u16).to_be_bytes())
            .collect()
    }

    #[test]
    fn powers_of_65537_are_found() {
        for exponent in [0, 1, 2, 127, 128] {
            assert!(is_roca(&power(exponent)), "{exponent}");
        }
    }

    #[test]
    fn other_moduli_are_not_weak() {
        let mut number = power(128);
        *number.last_mut().expect("not empty") ^= 2;
        assert!(!is_roca(&number));
        assert!(!is_roca(&[0xFF; 256]));
    }

    #[test]
    fn many_odd_moduli_are_not_weak() {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        for _ in 0..500 {
            let mut number = [0; 256];
            for byte in &mut number {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                *byte = state as u8;
            }
            number[0] |= 0x80;
            number[255] |= 1;
            assert!(!is_roca(&number), "{number:?}");
        }
    }

    #[test]
    fn every_prime_has_its_stated_share() {
        let is_prime = |number: u32| !(2..number).any(|divisor| number.is_multiple_of(divisor));
        let primes = (3..=167).filter(|number| is_prime(*number));
        assert!(primes.eq(PRIMES));
        // The probability that an honest modulus passes.
        let share = |prime: u32| {
            let powers = (1..prime).filter(|number| is_power(*number, prime));
            powers.count() as f64 / f64::from(prime - 1)
        };
        let passes = PRIMES.map(share).iter().product::<f64>().log2();
        assert!((-27.9..-27.8).contains(&passes), "{passes}");
    }
}
