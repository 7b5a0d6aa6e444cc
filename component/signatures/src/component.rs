//! The export `signatures`. Every answer is there at the first poll.

use std::cell::Cell;
use std::convert::Infallible;

use rand_core::utils::next_word_via_fill;
use rand_core::{TryCryptoRng, TryRng};

use crate::{Error, SIGN, SigningKey, VERIFY, VerifyingKey};
use exports::tollgate::auth::signatures as wit;
use tollgate::auth::random;

wit_bindgen::generate!({ path: "../../wit", world: "signature-provider" });

struct Component;

export!(Component);

struct PublicKey(VerifyingKey);
struct PrivateKey(SigningKey);
/// An answer that is returned once.
struct Answer<T>(Cell<Option<Result<T, wit::SignatureError>>>);

impl<T> Answer<T> {
    fn of(result: Result<T, Error>) -> Self {
        Self(Cell::new(Some(result.map_err(error))))
    }
}

impl wit::Guest for Component {
    type VerifyingKey = PublicKey;
    type PendingVerdict = Answer<bool>;
    type SigningKey = PrivateKey;
    type PendingPublicKey = Answer<String>;
    type PendingSignature = Answer<Vec<u8>>;

    fn supported() -> wit::Algorithms {
        wit::Algorithms {
            verify: VERIFY.map(str::to_owned).to_vec(),
            sign: SIGN.map(str::to_owned).to_vec(),
        }
    }

    fn import_verifying_key(
        algorithm: String,
        jwk: String,
    ) -> Result<wit::VerifyingKey, wit::SignatureError> {
        let key = VerifyingKey::from_jwk(&algorithm, &jwk).map_err(error)?;
        Ok(wit::VerifyingKey::new(PublicKey(key)))
    }

    fn import_signing_key(key: wit::PrivateKey) -> Result<wit::SigningKey, wit::SignatureError> {
        match key {
            wit::PrivateKey::Pkcs8(der) => {
                let key = SigningKey::from_pkcs8(&der).map_err(error)?;
                Ok(wit::SigningKey::new(PrivateKey(key)))
            }
            wit::PrivateKey::Named(_) => Err(wit::SignatureError::KeyRefused),
        }
    }
}

impl wit::GuestVerifyingKey for PublicKey {
    fn verify(&self, message: Vec<u8>, signature: Vec<u8>) -> wit::PendingVerdict {
        wit::PendingVerdict::new(Answer::of(Ok(self.0.verify(&message, &signature))))
    }
}

impl wit::GuestPendingVerdict for Answer<bool> {
    fn poll(&self) -> Option<Result<bool, wit::SignatureError>> {
        self.0.take()
    }
}

impl wit::GuestSigningKey for PrivateKey {
    fn public_key(&self) -> wit::PendingPublicKey {
        wit::PendingPublicKey::new(Answer::of(Ok(self.0.public_jwk())))
    }

    fn sign(&self, algorithm: String, message: Vec<u8>) -> wit::PendingSignature {
        let signature = self.0.sign(&algorithm, &message, &mut HostRandom);
        wit::PendingSignature::new(Answer::of(signature))
    }
}

impl wit::GuestPendingPublicKey for Answer<String> {
    fn poll(&self) -> Option<Result<String, wit::SignatureError>> {
        self.0.take()
    }
}

impl wit::GuestPendingSignature for Answer<Vec<u8>> {
    fn poll(&self) -> Option<Result<Vec<u8>, wit::SignatureError>> {
        self.0.take()
    }
}

fn error(error: Error) -> wit::SignatureError {
    match error {
        Error::Unsupported => wit::SignatureError::Unsupported,
        Error::KeyRefused => wit::SignatureError::KeyRefused,
        Error::Failed => wit::SignatureError::Failed,
    }
}

/// The host's randomness. It never fails, by its contract.
struct HostRandom;

impl TryRng for HostRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        next_word_via_fill(self)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        next_word_via_fill(self)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        // One call returns at most 1024 bytes.
        for part in out.chunks_mut(1024) {
            let len = u32::try_from(part.len()).expect("at most 1024");
            part.copy_from_slice(&random::get_bytes(len));
        }
        Ok(())
    }
}

impl TryCryptoRng for HostRandom {}
