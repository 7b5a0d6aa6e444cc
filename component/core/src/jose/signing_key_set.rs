//! The private keys of one application. The first key signs. The public halves of all keys are
//! published, so that others know the next key before it signs, and a retired key until its last
//! signature has expired.

use std::rc::Rc;

use super::signing_key::SigningKey;
use super::signing_key_error::{SigningError, SigningKeyError};
use crate::json::{Json, Object};
use crate::task::{Progress, Scheduler, Task};

/// See the module. Never empty.
#[derive(Debug, Clone)]
pub(crate) struct SigningKeySet {
    keys: Rc<[SigningKey]>,
}

impl SigningKeySet {
    /// At least one key.
    pub(crate) fn new(keys: Vec<SigningKey>) -> Self {
        debug_assert!(!keys.is_empty());
        Self { keys: keys.into() }
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Tests a key if the host answers at once. With a host that answers later, or is not
    /// available, the key is tested when it is needed.
    ///
    /// # Errors
    /// Why the key will never sign.
    pub(crate) fn try_at_once(
        &self,
        index: usize,
        scheduler: &Rc<Scheduler>,
    ) -> Result<(), SigningError> {
        let (keys, own_scheduler) = (Rc::clone(&self.keys), Rc::clone(scheduler));
        let prepare = async move { keys[index].prepare(&own_scheduler).await };
        match Task::new(Rc::clone(scheduler), prepare).poll() {
            Progress::Ready(Err(error)) if error.is_permanent() => Err(error),
            Progress::Ready(_) | Progress::Pending(_) => Ok(()),
        }
    }

    /// Whether an earlier key has the same `kid`, as far as both are known.
    pub(crate) fn repeats_kid(&self, index: usize) -> bool {
        let kid = self.keys[index].kid();
        kid.is_some() && self.keys[..index].iter().any(|other| other.kid() == kid)
    }

    /// The public halves as a JWK Set (RFC 7517 section 5).
    ///
    /// # Errors
    /// A key cannot be used, temporarily or permanently, or two keys have the same `kid`.
    pub(crate) async fn publish(&self, scheduler: &Scheduler) -> Result<String, SigningError> {
        let mut published = Vec::new();
        for (index, key) in self.keys.iter().enumerate() {
            published.push(Json::Object(key.public_jwk(scheduler).await?));
            if self.repeats_kid(index) {
                return Err(SigningError::Key(SigningKeyError::RepeatedKeyId));
            }
        }
        let mut document = Object::default();
        document.insert("keys", Json::Array(published));
        Ok(document.to_string())
    }

    /// Signs a compact JWS with the first key: see [`SigningKey::sign_compact`].
    ///
    /// # Errors
    /// No signature was made.
    pub(crate) async fn sign_compact(
        &self,
        scheduler: &Scheduler,
        typ: Option<&str>,
        payload: &[u8],
    ) -> Result<String, SigningError> {
        self.keys[0].sign_compact(scheduler, typ, payload).await
    }
}
