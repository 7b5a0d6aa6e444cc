//! A cache of tokens whose signature was verified.
//!
//! The key is a digest of the token's text. Decoding is strict, so a token has only one accepted
//! text. Checks whose result may change between two requests (dates, audience, scopes) are not
//! cached.

use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::rc::{Rc, Weak};

use blake2::{Blake2b256, Digest};
use lru::LruCache;

use super::claims::Identity;
use crate::capability::UnixMillis;
use crate::jose::VerifyingKey;

/// The key of a token's text.
///
/// BLAKE2b (RFC 7693) is as strong as SHA-256, and takes less than half of its time in WebAssembly,
/// which has no instructions for either. Nothing outside the cache depends on the choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest of a token's text.
    #[must_use]
    pub fn of(token: &str) -> Self {
        let mut digest = [0; 32];
        let hasher = Blake2b256::new_with_prefix(token);
        hasher.finalize_into((&mut digest).into());
        Self(digest)
    }
}

/// A digest is already a hash: its first bytes are used. They are the last value written.
#[derive(Default)]
struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The overhead of an entry besides its identity: digest, links, hash slots, allocator.
const ENTRY_BYTES: usize = 256;

/// Limits of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenCacheLimits {
    /// The maximum number of entries. 0 disables the cache.
    pub max_entries: u32,
    /// The maximum size in bytes, including overheads.
    pub max_bytes: u32,
    /// How long a verification may be reused, in milliseconds.
    pub max_age: u64,
}

impl Default for TokenCacheLimits {
    fn default() -> Self {
        Self {
            max_entries: 4096,
            max_bytes: 8 * 1024 * 1024,
            max_age: 300_000,
        }
    }
}

/// A verified token.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The id, which is never reused for another token of the same gate.
    pub id: u64,
    /// Its identity.
    pub identity: Rc<Identity>,
    /// The index of its issuer in the configuration.
    pub issuer: usize,
    key: Weak<VerifyingKey>,
    verified_at: UnixMillis,
}

/// The cache. The least recently used entries are evicted first.
#[derive(Debug)]
pub struct VerifiedTokens {
    limits: TokenCacheLimits,
    entries: LruCache<TokenDigest, Verified, BuildHasherDefault<DigestHasher>>,
    bytes: usize,
    ids: u64,
    /// The most recent token, so that its identity can be read even if the cache is disabled.
    newest: Option<Verified>,
}

impl VerifiedTokens {
    /// An empty cache.
    #[must_use]
    pub fn new(limits: TokenCacheLimits) -> Self {
        Self {
            limits,
            entries: LruCache::unbounded_with_hasher(BuildHasherDefault::default()),
            bytes: 0,
            ids: 0,
            newest: None,
        }
    }

    /// Finds a token that was verified recently enough, with a key that is still in its key set.
    pub fn find(&mut self, digest: &TokenDigest, now: UnixMillis) -> Option<Verified> {
        let entry = self.entries.get(digest)?.clone();
        let age = now.checked_sub(entry.verified_at);
        let young = age.is_some_and(|age| age < self.limits.max_age);
        if !young || entry.key.strong_count() == 0 {
            self.remove(digest);
            return None;
        }
        Some(entry)
    }

    /// Drops an entry. An entry whose token has expired stays until it is evicted or too old: the
    /// token is refused anyway, and the cache's memory is limited.
    fn remove(&mut self, digest: &TokenDigest) {
        if let Some(entry) = self.entries.pop(digest) {
            self.bytes -= weight(&entry);
        }
    }

    /// Stores a verification.
    pub fn insert(
        &mut self,
        digest: TokenDigest,
        identity: Identity,
        issuer: usize,
        key: &Rc<VerifyingKey>,
        now: UnixMillis,
    ) -> Verified {
        self.ids += 1;
        let verified = Verified {
            id: self.ids,
            identity: Rc::new(identity),
            issuer,
            key: Rc::downgrade(key),
            verified_at: now,
        };
        self.newest = Some(verified.clone());
        self.remove(&digest);
        let max_bytes = self.limits.max_bytes as usize;
        if weight(&verified) <= max_bytes {
            self.bytes += weight(&verified);
            self.entries.put(digest, verified.clone());
            while self.entries.len() > self.limits.max_entries as usize || self.bytes > max_bytes {
                let Some((_, oldest)) = self.entries.pop_lru() else {
                    break;
                };
                self.bytes -= weight(&oldest);
            }
        }
        verified
    }

    /// Records the last token, which [`Self::identity`] looks up first.
    pub fn note(&mut self, verified: &Verified) {
        self.newest = Some(verified.clone());
    }

    /// The identity for an id that was just returned.
    #[must_use]
    pub fn identity(&self, id: u64) -> Option<Rc<Identity>> {
        let newest = self.newest.iter().find(|verified| verified.id == id);
        let kept = || {
            self.entries
                .iter()
                .map(|(_, v)| v)
                .find(|verified| verified.id == id)
        };
        newest
            .or_else(kept)
            .map(|verified| Rc::clone(&verified.identity))
    }

    /// The current number of entries and bytes.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.entries.len(), self.bytes)
    }
}

fn weight(verified: &Verified) -> usize {
    verified.identity.weight() + ENTRY_BYTES
}
