//! The signature algorithms of JOSE by pure-Rust cryptography: RustCrypto's crates and dalek's.
//!
//! As a library for Rust hosts, and as the component `tollgate-signatures.wasm`, which exports the
//! interface `signatures` of `wit/` for hosts that have no cryptography of their own.
//!
//! Which key may be used with which algorithm, key sizes, weak keys and the length of signatures
//! are core's decisions. Here a key that its crate refuses is refused, and nothing else is judged.
#![cfg_attr(not(target_family = "wasm"), forbid(unsafe_code))]

#[cfg(target_family = "wasm")]
mod component;
mod signing_key;
mod verifying_key;

pub use signing_key::SigningKey;
pub use verifying_key::VerifyingKey;

/// `alg` values of signatures that are checked here (RFC 7518 section 3.1, RFC 9864).
pub const VERIFY: [&str; 10] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519",
];

/// `alg` values of signatures that are made here.
pub const SIGN: [&str; 10] = VERIFY;

/// Why there is no verdict or no signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The algorithm is not one of [`VERIFY`] or [`SIGN`], or not for this key.
    Unsupported,
    /// The key is damaged, or not one that can exist.
    KeyRefused,
    /// The signature could not be computed.
    Failed,
}
