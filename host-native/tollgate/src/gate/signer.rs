//! Private keys that the application keeps elsewhere.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

/// Why a [`Signer`] gave no signature. It is logged, and shown to no caller.
pub type SignerError = Box<dyn std::error::Error + Send + Sync>;

/// A signature that a [`Signer`] is making.
pub type SignatureFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<u8>, SignerError>> + Send + 'a>>;

/// A private key that only its own service knows, such as a key management service or an HSM. The
/// configuration has its name ([`ClientKey::named`](crate::ClientKey::named)), and
/// [`GateBuilder::signer`](crate::GateBuilder::signer) takes it.
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

/// Signers by the names that the configuration has for them.
#[derive(Clone, Default)]
pub(super) struct Signers(HashMap<String, Arc<dyn Signer>>);

impl Signers {
    pub(super) fn insert(&mut self, name: String, signer: Arc<dyn Signer>) {
        self.0.insert(name, signer);
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<dyn Signer>> {
        self.0.get(name).cloned()
    }
}

/// Only their names.
impl fmt::Debug for Signers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
