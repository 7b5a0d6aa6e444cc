//! Settings of the environment, as a host finds them.

use std::ffi::OsString;

use serde::{Deserialize, Serialize};

use crate::record::{enums, variants};
use crate::secret::Secret;

variants! {
    /// The value of a setting, as the host finds it. `Debug` does not show its text, which may be a
    /// secret.
    #[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
    #[serde(untagged)]
    pub enum Setting {
        /// White space around the text is ignored. An empty text counts as left out. If the setting
        /// is a list, commas or white space separate its entries.
        "text" Text(Secret),
        /// A list of texts, if the host's environment has lists. Only for `TOLLGATE_AUDIENCE` and
        /// `TOLLGATE_SCOPES`.
        "texts" Texts(Vec<String>),
        /// Any other value, which is an error. It cannot be serialized.
        #[serde(skip)]
        "unusable" Unusable(ValueKind),
    }
}

impl From<&str> for Setting {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Setting {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<OsString> for Setting {
    fn from(value: OsString) -> Self {
        match value.into_string() {
            Ok(text) => text.into(),
            Err(_) => Self::Unusable(ValueKind::NotUtf8),
        }
    }
}

enums! {
    /// The kind of a value that is neither a text nor a list of texts.
    pub enum ValueKind {
        /// `null`.
        "null" Null,
        /// True or false.
        "boolean" Boolean,
        /// A number.
        "number" Number,
        /// A list with an entry that is not text.
        "mixed-list" MixedList,
        /// An object.
        "object" Object,
        /// An object that returns its value on request, such as a binding of a secrets store.
        "binding" Binding,
        /// A function.
        "function" Function,
        /// Bytes that are not UTF-8, in the name or in the value.
        "not-utf8" NotUtf8,
        /// Anything else.
        "other" Other,
    }

    /// How the users of a host spell the names of options.
    pub enum Naming {
        /// `clock-tolerance`
        #[serde(rename = "kebab-case")]
        "kebab-case" KebabCase,
        /// `clockTolerance`
        #[serde(rename = "camelCase")]
        "camel-case" CamelCase,
        /// `clock_tolerance`
        #[serde(rename = "snake_case")]
        "snake-case" SnakeCase,
    }
}
