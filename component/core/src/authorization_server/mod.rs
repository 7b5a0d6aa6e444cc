//! An OAuth 2.1 authorization server.

mod access_token;
mod authorization_endpoint;
mod authorization_parameters;
mod authorization_request;
mod authorization_response;
mod client;
mod client_assertion;
mod client_authentication;
mod client_credentials;
mod client_id_url;
mod client_info;
mod client_keys;
mod client_management;
mod client_metadata;
mod client_metadata_document;
mod client_metadata_failure;
mod client_rejection;
mod clients;
mod code_grant;
mod compile;
mod compile_clients;
mod config;
mod config_json;
mod cors;
mod endpoint;
mod grant;
mod grant_lease;
mod grant_tokens;
mod grants;
mod hooks;
mod introspection;
mod issuer;
mod metadata;
mod narrowing;
mod opaque_token;
mod pages;
mod parameters;
mod partition;
mod pkce;
mod record;
mod redirect_uri;
mod refresh_grant;
mod registration;
mod rejection;
mod resource;
mod revocation;
mod root_keys;
mod sealing;
mod server;
mod sign_in;
mod signing_keys;
mod special_use;
mod storage;
mod token_check;
mod token_endpoint;
mod token_exchange;
mod token_response;
mod undelivered;
mod upstream_tokens;

pub use authorization_endpoint::AuthorizationError;
pub use authorization_request::{Approval, AuthorizationRequest, Prompt, UpstreamTokens};
pub use client::{AuthenticationMethod, ClientOrigin, GrantType};
pub use client_assertion::AssertionFailure;
pub use client_id_url::MetadataDocumentFailure;
pub use client_info::{ChangedClient, ClientChanges, ClientInfo, ClientPage, NewClient};
pub use client_metadata_failure::ClientMetadataFailure;
pub use client_rejection::{ClientAuthenticationFailure, InitialAccessTokenFailure};
pub use config::{
    AccessTokenFormat, ClientConfig, Config, EndpointsConfig, MetadataDocumentsConfig,
    RegistrationAccess, RegistrationConfig,
};
pub use grants::{GrantInfo, GrantPage, TokenInfo};
pub use hooks::{
    AuditEvent, AuditKind, GrantHandle, HookError, Hooks, NoHooks, TokenDecision,
    TokenDecisionRequest,
};
pub use issuer::{AuthorizationServer, Request};
pub use pages::{LanguageConfig, PagesConfig};
pub use parameters::Parameter;
pub use redirect_uri::RedirectUriError;
pub use rejection::{
    GrantFailure, PkceFailure, RedirectUriFailure, Rejection, ScopeFailure, SignInFailure,
    TargetFailure,
};
pub use sign_in::{
    ClaimRuleConfig, ProviderConfig, ProviderKind, SignInConfig, TrustedHeaderConfig,
};
