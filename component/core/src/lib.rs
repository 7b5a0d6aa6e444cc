//! The rules of OAuth at the edge. This crate is pure: it has no I/O, clock or randomness of its
//! own.
//!
//! Data flows one way: a [`deployment::Deployment`] is compiled once from a [`deployment::Config`].
//! A host gives a [`resource_server::RequestHead`] to its [`resource_server::Gate`] and gets a
//! decision: at once if nothing must be fetched, otherwise through a [`task::Task`] that it polls.
//! The trait [`capability::Host`] has the capabilities that the gate needs from its host.
//!
//! A role uses the issuers and the ground floor (all modules below them), and never another role:
//! `tests/house.rs` checks that.
//!
//! Features, on by default: `token-client` and `authorization-server`, for the roles of these names.
//! Without both there is nothing of private keys. Without `token-client`, a configuration with a
//! client is refused.
//!
//! | module | what | specifications |
//! |---|---|---|
//! | [`deployment`] | checks options and environment, and connects the roles | |
//! | [`resource_server`] | a role: requests, credentials, metadata | RFC 6750, 9728, MCP authorization |
//! | `token_client` | a role: tokens for other APIs, for a user or for the application | RFC 6749, 7523, 8693, 8707 |
//! | `authorization_server` | a role: registers clients, and issues tokens to them for users | RFC 6749, 7009, 7591, 7636, 7662, 8414, 8693, 9068 |
//! | [`issuers`] | metadata and keys of issuers, and how long they are used | RFC 8414, 9111 |
//! | [`access_token`] | claims, scopes, the cache of verified tokens | RFC 7519, 8725, 9068 |
//! | [`jose`] | signatures and keys | RFC 7515, 7517, 7518, 7638, 8037, 9864 |
//! | `store` | records in partitions, changed under conditions | |
//! | [`answer`], [`challenge`] | responses | RFC 6749 section 5.2, RFC 6750 section 3 |
//! | [`capability`], [`config_error`], [`http_url`], [`json`], [`secret`], [`task`] | used by every module | |
#![forbid(unsafe_code)]
#![cfg_attr(
    not(all(feature = "token-client", feature = "authorization-server")),
    expect(dead_code, reason = "lower floors have what only these roles call")
)]

pub mod access_token;
pub mod answer;
#[cfg(feature = "authorization-server")]
pub mod authorization_server;
#[cfg(feature = "private-keys")]
mod basic_credentials;
pub mod capability;
pub mod challenge;
mod client_config;
pub mod config_error;
pub mod deployment;
mod grammar;
pub mod http_url;
pub mod issuers;
pub mod jose;
pub mod json;
mod lease;
pub mod limits;
#[cfg(feature = "authorization-server")]
mod options;
pub mod resource_server;
pub mod secret;
#[cfg(feature = "authorization-server")]
pub mod store;
pub mod task;
#[cfg(feature = "token-client")]
pub mod token_client;
mod trusted_url;
