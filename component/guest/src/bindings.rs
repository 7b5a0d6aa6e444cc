//! Generated from `wit/`.
#![allow(missing_docs, reason = "the documentation is in wit/")]

#[cfg(feature = "issuer")]
wit_bindgen::generate!({ path: "../../wit", world: "issuer", pub_export_macro: true });

#[cfg(not(any(feature = "token-client", feature = "issuer")))]
wit_bindgen::generate!({ path: "../../wit", world: "verifier", pub_export_macro: true });

#[cfg(all(feature = "token-client", not(feature = "conformance")))]
wit_bindgen::generate!({ path: "../../wit", world: "gate", pub_export_macro: true });

#[cfg(feature = "conformance")]
wit_bindgen::generate!({ path: "../../wit", world: "conformance", pub_export_macro: true });
