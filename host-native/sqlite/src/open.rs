//! Opening or creating the file.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{error, fmt, io};

use rusqlite::{Connection, ErrorCode};

use crate::connection::{damage, writing};
use crate::library::loses_commits;
use crate::schema::{self, SchemaError};

/// Settings of a store.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// How long a commit waits for a lock that another process has. Default: 5 seconds.
    pub busy_timeout: Duration,
    /// The threads that read. Default: 4.
    pub readers: usize,
    /// The size that the file may reach, in bytes, without the write-ahead log. Commits fail beyond
    /// it. Default: no limit but the disk.
    pub max_bytes: Option<u64>,
    /// Whether the whole file is read and checked for damage before it is used. Damage in a part that
    /// is not read at the start is otherwise found when that part is used. It took half a
    /// second for a million records of 400 bytes, from the system's cache. Default: true.
    pub check_pages: bool,
    /// Whether records that expired more than an hour ago are deleted in the background. Default:
    /// true.
    pub sweep: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            readers: 4,
            max_bytes: None,
            check_pages: true,
            sweep: true,
        }
    }
}

/// Why a store cannot be opened. No record was changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The SQLite library can lose committed data.
    Library {
        /// Its version.
        version: &'static str,
    },
    /// The file cannot be opened or created.
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The file is another program's database.
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of this program wrote the file.
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The file's schema version.
        found: i32,
        /// The newest version that this program knows.
        supported: i32,
    },
    /// The file is damaged, or it is not a database.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite found.
        found: String,
    },
    /// The file system cannot hold a write-ahead log.
    NoWriteAheadLog {
        /// The file.
        path: PathBuf,
    },
    /// Any other error of SQLite.
    Sqlite {
        /// The file.
        path: PathBuf,
        /// SQLite's error.
        error: rusqlite::Error,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Library { version } => write!(
                f,
                "This program was built with SQLite {version}, which can lose committed data. \
                 Build it with SQLite 3.51.3 or later."
            ),
            Self::File { path, error } => {
                write!(f, "Could not open {}: {error}.", path.display())
            }
            Self::Foreign { path } => write!(
                f,
                "{} is the database of another program. Choose another file.",
                path.display()
            ),
            Self::NewerSchema {
                path,
                found,
                supported,
            } => write!(
                f,
                "{} has schema version {found}, and this program supports versions up to \
                 {supported}. Start the newer version of the program that wrote the file.",
                path.display()
            ),
            Self::Damaged { path, found } => write!(
                f,
                "{} is damaged or not a database ({found}). Keep a copy of it, and restore a backup.",
                path.display()
            ),
            Self::NoWriteAheadLog { path } => write!(
                f,
                "{} is on a file system that cannot hold a write-ahead log. Choose a local disk.",
                path.display()
            ),
            Self::Sqlite { path, error } => {
                write!(f, "Could not open {}: {error}.", path.display())
            }
        }
    }
}

impl error::Error for OpenError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::File { error, .. } => Some(error),
            Self::Sqlite { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// Opens the file and brings it to the current schema. Returns its full path too.
pub(crate) fn open(path: &Path, settings: &Settings) -> Result<(PathBuf, Connection), OpenError> {
    if loses_commits(rusqlite::version_number()) {
        return Err(OpenError::Library {
            version: rusqlite::version(),
        });
    }
    let file_error = |error| OpenError::File {
        path: path.to_owned(),
        error,
    };
    create(path).map_err(file_error)?;
    // A full path has no special meaning to SQLite, as `:memory:` has.
    let full = fs::canonicalize(path).map_err(file_error)?;
    let sqlite_error = |error| sqlite_error(&full, error);

    let mut connection = writing(&full, settings.busy_timeout).map_err(sqlite_error)?;
    // Before anything is written to the file.
    schema::check(&connection).map_err(|error| schema_error(&full, error))?;
    restrict(&full).map_err(file_error)?;
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(sqlite_error)?;
    if mode != "wal" {
        return Err(OpenError::NoWriteAheadLog { path: full });
    }
    if settings.check_pages
        && let Some(found) = damage(&connection).map_err(sqlite_error)?
    {
        return Err(OpenError::Damaged { path: full, found });
    }
    schema::prepare(&mut connection).map_err(|error| schema_error(&full, error))?;
    if let Some(bytes) = settings.max_bytes {
        limit(&connection, bytes).map_err(sqlite_error)?;
    }
    Ok((full, connection))
}

/// Creates the file if it is not there. Only its owner can read and write it.
///
/// A file that is there is not opened: if this process has it open already, closing it again would
/// release SQLite's locks (POSIX releases the locks of a whole process).
fn create(path: &Path) -> io::Result<()> {
    let created = private(OpenOptions::new().read(true).write(true).create_new(true)).open(path);
    match created {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    if fs::metadata(path)?.is_file() {
        return Ok(());
    }
    let message = "it is not a file";
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

/// New files that only their owner can read and write.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

/// Takes the permissions of others away: from the file, and from what SQLite has beside it. New ones
/// get those of the file.
#[cfg(unix)]
fn restrict(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        let is_open = match fs::metadata(&name) {
            Ok(metadata) => metadata.permissions().mode() & 0o077 != 0,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if is_open {
            let path = Path::new(&name).display();
            tracing::warn!(%path, "Others could read or write this file. Its mode is set to 0600.");
            fs::set_permissions(&name, fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn restrict(_: &Path) -> io::Result<()> {
    Ok(())
}

fn limit(connection: &Connection, bytes: u64) -> rusqlite::Result<()> {
    let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1);
    connection.pragma_update_and_check(None, "max_page_count", pages.max(1), |_| Ok(()))
}

fn schema_error(path: &Path, error: SchemaError) -> OpenError {
    match error {
        SchemaError::Foreign => OpenError::Foreign {
            path: path.to_owned(),
        },
        SchemaError::Newer(found) => OpenError::NewerSchema {
            path: path.to_owned(),
            found,
            supported: schema::VERSION,
        },
        SchemaError::Sqlite(error) => sqlite_error(path, error),
    }
}

pub(crate) fn sqlite_error(path: &Path, error: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => OpenError::Damaged {
            path,
            found: error.to_string(),
        },
        _ => OpenError::Sqlite { path, error },
    }
}
