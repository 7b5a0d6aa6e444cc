use wasm_bindgen::{JsCast, JsValue};

/// What a call of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a gate gave no decision. A refused request is no error: it is [`crate::Outcome::Respond`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The options or the Worker's `TOLLGATE_*` variables cannot work. Every request fails until
    /// that is changed.
    #[error("Tollgate's configuration: {message}")]
    Configuration {
        /// What to change, as it was set: `issuers[0].audiences`, or `TOLLGATE_AUDIENCE`.
        field: String,
        /// The field again, and a sentence that says what to change.
        message: String,
    },
    /// The options are no JSON.
    #[error("Tollgate's options are no JSON: {0}")]
    Options(#[source] serde_json::Error),
    /// The Worker's entry file did not bring the npm package `tollgate`.
    #[error("the npm package `tollgate` is missing: {0}")]
    Package(String),
    /// The component failed in this request. Others are not concerned. The text is for logs, not
    /// for callers.
    #[error("Tollgate failed: {0}")]
    Failed(String),
    /// The token's claims are not of the asked type.
    #[error("the token's claims are not of the expected type: {0}")]
    Claims(#[source] serde_json::Error),
}

impl Error {
    /// What JavaScript threw, told apart by the name that the package gives its errors.
    pub(crate) fn thrown(value: &JsValue) -> Self {
        let Some(error) = value.dyn_ref::<js_sys::Error>() else {
            return Self::Failed(value.as_string().unwrap_or_else(|| "no message".to_owned()));
        };
        let message = String::from(error.message());
        match String::from(error.name()).as_str() {
            "ConfigError" => Self::Configuration {
                field: js_sys::Reflect::get(value, &"field".into())
                    .ok()
                    .and_then(|field| field.as_string())
                    .unwrap_or_default(),
                message,
            },
            "PackageError" => Self::Package(message),
            _ => Self::Failed(message),
        }
    }
}

impl From<Error> for worker::Error {
    fn from(error: Error) -> Self {
        Self::RustError(error.to_string())
    }
}
