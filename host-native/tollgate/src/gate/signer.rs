//! Private keys that the application keeps elsewhere.

use std::pin::Pin;

/// Why a [`Signer`] gave no signature. It is logged, and shown to no caller.
pub type SignerError = Box<dyn std::error::Error + Send + Sync>;

/// A signature that a [`Signer`] is making.
pub type SignatureFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<u8>, SignerError>> + Send + 'a>>;

/// A private key that only its own service knows, such as a key management service or an HSM:
/// [`ClientKey::signer`](crate::ClientKey::signer).
pub trait Signer: Send + Sync {
    /// The public half, as a JWK with the members that make the key (RFC 7638 section 3.2), and
    /// `alg` and `kid` where it has its own. Called when a gate is built and whenever one of its
    /// stores is started anew; it must not block.
    fn public_jwk(&self) -> String;

    /// Signs a message by an algorithm that fits the key: `RS256`, `PS256`, `ES256`, `ES384` or
    /// `Ed25519`. The signature has the form that it has in a JWS (RFC 7518 section 3): `r || s`
    /// for ECDSA, which many services give in DER.
    ///
    /// The gate waits 5 seconds for it.
    fn sign<'a>(&'a self, algorithm: &'a str, message: &'a [u8]) -> SignatureFuture<'a>;
}
