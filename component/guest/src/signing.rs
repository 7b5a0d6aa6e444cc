//! The private keys of the import `signatures`, as core's [`PrivateKeyHandle`].

use tollgate_core::capability::{
    Pending, PendingAnswer, PrivateKeyHandle, PrivateKeySource, SignatureError,
};
use tollgate_core::jose::Algorithm;

use crate::bindings::tollgate::auth::signatures;
use crate::capabilities::error;

/// Prepares a private key.
pub(crate) fn import(
    key: PrivateKeySource<'_>,
) -> Result<Box<dyn PrivateKeyHandle>, SignatureError> {
    let key = signatures::import_signing_key(&match key {
        PrivateKeySource::Pkcs8(der) => signatures::PrivateKey::Pkcs8(der.to_vec()),
        PrivateKeySource::Named(name) => signatures::PrivateKey::Named(name.to_owned()),
    });
    Ok(Box::new(PrivateKey(key.map_err(error)?)))
}

struct PrivateKey(signatures::SigningKey);

impl PrivateKeyHandle for PrivateKey {
    fn public_key(&self) -> PendingAnswer<String> {
        Box::new(PublicHalf(self.0.public_key()))
    }

    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> PendingAnswer<Vec<u8>> {
        Box::new(Signature(self.0.sign(algorithm.name(), message)))
    }
}

struct PublicHalf(signatures::PendingPublicKey);

impl Pending<Result<String, SignatureError>> for PublicHalf {
    fn poll(&mut self) -> Option<Result<String, SignatureError>> {
        Some(self.0.poll()?.map_err(error))
    }
}

struct Signature(signatures::PendingSignature);

impl Pending<Result<Vec<u8>, SignatureError>> for Signature {
    fn poll(&mut self) -> Option<Result<Vec<u8>, SignatureError>> {
        Some(self.0.poll()?.map_err(error))
    }
}
