//! Why the component does not start.

use std::fmt;

use tollgate_config::ConfigError;

use super::engine::ProgramError;

/// Why a gate or an issuer could not be built.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The configuration is invalid: that of the gate, of its client, or of the issuer.
    Config(ConfigError),
    /// The component cannot be compiled on this machine.
    Program(ProgramError),
    /// The component failed at its start, most likely because its memory limit is too low.
    Start(String),
    /// TLS could not be set up, so no other server could be reached.
    Tls(String),
    /// There is no Tokio runtime, which is needed for fetches.
    NoRuntime,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Program(error) => error.fmt(f),
            Self::Start(error) => write!(
                f,
                "the component did not start; if its memory limit is too low, raise max_memory: \
                 {error}"
            ),
            Self::Tls(error) => write!(f, "TLS could not be set up: {error}"),
            Self::NoRuntime => f.write_str("there is no Tokio runtime: call `build` inside of one"),
        }
    }
}

impl std::error::Error for BuildError {}
