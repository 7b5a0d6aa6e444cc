//! Settings in force.

use crate::record::records;

records! { from the component:
    /// What a host may need of the settings in force: from the configuration, the environment and
    /// defaults.
    #[derive(Clone, Debug, Eq, PartialEq)]
    pub struct Settings {
        /// The origin of [`Config::resource`](crate::Config::resource). None: it is left out, and
        /// the URL of each request counts.
        "origin" origin: Option<String>,
        /// The `cooldown` of [`KeyPolicy`](crate::KeyPolicy), in milliseconds.
        "cooldown-ms" cooldown_ms: u64,
    }
}
