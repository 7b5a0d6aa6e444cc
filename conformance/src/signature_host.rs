//! A host for core in this process. It checks the signatures of client assertions with the keys
//! that a target publishes.

use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use tollgate_core::capability::{
    Host, HttpError, HttpRequest, HttpResponse, Pending, PendingAnswer, PrivateKeyHandle,
    PrivateKeySource, PublicKeyHandle, SignatureError, UnixMillis,
};
use tollgate_core::jose::{Algorithm, verify_compact};
use tollgate_core::task::Progress;
use tollgate_signatures::{Error, VERIFY, VerifyingKey};

/// Verifies a compact JWS with these keys, and returns its payload.
///
/// # Errors
/// Why it is not accepted.
pub(crate) fn verify(keys: &str, jws: &str) -> Result<Vec<u8>, String> {
    let mut task = verify_compact(
        Rc::new(SignatureHost),
        keys.as_bytes().to_vec(),
        jws.to_owned(),
    );
    match task.poll() {
        Progress::Ready(result) => result.map_err(|error| error.to_string()),
        Progress::Pending(_) => Err("the check did not end".to_owned()),
    }
}

struct SignatureHost;

struct PublicKey(VerifyingKey);

/// A verdict that is already known. It is returned once.
struct Verdict(Option<bool>);

impl Host for SignatureHost {
    fn now(&self) -> UnixMillis {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
        elapsed.map_or(0, |elapsed| {
            u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
        })
    }

    fn random(&self, _out: &mut [u8]) {
        unreachable!("a check needs no randomness")
    }

    fn send(&self, _request: HttpRequest) -> Box<dyn Pending<Result<HttpResponse, HttpError>>> {
        unreachable!("a check asks nobody")
    }

    fn verifying_algorithms(&self) -> Vec<Algorithm> {
        let known = VERIFY.iter().filter_map(|name| Algorithm::from_name(name));
        known.collect()
    }

    fn signing_algorithms(&self) -> Vec<Algorithm> {
        Vec::new()
    }

    fn import_verifying_key(
        &self,
        algorithm: Algorithm,
        jwk: &str,
    ) -> Result<Box<dyn PublicKeyHandle>, SignatureError> {
        match VerifyingKey::from_jwk(algorithm.name(), jwk) {
            Ok(key) => Ok(Box::new(PublicKey(key))),
            Err(Error::Unsupported) => Err(SignatureError::Unsupported),
            Err(Error::KeyRefused) => Err(SignatureError::KeyRefused),
            Err(Error::Failed) => Err(SignatureError::Failed),
        }
    }

    fn import_signing_key(
        &self,
        _key: PrivateKeySource<'_>,
    ) -> Result<Box<dyn PrivateKeyHandle>, SignatureError> {
        Err(SignatureError::Unsupported)
    }
}

impl PublicKeyHandle for PublicKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> PendingAnswer<bool> {
        Box::new(Verdict(Some(self.0.verify(message, signature))))
    }
}

impl Pending<Result<bool, SignatureError>> for Verdict {
    fn poll(&mut self) -> Option<Result<bool, SignatureError>> {
        self.0.take().map(Ok)
    }
}
