//! An OAuth 2.1 authorization server.

mod authorization_request;
mod client;
mod client_authentication;
mod compile;
mod config;
mod endpoint;
mod grant;
mod issuer;
mod opaque_token;
mod parameters;
mod partition;
mod record;
mod redirect_uri;
mod rejection;
mod root_keys;
mod sealing;
mod server;
mod storage;
mod token_endpoint;

pub use authorization_request::{Approval, AuthorizationRequest};
pub use client::{AuthenticationMethod, ClientOrigin, GrantType};
pub use config::{AccessTokenFormat, ClientConfig, Config, EndpointsConfig};
pub use issuer::{AuthorizationServer, Request};
pub use parameters::Parameter;
pub use rejection::{
    ClientAuthenticationFailure, GrantFailure, Rejection, ScopeFailure, TargetFailure,
};
