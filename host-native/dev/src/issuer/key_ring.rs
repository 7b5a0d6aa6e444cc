//! The issuer's keys over time: which one signs, and which are published.

use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::signing_key::{Algorithm, SigningKey};

/// Published keys, oldest first. The newest of an algorithm signs.
///
/// Each key belongs to one algorithm, so RS256 and PS256 never share a key (RFC 8725, section 3.1).
pub(super) struct KeyRing {
    seed: [u8; 32],
    /// How many keys were created, so that no two keys share a derived seed.
    made: u64,
    keys: Vec<Arc<SigningKey>>,
}

/// The maximum number of published keys: a gate limits the size of a key set too.
const MAX_KEYS: usize = 32;

impl KeyRing {
    /// Creates an empty key ring. The same seed and the same order of rotations give the same keys.
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self {
            seed,
            made: 0,
            keys: Vec::new(),
        }
    }

    /// A job that generates the next key. It is separate from `publish`, so that the lock is not
    /// held while a slow RSA key is generated.
    pub(super) fn next_key(&mut self, algorithm: Algorithm) -> impl FnOnce() -> SigningKey + use<> {
        let mut derive = Sha256::new();
        derive.update(b"tollgate dev-issuer key");
        derive.update(self.seed);
        derive.update(self.made.to_be_bytes());
        derive.update(algorithm.as_str());
        let seed = derive.finalize().into();
        self.made += 1;
        move || SigningKey::generate(algorithm, seed)
    }

    /// Publishes a key, which signs from now on. Unless `keep` is set, all older keys of its
    /// algorithm are removed.
    pub(super) fn publish(&mut self, key: SigningKey, keep: bool) {
        if !keep {
            self.keys.retain(|old| old.algorithm() != key.algorithm());
        }
        self.keys.push(Arc::new(key));
        if self.keys.len() > MAX_KEYS {
            self.keys.remove(0);
        }
    }

    /// The key that signs with this algorithm, if there is one yet.
    pub(super) fn signing(&self, algorithm: Algorithm) -> Option<Arc<SigningKey>> {
        self.keys
            .iter()
            .rev()
            .find(|key| key.algorithm() == algorithm)
            .cloned()
    }

    /// Every published `kid`, oldest first.
    pub(super) fn kids(&self) -> Vec<String> {
        self.keys.iter().map(|key| key.kid().to_owned()).collect()
    }

    /// The published key of this `kid`, as a public JWK.
    pub(super) fn public(&self, kid: &str) -> Option<Value> {
        let key = self.keys.iter().find(|key| key.kid() == kid);
        key.map(|key| key.public().clone())
    }

    /// The JWK Set (RFC 7517, section 5).
    pub(super) fn jwk_set(&self) -> Value {
        json!({ "keys": self.keys.iter().map(|key| key.public()).collect::<Vec<_>>() })
    }
}

/// A generator for signatures and identifiers, which need not repeat between runs.
///
/// # Panics
///
/// The operating system has no entropy.
pub(super) fn fresh_rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed(fresh_seed())
}

/// 32 bytes of the operating system's entropy. Panics if there is none.
pub(super) fn fresh_seed() -> [u8; 32] {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).expect("the operating system gives entropy");
    seed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(ring: &mut KeyRing, algorithm: Algorithm, keep: bool) -> String {
        let key = ring.next_key(algorithm)();
        let kid = key.kid().to_owned();
        ring.publish(key, keep);
        kid
    }

    #[test]
    fn rotation_keeps_the_old_key_by_default() {
        let mut ring = KeyRing::new([7; 32]);
        let other = add(&mut ring, Algorithm::EdDsa, true);
        let first = add(&mut ring, Algorithm::Es256, true);
        let second = add(&mut ring, Algorithm::Es256, true);
        assert_eq!(ring.kids(), [&*other, &*first, &*second]);
        assert_eq!(
            ring.signing(Algorithm::Es256).map(|k| k.kid().to_owned()),
            Some(second)
        );
        let third = add(&mut ring, Algorithm::Es256, false);
        assert_eq!(ring.kids(), [other, third]);
    }

    #[test]
    fn a_seed_reproduces_the_whole_key_ring() {
        let kids = |seed| {
            let mut ring = KeyRing::new(seed);
            add(&mut ring, Algorithm::Es256, true);
            add(&mut ring, Algorithm::Es256, true);
            ring.kids()
        };
        assert_eq!(kids([1; 32]), kids([1; 32]));
        assert_ne!(kids([1; 32]), kids([2; 32]));
    }

    #[test]
    fn the_ring_is_bounded() {
        let mut ring = KeyRing::new([7; 32]);
        for _ in 0..MAX_KEYS + 3 {
            add(&mut ring, Algorithm::EdDsa, true);
        }
        assert_eq!(ring.kids().len(), MAX_KEYS);
    }
}
