//! The gate against a real issuer over real HTTP.

#![cfg(all(feature = "gate", feature = "dev-issuer"))]

mod building;
mod decisions;
mod isolation;
mod issuer_trouble;
mod layer;
mod support;
