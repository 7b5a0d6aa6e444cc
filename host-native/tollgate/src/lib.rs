//! Tollgate on a server: the component under wasmtime, with what it needs of the world.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod gate;
mod layer;

pub use gate::*;
pub use layer::{GateLayer, GateService, Refusal};
