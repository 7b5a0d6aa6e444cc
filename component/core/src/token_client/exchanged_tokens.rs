//! A cache of exchanged tokens.
//!
//! The key is an unambiguous hash over all parts of the request: each part is preceded by its
//! length, and each list by its count. Two different requests have the same key only if SHA-256 has
//! a collision.

use std::rc::Rc;

use lru::LruCache;
use sha2::{Digest, Sha256};

use super::token_request::{Delegation, TokenTarget, TypedToken};
use super::token_response::Token;
use crate::capability::UnixMillis;

/// The overhead of an entry besides its texts: key, links, hash slots, allocator.
const ENTRY_BYTES: usize = 256;

/// The key of a token: issuer, client, subject, the verified token itself (with its session and
/// rights), actor, target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CacheKey([u8; 32]);

impl CacheKey {
    /// The key of a user's token from `issuer` for the client `client_id`. The order of resources,
    /// audiences and scopes does not matter.
    #[must_use]
    pub fn of_user(issuer: &str, client_id: &str, subject: &str, delegation: &Delegation) -> Self {
        Self::hash(|out| {
            Parts(out).user(issuer, client_id, subject, delegation);
        })
    }

    /// The key of the client's own token.
    #[must_use]
    pub fn of_client(issuer: &str, client_id: &str, target: &TokenTarget) -> Self {
        Self::hash(|out| {
            Parts(out).own(issuer, client_id, target);
        })
    }

    fn hash(write: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Self {
        let mut hash = Sha256::new();
        write(&mut |bytes| hash.update(bytes));
        Self(hash.finalize().into())
    }
}

/// Writes the parts of a key.
struct Parts<'a>(&'a mut dyn FnMut(&[u8]));

impl Parts<'_> {
    fn user(&mut self, issuer: &str, client_id: &str, subject: &str, delegation: &Delegation) {
        (self.0)(b"U");
        self.text(issuer);
        self.text(client_id);
        self.text(subject);
        self.token(Some(&delegation.subject_token));
        self.token(delegation.actor_token.as_ref());
        self.target(&delegation.target);
    }

    fn own(&mut self, issuer: &str, client_id: &str, target: &TokenTarget) {
        (self.0)(b"C");
        self.text(issuer);
        self.text(client_id);
        self.target(target);
    }

    fn target(&mut self, target: &TokenTarget) {
        self.set(&target.resources);
        self.set(&target.audiences);
        self.set(&target.scopes);
        self.optional(target.requested_token_type.as_deref());
    }

    fn token(&mut self, token: Option<&TypedToken>) {
        self.optional(token.map(|token| token.token.expose()));
        if let Some(token) = token {
            self.text(token.type_uri());
        }
    }

    fn set(&mut self, values: &[String]) {
        match values {
            // The common case, without sorting.
            [] | [_] => self.list(values.iter().map(String::as_str)),
            _ => {
                let mut sorted: Vec<&str> = Vec::with_capacity(values.len());
                for value in values {
                    // Skips duplicates.
                    if let Err(place) = sorted.binary_search(&value.as_str()) {
                        sorted.insert(place, value);
                    }
                }
                self.list(sorted.into_iter());
            }
        }
    }

    fn list<'a>(&mut self, values: impl ExactSizeIterator<Item = &'a str>) {
        (self.0)(&(values.len() as u64).to_le_bytes());
        for value in values {
            self.text(value);
        }
    }

    fn optional(&mut self, value: Option<&str>) {
        (self.0)(&[u8::from(value.is_some())]);
        if let Some(value) = value {
            self.text(value);
        }
    }

    fn text(&mut self, text: &str) {
        (self.0)(&(text.len() as u64).to_le_bytes());
        (self.0)(text.as_bytes());
    }
}

/// Limits of the cache. Durations are in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExchangeCacheLimits {
    /// The maximum number of entries. 0 disables the cache.
    pub(crate) max_entries: u32,
    /// The maximum size in bytes, including overheads.
    pub(crate) max_bytes: u32,
    /// How long before its expiry a token is no longer returned.
    pub(crate) skew: u64,
    pub(crate) max_age: u64,
    /// The assumed lifetime of a token without `expires_in`.
    pub(crate) default_lifetime: u64,
}

impl Default for ExchangeCacheLimits {
    fn default() -> Self {
        Self {
            max_entries: 1024,
            max_bytes: 4 * 1024 * 1024,
            skew: 30_000,
            max_age: 3_600_000,
            default_lifetime: 300_000,
        }
    }
}

/// The subject and the targets, for [`ExchangedTokens::invalidate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    /// `None` for the client's own tokens.
    pub(super) subject: Option<String>,
    pub(super) targets: Vec<String>,
}

impl Owner {
    /// Whether it matches the filter.
    pub(super) fn matches(&self, subject: Option<&str>, target: Option<&str>) -> bool {
        subject.is_none_or(|subject| self.subject.as_deref() == Some(subject))
            && target.is_none_or(|target| self.targets.iter().any(|own| own == target))
    }

    fn weight(&self) -> usize {
        self.subject.as_ref().map_or(0, String::len)
            + self.targets.iter().map(|t| t.len() + 24).sum::<usize>()
    }
}

#[derive(Debug)]
struct Entry {
    token: Rc<Token>,
    owner: Owner,
    stored_at: UnixMillis,
    good_until: UnixMillis,
}

impl Entry {
    fn weight(&self) -> usize {
        self.token.weight() + self.owner.weight() + ENTRY_BYTES
    }
}

/// The cache. The least recently used tokens are evicted first.
#[derive(Debug)]
pub(super) struct ExchangedTokens {
    limits: ExchangeCacheLimits,
    entries: LruCache<CacheKey, Entry>,
    bytes: usize,
}

impl ExchangedTokens {
    pub(super) fn new(limits: ExchangeCacheLimits) -> Self {
        Self {
            limits,
            entries: LruCache::unbounded(),
            bytes: 0,
        }
    }

    /// Finds a token that is still valid. One that was stored in the future, because the clock
    /// jumped back, is not.
    pub(super) fn find(&mut self, key: &CacheKey, now: UnixMillis) -> Option<Rc<Token>> {
        let entry = self.entries.get(key)?;
        if (entry.stored_at..entry.good_until).contains(&now) {
            return Some(Rc::clone(&entry.token));
        }
        self.remove(key);
        None
    }

    /// Stores a token that was requested at `asked_at` until it expires, less the skew, and not
    /// beyond `user_until`, when the user's own token expires.
    pub(super) fn insert(
        &mut self,
        key: CacheKey,
        token: &Rc<Token>,
        owner: Owner,
        asked_at: UnixMillis,
        user_until: Option<UnixMillis>,
        now: UnixMillis,
    ) {
        let limits = self.limits;
        let expires = token
            .expires_at
            .unwrap_or(asked_at.saturating_add(limits.default_lifetime));
        let good_until = expires
            .saturating_sub(limits.skew)
            .min(asked_at.saturating_add(limits.max_age))
            .min(user_until.unwrap_or(u64::MAX));
        let entry = Entry {
            token: Rc::clone(token),
            owner,
            stored_at: now,
            good_until,
        };
        self.remove(&key);
        let max_bytes = limits.max_bytes as usize;
        if good_until <= now || entry.weight() > max_bytes {
            return;
        }
        self.bytes += entry.weight();
        self.entries.put(key, entry);
        while self.entries.len() > limits.max_entries as usize || self.bytes > max_bytes {
            let Some((_, oldest)) = self.entries.pop_lru() else {
                break;
            };
            self.bytes -= oldest.weight();
        }
    }

    fn remove(&mut self, key: &CacheKey) {
        if let Some(entry) = self.entries.pop(key) {
            self.bytes -= entry.weight();
        }
    }

    /// Removes a token if it is the refused one: another request may have replaced it.
    pub(super) fn remove_if(&mut self, key: &CacheKey, access_token: &str) {
        let is_it = |entry: &Entry| entry.token.access_token.expose() == access_token;
        if self.entries.peek(key).is_some_and(is_it) {
            self.remove(key);
        }
    }

    /// Removes tokens of a subject, for a target, of both, or all. Returns how many.
    pub(super) fn invalidate(&mut self, subject: Option<&str>, target: Option<&str>) -> usize {
        let meant: Vec<CacheKey> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.owner.matches(subject, target))
            .map(|(key, _)| *key)
            .collect();
        for key in &meant {
            self.remove(key);
        }
        meant.len()
    }

    /// The current number of tokens and bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.entries.len(), self.bytes)
    }
}

#[cfg(test)]
#[path = "exchanged_tokens/tests.rs"]
mod tests;
