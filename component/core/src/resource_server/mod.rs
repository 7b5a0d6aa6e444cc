//! A protected resource: RFC 6750, RFC 9728, MCP authorization 2026-07-28.

mod answer;
mod challenge;
mod compile;
mod compile_issuer;
mod config;
mod cors;
mod credentials;
mod environment;
mod gate;
mod judgement;
mod metadata;
mod path_readings;
mod rejection;
mod route;

pub use crate::config_error::{ConfigError, ConfigPart, Naming};
pub use answer::Answer;
pub use challenge::Challenge;
pub(crate) use compile::trusted_url;
pub(crate) use compile_issuer::COMPONENTS_WITH_ALL_ALGORITHMS;
pub use config::{
    Access, Config, Cors, IssuerConfig, KeyLocationConfig, KeyPolicyConfig, Metadata, RouteConfig,
    TokenCacheConfig,
};
pub use credentials::{bearer_token_start, check_token68};
pub use environment::{Setting, ValueKind};
pub(crate) use gate::Inner as GateInner;
pub use gate::{Allowed, Decision, Gate, Outcome, RequestHead, Step};
pub use rejection::Rejection;
