//! What all endpoints use: the settings, the store and the keys of the deployment.

use std::cell::RefCell;
use std::rc::Rc;

use super::client_keys::ClientKeySources;
use super::client_metadata_document::Documents;
use super::compile::Settings;
use super::metadata;
use super::partition::Partitions;
use super::rejection::Rejection;
use super::root_keys::RootKeys;
use super::storage::Storage;
use crate::task::Scheduler;

/// See the module.
pub(super) struct Server {
    pub(super) settings: Settings,
    pub(super) storage: Storage,
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
}

impl Server {
    pub(super) fn new(settings: Settings, storage: Storage) -> Self {
        let verifying = storage.scheduler().host().verifying_algorithms();
        Self {
            metadata: metadata::document(&settings, &verifying),
            settings,
            storage,
            documents: Documents::new(),
            client_keys: ClientKeySources::new(),
            keys: RefCell::default(),
        }
    }

    pub(super) fn scheduler(&self) -> &Rc<Scheduler> {
        self.storage.scheduler()
    }

    /// The keys of the deployment. They are read once.
    pub(super) async fn keys(&self) -> Result<Rc<ServerKeys>, Rejection> {
        if let Some(keys) = &*self.keys.borrow() {
            return Ok(Rc::clone(keys));
        }
        let root = RootKeys::load(&self.storage, &self.settings.secrets).await?;
        let keys = Rc::new(ServerKeys {
            partitions: root.partitions(),
            root,
        });
        *self.keys.borrow_mut() = Some(Rc::clone(&keys));
        Ok(keys)
    }
}
