//! What all endpoints use: the settings, the store and the keys of the deployment.

use std::cell::RefCell;
use std::rc::Rc;

use super::client::Client;
use super::compile::Settings;
use super::partition::Partitions;
use super::rejection::Rejection;
use super::root_keys::RootKeys;
use super::storage::Storage;
use crate::task::Scheduler;

/// See the module.
pub(super) struct Server {
    pub(super) settings: Settings,
    pub(super) storage: Storage,
    keys: RefCell<Option<Rc<ServerKeys>>>,
}

/// The keys of the deployment, as they were when they were read.
pub(super) struct ServerKeys {
    pub(super) root: RootKeys,
    pub(super) partitions: Partitions,
}

impl Server {
    pub(super) fn new(settings: Settings, storage: Storage) -> Self {
        Self {
            settings,
            storage,
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

    /// The client of a `client_id`.
    pub(super) async fn client(&self, id: &str) -> Result<Client, Rejection> {
        let mut configured = self.settings.clients.iter();
        if let Some(client) = configured.find(|client| client.id == id) {
            return Ok(client.clone());
        }
        let partition = self.keys().await?.partitions.client(id);
        let record = self.storage.read_one(&partition, "client").await?;
        let record = record.ok_or(Rejection::UnknownClient)?;
        let client = Client::from_record(&record.value)?;
        match client.expires_at {
            _ if client.id != id => Err(Rejection::StoredRecord),
            Some(end) if end <= self.storage.now() => Err(Rejection::RegistrationExpired),
            _ => Ok(client),
        }
    }
}
