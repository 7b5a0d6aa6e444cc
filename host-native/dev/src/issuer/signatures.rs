//! Signature checks: the rules of `tollgate-rules`, with RustCrypto's crates.

use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use tollgate_core::capability::{
    Host, HttpError, HttpRequest, HttpResponse, Pending, PendingAnswer, PrivateKeyHandle,
    PrivateKeySource, PublicKeyHandle, SignatureError, UnixMillis,
};
use tollgate_core::jose::{self, Algorithm, VerifyError};
use tollgate_core::task::Progress;
use tollgate_signatures::{Error, VERIFY, VerifyingKey};

/// Verifies a compact JWS with the keys, and returns its payload.
pub(super) fn verify_compact(keys: &[u8], jws: &str) -> Result<Vec<u8>, VerifyError> {
    let mut task = jose::verify_compact(Rc::new(Verifier), keys.to_vec(), jws.to_owned());
    match task.poll() {
        Progress::Ready(result) => result,
        // Every operation below answers at the first poll.
        Progress::Pending(_) => Err(VerifyError::NoVerdict(SignatureError::TimedOut)),
    }
}

/// A host that lends only signature checks.
struct Verifier;

impl Host for Verifier {
    fn now(&self) -> UnixMillis {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
        let millis = elapsed.map_or(0, |elapsed| elapsed.as_millis());
        UnixMillis::try_from(millis).unwrap_or(UnixMillis::MAX)
    }

    fn random(&self, out: &mut [u8]) {
        getrandom::fill(out).expect("the system has randomness");
    }

    fn send(&self, _: HttpRequest) -> Box<dyn Pending<Result<HttpResponse, HttpError>>> {
        Box::new(Answer(Some(Err(HttpError::Refused))))
    }

    fn verifying_algorithms(&self) -> Vec<Algorithm> {
        VERIFY
            .iter()
            .filter_map(|name| Algorithm::from_name(name))
            .collect()
    }

    fn signing_algorithms(&self) -> Vec<Algorithm> {
        Vec::new()
    }

    fn import_verifying_key(
        &self,
        algorithm: Algorithm,
        jwk: &str,
    ) -> Result<Box<dyn PublicKeyHandle>, SignatureError> {
        let key = VerifyingKey::from_jwk(algorithm.name(), jwk).map_err(|error| match error {
            Error::Unsupported => SignatureError::Unsupported,
            Error::KeyRefused => SignatureError::KeyRefused,
            Error::Failed => SignatureError::Failed,
        })?;
        Ok(Box::new(PublicKey(key)))
    }

    fn import_signing_key(
        &self,
        _: PrivateKeySource<'_>,
    ) -> Result<Box<dyn PrivateKeyHandle>, SignatureError> {
        Err(SignatureError::Unsupported)
    }
}

struct PublicKey(VerifyingKey);

impl PublicKeyHandle for PublicKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> PendingAnswer<bool> {
        Box::new(Answer(Some(Ok(self.0.verify(message, signature)))))
    }
}

/// An answer that is already known. It is returned once.
struct Answer<T>(Option<T>);

impl<T> Pending<T> for Answer<T> {
    fn poll(&mut self) -> Option<T> {
        self.0.take()
    }
}
