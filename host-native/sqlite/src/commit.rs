//! One commit, in SQL. The caller has begun a transaction.

use rusqlite::{Connection, OptionalExtension, params};
use tollgate_core::store::{Commit, Committed, Condition, UnixSeconds};

const VERSION: &str = "SELECT version FROM records WHERE partition = ?1 AND key = ?2 \
     AND (expires_at IS NULL OR expires_at > ?3)";

const PUT: &str = "INSERT INTO records (partition, key, version, expires_at, value) \
     VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (partition, key) DO UPDATE SET \
     version = excluded.version, expires_at = excluded.expires_at, value = excluded.value";

const DELETE: &str = "DELETE FROM records WHERE partition = ?1 AND key = ?2";

/// Times are at most [`tollgate_core::store::LATEST`].
pub(crate) fn seconds(time: UnixSeconds) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

/// Carries out a commit that is within the limits. If this fails, some of its changes may be in the
/// transaction.
pub(crate) fn apply(
    connection: &Connection,
    partition: &str,
    commit: &Commit,
    now: UnixSeconds,
) -> rusqlite::Result<Committed> {
    for (key, condition) in &commit.conditions {
        let mut statement = connection.prepare_cached(VERSION)?;
        let found: Option<String> = statement
            .query_row(params![partition, key, seconds(now)], |row| row.get(0))
            .optional()?;
        let holds = match condition {
            Condition::Absent => found.is_none(),
            Condition::Version(version) => found.as_ref() == Some(version),
        };
        if !holds {
            return Ok(Committed::Conflict);
        }
    }
    for key in &commit.deletes {
        connection
            .prepare_cached(DELETE)?
            .execute(params![partition, key])?;
    }
    for put in &commit.puts {
        connection.prepare_cached(PUT)?.execute(params![
            partition,
            put.key,
            put.version,
            put.expires_at.map(seconds),
            put.value
        ])?;
    }
    Ok(Committed::Done)
}
