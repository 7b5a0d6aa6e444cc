//! The host's signatures: those of `tollgate-signatures`, without delay.
#![allow(dead_code, reason = "each target uses its part")]

use std::rc::Rc;

use tollgate_core::capability::{
    Host, HttpError, HttpRequest, HttpResponse, Pending, PendingAnswer, PrivateKeyHandle,
    PrivateKeySource, PublicKeyHandle, SignatureError,
};
use tollgate_core::jose::Algorithm;
use tollgate_core::task::{Progress, Task};
use tollgate_signatures::{Error, SigningKey, VerifyingKey};

struct Answer<T>(Option<Result<T, SignatureError>>);

impl<T> Pending<Result<T, SignatureError>> for Answer<T> {
    fn poll(&mut self) -> Option<Result<T, SignatureError>> {
        self.0.take()
    }
}

fn error(error: Error) -> SignatureError {
    match error {
        Error::Unsupported => SignatureError::Unsupported,
        Error::KeyRefused => SignatureError::KeyRefused,
        Error::Failed => SignatureError::Failed,
    }
}

struct PublicKey(VerifyingKey);

impl PublicKeyHandle for PublicKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> PendingAnswer<bool> {
        Box::new(Answer(Some(Ok(self.0.verify(message, signature)))))
    }
}

/// It makes no signatures: they need randomness, and no target needs them.
struct PrivateKey(SigningKey);

impl PrivateKeyHandle for PrivateKey {
    fn public_key(&self) -> PendingAnswer<String> {
        Box::new(Answer(Some(Ok(self.0.public_jwk()))))
    }

    fn sign(&self, _: Algorithm, _: &[u8]) -> PendingAnswer<Vec<u8>> {
        Box::new(Answer(Some(Err(SignatureError::Failed))))
    }
}

pub fn algorithms() -> Vec<Algorithm> {
    let all = Algorithm::ALL.iter().copied();
    all.filter(|own| *own != Algorithm::EdDsa).collect()
}

pub fn import_verifying_key(
    algorithm: Algorithm,
    jwk: &str,
) -> Result<Box<dyn PublicKeyHandle>, SignatureError> {
    let key = VerifyingKey::from_jwk(algorithm.name(), jwk).map_err(error)?;
    Ok(Box::new(PublicKey(key)))
}

pub fn import_signing_key(
    key: PrivateKeySource<'_>,
) -> Result<Box<dyn PrivateKeyHandle>, SignatureError> {
    match key {
        PrivateKeySource::Pkcs8(der) => {
            let key = SigningKey::from_pkcs8(der).map_err(error)?;
            Ok(Box::new(PrivateKey(key)))
        }
        PrivateKeySource::Named(_) => Err(SignatureError::KeyRefused),
    }
}

/// A host that has only signatures.
struct SignatureHost;

pub fn host() -> Rc<dyn Host> {
    Rc::new(SignatureHost)
}

impl Host for SignatureHost {
    fn now(&self) -> u64 {
        0
    }

    fn random(&self, out: &mut [u8]) {
        out.fill(7);
    }

    fn send(&self, _: HttpRequest) -> Box<dyn Pending<Result<HttpResponse, HttpError>>> {
        panic!("this host has no network")
    }

    fn verifying_algorithms(&self) -> Vec<Algorithm> {
        algorithms()
    }

    fn signing_algorithms(&self) -> Vec<Algorithm> {
        algorithms()
    }

    fn import_verifying_key(
        &self,
        algorithm: Algorithm,
        jwk: &str,
    ) -> Result<Box<dyn PublicKeyHandle>, SignatureError> {
        import_verifying_key(algorithm, jwk)
    }

    fn import_signing_key(
        &self,
        key: PrivateKeySource<'_>,
    ) -> Result<Box<dyn PrivateKeyHandle>, SignatureError> {
        import_signing_key(key)
    }
}

/// The result of a task that needs no waiting.
pub fn at_once<T>(mut task: Task<T>) -> T {
    match task.poll() {
        Progress::Ready(result) => result,
        Progress::Pending(wait) => panic!("pending for {wait:?} ms"),
    }
}
