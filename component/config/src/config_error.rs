//! An invalid configuration.

use std::fmt;

use crate::record::{enums, records};

records! {
    /// An invalid configuration.
    #[derive(Clone, Debug, Eq, PartialEq)]
    pub struct ConfigError {
        /// The part that does not work because of the error.
        "part" part: ConfigPart,
        /// The option or setting to change, as the user named it: `issuers[0].audiences`, or
        /// `TOLLGATE_AUDIENCE`.
        "field" field: String,
        /// One sentence that says what is wrong and what to change.
        "message" message: String,
    }
}

enums! {
    /// Which part of a configuration is invalid.
    #[serde(rename_all = "kebab-case")]
    pub enum ConfigPart {
        /// The gate.
        "gate" Gate,
        /// The gate's client. No token can be requested; everything else works.
        "client" Client,
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl std::error::Error for ConfigError {}
