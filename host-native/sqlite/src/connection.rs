//! Connections to the file, with the settings that every one needs.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// Statements that are kept prepared: more than there are.
const STATEMENTS: usize = 32;

/// Pages that a connection keeps in memory, in KiB. The system's cache has the others. Negative numbers
/// are SQLite's way to say that these are not pages.
const WRITER_CACHE: i64 = -32 * 1024;
const READER_CACHE: i64 = -8 * 1024;

/// The write-ahead log is cut to this size after a checkpoint. While a backup runs, it grows.
const LOG_BYTES: i64 = 64 * 1024 * 1024;

/// Opens a connection that writes. The file exists.
pub(crate) fn writing(path: &Path, busy_timeout: Duration) -> rusqlite::Result<Connection> {
    let connection = connect(path, busy_timeout)?;
    // Each commit waits for the disk. With `NORMAL`, a loss of power takes back the last ones.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // On macOS, `fsync` does not reach the disk without these.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "cache_size", WRITER_CACHE)?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub(crate) fn reading(path: &Path, busy_timeout: Duration) -> rusqlite::Result<Connection> {
    let connection = connect(path, busy_timeout)?;
    // Not read-only for the operating system: a reader takes part in the write-ahead log.
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", READER_CACHE)?;
    Ok(connection)
}

fn connect(path: &Path, busy_timeout: Duration) -> rusqlite::Result<Connection> {
    // No URIs, and nothing is created here: the file was, with its permissions.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // A file that somebody else wrote runs no code of its own.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// What is wrong with the pages of the database, if anything.
pub(crate) fn damage(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?;
    Ok((found != "ok").then_some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(connection: &Connection, pragma: &str) -> i64 {
        connection
            .pragma_query_value(None, pragma, |row| row.get(0))
            .expect("a number")
    }

    #[test]
    fn a_writer_waits_for_the_disk_and_a_reader_cannot_write() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        std::fs::write(&path, b"").expect("a file");
        let writer = writing(&path, Duration::ZERO).expect("a connection");
        // 2 is `FULL`.
        assert_eq!(number(&writer, "synchronous"), 2);
        assert_eq!(number(&writer, "fullfsync"), 1);
        let reader = reading(&path, Duration::ZERO).expect("a connection");
        reader
            .execute_batch("CREATE TABLE t (x)")
            .expect_err("it only reads");
    }
}
