//! What the tests of this crate share.
#![allow(dead_code, reason = "each test file uses a part")]

use std::path::PathBuf;
use std::sync::mpsc;
use std::task::{Wake, Waker};

use tempfile::TempDir;
use tollgate_core::store::{Commit, Put, StoreError};
use tollgate_sqlite::{Operation, SqliteStore};

/// A folder with a database in it.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().expect("a folder"))
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path("issuer.db")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn open(&self) -> SqliteStore {
        SqliteStore::open(self.file()).expect("a store")
    }
}

/// Waits for the result of an operation, as a host does: it is woken.
pub(crate) fn wait<T>(operation: Operation<T>) -> Result<T, StoreError> {
    struct Sent(mpsc::Sender<()>);
    impl Wake for Sent {
        fn wake(self: std::sync::Arc<Self>) {
            let _ = self.0.send(());
        }
    }
    let (sender, woken) = mpsc::channel();
    operation.set_waker(&Waker::from(std::sync::Arc::new(Sent(sender))));
    woken.recv().expect("it wakes");
    operation.take().expect("a result")
}

pub(crate) fn put(key: &str, version: &str) -> Commit {
    commit(key, version, b"value")
}

pub(crate) fn commit(key: &str, version: &str, value: &[u8]) -> Commit {
    Commit {
        puts: vec![Put {
            key: key.to_owned(),
            version: version.to_owned(),
            value: value.to_vec(),
            expires_at: None,
        }],
        ..Commit::default()
    }
}
