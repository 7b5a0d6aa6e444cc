//! A cache of identities that were lifted out of the component.

use std::collections::HashMap;

use tollgate_config::Identity;

use super::bindings::exports::tollgate::auth::resource_server::IdentityId;

/// Identities of one instance by id. An id is never reused for another token, so an entry is valid
/// for the life of the instance. The component decides at each request whether it may be used.
#[derive(Debug, Default)]
pub(super) struct KnownIdentities {
    by_id: HashMap<IdentityId, Identity>,
    bytes: usize,
}

/// Above this size, the cache is cleared. It holds some thousands of common tokens, and is small
/// compared to the component's memory.
const MAX_BYTES: usize = 4 << 20;

impl KnownIdentities {
    pub(super) fn get(&self, id: IdentityId) -> Option<Identity> {
        self.by_id.get(&id).cloned()
    }

    pub(super) fn insert(&mut self, id: IdentityId, identity: Identity) {
        let cost = cost(&identity);
        if cost > MAX_BYTES {
            return;
        }
        if self.bytes + cost > MAX_BYTES {
            self.by_id.clear();
            self.bytes = 0;
        }
        if self.by_id.insert(id, identity).is_none() {
            self.bytes += cost;
        }
    }
}

/// The approximate size of an identity with parsed claims, in bytes.
fn cost(identity: &Identity) -> usize {
    const FIXED: usize = 512;
    // Parsed JSON takes at most about three times the memory of its text.
    FIXED + 4 * identity.claims_json().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(claims: usize) -> Identity {
        let record = serde_json::json!({
            "scopes": [],
            "issuer": "",
            "audience": [],
            "expires_at": 0,
            "actors": [],
            "claims": "x".repeat(claims),
        });
        serde_json::from_value(record).expect("a record")
    }

    #[test]
    fn memory_is_bounded() {
        let mut known = KnownIdentities::default();
        for id in 0..10 {
            known.insert(id, identity(MAX_BYTES / 16));
            assert!(known.bytes <= MAX_BYTES);
            assert!(known.get(id).is_some());
        }
        assert!(known.get(0).is_none());
        known.insert(10, identity(MAX_BYTES));
        assert!(known.get(10).is_none());
    }
}
