//! An OAuth 2.1 authorization server.

mod authorization_endpoint;
mod authorization_parameters;
mod authorization_request;
mod authorization_response;
mod client;
mod client_authentication;
mod code_grant;
mod compile;
mod config;
mod endpoint;
mod grant;
mod issuer;
mod opaque_token;
mod pages;
mod parameters;
mod partition;
mod record;
mod redirect_uri;
mod rejection;
mod resource;
mod root_keys;
mod sealing;
mod server;
mod sign_in;
mod storage;
mod token_endpoint;

pub use authorization_endpoint::AuthorizationError;
pub use authorization_request::{Approval, AuthorizationRequest, Prompt, UpstreamTokens};
pub use client::{AuthenticationMethod, ClientOrigin, GrantType};
pub use config::{AccessTokenFormat, ClientConfig, Config, EndpointsConfig};
pub use issuer::{AuthorizationServer, Request};
pub use pages::{LanguageConfig, PagesConfig};
pub use parameters::Parameter;
pub use rejection::{
    ClientAuthenticationFailure, GrantFailure, PkceFailure, RedirectUriFailure, Rejection,
    ScopeFailure, SignInFailure, TargetFailure,
};
pub use sign_in::{
    ClaimRuleConfig, ProviderConfig, ProviderKind, SignInConfig, TrustedHeaderConfig,
};
