//! An OAuth 2.1 authorization server.

mod authorization_request;
mod client;
mod client_assertion;
mod client_authentication;
mod client_id_url;
mod client_info;
mod client_keys;
mod client_management;
mod client_metadata;
mod client_metadata_document;
mod client_metadata_failure;
mod client_rejection;
mod clients;
mod compile;
mod compile_clients;
mod config;
mod cors;
mod endpoint;
mod grant;
mod issuer;
mod metadata;
mod opaque_token;
mod parameters;
mod partition;
mod record;
mod redirect_uri;
mod registration;
mod rejection;
mod root_keys;
mod sealing;
mod server;
mod special_use;
mod storage;
mod token_endpoint;

pub use authorization_request::{Approval, AuthorizationRequest};
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
pub use issuer::{AuthorizationServer, Request};
pub use parameters::Parameter;
pub use redirect_uri::RedirectUriError;
pub use rejection::{GrantFailure, Rejection, ScopeFailure, TargetFailure};
