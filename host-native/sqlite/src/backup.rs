//! A copy of the file while the store is used.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{error, fmt, io};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::connection::{damage, reading};
use crate::open::private;

/// Pages that are copied at once: 4 MiB.
const PAGES: i32 = 1024;

/// Why there is no backup. What was there before is unchanged.
#[derive(Debug)]
#[non_exhaustive]
pub enum BackupError {
    /// There is a file of this name already.
    Exists {
        /// The name.
        path: PathBuf,
    },
    /// The copy cannot be written.
    File {
        /// The copy.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// SQLite's error.
    Sqlite(rusqlite::Error),
    /// The copy has damaged pages, and so has the database.
    Damaged {
        /// What SQLite found.
        found: String,
    },
}

impl fmt::Display for BackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists { path } => write!(
                f,
                "{} exists already. Choose another name for the backup.",
                path.display()
            ),
            Self::File { path, error } => {
                write!(f, "Could not write the backup {}: {error}.", path.display())
            }
            Self::Sqlite(error) => write!(f, "Could not make the backup: {error}."),
            Self::Damaged { found } => {
                write!(f, "The database is damaged ({found}): no backup was made.")
            }
        }
    }
}

impl error::Error for BackupError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::File { error, .. } => Some(error),
            Self::Sqlite(error) => Some(error),
            Self::Exists { .. } | Self::Damaged { .. } => None,
        }
    }
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Copies the database of one moment to a new file. `path` appears when the copy is whole and on the
/// disk.
pub(crate) fn back_up(
    database: &Path,
    busy_timeout: Duration,
    path: &Path,
) -> Result<(), BackupError> {
    if path.symlink_metadata().is_ok() {
        return Err(BackupError::Exists {
            path: path.to_owned(),
        });
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    let partial = Partial(PathBuf::from(name));
    let file_error = |error| BackupError::File {
        path: path.to_owned(),
        error,
    };
    let mut options = OpenOptions::new();
    let file = private(options.read(true).write(true).create_new(true)).open(&partial.0);
    let file = file.map_err(file_error)?;
    let full = fs::canonicalize(&partial.0).map_err(file_error)?;
    copy(database, busy_timeout, &full)?;
    file.sync_all().map_err(file_error)?;
    // Unlike `rename`, this does not replace a file that has appeared meanwhile.
    fs::hard_link(&partial.0, path).map_err(file_error)?;
    drop(partial);
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))
        .and_then(|folder| folder.sync_all())
        .map_err(file_error)
}

fn copy(database: &Path, busy_timeout: Duration, path: &Path) -> Result<(), BackupError> {
    let source = reading(database, busy_timeout)?;
    let mut copy = Connection::open(path)?;
    // A copy that is not whole is removed, so it needs no journal.
    copy.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
    copy.pragma_update(None, "synchronous", "OFF")?;
    // While this transaction is open, the source is that of one moment. Without it, the copy would
    // begin again after each commit.
    let moment = source.unchecked_transaction()?;
    moment.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()))?;
    let backup = Backup::new(&moment, &mut copy)?;
    while backup.step(PAGES)? != StepResult::Done {}
    drop(backup);
    // The first access makes a write-ahead log beside a database of that mode; a backup is one file.
    copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    match damage(&copy)? {
        None => Ok(()),
        Some(found) => Err(BackupError::Damaged { found }),
    }
}

/// A file that is removed when this is dropped.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "Could not remove a temporary file.");
        }
    }
}
