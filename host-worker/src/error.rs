use tollgate_config::{ConfigError, ConfigPart};
use wasm_bindgen::{JsCast, JsValue};

use crate::javascript::member;

/// The result of a call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a gate made no decision. A refused request is not an error: it is
/// [`crate::Decision::Respond`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration or the Worker's `TOLLGATE_*` variables are invalid. If the error concerns
    /// the gate, every request fails until it is corrected.
    #[error("Tollgate's configuration: {0}")]
    Configuration(ConfigError),
    /// The configuration is not JSON, or has a value that JSON cannot express.
    #[error("Tollgate's configuration is not JSON: {0}")]
    Json(#[source] serde_json::Error),
    /// The Worker's entry file does not import the npm package `tollgate`.
    #[error("the npm package `tollgate` is missing: {0}")]
    Package(String),
    /// The component failed in this request. Other requests are not affected. The text is for logs,
    /// not for callers.
    #[error("Tollgate failed: {0}")]
    Failed(String),
    /// The token's claims do not fit the requested type.
    #[error("the token's claims are not of the expected type: {0}")]
    Claims(#[source] serde_json::Error),
}

impl Error {
    /// Converts an exception by the name that the package gives its errors.
    pub(crate) fn thrown(value: &JsValue) -> Self {
        let Some(error) = value.dyn_ref::<js_sys::Error>() else {
            return Self::Failed(value.as_string().unwrap_or_else(|| "no message".to_owned()));
        };
        let message = String::from(error.message());
        match String::from(error.name()).as_str() {
            "ConfigError" => Self::Configuration(config_error(value, message)),
            "PackageError" => Self::Package(message),
            _ => Self::Failed(message),
        }
    }
}

/// The package's `ConfigError`. Its message begins with the field, as `Display` of this type does.
fn config_error(thrown: &JsValue, message: String) -> ConfigError {
    let text = |name| member(thrown, name).as_string();
    let field = text("field").unwrap_or_default();
    let sentence = message
        .strip_prefix(&*field)
        .and_then(|rest| rest.strip_prefix(": "));
    ConfigError {
        part: match text("part").as_deref() {
            Some("client") => ConfigPart::Client,
            _ => ConfigPart::Gate,
        },
        message: sentence.map_or_else(|| message.clone(), str::to_owned),
        field,
    }
}

impl From<Error> for worker::Error {
    fn from(error: Error) -> Self {
        Self::RustError(error.to_string())
    }
}
