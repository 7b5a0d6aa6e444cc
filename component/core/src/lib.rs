//! The rules of OAuth at the edge: pure, without I/O, clock or randomness.
#![forbid(unsafe_code)]

pub mod jose;
pub mod json;
