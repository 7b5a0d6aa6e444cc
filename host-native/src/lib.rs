//! Tollgate on a server: the component under wasmtime, with what it needs of the world.

#[cfg(all(doctest, feature = "dev-issuer", feature = "gate"))]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(feature = "dev-issuer")]
pub mod dev_issuer;
#[cfg(feature = "dev-issuer")]
pub mod dev_upstream;
#[cfg(feature = "gate")]
mod gate;
#[cfg(feature = "gate")]
mod layer;

#[cfg(feature = "gate")]
pub use gate::*;
#[cfg(feature = "gate")]
pub use layer::{GateLayer, GateService, Refusal};
