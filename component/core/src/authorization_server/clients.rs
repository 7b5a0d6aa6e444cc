//! Clients in the store.
//!
//! Each client is one record in a partition of its own. The directory lists the ids for
//! applications; nothing is decided by it. An entry is written before its client and deleted after
//! it, so a crash between the two leaves an entry without a client, which lists pass over and
//! delete. A client without an entry cannot come about.
//!
//! A client has an epoch, which is random, and its grants name it. So a client that is deleted takes
//! its grants along at once, without a search for them: no grant fits a client that is not there, or
//! one that was created later under the same id.

use super::client::Client;
use super::client_id_url::is_url;
use super::partition::Partitions;
use super::record::{self, Reader, Unreadable, Writer};
use super::rejection::Rejection;
use super::sealing;
use super::server::Server;
use crate::jose::base64url;
use crate::store::{Commit, Committed, Condition, Record, UnixSeconds};

/// The key of a client's record in its partition.
const CLIENT: &str = "client";
/// What keys of the directory begin with.
const ENTRY: &str = "client/";
/// The longest `client_id`: the length of URLs that all browsers accept.
pub(super) const ID_BYTES: usize = 2048;
/// How long the record of an expired registration is kept, so that its owner is told that it has
/// expired: three months.
const EXPIRED_KEPT: u64 = 90 * 86_400;
/// Attempts to change a record that others change at the same time.
const ATTEMPTS: u32 = 5;
/// A directory entry without a client may belong to one that is just being created. After an hour it
/// does not: a commit takes seconds.
const CREATION: u64 = 3600;

/// Ids of clients, as the directory lists them.
pub(super) struct ClientIds {
    pub(super) clients: Vec<Client>,
    /// Where the next page begins. `None`: there is none.
    pub(super) next: Option<Place>,
}

/// A place in the directory: behind a key of a partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    partition: u8,
    after: Option<String>,
}

impl Place {
    /// A text for the application.
    pub(super) fn text(&self) -> String {
        let after = self.after.as_deref().unwrap_or_default();
        base64url::encode(format!("{} {after}", self.partition).as_bytes())
    }

    /// Reads [`Self::text`].
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let text = String::from_utf8(base64url::decode(text)?).ok()?;
        let (partition, after) = text.split_once(' ')?;
        let is_key = after.is_empty() || after.starts_with(ENTRY) && after.len() <= 128;
        let is_plain = after.bytes().all(|b| b.is_ascii_graphic());
        (is_key && is_plain).then_some(Self {
            partition: partition.parse().ok()?,
            after: Some(after.to_owned()).filter(|after| !after.is_empty()),
        })
    }
}

/// An entry of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    id: String,
    epoch: u64,
    written_at: UnixSeconds,
}

impl Entry {
    const VERSION: u64 = 1;

    fn key(id: &str) -> String {
        format!("{ENTRY}{}", sealing::hash(id))
    }

    fn to_record(&self) -> Vec<u8> {
        Writer::new(Self::VERSION)
            .text("id", &self.id)
            .number("epoch", self.epoch)
            .number("written_at", self.written_at)
            .into_bytes()
    }

    fn from_record(bytes: &[u8]) -> Result<Self, Unreadable> {
        let object = record::parse(bytes, Self::VERSION)?;
        let reader = Reader::new(&object);
        Ok(Self {
            id: reader.text("id")?.to_owned(),
            epoch: reader.number("epoch")?,
            written_at: reader.number("written_at")?,
        })
    }
}

/// The condition that a record is still the one that was read.
fn unchanged(record: Option<&Record>) -> Condition {
    record.map_or(Condition::Absent, |record| {
        Condition::Version(record.version.clone())
    })
}

impl Server {
    /// The client of a `client_id`: of the configuration, of a client ID metadata document, or of
    /// the store.
    pub(super) async fn client(&self, id: &str) -> Result<Client, Rejection> {
        let mut configured = self.settings.clients.iter();
        if let Some(client) = configured.find(|client| client.id == id) {
            return Ok(client.clone());
        }
        if is_url(id) {
            return self.document_client(id).await;
        }
        let client = self.stored_client(id).await?;
        let (client, _) = client.ok_or(Rejection::UnknownClient)?;
        match client.expires_at {
            Some(end) if end <= self.storage.now() => Err(Rejection::RegistrationExpired),
            _ => Ok(client),
        }
    }

    /// The client in the store, expired or not.
    async fn stored_client(&self, id: &str) -> Result<Option<(Client, Record)>, Rejection> {
        if id.is_empty() || id.len() > ID_BYTES {
            return Ok(None);
        }
        let partition = self.keys().await?.partitions.client(id);
        let Some(record) = self.storage.read_one(&partition, CLIENT).await? else {
            return Ok(None);
        };
        let client = Client::from_record(&record.value)?;
        if client.id == id {
            Ok(Some((client, record)))
        } else {
            Err(Rejection::StoredRecord)
        }
    }

    /// A new id: 128 random bits.
    pub(super) fn new_client_id(&self) -> String {
        let mut id = [0; 16];
        self.scheduler().random(&mut id);
        base64url::encode(&id)
    }

    /// A new epoch, never that of a client which is not in the store (0). It has 53 bits, as whole
    /// numbers in JSON have.
    pub(super) fn new_epoch(&self) -> u64 {
        let mut bytes = [0; 8];
        self.scheduler().random(&mut bytes);
        (u64::from_le_bytes(bytes) >> 11).max(1)
    }

    /// Stores a new client.
    pub(super) async fn insert_client(&self, client: &Client) -> Result<(), Rejection> {
        self.write_entry(client).await?;
        match self.write_client(client, Condition::Absent).await? {
            Committed::Done => Ok(()),
            Committed::Conflict => Err(Rejection::ClientExists),
        }
    }

    /// Changes a client in the store. `change` may be called several times; it gets the client as it
    /// is then.
    pub(super) async fn change_client<T>(
        &self,
        id: &str,
        change: impl Fn(Client) -> Result<(Client, T), Rejection>,
    ) -> Result<(Client, T), Rejection> {
        for _ in 0..ATTEMPTS {
            let found = self.stored_client(id).await?;
            let (client, record) = found.ok_or(Rejection::UnknownClient)?;
            let end = client.expires_at;
            let (client, result) = change(client)?;
            if client.expires_at != end {
                self.write_entry(&client).await?;
            }
            let condition = unchanged(Some(&record));
            if self.write_client(&client, condition).await? == Committed::Done {
                return Ok((client, result));
            }
        }
        Err(Rejection::Contention)
    }

    /// Deletes a client. Its grants end with the answer.
    pub(super) async fn remove_client(&self, id: &str) -> Result<(), Rejection> {
        for _ in 0..ATTEMPTS {
            let found = self.stored_client(id).await?;
            let (client, record) = found.ok_or(Rejection::UnknownClient)?;
            let partition = self.keys().await?.partitions.client(id);
            let commit = Commit {
                conditions: vec![(CLIENT.to_owned(), unchanged(Some(&record)))],
                puts: Vec::new(),
                deletes: vec![CLIENT.to_owned()],
            };
            if self.storage.commit(&partition, commit).await? == Committed::Done {
                // The client is gone: the directory may lag.
                let _ = self.delete_entry(id, Some(client.epoch)).await;
                return Ok(());
            }
        }
        Err(Rejection::Contention)
    }

    /// Renews the registration of a client that was just used, if less than half of its time is
    /// left. An outage does not matter: the next use renews it.
    pub(super) async fn renew_registration(&self, client: &Client) {
        if !self.is_half_over(client) {
            return;
        }
        let now = self.storage.now();
        let renewed = self.change_client(&client.id, |mut current| {
            if current.epoch == client.epoch && self.is_half_over(&current) {
                current.expires_at = current.lifetime.map(|lifetime| now + lifetime);
                Ok((current, ()))
            } else {
                // Another request was faster.
                Err(Rejection::UnknownClient)
            }
        });
        let _ = renewed.await;
    }

    fn is_half_over(&self, client: &Client) -> bool {
        match (client.expires_at, client.lifetime) {
            (Some(end), Some(lifetime)) => end.saturating_sub(self.storage.now()) < lifetime / 2,
            _ => false,
        }
    }

    /// A page of the clients in the store, in a stable order: a client that exists during a whole
    /// walk is on exactly one page. A page may have fewer than `limit`, even if there are more.
    pub(super) async fn clients_from(
        &self,
        mut place: Place,
        limit: usize,
    ) -> Result<ClientIds, Rejection> {
        let mut clients = Vec::new();
        let mut looked_at = 0;
        while let Some(partition) = Partitions::directory_at(place.partition) {
            let left = u32::try_from(limit.saturating_sub(looked_at)).unwrap_or(u32::MAX);
            if left == 0 {
                let next = Some(place);
                return Ok(ClientIds { clients, next });
            }
            let after = place.after.as_deref();
            let page = self.storage.list(&partition, ENTRY, after, left).await?;
            for record in &page.records {
                looked_at += 1;
                place.after = Some(record.key.clone());
                clients.extend(self.listed_client(record).await?);
            }
            if !page.more {
                place = Place {
                    partition: place.partition + 1,
                    after: None,
                };
            }
        }
        Ok(ClientIds {
            clients,
            next: None,
        })
    }

    /// The client of a directory entry, if there is one.
    async fn listed_client(&self, record: &Record) -> Result<Option<Client>, Rejection> {
        let entry = Entry::from_record(&record.value)?;
        let now = self.storage.now();
        match self.stored_client(&entry.id).await? {
            Some((client, _)) if client.expires_at.is_some_and(|end| end <= now) => Ok(None),
            Some((client, _)) => Ok(Some(client)),
            None => {
                if now.saturating_sub(entry.written_at) > CREATION {
                    // What a crash left behind. If this fails, the next list tries again.
                    let _ = self.delete_entry(&entry.id, None).await;
                }
                Ok(None)
            }
        }
    }

    async fn write_client(
        &self,
        client: &Client,
        condition: Condition,
    ) -> Result<Committed, Rejection> {
        let partition = self.keys().await?.partitions.client(&client.id);
        let put = self
            .storage
            .put(CLIENT, client.to_record(), record_end(client));
        let commit = Commit {
            conditions: vec![(CLIENT.to_owned(), condition)],
            puts: vec![put],
            deletes: Vec::new(),
        };
        Ok(self.storage.commit(&partition, commit).await?)
    }

    async fn write_entry(&self, client: &Client) -> Result<(), Rejection> {
        let partition = self.keys().await?.partitions.directory(&client.id);
        let key = Entry::key(&client.id);
        let entry = Entry {
            id: client.id.clone(),
            epoch: client.epoch,
            written_at: self.storage.now(),
        };
        for _ in 0..ATTEMPTS {
            let found = self.storage.read_one(&partition, &key).await?;
            let commit = Commit {
                conditions: vec![(key.clone(), unchanged(found.as_ref()))],
                puts: vec![
                    self.storage
                        .put(key.clone(), entry.to_record(), record_end(client)),
                ],
                deletes: Vec::new(),
            };
            if self.storage.commit(&partition, commit).await? == Committed::Done {
                return Ok(());
            }
        }
        Err(Rejection::Contention)
    }

    /// Deletes the entry of a client. With an epoch, only that of this very client: another may have
    /// been created under the same id meanwhile.
    async fn delete_entry(&self, id: &str, epoch: Option<u64>) -> Result<(), Rejection> {
        let partition = self.keys().await?.partitions.directory(id);
        let key = Entry::key(id);
        let Some(found) = self.storage.read_one(&partition, &key).await? else {
            return Ok(());
        };
        let entry = Entry::from_record(&found.value)?;
        let is_recent = self.storage.now().saturating_sub(entry.written_at) <= CREATION;
        if epoch.map_or(is_recent, |epoch| entry.epoch != epoch) {
            return Ok(());
        }
        let commit = Commit {
            conditions: vec![(key.clone(), unchanged(Some(&found)))],
            puts: Vec::new(),
            deletes: vec![key],
        };
        self.storage.commit(&partition, commit).await?;
        Ok(())
    }
}

/// When the records of a client may be deleted.
fn record_end(client: &Client) -> Option<UnixSeconds> {
    client.expires_at.map(|end| end + EXPIRED_KEPT)
}

#[cfg(test)]
#[path = "clients/tests.rs"]
mod tests;
