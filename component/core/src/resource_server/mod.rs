//! A protected resource: RFC 6750, RFC 9728, MCP authorization 2026-07-28.

mod compile;
mod config;
mod cors;
mod credentials;
mod decision;
mod documents;
mod gate;
mod issuer_policy;
mod metadata;
mod path_readings;
mod path_segments;
mod rejection;
mod request_target;
mod route;
mod route_path;
mod token_check;

#[cfg(feature = "token-client")]
pub(crate) use compile::PublishedKeys;
pub(crate) use compile::{GateConfig, GateRules};
pub use config::{Access, Cors, Metadata, RouteConfig, TokenCacheConfig};
pub use credentials::{bearer_token_start, check_token68};
pub use decision::{Allowed, Decision, Outcome, RequestHead, Step};
pub use gate::Gate;
pub(crate) use issuer_policy::{Resource, issuer_policy};
pub use rejection::Rejection;
