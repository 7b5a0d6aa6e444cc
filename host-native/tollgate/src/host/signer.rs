//! Private keys that the application keeps outside of the configuration.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

/// Why a [`Signer`] made no signature. It is logged, and never shown to a caller.
pub type SignerError = Box<dyn std::error::Error + Send + Sync>;

/// A signature that a [`Signer`] is making.
pub type SignatureFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<u8>, SignerError>> + Send + 'a>>;

/// A private key that only its own service knows, such as a key management service or an HSM. The
/// configuration has its name ([`ClientKey::named`](crate::ClientKey::named)), and
/// [`GateBuilder::signer`](crate::GateBuilder::signer) adds it.
pub trait Signer: Send + Sync {
    /// The public half, as a JWK with the required members of the key (RFC 7638 section 3.2), and
    /// optionally `alg` and `kid`. Called when a gate is built and whenever one of its stores is
    /// restarted. It must not block.
    fn public_jwk(&self) -> String;

    /// Signs a message with an algorithm that fits the key: `RS256`, `PS256`, `ES256`, `ES384` or
    /// `Ed25519`. The signature must have the form of a JWS (RFC 7518 section 3): `r || s` for
    /// ECDSA, which many services return in DER.
    ///
    /// The gate waits 5 seconds for it.
    fn sign<'a>(&'a self, algorithm: &'a str, message: &'a [u8]) -> SignatureFuture<'a>;
}

/// Signers by their names in the configuration.
#[derive(Clone, Default)]
pub(crate) struct Signers(HashMap<String, Arc<dyn Signer>>);

impl Signers {
    pub(crate) fn insert(&mut self, name: String, signer: Arc<dyn Signer>) {
        self.0.insert(name, signer);
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<dyn Signer>> {
        self.0.get(name).cloned()
    }
}

/// Shows only their names.
impl fmt::Debug for Signers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
