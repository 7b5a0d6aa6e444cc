//! Tollgate's core as a WebAssembly component: conversions between WIT and core, no decisions.
//!
//! Built for `wasm32-unknown-unknown` by `cargo xtask build`. The world is `gate`, without the
//! feature `token-client` it is `verifier`, and with the feature `conformance` it is `conformance`.

mod bindings;
mod capabilities;
mod gate;
#[cfg(feature = "conformance")]
mod raw_signatures;
#[cfg(feature = "token-client")]
mod signing;
#[cfg(feature = "token-client")]
mod token_exchange;

struct Component;

bindings::export!(Component with_types_in bindings);
