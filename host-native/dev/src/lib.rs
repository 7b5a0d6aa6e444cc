//! An OAuth issuer, and an API to call on behalf of users, for development and tests.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

pub mod issuer;
pub mod upstream;
