//! An OAuth client that requests tokens for a user whose token was verified (RFC 8693 token
//! exchange), or for the application itself (RFC 6749 client credentials).
//!
//! | file | concept | specification |
//! |---|---|---|
//! | `client_authentication` | client authentication | RFC 6749 section 2.3, RFC 7523 |
//! | `token_request`, `token_response` | a request and its response | RFC 6749 section 5, RFC 8693 section 2, RFC 8707 |
//! | `token_endpoint` | the URL that requests are sent to | RFC 8414 |
//! | `exchanged_tokens` | the cache of exchanged tokens | – |
//! | `in_flight` | one request for concurrent callers | – |
//! | `failure` | why a request failed, and the response for each reason | RFC 6749 section 5.2 |
//!
//! One user's token never reaches another user: the cache key is a hash over all parts of the
//! request, each preceded by its length, and the verified token itself is one of the parts.

mod client;
mod client_authentication;
mod client_keys;
mod compile;
mod exchanged_tokens;
mod failure;
mod in_flight;
mod retry_after;
mod token_endpoint;
mod token_request;
mod token_response;

pub use client::{AssertionStep, TokenClient, TokenStep};
pub(crate) use compile::{CompiledClient, compile_client};
pub use exchanged_tokens::CacheKey;
pub use failure::{OAuthError, TokenFailure};
pub use token_request::{Delegation, Grant, TokenTarget, TypedToken};
pub use token_response::Token;

pub use crate::client_config::{
    AssertionAudience, ClientAuthenticationMethod, ClientConfig, ClientKeyConfig, ClientKeySource,
    ExchangeCacheConfig,
};
