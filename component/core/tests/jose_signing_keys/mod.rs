//! Private keys for tests: made by OpenSSL in PEM, the same converted by Node to JSON, and those of
//! RFCs.
#![allow(dead_code, reason = "each test file uses some")]

use tollgate_core::json::{Json, Object};

/// The text of a PEM file.
#[macro_export]
macro_rules! pem {
    ($name:literal) => {
        include_str!(concat!("jose_signing_keys/", $name, ".pem"))
    };
}

/// Members of a JWK that are private.
pub(crate) const PRIVATE: [&str; 6] = ["d", "p", "q", "dp", "dq", "qi"];

/// A key of `keys.json`.
pub(crate) fn jwk(name: &str) -> Object<'static> {
    let list = Json::parse(include_bytes!("keys.json"), 4).unwrap();
    let entries = list.as_array().unwrap().iter();
    let mut entries = entries.map(|entry| entry.as_object().unwrap());
    let named = |entry: &&Object<'_>| entry.get("name").and_then(Json::as_str) == Some(name);
    let entry = entries.find(named).unwrap();
    entry.get("jwk").unwrap().as_object().unwrap().clone()
}

/// The object with a member set.
pub(crate) fn with(jwk: &Object<'_>, name: &str, json: &str) -> Object<'static> {
    let mut jwk = jwk.clone();
    jwk.insert(name, Json::parse(json.as_bytes(), 4).unwrap());
    jwk.into_owned()
}

/// The object without some members.
pub(crate) fn without<'a>(jwk: &Object<'a>, names: &[&str]) -> Object<'a> {
    let mut rest = Object::default();
    for (name, value) in jwk.iter().filter(|(name, _)| !names.contains(name)) {
        rest.insert(name.to_owned(), value.clone());
    }
    rest
}
