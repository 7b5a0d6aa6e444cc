//! What all endpoints use: the settings, the store and the keys of the deployment.

use std::cell::RefCell;
use std::rc::Rc;

use super::client_keys::ClientKeySources;
use super::client_metadata_document::Documents;
use super::compile::Settings;
use super::hooks::Hooks;
use super::metadata;
use super::opaque_token::GrantId;
use super::partition::{KEYS, Partitions};
use super::rejection::Rejection;
use super::root_keys::{self, RootKeys};
use super::sealing::Key;
use super::signing_keys::{self, SigningKeys};
use super::storage::Storage;
use super::undelivered::Undelivered;
use crate::secret::Secret;
use crate::store::UnixSeconds;
use crate::task::Scheduler;

/// How long an instance uses the keys that it read, in seconds. A new key is published a day before
/// it signs, so minutes do no harm.
const KEYS_FRESH: u64 = 300;
/// How long it uses them while the store does not answer, in seconds.
const KEYS_STALE: u64 = 3600;

/// See the module.
pub(super) struct Server {
    pub(super) settings: Settings,
    pub(super) storage: Storage,
    pub(super) hooks: Rc<dyn Hooks>,
    pub(super) undelivered: Undelivered,
    pub(super) documents: Documents,
    pub(super) client_keys: ClientKeySources,
    /// The metadata document.
    pub(super) metadata: String,
    keys: RefCell<Option<Rc<ServerKeys>>>,
}

/// The keys of the deployment, as they were when they were read.
pub(super) struct ServerKeys {
    pub(super) root: RootKeys,
    pub(super) partitions: Partitions,
    pub(super) signing: SigningKeys,
    /// The key that keys for tokens are derived from.
    tokens: Key,
    read_at: UnixSeconds,
}

impl Server {
    pub(super) fn new(settings: Settings, storage: Storage, hooks: Rc<dyn Hooks>) -> Self {
        let verifying = storage.scheduler().host().verifying_algorithms();
        Self {
            metadata: metadata::document(&settings, &verifying),
            settings,
            storage,
            hooks,
            undelivered: Undelivered::default(),
            documents: Documents::new(),
            client_keys: ClientKeySources::new(),
            keys: RefCell::default(),
        }
    }

    pub(super) fn scheduler(&self) -> &Rc<Scheduler> {
        self.storage.scheduler()
    }

    /// The keys of the deployment. They are read again when they are some minutes old.
    pub(super) async fn keys(&self) -> Result<Rc<ServerKeys>, Rejection> {
        let known = self.keys.borrow().clone();
        let now = self.storage.now();
        let age = known.as_ref().map(|keys| now.saturating_sub(keys.read_at));
        if let (Some(keys), Some(age)) = (&known, age)
            && age < KEYS_FRESH
        {
            return Ok(Rc::clone(keys));
        }
        match (self.read_keys(now).await, known, age) {
            (Ok(keys), _, _) => {
                *self.keys.borrow_mut() = Some(Rc::clone(&keys));
                Ok(keys)
            }
            (Err(Rejection::StoreUnavailable), Some(keys), Some(age)) if age < KEYS_STALE => {
                Ok(keys)
            }
            (Err(rejection), _, _) => Err(rejection),
        }
    }

    async fn read_keys(&self, now: UnixSeconds) -> Result<Rc<ServerKeys>, Rejection> {
        let records = [root_keys::RECORD, signing_keys::RECORD];
        let mut records = self.storage.read(KEYS, &records).await?;
        let (signing, root) = (records.pop().flatten(), records.pop().flatten());
        let root = RootKeys::load(&self.storage, &self.settings.secrets, root).await?;
        let lifetime = self.settings.access_token_lifetime;
        Ok(Rc::new(ServerKeys {
            partitions: root.partitions(),
            tokens: root.stable("token keys"),
            signing: SigningKeys::load(&self.storage, &root, lifetime, signing).await?,
            root,
            read_at: now,
        }))
    }
}

impl ServerKeys {
    /// A key that only who has a token can derive, and only with this deployment's keys.
    pub(super) fn token_key(&self, token: &Secret, purpose: &str) -> Key {
        Key::derive(token.expose().as_bytes(), self.tokens.bytes(), purpose)
    }

    /// The key of a grant's props, which was encrypted under a token.
    pub(super) fn open_props_key(
        &self,
        token: &Secret,
        grant: GrantId,
        sealed: &[u8],
    ) -> Result<Key, Rejection> {
        let key = self.token_key(token, "props key");
        let opened = key.open(&grant.0, sealed);
        let key = opened.and_then(|bytes| Key::from_bytes(&bytes));
        key.ok_or(Rejection::StoredRecord)
    }
}
