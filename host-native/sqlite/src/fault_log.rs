//! SQLite's errors: what they mean for an operation, and for the operator.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::ErrorCode;
use tollgate_core::store::StoreError;

/// An error is logged again after this time, if it still occurs.
const REPEAT: Duration = Duration::from_secs(600);

/// Logs each kind of error once.
#[derive(Debug)]
pub(crate) struct FaultLog {
    path: PathBuf,
    logged: Mutex<Vec<(ErrorCode, Instant)>>,
}

impl FaultLog {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            logged: Mutex::default(),
        }
    }

    /// Logs an error, unless it was logged a short time ago, and says what the caller gets.
    pub(crate) fn report(&self, error: &rusqlite::Error) -> StoreError {
        let code = error.sqlite_error_code().unwrap_or(ErrorCode::Unknown);
        if self.is_new(code, Instant::now()) {
            tracing::error!(path = %self.path.display(), %error, "{}", advice(code));
        }
        kind(code)
    }

    fn is_new(&self, code: ErrorCode, now: Instant) -> bool {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        logged.retain(|(_, at)| now.duration_since(*at) < REPEAT);
        let is_new = logged.iter().all(|(known, _)| *known != code);
        if is_new {
            logged.push((code, now));
        }
        is_new
    }
}

const fn kind(code: ErrorCode) -> StoreError {
    match code {
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed
        | ErrorCode::OperationInterrupted
        | ErrorCode::OutOfMemory => StoreError::Unavailable,
        _ => StoreError::Failed,
    }
}

const fn advice(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            "Another process keeps the database locked. Requests fail until it releases the lock."
        }
        ErrorCode::DiskFull => {
            "The disk is full, or the database has reached its maximum size. Nothing can be issued \
             or revoked until there is space."
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            "The database is damaged. Stop the program, keep a copy of the files, and restore a \
             backup."
        }
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen => {
            "The database cannot be written. Check the permissions of the file and of its folder."
        }
        ErrorCode::SystemIoFailure => {
            "The disk reports an error. Requests fail. Check the system's log and the disk."
        }
        _ => "The database does not work. Requests fail.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_logged_once() {
        let log = FaultLog::new(PathBuf::new());
        let now = Instant::now();
        assert!(log.is_new(ErrorCode::DiskFull, now));
        assert!(!log.is_new(ErrorCode::DiskFull, now));
        assert!(log.is_new(ErrorCode::DatabaseBusy, now));
        assert!(log.is_new(ErrorCode::DiskFull, now + REPEAT));
    }

    #[test]
    fn only_what_passes_is_unavailable() {
        assert_eq!(kind(ErrorCode::DatabaseBusy), StoreError::Unavailable);
        assert_eq!(kind(ErrorCode::DiskFull), StoreError::Failed);
        assert_eq!(kind(ErrorCode::DatabaseCorrupt), StoreError::Failed);
        assert_eq!(kind(ErrorCode::SystemIoFailure), StoreError::Failed);
    }
}
