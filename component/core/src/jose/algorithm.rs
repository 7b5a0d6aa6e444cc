//! Signature algorithms (RFC 7518 section 3, RFC 8037, RFC 9864).

/// What to do if the host lacks an algorithm.
pub(crate) const COMPONENTS_WITH_ALL_ALGORITHMS: &str = "use the component \
     tollgate-gate-standalone.wasm, which has all algorithms, or add tollgate-signatures.wasm \
     beside this one";

/// An asymmetric signature algorithm. `none` and algorithms with a shared secret (`HS256`, …) do
/// not exist here, so no configuration can allow them (RFC 8725 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256 and a salt of 32 bytes.
    Ps256,
    /// RSASSA-PSS with SHA-384 and a salt of 48 bytes.
    Ps384,
    /// RSASSA-PSS with SHA-512 and a salt of 64 bytes.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// The older name of Ed25519 (RFC 8037 section 3.1). It stands for Ed448 as well, which is
    /// not supported.
    EdDsa,
    /// Ed25519 by its own name (RFC 9864 section 2.2).
    Ed25519,
}

impl Algorithm {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
        Self::Ed25519,
    ];

    /// The `alg` value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
            Self::Ed25519 => "Ed25519",
        }
    }

    /// The algorithm of an `alg` value, which is case-sensitive (RFC 7515 section 4.1.1).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|algorithm| algorithm.name() == name)
    }

    /// The name of the algorithm for hosts: Ed25519 in place of its older name (RFC 9864 section
    /// 2.2).
    #[must_use]
    pub const fn by_one_name(self) -> Self {
        match self {
            Self::EdDsa => Self::Ed25519,
            other => other,
        }
    }

    /// Length of a signature in bytes. None for RSA, whose signatures are as long as the modulus.
    #[must_use]
    pub const fn signature_len(self) -> Option<usize> {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => {
                None
            }
            Self::Es256 | Self::EdDsa | Self::Ed25519 => Some(64),
            Self::Es384 => Some(96),
            Self::Es512 => Some(132),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact() {
        for &algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
        }
        for name in [
            "",
            "none",
            "None",
            "NONE",
            "nOnE",
            "HS256",
            "HS384",
            "HS512",
            "rs256",
            "ES256K",
            "ES256 ",
            " ES256",
            "ES256\0",
            "EdDsa",
            "eddsa",
            "ed25519",
            "Ed448",
            "RS1",
            "RSA-OAEP",
            "ESP256",
            "ES256\r\nX: y",
        ] {
            assert_eq!(Algorithm::from_name(name), None, "{name:?}");
        }
    }
}
