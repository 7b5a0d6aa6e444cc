//! Tollgate's core as a WebAssembly component: conversions between WIT and core, no decisions.
//!
//! Built for `wasm32-unknown-unknown` by `cargo xtask build`; world `gate`, or `conformance` with
//! the feature of that name.

mod bindings;
mod capabilities;
mod gate;
#[cfg(feature = "conformance")]
mod raw_signatures;
mod token_exchange;

struct Component;

bindings::export!(Component with_types_in bindings);
