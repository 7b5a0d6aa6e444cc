//! A configuration that cannot work.

use std::fmt;

use crate::record::{enums, records};

records! {
    /// A configuration that cannot work.
    #[derive(Clone, Debug, Eq, PartialEq)]
    pub struct ConfigError {
        /// What does not work because of it.
        "part" part: ConfigPart,
        /// What to change, as the user named it: an option such as `issuers[0].audiences`, or a
        /// setting such as `TOLLGATE_AUDIENCE`.
        "field" field: String,
        /// One sentence that says what to change.
        "message" message: String,
    }
}

enums! {
    /// Which part of a configuration cannot work.
    #[serde(rename_all = "kebab-case")]
    pub enum ConfigPart {
        /// The gate.
        "gate" Gate,
        /// The gate's client: no token can be asked for, and everything else works.
        "client" Client,
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl std::error::Error for ConfigError {}
