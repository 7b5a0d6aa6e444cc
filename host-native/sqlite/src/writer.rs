//! The thread that writes. Commits that wait are written in one transaction, so that the disk is
//! waited for once; each commit's conditions decide about that commit alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, ErrorCode};
use tollgate_core::store::{Commit, Committed, StoreError, UnixSeconds};

use crate::commit::{apply, seconds};
use crate::fault_log::FaultLog;
use crate::operation::Answer;
use crate::queue::Queue;

/// Commits of one transaction at most, and the bytes of values after which no more are added: the
/// first of them must not wait long for the others.
const COMMITS_TOGETHER: usize = 256;
const BYTES_TOGETHER: usize = 8 * 1024 * 1024;

/// What the thread is asked to do.
pub(crate) enum Change {
    Commit {
        partition: String,
        commit: Commit,
        now: UnixSeconds,
        answer: Answer<Committed>,
    },
    /// Deletes these records if they expired before that time. The answer is how many there were.
    DeleteExpired {
        keys: Vec<(String, String)>,
        before: UnixSeconds,
        answer: Answer<u64>,
    },
}

/// What the thread has done so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) commits: AtomicU64,
    pub(crate) conflicts: AtomicU64,
    pub(crate) transactions: AtomicU64,
}

impl Change {
    /// The values that it writes: its weight in the queue.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Commit { commit, .. } => commit.puts.iter().map(|put| put.value.len()).sum(),
            Self::DeleteExpired { .. } => 0,
        }
    }

    fn fail(self, error: StoreError) {
        match self {
            Self::Commit { answer, .. } => answer.give(Err(error)),
            Self::DeleteExpired { answer, .. } => answer.give(Err(error)),
        }
    }
}

/// The result of a change whose transaction is not committed yet.
enum Outcome {
    Committed(Committed),
    Deleted(u64),
    Failed(StoreError),
}

/// If the thread panics, nobody waits for it.
struct Abandoned(Arc<Queue<Change>>);

impl Drop for Abandoned {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) queue: Arc<Queue<Change>>,
    pub(crate) log: Arc<FaultLog>,
    pub(crate) counts: Arc<Counts>,
}

impl Writer {
    /// Writes until the queue is closed and empty.
    pub(crate) fn run(self) {
        let _guard = Abandoned(Arc::clone(&self.queue));
        while let Some(first) = self.queue.pop() {
            let mut left = BYTES_TOGETHER.saturating_sub(first.bytes());
            let mut changes = vec![first];
            while changes.len() < COMMITS_TOGETHER
                && let Some((next, bytes)) = self.queue.pop_lighter(left)
            {
                left -= bytes;
                changes.push(next);
            }
            self.write(changes);
        }
    }

    /// Carries out some changes in one transaction. Nobody gets a result before it is durable: not
    /// a conflict either, for it may be with a commit of the same transaction.
    fn write(&self, changes: Vec<Change>) {
        match self.transaction(&changes) {
            Ok(outcomes) => {
                self.counts.transactions.fetch_add(1, Ordering::Relaxed);
                for (change, outcome) in changes.into_iter().zip(outcomes) {
                    self.settle(change, outcome);
                }
            }
            Err(error) => {
                if !self.connection.is_autocommit()
                    && let Err(error) = self.connection.execute_batch("ROLLBACK")
                {
                    self.log.report(&error);
                }
                let is_full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
                if is_full && changes.len() > 1 {
                    // SQLite gives up a whole transaction for the one change that does not fit.
                    for change in changes {
                        self.write(vec![change]);
                    }
                    return;
                }
                let error = self.log.report(&error);
                for change in changes {
                    change.fail(error);
                }
            }
        }
    }

    fn transaction(&self, changes: &[Change]) -> rusqlite::Result<Vec<Outcome>> {
        let run = |sql| self.connection.prepare_cached(sql)?.execute(());
        // It takes the lock before the first condition is read.
        run("BEGIN IMMEDIATE")?;
        let mut outcomes = Vec::with_capacity(changes.len());
        for change in changes {
            run("SAVEPOINT one")?;
            let outcome = match self.carry_out(change) {
                Ok(outcome) => outcome,
                // SQLite has given up the whole transaction.
                Err(error) if self.connection.is_autocommit() => return Err(error),
                Err(error) => {
                    run("ROLLBACK TO one")?;
                    Outcome::Failed(self.log.report(&error))
                }
            };
            run("RELEASE one")?;
            outcomes.push(outcome);
        }
        run("COMMIT")?;
        Ok(outcomes)
    }

    fn carry_out(&self, change: &Change) -> rusqlite::Result<Outcome> {
        match change {
            Change::Commit {
                partition,
                commit,
                now,
                ..
            } => apply(&self.connection, partition, commit, *now).map(Outcome::Committed),
            Change::DeleteExpired { keys, before, .. } => {
                let mut statement = self.connection.prepare_cached(
                    "DELETE FROM records WHERE partition = ?1 AND key = ?2 AND expires_at < ?3",
                )?;
                let mut deleted = 0;
                for (partition, key) in keys {
                    deleted += statement.execute((partition, key, seconds(*before)))?;
                }
                Ok(Outcome::Deleted(u64::try_from(deleted).unwrap_or(u64::MAX)))
            }
        }
    }

    fn settle(&self, change: Change, outcome: Outcome) {
        match (change, outcome) {
            (Change::Commit { answer, .. }, Outcome::Committed(committed)) => {
                let count = match committed {
                    Committed::Done => &self.counts.commits,
                    Committed::Conflict => &self.counts.conflicts,
                };
                count.fetch_add(1, Ordering::Relaxed);
                answer.give(Ok(committed));
            }
            (Change::DeleteExpired { answer, .. }, Outcome::Deleted(count)) => {
                answer.give(Ok(count));
            }
            (change, Outcome::Failed(error)) => change.fail(error),
            // Not reached: a change has an outcome of its own kind.
            (change, _) => change.fail(StoreError::Failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::connection::writing;
    use crate::operation::operation;
    use crate::schema;

    /// The sweeper looks first, and asks later.
    #[test]
    fn a_record_that_was_written_again_is_not_swept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        std::fs::write(&path, b"").expect("a file");
        let mut connection = writing(&path, Duration::ZERO).expect("a connection");
        schema::prepare(&mut connection).expect("the schema");
        let insert =
            "INSERT INTO records VALUES ('p', 'a', 'v', 99, x''), ('p', 'b', 'v', 100, x''),
            ('p', 'c', 'v', NULL, x'')";
        connection.execute_batch(insert).expect("records");
        let writer = Writer {
            connection,
            queue: Arc::new(Queue::new(1, 1)),
            log: Arc::new(FaultLog::new(path)),
            counts: Arc::default(),
        };
        let (operation, answer) = operation();
        let key = |key: &str| ("p".to_owned(), key.to_owned());
        writer.write(vec![Change::DeleteExpired {
            keys: vec![key("a"), key("b"), key("c")],
            before: 100,
            answer,
        }]);
        assert_eq!(operation.take(), Some(Ok(1)));
        let left: i64 = writer
            .connection
            .query_row("SELECT count(*) FROM records WHERE key <> 'a'", (), |row| {
                row.get(0)
            })
            .expect("a number");
        assert_eq!(left, 2);
    }
}
