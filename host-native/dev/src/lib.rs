//! An OAuth issuer, and an API to call on behalf of users, for development and tests.

#[cfg(all(doctest, feature = "upstream"))]
#[doc = include_str!("../README.md")]
mod readme {}

pub mod issuer;
#[cfg(feature = "upstream")]
pub mod upstream;
