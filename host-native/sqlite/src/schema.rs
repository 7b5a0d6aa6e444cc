//! The schema of the file, and the steps from older ones.

use rusqlite::{Connection, TransactionBehavior};

/// `PRAGMA application_id`: `Toll` in ASCII. `file` and SQLite's own tools show it.
const APPLICATION_ID: i32 = 0x546f_6c6c;

/// The statements that lead from each version to the next. What was released is never changed: a
/// change of the schema is one more entry, with a test that begins with a file of the version before.
///
/// `value` is the last column, so that a condition or a sweep does not read what is long. There is no
/// index on `expires_at`: it would double what a commit writes.
const STEPS: [&str; 1] = ["
    CREATE TABLE records (
        partition TEXT NOT NULL,
        key TEXT NOT NULL,
        version TEXT NOT NULL,
        expires_at INTEGER,
        value BLOB NOT NULL,
        PRIMARY KEY (partition, key)
    ) STRICT, WITHOUT ROWID"];

/// The version that this program writes.
pub(crate) const VERSION: i32 = STEPS.len() as i32;

/// Why a database cannot be used.
#[derive(Debug)]
pub(crate) enum SchemaError {
    /// It is another program's.
    Foreign,
    /// It was written by a newer version of this program.
    Newer(i32),
    /// SQLite's error.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for SchemaError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Checks whose database it is, and brings it to [`VERSION`] in one transaction.
pub(crate) fn prepare(connection: &mut Connection) -> Result<(), SchemaError> {
    if check(connection)? == VERSION {
        return Ok(());
    }
    // Another process may do the same: who comes second finds it done.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = check(&transaction)?;
    for step in STEPS.iter().skip(usize::try_from(version).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

/// The version of a database that this program may use: 0 if it is empty.
pub(crate) fn check(connection: &Connection) -> Result<i32, SchemaError> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let version = number("user_version")?;
    let owner = number("application_id")?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    let is_empty = owner == 0 && version == 0 && tables == 0;
    if is_empty {
        Ok(0)
    } else if owner != APPLICATION_ID || version < 1 {
        Err(SchemaError::Foreign)
    } else if version > VERSION {
        Err(SchemaError::Newer(version))
    } else {
        Ok(version)
    }
}
