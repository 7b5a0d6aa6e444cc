//! A private key as its text says it, before anything is computed.

use zeroize::Zeroizing;

/// A number, big-endian, without leading zeros.
pub(super) type Number = Zeroizing<Vec<u8>>;

/// Private keys by type. Wiped when dropped.
pub(super) enum KeyMaterial {
    /// Two primes and what follows from them.
    Rsa(RsaNumbers),
    /// A scalar.
    Ec {
        curve: EcCurve,
        /// As long as the curve's order.
        scalar: Zeroizing<Vec<u8>>,
        /// The public point, where it is there (SEC1 section 2.3.3).
        public: Option<Vec<u8>>,
    },
    /// The seed of RFC 8032 section 5.1.5.
    Ed25519 {
        seed: Zeroizing<[u8; 32]>,
        /// The public key, where it is there.
        public: Option<Vec<u8>>,
    },
}

/// The curves of keys that sign. P-521 is left out: no authorization server asks for ES512.
#[derive(Clone, Copy)]
pub(super) enum EcCurve {
    P256,
    P384,
}

/// RFC 8017 section 3.2, second representation. `d` itself is not needed.
#[derive(Default)]
pub(super) struct RsaNumbers {
    pub(super) n: Number,
    pub(super) e: Number,
    pub(super) p: Number,
    pub(super) q: Number,
    pub(super) dp: Number,
    pub(super) dq: Number,
    pub(super) qi: Number,
}

impl RsaNumbers {
    /// Reads all of them, by name, in the order of RFC 8017 appendix A.1.2.
    pub(super) fn read<E>(
        mut read: impl FnMut(&'static str) -> Result<Number, E>,
    ) -> Result<Self, E> {
        let mut numbers = Self::default();
        let mut d = Number::default();
        for (name, number) in [
            ("n", &mut numbers.n),
            ("e", &mut numbers.e),
            ("d", &mut d),
            ("p", &mut numbers.p),
            ("q", &mut numbers.q),
            ("dp", &mut numbers.dp),
            ("dq", &mut numbers.dq),
            ("qi", &mut numbers.qi),
        ] {
            *number = read(name)?;
        }
        Ok(numbers)
    }
}

impl KeyMaterial {
    /// None where the seed does not have 32 bytes.
    pub(super) fn ed25519(seed: &[u8], public: Option<&[u8]>) -> Option<Self> {
        let mut own = Zeroizing::new([0; 32]);
        if seed.len() != own.len() {
            return None;
        }
        own.copy_from_slice(seed);
        Some(Self::Ed25519 {
            seed: own,
            public: public.map(<[u8]>::to_vec),
        })
    }
}
