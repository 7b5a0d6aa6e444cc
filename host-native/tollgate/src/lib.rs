//! Tollgate on a server: the component under wasmtime, with the host's clock, randomness, HTTP and
//! signatures.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(all(doctest, feature = "issuer"))]
#[doc = include_str!("../../../docs/issuer.md")]
mod issuer_page {}

mod gate;
mod host;
#[cfg(feature = "issuer")]
pub mod issuer;
mod layer;

pub use gate::*;
pub use layer::{GateLayer, GateService, Refusal};
