//! Where records are stored.
//!
//! The name of a partition is a keyed hash, so that the names tell an operator of the storage
//! nothing about users and clients, and nobody can choose the partition of a record.
//!
//! | partition | keys of clients | record |
//! |---|---|---|
//! | `c-…`, one for each client | `client` | the client |
//! | `d-0` to `d-15` | `client/` and a hash of the id | id, epoch and time: the directory |
//! | `n0` | `registrations/` and the hour | how many clients registered in it |
//! | `r-0` to `r-255` | `assertion/` and a hash of client and `jti` | nothing: it was used |

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::sealing::Key;
use crate::jose::base64url;

/// How many partitions there are of short-lived records, and of the directory. The numbers are
/// fixed: with others, records would be looked for in the wrong place.
const TRANSIENT: u8 = 64;
const DIRECTORY: u8 = 16;

/// The partition with the keys of the deployment. Its name is not hashed, because the key for that
/// is in it.
pub(super) const KEYS: &str = "k0";

/// The partition with the count of registrations.
pub(super) const REGISTRATIONS: &str = "n0";

/// The owner of grants, as a keyed hash: 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Shard(pub(super) [u8; 16]);

impl Shard {
    /// The partition of its grants.
    pub(super) fn partition(self) -> String {
        format!("g-{}", base64url::encode(&self.0))
    }
}

/// Names partitions.
#[derive(Debug, Clone)]
pub(super) struct Partitions {
    key: Key,
}

impl Partitions {
    pub(super) const fn new(key: Key) -> Self {
        Self { key }
    }

    /// The grants of a user.
    pub(super) fn user(&self, user_id: &str) -> Shard {
        Shard(self.hash("user", user_id))
    }

    /// The grants that a client has for itself (RFC 6749 section 4.4).
    pub(super) fn client_grants(&self, client_id: &str) -> Shard {
        Shard(self.hash("client-grants", client_id))
    }

    /// The registration of a client.
    pub(super) fn client(&self, client_id: &str) -> String {
        format!("c-{}", base64url::encode(&self.hash("client", client_id)))
    }

    /// A short-lived record, by the hash of its random handle.
    pub(super) fn transient(&self, handle: &str) -> String {
        format!("t-{}", Sha256::digest(handle.as_bytes())[0] % TRANSIENT)
    }

    /// The marker of something that may be used once. There are 256.
    pub(super) fn replay(&self, id: &str) -> String {
        format!("r-{}", self.hash("replay", id)[0])
    }

    /// The directory of clients and users. It may lag, and decides nothing.
    pub(super) fn directory(&self, id: &str) -> String {
        let index = self.hash("directory", id)[0] % DIRECTORY;
        Self::directory_at(index).expect("below the number of partitions")
    }

    /// A partition of the directory by its number. `None`: there are no more.
    pub(super) fn directory_at(index: u8) -> Option<String> {
        (index < DIRECTORY).then(|| format!("d-{index}"))
    }

    /// The first 128 bits of HMAC-SHA-256. The kind and the id are told apart by the zero byte,
    /// which no kind has.
    fn hash(&self, kind: &str, id: &str) -> [u8; 16] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.key.bytes()).expect("any length is a key");
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(id.as_bytes());
        let hash: [u8; 32] = mac.finalize().into_bytes().into();
        *hash.first_chunk().expect("16 of 32 bytes")
    }
}
