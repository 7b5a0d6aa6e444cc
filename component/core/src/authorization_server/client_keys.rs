//! The public keys of clients that authenticate with `private_key_jwt`.
//!
//! Keys at a `jwks_uri` are fetched, kept and refetched as those of issuers are: by the rules of
//! HTTP caches, by one caller for all, with a cooldown, and stale during an outage.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::rc::Rc;

use lru::LruCache;

use super::client::ClientKeys;
use super::client_rejection::ClientAuthenticationFailure;
use super::rejection::Rejection;
use super::sealing;
use crate::http_url::HttpUrl;
use crate::issuers::{KeyLocation, KeyPolicy, KeySource};
use crate::jose::JwkSet;

/// Key sets that are kept, in order of use.
const SOURCES: NonZeroUsize = NonZeroUsize::new(128).expect("not 0");
/// A key set: strangers can register clients, so it is less than for an issuer. Ten RSA-4096 keys
/// with certificates fit.
pub(super) const KEY_SET_BYTES: u32 = 64 * 1024;

/// See the module.
pub(super) struct ClientKeySources {
    sources: RefCell<LruCache<String, Rc<KeySource>>>,
}

impl ClientKeySources {
    pub(super) fn new() -> Self {
        Self {
            sources: RefCell::new(LruCache::new(SOURCES)),
        }
    }

    /// The source of these keys. The same source each time, so that keys are imported and fetched
    /// once.
    pub(super) fn of(&self, keys: &ClientKeys) -> Result<Rc<KeySource>, Rejection> {
        let name = match keys {
            ClientKeys::Uri(uri) => uri.clone(),
            ClientKeys::Inline(json) => sealing::hash(json),
        };
        let mut sources = self.sources.borrow_mut();
        if let Some(source) = sources.get(&name) {
            return Ok(Rc::clone(source));
        }
        let source = Rc::new(source(keys)?);
        sources.put(name, Rc::clone(&source));
        Ok(source)
    }
}

fn source(keys: &ClientKeys) -> Result<KeySource, Rejection> {
    // Checked when the client was registered.
    let unusable = |_| Rejection::StoredRecord;
    let (name, location) = match keys {
        ClientKeys::Uri(uri) => (uri.as_str(), KeyLocation::Uri(uri.clone())),
        ClientKeys::Inline(json) => {
            let set = JwkSet::parse(json.as_bytes()).map_err(|_| Rejection::StoredRecord)?;
            ("https://inline.invalid/", KeyLocation::Inline(Rc::new(set)))
        }
    };
    let url = HttpUrl::parse(name).map_err(unusable)?;
    let source = KeySource::new(name.to_owned(), url, location, true, KeyPolicy::default());
    Ok(source.with_key_set_bytes(KEY_SET_BYTES))
}

/// A key set that cannot be fetched says nothing about the client.
pub(super) fn unavailable(unavailable: crate::issuers::Unavailable) -> Rejection {
    let retry = u32::try_from(unavailable.retry_after).unwrap_or(u32::MAX);
    ClientAuthenticationFailure::KeysUnavailable(retry).into()
}
