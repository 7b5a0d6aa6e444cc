//! Conversions of values for the npm package: JSON with names in camelCase.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use wasm_bindgen::{JsCast, JsValue};

use crate::error::Error;

/// Converts to a JavaScript value with the same members.
pub(crate) fn to_js(value: &impl Serialize) -> Result<JsValue, Error> {
    let value = serde_json::to_value(value).map_err(Error::Json)?;
    as_it_stands(&tollgate_config::camel_case(value))
}

/// Converts to a JavaScript value, without converting names.
pub(crate) fn as_it_stands(value: &Value) -> Result<JsValue, Error> {
    js_sys::JSON::parse(&value.to_string()).map_err(|thrown| Error::thrown(&thrown))
}

/// Converts a value of the package to a type whose members are in snake_case.
pub(crate) fn from_js<T: DeserializeOwned>(value: &JsValue) -> Result<T, Error> {
    serde_json::from_str(&json(value)?)
        .and_then(|value| serde_json::from_value(tollgate_config::snake_case(value)))
        .map_err(|error| Error::Failed(format!("the package gave something else: {error}")))
}

/// The result of `JSON.stringify`.
pub(crate) fn json(value: &JsValue) -> Result<String, Error> {
    let text = js_sys::JSON::stringify(value).map_err(|thrown| Error::thrown(&thrown))?;
    // For a value that is not JSON, it returns `undefined`, although the bindings do not say so.
    text.as_string()
        .ok_or_else(|| Error::Failed("the package gave something that is no JSON".to_owned()))
}

/// A member of an object, or `undefined`.
pub(crate) fn member(of: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(of, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// A response of the package.
pub(crate) fn response(value: JsValue) -> Result<worker::Response, Error> {
    value
        .dyn_into::<web_sys::Response>()
        .map(worker::Response::from)
        .map_err(|other| Error::thrown(&other))
}
