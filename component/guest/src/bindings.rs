//! Generated from `wit/`.
#![allow(missing_docs, reason = "the documentation is in wit/")]

#[cfg(not(feature = "conformance"))]
wit_bindgen::generate!({ path: "../../wit", world: "gate", pub_export_macro: true });

#[cfg(feature = "conformance")]
wit_bindgen::generate!({ path: "../../wit", world: "conformance", pub_export_macro: true });
