//! Encryption of what is stored and of what clients carry: AES-256-GCM-SIV (RFC 8452), with keys
//! that are derived by HKDF-SHA-256 (RFC 5869).
//!
//! Nonces are random. With SIV, a repeated nonce reveals only whether two texts are equal.

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::jose::base64url;
use crate::task::Scheduler;

/// The nonce before each sealed text.
const NONCE_BYTES: usize = 12;

/// A key of 256 bits. It is wiped when it is dropped, and cannot be printed.
#[derive(Clone)]
pub(super) struct Key(Zeroizing<[u8; 32]>);

impl Key {
    pub(super) fn random(scheduler: &Scheduler) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        scheduler.random(&mut *key);
        Self(key)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Derives a key from a secret. `purpose` keeps the keys of different purposes apart.
    pub(super) fn derive(secret: &[u8], salt: &[u8], purpose: &str) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        let hkdf = Hkdf::<Sha256>::new(Some(salt), secret);
        hkdf.expand(purpose.as_bytes(), &mut *key)
            .expect("32 bytes are fewer than HKDF can give");
        Self(key)
    }

    /// A key of its own for a purpose.
    pub(super) fn subkey(&self, purpose: &str) -> Self {
        Self::derive(self.bytes(), &[], purpose)
    }

    /// Encrypts `text`. Who opens it must name the same `bound_to`.
    pub(super) fn seal(&self, scheduler: &Scheduler, bound_to: &[u8], text: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        scheduler.random(&mut nonce);
        let payload = Payload {
            msg: text,
            aad: bound_to,
        };
        let sealed = self.cipher().encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.expect("texts are far shorter than 64 GiB");
        [&nonce[..], &sealed].concat()
    }

    /// Decrypts what [`Self::seal`] made. `None` if it was made with another key, is bound to
    /// something else, or was changed.
    pub(super) fn open(&self, bound_to: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload {
            msg: sealed,
            aad: bound_to,
        };
        let text = self.cipher().decrypt(&Nonce::from(*nonce), payload);
        text.ok().map(Zeroizing::new)
    }

    fn cipher(&self) -> Aes256GcmSiv {
        Aes256GcmSiv::new(&(*self.0).into())
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// What is stored in place of a secret text: its SHA-256 in base64url. The texts are random or were
/// made by this server, with at least 128 bits, so that a slow hash would protect nothing.
pub(super) fn hash(secret: &str) -> String {
    base64url::encode(&Sha256::digest(secret.as_bytes()))
}

/// Whether two texts are equal. The time depends only on their lengths.
pub(super) fn constant_time_eq(one: &str, other: &str) -> bool {
    use subtle::ConstantTimeEq;
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
