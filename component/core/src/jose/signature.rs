//! What every kind of key can do.

use super::{Algorithm, SigningError};

/// Why a signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureError {
    /// The key is not for this algorithm.
    Algorithm,
    /// The signature is not of the length that the key's signatures have.
    Length,
    /// The signature is wrong.
    Invalid,
}

impl SignatureError {
    /// A stable name for logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Algorithm => "signature-algorithm",
            Self::Length => "signature-length",
            Self::Invalid => "signature-invalid",
        }
    }
}

/// One key's mathematics. A family of algorithms is one implementation, which may be replaced by
/// a faster one without anyone noticing.
///
/// Nothing here is secret, so nothing needs to take constant time.
pub(super) trait SignatureVerifier {
    /// Whether the key's type and parameters fit the algorithm.
    fn fits(&self, algorithm: Algorithm) -> bool;

    /// Checks a signature by an algorithm that fits.
    fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError>;

    /// The JWK members that make the key, by name: also the input of its thumbprint (RFC 7638
    /// section 3.2). In lexicographic order.
    fn members(&self) -> Vec<(&'static str, String)>;
}

/// One private key's mathematics. What is secret is neither branched on nor used as an index.
pub(super) trait SignatureMaker {
    /// The algorithms of the key: the first where none is asked for.
    fn algorithms(&self) -> &'static [Algorithm];

    /// Signs by one of them. `random` fills its argument.
    fn sign(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Vec<u8>, SigningError>;

    /// As [`SignatureVerifier::members`], of the public half.
    fn members(&self) -> Vec<(&'static str, String)>;
}
