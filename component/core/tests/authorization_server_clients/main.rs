//! Clients of the authorization server: who they are, how they register, and what they are told.
#![allow(
    clippy::unwrap_used,
    clippy::str_to_string,
    reason = "a test fails by panicking"
)]

#[path = "../harness/mod.rs"]
mod harness;

mod assertions;
mod authentication;
mod configuration;
mod documents;
mod management;
mod metadata;
mod registration;
#[allow(unreachable_pub, reason = "the other modules use it")]
mod support;
