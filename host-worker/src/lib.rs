//! OAuth for Workers written in Rust.
//!
//! [`Gate`] decides about each request before it reaches a workers-rs handler: who calls, and
//! whether they may. The WebAssembly component of the npm package `tollgate` makes the decisions,
//! in the same isolate. This crate only converts values. It has no rules of its own, and the
//! application never has access to a private key.
//!
//! ```no_run
//! use tollgate_worker::{Config, Gate, Route};
//! use worker::{Context, Env, Request, Response, Result, event};
//!
//! # fn main() {}
//! thread_local! {
//!     /// One gate per isolate: it holds the issuer's keys and the tokens verified before.
//!     static GATE: Gate = Gate::new(
//!         Config::default()
//!             .route(Route::public("/health"))
//!             .route(Route::protected("/reports", ["reports:read"])),
//!     );
//! }
//!
//! #[event(fetch)]
//! async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
//!     let gate = GATE.with(Gate::clone);
//!     gate.protect(request, env, context, async |_request, _env, _context, identity| {
//!         let name = identity.as_ref().and_then(|identity| identity.subject());
//!         Response::ok(format!("Hello, {}\n", name.unwrap_or("stranger")))
//!     })
//!     .await
//! }
//! ```
//!
//! The issuer, the audience and the resource come from [`Config`], or from the variables
//! `TOLLGATE_ISSUER`, `TOLLGATE_AUDIENCE` and `TOLLGATE_RESOURCE` of the Worker. This crate's
//! README describes how to build a Worker.
//!
//! The request's body is *not* checked here, nor scopes that depend on it; see
//! [`Identity::require`].

mod delegated_access;
mod error;
mod gate;
mod identity;
mod javascript;
mod package;
mod token_arguments;
mod token_error;

pub use delegated_access::FetchError;
pub use error::{Error, Result};
pub use gate::{Allowed, Authenticated, Decision, Gate, Refused};
pub use identity::Identity;
pub use token_error::TokenError;
pub use tollgate_config::{
    Access, AccessToken, Actor, AssertionAudience, Client, ClientAuthentication, ClientKey,
    ClientKeySource, Config, ConfigError, ConfigPart, Cors, ExchangeCache, ExchangeTarget, Grant,
    Issuer, KeyLocation, KeyPolicy, Metadata, Naming, OauthError, Route, Secret, Setting, Token,
    TokenCache, TokenErrorKind, TokenTarget, TypedToken, ValueKind,
};
