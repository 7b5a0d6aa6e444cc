//! Why a step failed, and what the user can do.

use std::{fmt, io, process::ExitStatus, time::Duration};

/// Why a step failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The operating system returned an error.
    Io {
        /// What was being done: "read Cargo.lock".
        doing: String,
        /// The error.
        source: io::Error,
    },
    /// A command failed. Its output is in the step's log.
    Command {
        /// The command as one would type it.
        line: String,
        /// Its result.
        ending: Ending,
    },
    /// Something is missing that only the user can provide.
    Needs {
        /// What.
        what: String,
        /// What to do.
        next: String,
    },
    /// A file or an answer is not as expected.
    Unexpected {
        /// What was looked at.
        what: String,
        /// What is wrong with it.
        found: String,
    },
    /// An earlier step that this one needs failed.
    Skipped {
        /// The name of that step.
        because: &'static str,
    },
    /// This machine lacks something that the step needs, but the suite does not. The step counts as
    /// not run: neither as passed nor as failed.
    NotRun {
        /// What is missing.
        reason: String,
        /// What to do so that the step runs.
        next: String,
    },
}

/// How a command ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// With this status.
    Status(ExitStatus),
    /// It was stopped after this time.
    TimedOut(Duration),
}

impl Failure {
    /// An [`Failure::Io`] for `map_err`.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, source } => write!(f, "cannot {doing}: {source}"),
            Self::Command {
                line,
                ending: Ending::Status(status),
            } => {
                write!(f, "`{line}` ended with {status}")
            }
            Self::Command {
                line,
                ending: Ending::TimedOut(limit),
            } => {
                write!(f, "`{line}` was stopped after {} s", limit.as_secs())
            }
            Self::Needs { what, next } => write!(f, "{what}\n{next}"),
            Self::NotRun { reason, next } => write!(f, "not run: {reason}\n{next}"),
            Self::Unexpected { what, found } => write!(f, "{what}: {found}"),
            Self::Skipped { because } => write!(f, "not run, because `{because}` failed"),
        }
    }
}

impl std::error::Error for Failure {}
