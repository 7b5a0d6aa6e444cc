//! Exported keys, so that a new isolate need not fetch them.

use std::rc::Rc;

use super::fetched_state::Stored;
use super::source::KeySource;
use crate::capability::UnixMillis;
use crate::jose::JwkSet;
use crate::json::{Json, Number, Object};
use crate::limits;

/// The version of this format. A snapshot of another version is ignored.
const VERSION: u64 = 1;
/// The depth of snapshot, issuers, entry, key set, key, members.
const DEPTH: usize = 8;

/// Why a snapshot is not imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotError {
    /// Longer than [`limits::SNAPSHOT_BYTES`].
    TooLarge,
    /// Not an object in the format of `export`.
    Form,
}

impl SnapshotError {
    /// What to do about it.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::TooLarge => "the text is larger than any export: give what export-keys returned",
            Self::Form => "the text is not an export of keys: give what export-keys returned",
        }
    }
}

/// All fetched keys: public members only.
#[must_use]
pub fn export(sources: &[KeySource]) -> String {
    let mut issuers = Vec::new();
    for source in sources {
        let Some(stored) = source.stored_keys() else {
            continue;
        };
        let keys = stored
            .value
            .keys
            .iter()
            .map(|key| Json::Object(key.to_jwk().into_owned()))
            .collect();
        let mut entry = Object::default();
        entry.insert("issuer", Json::String(source.issuer().into()));
        entry.insert("fetched_at", Json::Number(Number::from(stored.fetched_at)));
        entry.insert(
            "fresh_until",
            Json::Number(Number::from(stored.fresh_until)),
        );
        entry.insert("keys", Json::Array(keys));
        issuers.push(Json::Object(entry));
    }
    let mut snapshot = Object::default();
    snapshot.insert("version", Json::Number(Number::from(VERSION)));
    snapshot.insert("issuers", Json::Array(issuers));
    snapshot.to_string()
}

/// Imports exported keys into their sources. Returns how many sources took keys.
///
/// Skips entries that belong to other issuers, are from the future, or are older than the stored
/// keys. Shortens a fresh time that is longer than the policy allows.
///
/// # Errors
/// The text is not a snapshot.
pub fn import(sources: &[KeySource], text: &str, now: UnixMillis) -> Result<u32, SnapshotError> {
    if text.len() > limits::SNAPSHOT_BYTES {
        return Err(SnapshotError::TooLarge);
    }
    let snapshot = Object::parse(text.as_bytes(), DEPTH).map_err(|_| SnapshotError::Form)?;
    if number(&snapshot, "version") != Some(VERSION) {
        return Err(SnapshotError::Form);
    }
    let entries = snapshot
        .get("issuers")
        .and_then(Json::as_array)
        .ok_or(SnapshotError::Form)?;
    let mut taken = 0;
    for entry in entries.iter().filter_map(Json::as_object) {
        taken += u32::from(import_entry(sources, entry, now).is_some());
    }
    Ok(taken)
}

fn import_entry(sources: &[KeySource], entry: &Object<'_>, now: UnixMillis) -> Option<()> {
    let issuer = entry.get("issuer")?.as_str()?;
    let source = sources.iter().find(|source| source.issuer() == issuer)?;
    let fetched_at = number(entry, "fetched_at").filter(|at| *at <= now)?;
    let longest = fetched_at.saturating_add(source.policy().max_fresh);
    let fresh_until = number(entry, "fresh_until")?.min(longest);
    let mut set = Object::default();
    set.insert("keys", entry.get("keys")?.clone());
    let set = JwkSet::parse(set.to_string().as_bytes())
        .ok()
        .filter(|set| !set.keys.is_empty())?;
    // Known keys keep their prepared form, and the tokens that they verified stay in the cache.
    let set = source.keep_known_keys(set);
    source
        .store_keys_if_newer(Stored {
            value: Rc::new(set),
            fetched_at,
            fresh_until,
        })
        .then_some(())
}

fn number(object: &Object<'_>, name: &str) -> Option<u64> {
    object.get(name)?.as_number()?.as_u64()
}
