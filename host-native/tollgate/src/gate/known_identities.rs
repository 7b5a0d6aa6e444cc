//! Identities that were lifted out of the component before.

use std::collections::HashMap;

use super::bindings::exports::tollgate::auth::resource_server::IdentityId;
use super::identity::Identity;

/// Identities of one instance by id. An id is never used for another token, so an entry is true
/// for as long as the instance lives; whether it may be used, the component says at each request.
#[derive(Debug, Default)]
pub(super) struct KnownIdentities {
    by_id: HashMap<IdentityId, Identity>,
    bytes: usize,
}

/// Above this, all are forgotten and lifted anew: room for some thousands of common tokens, and
/// little beside the memory of the component itself.
const MAX_BYTES: usize = 4 << 20;

impl KnownIdentities {
    pub(super) fn get(&self, id: IdentityId) -> Option<Identity> {
        self.by_id.get(&id).cloned()
    }

    pub(super) fn insert(&mut self, id: IdentityId, identity: Identity) {
        let cost = identity.cost();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::bindings::exports::tollgate::auth::resource_server as wit;

    fn identity(claims: usize) -> Identity {
        Identity::new(wit::Identity {
            subject: None,
            client_id: None,
            scopes: vec![],
            issuer: String::new(),
            audience: vec![],
            expires_at: 0,
            issued_at: None,
            actors: vec![],
            claims: "x".repeat(claims),
        })
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
