//! Why a step did not succeed, and what its reader can do about it.

use std::{fmt, io, process::ExitStatus, time::Duration};

/// Why a step failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The operating system said no.
    Io {
        /// What was being done: "read Cargo.lock".
        doing: String,
        /// Its answer.
        source: io::Error,
    },
    /// A command ended badly. Its output is in the step's log.
    Command {
        /// The command as one would type it.
        line: String,
        /// How it ended.
        ending: Ending,
    },
    /// Something that only the reader can provide is missing.
    Needs {
        /// What.
        what: String,
        /// What to do.
        next: String,
    },
    /// A file or an answer is not what it has to be.
    Unexpected {
        /// What was looked at.
        what: String,
        /// What is wrong with it.
        found: String,
    },
    /// An earlier step on which this one rests failed.
    Skipped {
        /// The name of that step.
        because: &'static str,
    },
    /// This machine lacks something that the step is about, and the suite can do without. The step
    /// counts as not run: neither as passed nor as failed.
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
