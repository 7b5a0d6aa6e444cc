//! Deletes records that expired some time ago.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::params;
use tollgate_core::store::{StoreError, UnixSeconds};

use crate::commit::seconds;
use crate::connection::reading;
use crate::fault_log::FaultLog;
use crate::operation::operation;
use crate::queue::Queue;
use crate::writer::Change;

/// How long a record is kept after its expiry, in seconds. If the clock was wrong for a moment, what
/// it deletes is lost.
const KEPT: UnixSeconds = 3600;

/// The time from the start to the first sweep, and from one sweep to the next.
const FIRST: Duration = Duration::from_secs(300);
const NEXT: Duration = Duration::from_secs(3600);

/// Records that are looked at in one read transaction, and deleted in one change.
const LOOKED_AT: usize = 2000;
const DELETED: usize = 100;

/// The pause between two reads, for those who wait for the disk.
const PAUSE: Duration = Duration::from_millis(5);

const SCAN: &str = "SELECT partition, key, expires_at FROM records \
     WHERE (partition, key) > (?1, ?2) ORDER BY partition, key LIMIT ?3";

pub(crate) struct Sweeper {
    pub(crate) path: PathBuf,
    pub(crate) busy_timeout: Duration,
    pub(crate) queue: Arc<Queue<Change>>,
    pub(crate) log: Arc<FaultLog>,
}

impl Sweeper {
    /// Sweeps at most hourly, until the other end of `stop` is dropped.
    pub(crate) fn run(&self, stop: &Receiver<()>) {
        let mut pause = FIRST;
        while stop.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            pause = NEXT;
            let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH) else {
                continue;
            };
            let before = now.as_secs().saturating_sub(KEPT);
            let is_stopped = || stop.try_recv() == Err(TryRecvError::Disconnected);
            match self.sweep(before, &is_stopped) {
                Ok(0) | Err(_) => {}
                Ok(deleted) => tracing::debug!(deleted, "deleted expired records"),
            }
        }
    }

    /// Deletes what expired before this time, in small steps, and says how many records it were.
    /// The log has the errors.
    pub(crate) fn sweep(
        &self,
        before: UnixSeconds,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<u64, StoreError> {
        let report = |error| self.log.report(&error);
        let connection = reading(&self.path, self.busy_timeout).map_err(report)?;
        let mut last = (String::new(), String::new());
        let mut deleted = 0;
        loop {
            let found = scan(&connection, &last).map_err(report)?;
            for some in expired(&found, before).chunks(DELETED) {
                deleted += self.delete(some.to_vec(), before)?;
            }
            match found.into_iter().last() {
                Some((partition, key, _)) if !is_stopped() => last = (partition, key),
                _ => return Ok(deleted),
            }
            thread::sleep(PAUSE);
        }
    }

    fn delete(&self, keys: Vec<(String, String)>, before: UnixSeconds) -> Result<u64, StoreError> {
        let (operation, answer) = operation();
        let waker = thread_waker();
        operation.set_waker(&waker);
        let change = Change::DeleteExpired {
            keys,
            before,
            answer,
        };
        // Requests are more important: the next sweep tries again.
        self.queue
            .push(change, 0)
            .map_err(|_| StoreError::Unavailable)?;
        loop {
            if let Some(result) = operation.take() {
                return result;
            }
            thread::park();
        }
    }
}

type Found = (String, String, Option<i64>);

fn scan(
    connection: &rusqlite::Connection,
    (partition, key): &(String, String),
) -> rusqlite::Result<Vec<Found>> {
    let mut statement = connection.prepare_cached(SCAN)?;
    let limit = i64::try_from(LOOKED_AT).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![partition, key, limit], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    rows.collect()
}

fn expired(found: &[Found], before: UnixSeconds) -> Vec<(String, String)> {
    let is_expired = |end: Option<i64>| end.is_some_and(|end| end < seconds(before));
    let expired = found.iter().filter(|(_, _, end)| is_expired(*end));
    expired
        .map(|(partition, key, _)| (partition.clone(), key.clone()))
        .collect()
}

fn thread_waker() -> std::task::Waker {
    struct Unpark(thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    Arc::new(Unpark(thread::current())).into()
}
