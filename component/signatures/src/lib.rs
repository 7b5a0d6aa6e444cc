//! The signature algorithms of JOSE in pure Rust, with RustCrypto's and dalek's crates.
//!
//! As a library for Rust hosts, and as the component `tollgate-signatures.wasm`, which exports the
//! interface `signatures` of `wit/` for hosts that have no cryptography of their own.
//!
//! Core decides which key may be used with which algorithm, and checks key sizes, weak keys and the
//! length of signatures. This crate refuses only keys that the cryptographic crates refuse.
#![cfg_attr(not(target_family = "wasm"), forbid(unsafe_code))]

#[cfg(target_family = "wasm")]
mod component;
mod signing_key;
mod verifying_key;

pub use signing_key::SigningKey;
pub use verifying_key::VerifyingKey;

/// Supported `alg` values for verifying (RFC 7518 section 3.1, RFC 9864).
pub const VERIFY: [&str; 10] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519",
];

/// Supported `alg` values for signing.
pub const SIGN: [&str; 10] = VERIFY;

/// Why an operation failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The algorithm is not in [`VERIFY`] or [`SIGN`], or does not fit the key.
    Unsupported,
    /// The key is damaged or invalid.
    KeyRefused,
    /// The signature could not be computed.
    Failed,
}
