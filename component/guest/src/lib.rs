//! Tollgate's core as a WebAssembly component: conversions between WIT and core, no decisions.
//!
//! Built for `wasm32-unknown-unknown` by `cargo xtask build`. The world is `gate`, without the
//! feature `token-client` it is `verifier`. With the feature `conformance` it is `conformance`, and
//! with the feature `issuer`, without others, `issuer`.

#[cfg(feature = "issuer")]
mod authorization_server;
mod bindings;
mod capabilities;
#[cfg(feature = "issuer")]
mod clients;
#[cfg(not(feature = "issuer"))]
mod gate;
#[cfg(feature = "issuer")]
mod hooks;
#[cfg(feature = "conformance")]
mod raw_signatures;
#[cfg(any(feature = "token-client", feature = "issuer"))]
mod signing;
#[cfg(feature = "issuer")]
mod store;
#[cfg(feature = "token-client")]
mod token_exchange;

struct Component;

bindings::export!(Component with_types_in bindings);
