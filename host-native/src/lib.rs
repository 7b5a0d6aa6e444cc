//! Tollgate under wasmtime.

#[cfg(feature = "dev-issuer")]
pub mod dev_issuer;
