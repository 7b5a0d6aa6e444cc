//! The most recently fetched keys, outside of any instance.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Keys that one instance fetched, for the other instances and its successors.
#[derive(Debug, Default)]
pub(super) struct KeySnapshot {
    latest: Mutex<(u64, Arc<str>)>,
    /// Outside the lock, because it is read at each call.
    version: AtomicU64,
}

impl KeySnapshot {
    /// Zero while the snapshot is empty.
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(super) fn latest(&self) -> (u64, Arc<str>) {
        self.latest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Replaces the snapshot if the text differs. Returns the version that the publisher has now
    /// seen: its own, if no other version came after `seen`.
    pub(super) fn publish(&self, state: String, seen: u64) -> u64 {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let (version, text) = &mut *latest;
        if **text == *state {
            return *version;
        }
        let up_to_date = *version == seen;
        *version += 1;
        *text = state.into();
        self.version.store(*version, Ordering::Release);
        if up_to_date { *version } else { seen }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_has_no_new_version() {
        let keys = KeySnapshot::default();
        assert_eq!(keys.publish("a".into(), 0), 1);
        assert_eq!(keys.publish("a".into(), 0), 1);
        assert_eq!(keys.version(), 1);
        assert_eq!(keys.latest(), (1, "a".into()));
    }

    #[test]
    fn a_reader_that_missed_a_version_gets_it() {
        let keys = KeySnapshot::default();
        keys.publish("a".into(), 0);
        assert_eq!(keys.publish("b".into(), 0), 0, "has not seen a");
        assert_eq!(keys.version(), 2);
    }
}
