//! The rules of OAuth at the edge: pure, without I/O, clock or randomness of their own.
//!
//! Data flows one way: a host gives a [`resource_server::RequestHead`] to a
//! [`resource_server::Gate`] and gets a decision back, at once where nothing must be fetched,
//! else through a [`task::Task`] that it polls. What the gate needs of its host is the trait
//! [`capability::Host`].
//!
//! | module | role | specifications |
//! |---|---|---|
//! | [`jose`] | signatures and keys | RFC 7515, 7517, 7518, 7638, 8037, 9864 |
//! | [`keys`] | where an issuer's keys come from and how long they serve | RFC 8414, 9111 |
//! | [`access_token`] | claims, scopes, the cache of verified tokens | RFC 7519, 8725, 9068 |
//! | [`resource_server`] | requests, challenges, metadata | RFC 6750, 9728, MCP authorization |
//! | [`token_client`] | tokens for other APIs, for a user or for oneself | RFC 6749, 7523, 8693, 8707 |
#![forbid(unsafe_code)]

pub mod access_token;
pub mod answer;
pub mod capability;
pub mod challenge;
pub mod config_error;
pub mod deployment;
mod grammar;
pub mod http_url;
pub mod issuers;
pub mod jose;
pub mod json;
mod lease;
pub mod limits;
pub mod resource_server;
pub mod secret;
pub mod task;
pub mod token_client;
mod trusted_url;
