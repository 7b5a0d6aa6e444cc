//! The keys of a deployment.
//!
//! The deployment secret from the configuration encrypts the root keys, and the root keys encrypt
//! everything else. So the secret can be replaced while the server runs: the root keys are encrypted
//! again, and every token stays valid. The configuration has the new secret first and the old one
//! behind it, until all instances have it.

use super::partition::{KEYS, Partitions};
use super::record::{self, Reader, Unreadable, Writer};
use super::sealing::Key;
use super::storage::{Outage, Storage};
use crate::secret::Secret;
use crate::store::{Commit, Committed, Condition, Record};
use crate::task::Scheduler;

/// The key of the record in partition [`KEYS`].
pub(super) const RECORD: &str = "root";
const VERSION: u64 = 1;
/// What the sealed part is bound to.
const BOUND_TO: &[u8] = b"root keys";
/// Root keys that are kept. A token that was made under an older one is refused.
const ROOTS: usize = 8;

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct RootKeys {
    /// Never changes: the names of partitions depend on it.
    naming: Key,
    /// The newest is the last. Never empty.
    roots: Vec<(u8, Key)>,
}

/// Why the root keys cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RootKeysError {
    /// None of the configured secrets opens them.
    WrongSecret,
    /// The record is damaged, or of a newer version.
    Unreadable,
    /// The store did not answer.
    Outage(Outage),
}

impl From<Outage> for RootKeysError {
    fn from(outage: Outage) -> Self {
        Self::Outage(outage)
    }
}

impl From<Unreadable> for RootKeysError {
    fn from(Unreadable: Unreadable) -> Self {
        Self::Unreadable
    }
}

impl RootKeys {
    /// Reads the root keys from their record, or makes them if there is none. If they are encrypted with an older
    /// secret than the first, they are encrypted again.
    pub(super) async fn load(
        storage: &Storage,
        secrets: &[Secret],
        mut found: Option<Record>,
    ) -> Result<Self, RootKeysError> {
        loop {
            let condition = found.as_ref().map_or(Condition::Absent, |record| {
                Condition::Version(record.version.clone())
            });
            let keys = match &found {
                Some(record) => {
                    let (keys, secret) = Self::open(record, secrets)?;
                    if secret == 0 {
                        return Ok(keys);
                    }
                    keys
                }
                None => Self::generate(storage.scheduler()),
            };
            let value = keys.sealed(storage.scheduler(), &secrets[0]);
            let commit = Commit {
                conditions: vec![(RECORD.to_owned(), condition)],
                puts: vec![storage.put(RECORD, value, None)],
                deletes: Vec::new(),
            };
            if storage.commit(KEYS, commit).await? == Committed::Done {
                return Ok(keys);
            }
            // Another instance was faster: use what it wrote.
            found = storage.read_one(KEYS, RECORD).await?;
        }
    }

    /// Partition names.
    pub(super) fn partitions(&self) -> Partitions {
        Partitions::new(self.naming.subkey("partition names"))
    }

    /// A key for a purpose that stays the same for the life of the deployment.
    pub(super) fn stable(&self, purpose: &str) -> Key {
        self.naming.subkey(purpose)
    }

    /// The newest key for a purpose, and its id.
    pub(super) fn newest(&self, purpose: &str) -> (u8, Key) {
        let (id, root) = self.roots.last().expect("never empty");
        (*id, root.subkey(purpose))
    }

    /// The key for a purpose by its id.
    pub(super) fn by_id(&self, id: u8, purpose: &str) -> Option<Key> {
        let mut roots = self.roots.iter();
        let (_, root) = roots.find(|(own, _)| *own == id)?;
        Some(root.subkey(purpose))
    }

    fn generate(scheduler: &Scheduler) -> Self {
        Self {
            naming: Key::random(scheduler),
            roots: vec![(1, Key::random(scheduler))],
        }
    }

    fn sealed(&self, scheduler: &Scheduler, secret: &Secret) -> Vec<u8> {
        let roots = self.roots.iter().map(|(id, key)| {
            Writer::default()
                .number("id", u64::from(*id))
                .bytes("key", key.bytes())
        });
        let text = Writer::new(VERSION)
            .bytes("naming", self.naming.bytes())
            .records("roots", roots.collect())
            .into_bytes();
        let sealed = key_of(secret).seal(scheduler, BOUND_TO, &text);
        Writer::new(VERSION).bytes("sealed", &sealed).into_bytes()
    }

    /// The keys, and the index of the secret that opened them.
    fn open(record: &Record, secrets: &[Secret]) -> Result<(Self, usize), RootKeysError> {
        let object = record::parse(&record.value, VERSION)?;
        let sealed = Reader::new(&object).bytes("sealed")?;
        let mut secrets = secrets.iter().enumerate();
        let (index, text) = secrets
            .find_map(|(i, secret)| Some((i, key_of(secret).open(BOUND_TO, &sealed)?)))
            .ok_or(RootKeysError::WrongSecret)?;
        let object = record::parse(&text, VERSION)?;
        let reader = Reader::new(&object);
        let key = |reader: Reader<'_>, name| -> Result<Key, Unreadable> {
            Key::from_bytes(&reader.bytes(name)?).ok_or(Unreadable)
        };
        let mut roots = Vec::new();
        for root in reader.records("roots")? {
            let id = u8::try_from(root.number("id")?).map_err(|_| Unreadable)?;
            roots.push((id, key(root, "key")?));
        }
        if roots.is_empty() || roots.len() > ROOTS {
            return Err(RootKeysError::Unreadable);
        }
        let naming = key(reader, "naming")?;
        Ok((Self { naming, roots }, index))
    }
}

fn key_of(secret: &Secret) -> Key {
    Key::derive(secret.expose().as_bytes(), &[], "tollgate root keys")
}
