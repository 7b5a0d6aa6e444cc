//! An OAuth client that requests tokens for a user whose token was verified (RFC 8693 token
//! exchange), or for the application itself (RFC 6749 client credentials).
//!
//! | file | concept | specification |
//! |---|---|---|
//! | `client_authentication` | who the application says it is | RFC 6749 section 2.3, RFC 7523 |
//! | `token_request`, `token_response` | the two halves of a request | RFC 6749 section 5, RFC 8693 section 2, RFC 8707 |
//! | `token_endpoint` | where it goes | RFC 8414 |
//! | `exchanged_tokens` | what is kept, and for whom | – |
//! | `in_flight` | one request for all who ask for the same | – |
//! | `failure` | why there is no token, and the one way each reason goes to the wire | RFC 6749 section 5.2 |
//!
//! One user's token never reaches another user: the cache key is a hash over all parts of the
//! request, each preceded by its length, and the verified token itself is one of the parts.

mod client;
mod client_authentication;
mod client_keys;
mod compile;
mod config;
mod exchanged_tokens;
mod failure;
mod in_flight;
mod retry_after;
mod token_endpoint;
mod token_request;
mod token_response;

pub use client::{AssertionStep, TokenClient, TokenStep};
pub(crate) use compile::{CompiledClient, compile_client};
pub use config::{
    AssertionAudience, ClientAuthenticationMethod, ClientConfig, ClientKeyConfig, ClientKeySource,
    ExchangeCacheConfig,
};
pub use exchanged_tokens::CacheKey;
pub use failure::{OAuthError, TokenFailure};
pub use token_request::{Delegation, Grant, TokenTarget, TypedToken};
pub use token_response::Token;
