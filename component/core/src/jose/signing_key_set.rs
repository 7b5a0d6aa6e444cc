//! The private keys of one application: the first signs, the public halves of all are published, so
//! that others know the next key before it signs, and the retired one until its last signature has
//! expired.

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

    /// Tries a key, as far as the host answers at once. With a host that answers later, or cannot
    /// at the moment, the key is tried when it is needed.
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
    /// A key cannot be used, now or at all, or two have the same `kid`.
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

    /// A compact JWS by the first key: see [`SigningKey::sign_compact`].
    ///
    /// # Errors
    /// There is no signature.
    pub(crate) async fn sign_compact(
        &self,
        scheduler: &Scheduler,
        typ: Option<&str>,
        payload: &[u8],
    ) -> Result<String, SigningError> {
        self.keys[0].sign_compact(scheduler, typ, payload).await
    }
}
