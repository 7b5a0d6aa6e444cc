//! What an operation may ask for. Every store checks it before anything else, so that a fault of its
//! caller cannot write what no other store would take.

use std::collections::HashSet;

use super::{
    BYTES_AT_ONCE, Commit, KEY_BYTES, KEYS_AT_ONCE, LATEST, PAGE_RECORDS, PARTITION_BYTES,
    UnixSeconds, VALUE_BYTES, VERSION_BYTES,
};

/// Whether [`Store::read`](super::Store::read) may be asked for this.
#[must_use]
pub fn read_is_within_limits(partition: &str, keys: &[&str], now: UnixSeconds) -> bool {
    is_name(partition, PARTITION_BYTES)
        && now <= LATEST
        && keys.len() <= KEYS_AT_ONCE
        && keys.iter().all(|key| is_key(key))
}

/// Whether [`Store::list`](super::Store::list) may be asked for this.
#[must_use]
pub fn list_is_within_limits(
    partition: &str,
    prefix: &str,
    after: Option<&str>,
    limit: u32,
    now: UnixSeconds,
) -> bool {
    is_name(partition, PARTITION_BYTES)
        && now <= LATEST
        && (prefix.is_empty() || is_key(prefix))
        && after.is_none_or(is_key)
        && (1..=PAGE_RECORDS).contains(&limit)
}

impl Commit {
    /// Whether [`Store::commit`](super::Store::commit) may be asked for this.
    #[must_use]
    pub fn is_within_limits(&self, partition: &str, now: UnixSeconds) -> bool {
        is_name(partition, PARTITION_BYTES)
            && now <= LATEST
            && self.conditions.len() <= KEYS_AT_ONCE
            && self.puts.len() + self.deletes.len() <= KEYS_AT_ONCE
            && self.conditions_are_valid()
            && self.puts_are_valid()
            && self.deletes.iter().all(|key| is_key(key))
            && all_differ(self.conditions.iter().map(|(key, _)| key.as_str()))
            && all_differ(self.changed_keys())
    }

    /// The keys that it writes or deletes.
    pub fn changed_keys(&self) -> impl Iterator<Item = &str> {
        let written = self.puts.iter().map(|put| put.key.as_str());
        written.chain(self.deletes.iter().map(String::as_str))
    }

    fn conditions_are_valid(&self) -> bool {
        self.conditions.iter().all(|(key, condition)| {
            let version_is_valid = match condition {
                super::Condition::Absent => true,
                super::Condition::Version(version) => is_name(version, VERSION_BYTES),
            };
            is_key(key) && version_is_valid
        })
    }

    fn puts_are_valid(&self) -> bool {
        let bytes: usize = self.puts.iter().map(|put| put.value.len()).sum();
        bytes <= BYTES_AT_ONCE
            && self.puts.iter().all(|put| {
                is_key(&put.key)
                    && is_name(&put.version, VERSION_BYTES)
                    && put.value.len() <= VALUE_BYTES
                    && put.expires_at.is_none_or(|end| end <= LATEST)
            })
    }
}

/// Printable ASCII: the order of such keys is the same by bytes, by characters and by UTF-16 units.
fn is_key(key: &str) -> bool {
    (1..=KEY_BYTES).contains(&key.len()) && key.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn is_name(name: &str, longest: usize) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=longest).contains(&name.len()) && name.bytes().all(allowed)
}

fn all_differ<'a>(mut keys: impl Iterator<Item = &'a str>) -> bool {
    let mut seen = HashSet::new();
    keys.all(|key| seen.insert(key))
}
